# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible would show or store a fact that holds a token."""

from __future__ import annotations

import os

import ansible.plugins.callback
from ansible import constants
from ansible.plugins.loader import callback_loader
from ansible.release import __version__

from ._ansible_core import RESULTS_HOLD_FACTS

_CORE_STDOUT = ('default', 'minimal', 'oneline')


def exposure() -> str | None:
    """What would show or store a fact, in a sentence. ``None`` if nothing would."""
    if constants.CACHE_PLUGIN.removeprefix('ansible.builtin.') != 'memory':
        return f'The cache plugin {constants.CACHE_PLUGIN} stores facts.'
    if RESULTS_HOLD_FACTS and _has_other_callbacks():
        return f'On ansible-core {__version__}, a callback of this run could show facts.'
    return None


def _has_other_callbacks() -> bool:
    """Whether a callback may run besides the stdout callbacks of ansible-core."""
    if constants.DEFAULT_STDOUT_CALLBACK.removeprefix('ansible.builtin.') not in _CORE_STDOUT:
        return True
    if constants.CALLBACKS_ENABLED:
        return True
    core = os.path.dirname(ansible.plugins.callback.__file__)
    # what lies in a folder for callbacks runs without being enabled
    return any(os.path.dirname(path) != core for path in callback_loader.all(path_only=True))
