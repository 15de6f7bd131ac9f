# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a network device, for which ansible-core starts a process when a task needs it."""

from __future__ import annotations

DOCUMENTATION = """
name: elsewhere
short_description: This machine, as if it were a network device
description: A persistent connection that cannot be started.
author: Firefly Platform collection contributors
extends_documentation_fragment: connection_pipelining
"""

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    transport = 'elsewhere'
    force_persistence = True
