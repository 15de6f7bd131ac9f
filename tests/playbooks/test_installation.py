# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-core alone builds the tarball, and installs the collection from a repository and from a folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from fake_firefly import FakeFirefly
from helpers.ansible_run import keys_of, run_ansible

ROOT = Path(__file__).parents[2]
#: What users need: these folders, the texts beside them, the changelog, and a setting of ansible-test.
SHIPPED = re.compile(
    r'(docs/(docsite|examples)|extensions|meta|playbooks|plugins|roles)/'
    r'|(\w+[.]md|LICENSE|changelogs/\w+[.]yaml|tests/config[.]yml)$'
)
#: What lies around in a clone, besides what .gitignore lists. In a worktree, .git is a file.
DIRT = (
    *('.git', '.idea/', '.vscode/', '.DS_Store', 'README.md~', 'build/', 'venv/', 'firefly-platform-0.9.0.tar.gz'),
    *('docs/.DS_Store', 'plugins/.mypy_cache/', 'plugins/modules/__pycache__/', 'roles/preflight/.main.yml.swp'),
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the files of this repository as they are now, committed or not."""
    folder = tmp_path / 'clone'
    tracked = subprocess.check_output(['git', 'ls-files', '-z'], cwd=ROOT, text=True).split('\0')
    for name in tracked:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}


def shipped(clone: Path) -> set[str]:
    return {'MANIFEST.json', 'FILES.json', *filter(SHIPPED.match, files_in(clone))}


def ansible(folder: Path, *command: str, **environment: str) -> None:
    """Run a command where no collection is installed, and no library distlib, which a `manifest` would need."""
    hidden = folder / 'without_distlib'
    hidden.mkdir(exist_ok=True)
    (hidden / 'distlib.py').touch()  # Python finds this, which has no distlib.manifest
    environment |= {'ANSIBLE_COLLECTIONS_PATH': str(folder), 'PYTHONPATH': str(hidden)}
    run = run_ansible(folder, list(command), environment=environment)
    assert run.status == 0, run.output


def test_the_tarball_has_what_users_need_and_nothing_else(clone: Path, tmp_path: Path) -> None:
    expected = shipped(clone)
    for name in [*DIRT, *(ROOT / '.gitignore').read_text().split()]:
        path = clone / name.removeprefix('/')
        if name.endswith('/'):
            path.mkdir(parents=True)
            path /= 'config.yml'
        path.touch()
    ansible(tmp_path, 'ansible-galaxy', 'collection', 'build', str(clone))
    (tarball,) = tmp_path.glob('*.tar.gz')
    with tarfile.open(tarball) as archive:
        assert {entry.name for entry in archive if entry.isfile()} == expected


@pytest.mark.parametrize('kind', ['git', 'dir'])
def test_installing_needs_nothing_but_ansible(clone: Path, tmp_path: Path, firefly: FakeFirefly, kind: str) -> None:
    if kind == 'git':
        user = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com']
        for command in (['init'], ['add', '.'], [*user, 'commit', '--message=All']):
            subprocess.run(['git', *command], cwd=clone, stdout=subprocess.DEVNULL, check=True)
    source = {'git': f'git+file://{clone}', 'dir': str(clone)}[kind]
    (tmp_path / 'requirements.yml').write_text(yaml.safe_dump({'collections': [{'name': source, 'type': kind}]}))
    ansible(tmp_path, 'ansible-galaxy', 'collection', 'install', '-r', 'requirements.yml')
    assert files_in(tmp_path / 'ansible_collections/firefly/platform') == shipped(clone)
    ansible(tmp_path, 'ansible-playbook', 'firefly.platform.preflight', **keys_of(firefly))
