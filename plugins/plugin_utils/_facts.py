# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible would show or store a fact that holds a token."""

from __future__ import annotations

import os

import ansible.plugins.callback
from ansible import constants
from ansible.plugins.loader import callback_loader
from ansible.release import __version__ as ansible_core

#: ansible-core 2.21 keeps the facts of a host in the first result that sets some. A callback that keeps results shows
#: all of them at its end. Earlier versions copy the facts, and later ones mask a token.
_RESULTS_HOLD_FACTS = ansible_core.startswith('2.21.')

_CORE_STDOUT = ('default', 'minimal', 'oneline')


def exposure() -> str | None:
    """What would show or store a fact, in a sentence. ``None`` if nothing would."""
    if constants.CACHE_PLUGIN.removeprefix('ansible.builtin.') != 'memory':
        return f'The cache plugin {constants.CACHE_PLUGIN} stores facts.'
    if _RESULTS_HOLD_FACTS and _has_other_callbacks():
        return f'On ansible-core {ansible_core}, a callback of this run could show facts.'
    return None


def _has_other_callbacks() -> bool:
    """Whether a callback may run besides the stdout callbacks of ansible-core."""
    if constants.DEFAULT_STDOUT_CALLBACK.removeprefix('ansible.builtin.') not in _CORE_STDOUT:
        return True
    own = os.path.dirname(ansible.plugins.callback.__file__)
    # what lies in a folder for callbacks runs without being enabled
    adjacent = any(os.path.dirname(path) != own for path in callback_loader.all(path_only=True))
    return bool(constants.CALLBACKS_ENABLED) or adjacent
