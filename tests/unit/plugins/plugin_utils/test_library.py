# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _library
from ansible_collections.firefly.platform.plugins.plugin_utils._library import install_command


@pytest.mark.parametrize(
    'marker,command',
    [
        ('pipx_metadata.json', 'pipx inject ansible-core requests'),
        ('uv-receipt.toml', 'uv tool install --with requests ansible-core'),
    ],
)
def test_an_environment_of_a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str, command: str) -> None:
    environment = tmp_path / 'ansible-core'
    environment.mkdir()
    (environment / marker).touch()
    monkeypatch.setattr(sys, 'prefix', str(environment))
    assert install_command() == command


@pytest.mark.parametrize(
    'tool,command',
    [
        ('apt-get', 'sudo apt-get install python3-requests'),
        ('dnf', f"sudo dnf install 'python3.{sys.version_info.minor}dist(requests)'"),
        ('', f'{sys.executable} -m pip install requests'),
    ],
)
def test_the_system_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, command: str) -> None:
    if tool:
        (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setattr(sys, 'prefix', '/usr')
    monkeypatch.setenv('PATH', str(tmp_path))
    assert install_command() == command


@pytest.mark.parametrize(
    'with_pip,command', [(True, '{0} -m pip install requests'), (False, 'uv pip install --python {0} requests')]
)
def test_a_virtual_environment(tmp_path: Path, with_pip: bool, command: str) -> None:
    venv.create(tmp_path, with_pip=with_pip, symlinks=True)
    python = tmp_path / 'bin/python'
    code = [str(python), '-c', f'import runpy; print(runpy.run_path({_library.__file__!r})["install_command"]())']
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == command.format(python)
