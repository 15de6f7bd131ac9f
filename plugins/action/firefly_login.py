# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible import constants

from ..module_utils._login import login, login_options
from ..module_utils._options import LOGIN
from ..plugin_utils._action import FireflyAction, Ship
from ..plugin_utils._masking import register_secret
from ..plugin_utils._token_store import log_in_once


class ActionModule(FireflyAction):
    name = 'firefly_login'
    ambient = LOGIN

    def operate(self, given: dict[str, t.Any], ship: Ship | None) -> dict[str, t.Any]:
        options = login_options(given)
        register_secret(options['secret_key'])
        if ship and self._task.async_val:
            return ship()
        # a task that tries again waits for the answer to change, as it does once a new key pair has spread
        ask_again = bool(self._task.until or self._task.retries)
        result = log_in_once(options, ship or (lambda: login(options)), ask_again=ask_again)
        register_secret(result['access_token'])
        return result

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if self._task.async_val:
            if self._task.poll:
                # the playbook waits for it anyhow, and so the token is not written to a job file
                self._task.async_val = 0
            else:
                self._display.warning(
                    'The token of this task comes through async_status, which shows it: give that task "no_log: true".'
                )
        values = super().run(tmp, task_vars)
        if 'access_token' in values:
            values['_ansible_no_log'] = True
            self._display.v(
                f'{values["api_url"]}: {"kept" if values["reused"] else "new"} token, '
                f'good until {values["expires_at_utc"]}, for {values["expires_in"]} s'
            )
            if constants.CACHE_PLUGIN not in ('memory', 'ansible.builtin.memory'):
                fact = values['ansible_facts'][self.name]
                del fact['access_token'], fact['authorization']
                self._display.warning(
                    f'Facts are kept by the cache plugin {constants.CACHE_PLUGIN}, so ansible_facts.{self.name} has no '
                    'token. Use the registered variable of this task, or the lookup firefly.platform.firefly.'
                )
        return values
