# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of an AWX controller as tests of its credential types need."""

from __future__ import annotations

from .credential import Injected, inject
from .server import FakeController

__all__ = ['FakeController', 'Injected', 'inject']
