# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PLUGINS = Path(__file__).parents[3] / 'plugins'


def imports(path: Path) -> set[str]:
    """The files of the collection that this one imports, as ``plugin_utils/_client``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or '').split('.'))
            files = [folder] if folder.with_suffix('.py').exists() else [folder / alias.name for alias in node.names]
            found |= {str(file.relative_to(PLUGINS)) for file in files}
    return found


def test_imports_only_go_down() -> None:
    graph = {str(path.relative_to(PLUGINS).with_suffix('')): imports(path) for path in PLUGINS.rglob('*.py')}
    assert 'plugin_utils/_health' in graph['action/firefly_health']
    assert not [name for names in graph.values() for name in names if not name.startswith('plugin_utils/')]
    TopologicalSorter(graph).prepare()  # raises CycleError
