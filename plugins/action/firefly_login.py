# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..plugin_utils._action import FireflyAction
from ..plugin_utils._login import Login


class ActionModule(FireflyAction):
    operation = Login()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if 'expires_at_utc' in result:
            token = 'cached token' if result['reused'] else 'new token'
            Display().v(f'{result["api_url"]}: {token}, expires at {result["expires_at_utc"]}')
        return result
