# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# imports requests once, in the parent of all workers
from ..plugin_utils import _client  # noqa: F401  # pylint: disable=unused-import
from ..plugin_utils._action import FireflyAction
from ..plugin_utils._api import API


class ActionModule(FireflyAction):
    operation = API
