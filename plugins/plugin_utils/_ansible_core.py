# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of ansible-core, and what depends on it."""

from __future__ import annotations

from ansible.release import __version__

#: Such as ``(2, 19)``.
VERSION = tuple(int(part) for part in __version__.split('.')[:2])

#: Whether a loop takes ``no_log`` from its task, not from the results of its items.
LOOP_READS_TASK_NO_LOG = VERSION < (2, 19)

#: Whether the first result that sets facts holds all facts that are set later. A callback that keeps results shows them
#: at its end. Earlier versions copy the facts, and later ones mask a token.
RESULTS_HOLD_FACTS = VERSION == (2, 21)
