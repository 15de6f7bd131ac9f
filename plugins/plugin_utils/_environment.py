# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of a task."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ._errors import FireflyError


@contextlib.contextmanager
def task_environment(environments: t.Iterable[t.Mapping[str, t.Any]], omit: str | None) -> t.Iterator[None]:
    """Sets the ``environment`` of a task in this process.

    A value that is ``omit`` is not set. Before ansible-core 2.19, the templated dictionary still holds it.

    :raises FireflyError: ``invalid_option`` if there is a name or a value that no environment can have.
    """
    values: dict[str, str] = {}
    for environment in environments:
        for name, value in environment.items():
            if value == omit:
                continue
            values[str(name)] = str(value)
    if not all(_is_possible(name, text) for name, text in values.items()):
        what = 'The environment of the task has a name or a value that no environment can have.'
        raise FireflyError('invalid_option', what)
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _is_possible(name: str, text: str) -> bool:
    try:
        os.fsencode(name + text)
    except UnicodeError:
        return False
    return name != '' and '=' not in name and '\0' not in name + text
