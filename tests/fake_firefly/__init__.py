# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly: a real HTTP(S) server on loopback that behaves as Firefly's API does, for tests."""

from __future__ import annotations

from .data import make_workspaces
from .faults import Fault
from .server import FakeFirefly
from .service import ACCESS_KEY, SECRET_KEY, TOKEN_NEEDLE

__all__ = ['ACCESS_KEY', 'SECRET_KEY', 'TOKEN_NEEDLE', 'FakeFirefly', 'Fault', 'make_workspaces']
