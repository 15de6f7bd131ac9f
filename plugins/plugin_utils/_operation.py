# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operation is. The actions and the lookup run them."""

from __future__ import annotations

import typing as t

from ._errors import FireflyError
from ._options import Options


class Context(t.NamedTuple):
    """The task or lookup that runs an operation.

    ``report`` shows a line of progress. A failed login is shared by all that have the same ``asker``, such as the hosts
    of a task. With ``None`` none is shared. In ``check_mode`` nothing is changed.
    """

    report: t.Callable[[str], None]
    asker: str | None = None
    check_mode: bool = False


class Outcome(t.NamedTuple):
    """What an operation returns, and the error if it failed."""

    values: dict[str, t.Any]
    error: FireflyError | None = None


class Operation(t.NamedTuple):
    """Something that a task or a lookup can do with Firefly.

    ``name`` is also the name of its module and its fact, and ``options`` are the options that it uses. ``validate`` and
    ``run`` raise a FireflyError if there is nothing to return. ``failed`` then gives the values that a task still
    returns. ``secrets`` are the names of values that must not be shown. With ``fact``, all values become a fact.
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

    :raises FireflyError: if an option has an invalid value, or there is nothing to return.
    """
    return operation.run(operation.validate(raw), context)
