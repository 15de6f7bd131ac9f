# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._health import health, health_options
from ..module_utils._options import CREDENTIALS, HEALTH
from ..plugin_utils._action import FireflyAction, Ship


class ActionModule(FireflyAction):
    name = 'firefly_health'
    ambient = tuple(name for name in HEALTH if name not in CREDENTIALS)

    def operate(self, given: dict[str, t.Any], ship: Ship | None) -> dict[str, t.Any]:
        options = health_options(given)
        for name in CREDENTIALS:  # not needed, so they do not travel
            given.pop(name, None)
        return ship() if ship else health(options, report=self._display.display)
