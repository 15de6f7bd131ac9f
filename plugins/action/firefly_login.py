# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..plugin_utils._action import FireflyAction
from ..plugin_utils._login import LOGIN


class ActionModule(FireflyAction):
    operation = LOGIN

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        values = super().run(tmp, task_vars)
        if 'expires_at_utc' in values:
            token = 'cached token' if values['reused'] else 'new token'
            self._display.v(f'{values["api_url"]}: {token}, expires at {values["expires_at_utc"]}')
        return values
