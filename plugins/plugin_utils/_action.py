# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns a task into an operation, and its outcome into a result."""

from __future__ import annotations

import os
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ._ansible_core import LOOP_READS_TASK_NO_LOG
from ._environment import task_environment
from ._errors import FireflyError
from ._facts import exposure
from ._operation import Context, Operation, Outcome
from ._option_sources import Sources, resolve
from ._options import KEY_FILES, OPTIONS, SHARED_OPTIONS, Options
from ._secrets import MASKED_LENGTH, holds_secret, texts

_CONTROLLER_ASKS = (
    'The controller makes the request, whatever the host of the task is. To go through a bastion, set https_proxy in '
    'the environment of the task.'
)
_ON_THE_WAY = ('dns', 'connect', 'timeout', 'tls', 'proxy')

_DISPLAY = Display()


class FireflyAction(ActionBase):
    """Runs an operation in the process that runs the task, so nothing is ever copied to a target."""

    _requires_connection = False

    operation: t.ClassVar[Operation]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._task.delegate_to and self._task.delegate_to not in constants.LOCALHOST and self._is_remote:
            _DISPLAY.warning(_CONTROLLER_ASKS)
        no_log = self._task.no_log
        item_is_secret = bool(self._task.loop)
        if item_is_secret:
            self._task.no_log = True  # until the item is known to hold no key, so also if anything crashes
        sources = Sources(
            arguments=self._task.args,
            variables=variables,
            environment=os.environ,
            template=self._templar.template,
            resolve_path=self._loader.path_dwim,
        )
        try:
            with task_environment(self._task.environment, omit=variables.get('omit')):
                raw = resolve(self.operation.options, sources)
                if item_is_secret and not self._item_may_hold_key(raw, sources):
                    item_is_secret = False
                    self._task.no_log = no_log
                outcome = self.operation.run(self.operation.validate(raw), self._context())
        except FireflyError as error:
            outcome = Outcome(self.operation.values_without_response(error), error)
        result = self._result(outcome)
        is_secret = bool(self.operation.secrets and not outcome.error)
        if is_secret or item_is_secret:
            self._hide(result)
        if outcome.error and self._task.loop and (item_is_secret or self.operation.secrets):
            _report(result['msg'])  # one hidden item hides the others
        return result

    @property
    def _is_remote(self) -> bool:
        """Whether the host of the task, or the one that it is delegated to, is another machine."""
        return bool(self._connection.transport != 'local')

    def _context(self) -> Context:
        # a task with until is repeated until the outcome changes, so it shares no failure of an earlier attempt
        repeats = self._task.until or self._task.retries
        return Context(
            report=_report,
            scope=None if repeats else self._task._uuid,
            check_mode=bool(self._task.check_mode),
            diff_mode=bool(self._task.diff),
        )

    def _item_may_hold_key(self, raw: Options, sources: Sources) -> bool:
        """Whether a key can be in what ansible-core shows of a loop: the item, and with ``extended`` its neighbors.

        It cannot if the keys are known, and the item has nothing in common with them or with :meth:`_possible_keys`.
        """
        loop_var = sources.variables.get('ansible_loop_var', 'item')
        item = [sources.variables.get(loop_var), sources.variables.get('ansible_loop')]
        try:
            options = raw
            if 'secret_key' not in self.operation.options:
                options = resolve(tuple(KEY_FILES), sources)
            elif not {'secret_key', 'secret_key_file'}.intersection(options):
                return True
            keys = list(texts(self._possible_keys(options)))
            parts = [text for text in texts(item) if len(text) >= MASKED_LENGTH]
            return holds_secret(item, [key.strip() for key in keys]) or holds_secret(keys, parts)
        except (FireflyError, RecursionError, ValueError):
            return True

    def _possible_keys(self, options: Options) -> list[t.Any]:
        """The values that can be a key, perhaps by mistake: of options for a key or a file, and of unknown options."""
        known = {*SHARED_OPTIONS, *self.operation.options}
        return [
            value
            for name, value in options.items()
            if name not in known or name in KEY_FILES or OPTIONS[name].type == 'path'
        ]

    def _hide(self, result: dict[str, t.Any]) -> None:
        result['_ansible_no_log'] = True
        if LOOP_READS_TASK_NO_LOG:
            self._task.no_log = True

    def _result(self, outcome: Outcome) -> dict[str, t.Any]:
        """What the task returns."""
        values = dict(outcome.values)
        if outcome.error:
            values['msg'] = self._message(outcome.error)
        result = dict(values)
        result.setdefault('changed', False)
        if outcome.values and self.operation.sets_fact:
            result['ansible_facts'] = {self.operation.name: self._fact(values)}
        if outcome.error:
            result['failed'] = True
            result['failure'] = outcome.error.failure
        return result

    def _message(self, error: FireflyError) -> str:
        if error.code in _ON_THE_WAY and self._is_remote:
            return f'{error} {_CONTROLLER_ASKS}'
        return str(error)

    def _fact(self, values: dict[str, t.Any]) -> dict[str, t.Any]:
        reason = exposure() if self.operation.secrets else None
        if reason is None:
            return values
        _DISPLAY.v(
            f'{reason} So ansible_facts.{self.operation.name} has no token. Use the registered variable of this task, '
            'or the lookup firefly.platform.firefly.'
        )
        return {name: value for name, value in values.items() if name not in self.operation.secrets}


def _report(line: str) -> None:
    _DISPLAY.display(line, stderr=True)  # stdout belongs to the callback
