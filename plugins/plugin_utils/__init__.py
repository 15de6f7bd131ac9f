# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything below is for the controller. It is refused here where it could not run."""

from __future__ import annotations

import platform
import sys

from ansible.errors import AnsibleError
from ansible.release import __version__

from ._ansible_core import VERSION

if sys.version_info < (3, 10) or VERSION < (2, 16):
    raise AnsibleError(
        'The collection firefly.platform needs ansible-core 2.16 or newer and Python 3.10 or newer on the controller. '
        f'This is ansible-core {__version__} on Python {platform.python_version()}.'
    )
