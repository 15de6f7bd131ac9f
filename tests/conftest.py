# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible.plugins.loader import init_plugin_loader
from fake_firefly import FakeFirefly
from helpers.ansible_run import CA_VARIABLES

ROOT = Path(__file__).parents[1]
#: AWX's own code needs Python 3.11.
collect_ignore_glob = [] if sys.version_info >= (3, 11) else ['*/test_awx.py']

BUNDLED = ('ansible.posix', 'awx.awx', 'community.general')

os.environ.setdefault('ANSIBLE_COLLECTIONS_PATH', str(ROOT / '.build/collections'))
init_plugin_loader([os.environ['ANSIBLE_COLLECTIONS_PATH']])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Note the commands that run the failed tests again. `make` ends with them."""
    if 'PYTEST_XDIST_WORKER' in os.environ:
        return
    stats, notes = terminalreporter.stats, ROOT / '.pytest_cache/failed_tests'
    notes.parent.mkdir(exist_ok=True)
    with notes.open('a') as file:
        for report in stats.get('failed', []) + stats.get('error', []):
            print(f'{os.path.relpath(sys.prefix, ROOT)}/bin/pytest {shlex.quote(report.nodeid)}', file=file)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test takes keys, a proxy or CAs from whoever runs it."""
    for name in list(os.environ):
        if name.startswith('FIREFLY_') or name.lower().endswith('_proxy') or name in CA_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    """A Firefly that is up, and fails the test if it gets a request that the contract does not allow."""
    with FakeFirefly() as server:
        yield server


@pytest.fixture(scope='session')
def bundled_collections() -> Path:
    """A folder with the collections BUNDLED, out of the package `ansible`: Galaxy is not asked."""
    build = ROOT / '.build'
    collections = build / '-'.join(['bundled', *BUNDLED])  # an older folder, with less in it, is not taken
    if not collections.exists():
        with TemporaryDirectory(dir=build) as folder:
            pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:']
            # the package asks for a newer Python than the oldest that these tests run on
            subprocess.run([*pip, '--python-version=3.12', '--dest', folder, 'ansible==12.*'], check=True)
            (wheel,) = Path(folder).glob('*.whl')
            with zipfile.ZipFile(wheel) as archive:
                wanted = tuple(f'ansible_collections/{name.replace(".", "/")}/' for name in BUNDLED)
                archive.extractall(
                    f'{folder}/bundled', [name for name in archive.namelist() if name.startswith(wanted)]
                )
            try:
                Path(folder, 'bundled').rename(collections)
            except OSError:
                # a test process beside this one was faster
                if not collections.exists():
                    raise
    return collections
