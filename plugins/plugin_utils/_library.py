# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to install the library requests for the Python that runs Ansible."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys


def install_command() -> str:
    """The command that installs requests where this Python finds it."""
    environment = os.path.basename(sys.prefix)
    # pipx and uv keep these files in the virtual environments that they manage
    if os.path.exists(os.path.join(sys.prefix, 'pipx_metadata.json')):
        return f'pipx inject {environment} requests'
    if os.path.exists(os.path.join(sys.prefix, 'uv-receipt.toml')):
        return f'uv tool install --with requests {environment}'
    if sys.prefix == '/usr':
        if shutil.which('apt-get'):
            return 'sudo apt-get install python3-requests'
        if shutil.which('dnf'):
            # the name that each distribution's package has for this version of Python
            return f"sudo dnf install 'python3.{sys.version_info.minor}dist(requests)'"
    if importlib.util.find_spec('pip') is None:
        return f'uv pip install --python {sys.executable} requests'
    return f'{sys.executable} -m pip install requests'
