# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything below is for the controller. It is refused here where it could not run."""

from __future__ import annotations

import sys

from ansible.errors import AnsibleError
from ansible.release import __version__ as ansible_core

if sys.version_info < (3, 10) or tuple(map(int, ansible_core.split('.')[:2])) < (2, 16):
    python = '.'.join(map(str, sys.version_info[:3]))
    raise AnsibleError(
        f'The collection firefly.platform needs ansible-core 2.16 or newer and Python 3.10 or newer on the controller. '
        f'This is ansible-core {ansible_core} on Python {python}.'
    )
