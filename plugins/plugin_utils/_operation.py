# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operation is. An action or a lookup is made from one."""

from __future__ import annotations

import typing as t

from ._errors import FireflyError
from ._options import Options


class Context(t.NamedTuple):
    """For whom an operation runs.

    ``report`` shows a line of progress. A failed login is told again to whoever has the same ``asker``, as the hosts of
    a task have; ``None`` asks anew. In ``check_mode`` nothing is changed.
    """

    report: t.Callable[[str], None]
    asker: str | None = None
    check_mode: bool = False


class Outcome(t.NamedTuple):
    """What an operation returns, and why it failed, if it did."""

    values: dict[str, t.Any]
    error: FireflyError | None = None


class Operation(t.NamedTuple):
    """Something that Firefly can be asked for.

    ``name`` is its module's and its fact's, ``options`` are those that it uses. ``validate`` and ``run`` raise a
    FireflyError where there is nothing to return; ``failed`` then gives what a task returns all the same.
    ``secrets`` are the names of values that must not be shown. Where it sets a ``fact``, that has all values.
    """

    name: str
    options: tuple[str, ...]
    validate: t.Callable[[t.Mapping[str, t.Any]], Options]
    run: t.Callable[[Options, Context], Outcome]
    failed: t.Callable[[FireflyError], dict[str, t.Any]] = lambda error: {}
    secrets: tuple[str, ...] = ()
    fact: bool = True


def perform(operation: Operation, raw: t.Mapping[str, t.Any], context: Context) -> Outcome:
    """Run the operation with raw options.

    :raises FireflyError: an option has an invalid value, or there is nothing to return.
    """
    return operation.run(operation.validate(raw), context)
