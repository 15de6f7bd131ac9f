# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task or a lookup can do with Firefly."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod

from ._errors import FireflyError
from ._options import Options
from ._progress import Report


class Context(t.NamedTuple):
    """The task or lookup that runs an operation.

    ``report`` shows a line of progress. A failed login is shared within a ``scope``, such as the hosts of a task. With
    ``None`` none is shared. In ``check_mode`` nothing is changed. In ``diff_mode`` an operation returns what it would
    change.
    """

    report: Report
    scope: str | None = None
    check_mode: bool = False
    diff_mode: bool = False


class Outcome(t.NamedTuple):
    """What an operation returns, and the error if it failed."""

    values: dict[str, t.Any]
    error: FireflyError | None = None


class Operation(ABC):
    """One thing to do, such as a login.

    ``name`` is also the name of its module and its fact, and ``options`` are the options that it uses. ``secrets`` are
    the names of values that must not be shown. With ``sets_fact``, all values become a fact.
    """

    name: t.ClassVar[str]
    options: t.ClassVar[tuple[str, ...]]
    secrets: t.ClassVar[tuple[str, ...]] = ()
    sets_fact: t.ClassVar[bool] = True

    @abstractmethod
    def validate(self, raw: Options) -> Options:
        """The validated options.

        :raises FireflyError: if an option has an invalid value.
        """

    @abstractmethod
    def run(self, options: Options, context: Context) -> Outcome:
        """Run it with validated options.

        :raises FireflyError: if there is nothing to return.
        """

    def values_without_response(self, error: FireflyError) -> dict[str, t.Any]:
        """The values of a task whose ``validate`` or ``run`` raised ``error``."""
        return {}
