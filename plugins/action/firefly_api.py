# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..plugin_utils._action import FireflyAction
from ..plugin_utils._api import Api


class ActionModule(FireflyAction):
    operation = Api()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        is_shown = not self._task.no_log and not result.get('_ansible_no_log')
        if 'msg' in result and not result.get('failed') and is_shown:  # a request that was not sent in check mode
            host = (task_vars or {}).get('inventory_hostname', '')
            Display().display(f'{host}: {result["msg"]}', stderr=True)  # stdout belongs to the callback
        return result
