# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns a task into an operation, and its outcome into a result."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase

from ._errors import FireflyError
from ._facts import exposure
from ._operation import Context, Operation, Outcome, perform
from ._option_sources import Sources, resolve
from ._options import KEY_FILES
from ._secrets import scrub

_CONTROLLER_ASKS = (
    'The controller makes the request, whatever the host of the task is. To go through a bastion, set https_proxy in '
    'the environment of the task.'
)
_ON_THE_WAY = ('dns', 'connect', 'timeout', 'tls', 'proxy')


class FireflyAction(ActionBase):
    """Runs an operation in the process that runs the task, so nothing is ever copied to a target."""

    _requires_connection = False

    operation: t.ClassVar[Operation]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        if self._task.delegate_to and self._task.delegate_to not in constants.LOCALHOST:
            self._display.warning(_CONTROLLER_ASKS)
        # a task with until is repeated until the outcome changes, so it must not get a shared failure
        asker = None if self._task.until or self._task.retries else self._task._uuid
        context = Context(self._report, asker, check_mode=bool(self._task.check_mode))
        with self._task_environment(omit=(task_vars or {}).get('omit')):
            find = self._loader.path_dwim
            sources = Sources(self._task.args, task_vars or {}, os.environ, self._templar.template, find)
            try:
                outcome = perform(self.operation, resolve(self.operation.options, sources), context)
            except FireflyError as error:
                outcome = Outcome(self.operation.failed(error), error)
            hidden = bool(self.operation.secrets and not outcome.error) or self._item_holds_a_key(sources)
        result = self._result(*outcome)
        if hidden:
            result['_ansible_no_log'] = True
            # before ansible-core 2.19 a loop hides its items only if the task has no_log
            self._task.no_log = True
        if outcome.error and self._task.loop and (hidden or self.operation.secrets):
            self._report(result['msg'])  # one hidden item hides the others
        return result

    def _item_holds_a_key(self, sources: Sources) -> bool:
        """Whether a key can be in what ansible-core shows of a loop: the item, and with ``extended`` its neighbors."""
        if not self._task.loop:
            return False
        loop_var = sources.variables.get('ansible_loop_var', 'item')
        shown = [sources.variables.get(name) for name in (loop_var, 'ansible_loop')]
        shown += [str(shown)]  # a key may be a number
        try:
            keys = resolve(tuple(KEY_FILES), sources)
            return bool(scrub(shown, [str(keys[name]).strip() for name in KEY_FILES if name in keys]) != shown)
        except (FireflyError, ValueError):
            return True

    def _result(self, values: dict[str, t.Any], error: FireflyError | None) -> dict[str, t.Any]:
        """What the task returns."""
        ended: dict[str, t.Any] = {'failed': True, 'failure': error.failure} if error else {}
        sets_fact = values and self.operation.fact
        if error:
            elsewhere = error.code in _ON_THE_WAY and self._connection.transport != 'local'
            values = {**values, 'msg': f'{error} {_CONTROLLER_ASKS}' if elsewhere else str(error)}
        if sets_fact:
            ended['ansible_facts'] = {self.operation.name: self._fact(values)}
        return {'changed': False, **values, **ended}

    def _fact(self, values: dict[str, t.Any]) -> dict[str, t.Any]:
        where = exposure() if self.operation.secrets else None
        if where is None:
            return values
        self._display.v(
            f'{where} So ansible_facts.{self.operation.name} has no token. Use the registered variable of this task, '
            'or the lookup firefly.platform.firefly.'
        )
        return {name: value for name, value in values.items() if name not in self.operation.secrets}

    def _report(self, line: str) -> None:
        self._display.display(line, stderr=True)  # stdout belongs to the callback

    @contextlib.contextmanager
    def _task_environment(self, omit: str | None) -> t.Iterator[None]:
        """Sets the task's ``environment`` in this process. Before ansible-core 2.19 a value in it may be ``omit``."""
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        before = dict(os.environ)
        os.environ.update({name: str(value) for name, value in environment.items() if value != omit})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
