# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No text names another owner, repository, plugin, role or playbook than there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GALAXY: dict[str, Any] = yaml.safe_load((ROOT / 'galaxy.yml').read_text())
PATHS = [path for pattern in ('[!.]*', '.github/**/*', '[!.]*/**/*') for path in ROOT.glob(pattern) if path.is_file()]
MADE = re.compile(r'docs/build/|dist/|.*[.](png|pyc)$')
TEXTS = {name: path.read_text() for path in PATHS if not MADE.match(name := str(path.relative_to(ROOT)))}


def others(pattern: str, right: str) -> list[tuple[str, str]]:
    """What the pattern finds in all files, and is not right."""
    return [(name, found) for name, text in TEXTS.items() for found in re.findall(pattern, text) if found != right]


def test_one_repository() -> None:
    address = GALAXY['repository']
    assert GALAXY['issues'] == f'{address}/issues'
    assert others(r'https?://[\w.-]+/[\w.-]+/firefly[._-]?platform', address) == []
    assert others(r'repository: ([\w-]+/[\w.-]+)\n', address.removeprefix('https://github.com/')) == []


def test_one_author() -> None:
    (author,) = GALAXY['authors']
    assert others(r'Copyright \(c\) ([\w ]+\w)', author) == []
    assert others(r'SPDX-FileCopyrightText = "([\w ]+)"', author) == []


def test_every_name_in_the_collection_exists() -> None:
    paths = [path for pattern in ('plugins/*/[!_]*.py', 'roles/*', 'playbooks/*.yml') for path in ROOT.glob(pattern)]
    kinds = [f'{path.stem}_{kind}' for path in paths for kind in ('module', 'lookup', 'role')]
    known = {path.stem for path in paths} | {*kinds, 'plugins', 'docsite', 'git'}
    assert [other for other in others(r'firefly[._-]platform[.](\w+)', '') if other[1] not in known] == []


def test_links_of_a_readme_lead_to_a_file_of_the_repository_or_elsewhere() -> None:
    # Galaxy and Automation Hub do not resolve relative links
    readmes = TEXTS['README.md'], TEXTS['roles/preflight/README.md']
    links = re.findall(r'\]\(([^)]*)\)', '\n'.join(readmes))
    assert [link for link in links if not link.startswith('https://')] == []
    ours = [link.removeprefix(f'{GALAXY["repository"]}/') for link in links if '/firefly.platform' in link]
    files = [name for link in ours for name in re.findall('^(?:blob|tree)/main/(.+)$', link)]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
