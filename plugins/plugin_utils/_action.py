# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller side of both modules."""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t
from collections.abc import Callable, Iterator

from ansible.plugins.action import ActionBase

# not used here: an action plugin is imported in the parent of all workers, a lookup in each of them, unless it is there
from ..lookup import firefly  # noqa: F401  # pylint: disable=unused-import
from ..module_utils._errors import FireflyError
from ..module_utils._result import failed, succeeded
from ._sources import resolve

Ship = Callable[[], dict[str, t.Any]]


class _AsItIs(Exception):  # noqa: N818, it is no error
    """What a shipped module returned is no operation's outcome: an async job's id, or a crash."""

    def __init__(self, values: dict[str, t.Any]) -> None:
        super().__init__(values.get('msg'))
        self.values = values


class FireflyAction(ActionBase):
    """Collects a task's options, runs the operation in this process or ships the module, and returns the outcome."""

    TRANSFERS_FILES = False
    _supports_async = True

    name: t.ClassVar[str]
    ambient: t.ClassVar[tuple[str, ...]]
    """The options that are looked for in variables and the environment."""

    def operate(self, given: dict[str, t.Any], ship: Ship | None) -> dict[str, t.Any]:
        """The operation's result with these options. ``ship``, if there is one, gets it from where the task runs.

        :raises FireflyError: the operation failed.
        """
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self._discovered: dict[str, t.Any] = {}
        with self._task_environment():
            try:
                given = resolve(self.ambient, self._task.args, task_vars, os.environ, self._templar.template)
                ship = None if self._runs_here() else lambda: self._ship(given, task_vars)
                values = succeeded(self.name, self.operate(given, ship))
            except FireflyError as error:
                values = failed(self.name, error)
            except _AsItIs as shipped:
                return shipped.values
        if self._discovered:
            values.setdefault('ansible_facts', {}).update(self._discovered)
        return values

    def _runs_here(self) -> bool:
        return (
            self._connection.transport == 'local'
            and self._connection.become is None
            and not self._task.async_val
            # asking macOS for its proxies after a fork can crash the process
            and sys.platform != 'darwin'
        )

    def _ship(self, given: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        values: dict[str, t.Any] = self._execute_module(
            module_name=f'firefly.platform.{self.name}',
            module_args=given,
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        if 'failure' not in values and (values.get('failed') or self._task.async_val):
            raise _AsItIs(values)
        self._discovered = values.get('ansible_facts', {})
        result: dict[str, t.Any] = self._discovered.pop(self.name, {})
        if 'failure' in values:
            error = FireflyError.from_result(values)
            error.result = result
            raise error
        return {**result, 'warnings': values['warnings']} if values.get('warnings') else result

    @contextlib.contextmanager
    def _task_environment(self) -> Iterator[None]:
        """This process with the task's ``environment``, as a shipped module would have it."""
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update({name: str(value) for name, value in environment.items()})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
