# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where options come from, on the controller."""

from __future__ import annotations

import os
import typing as t

from ._errors import FireflyError
from ._files import absolute
from ._options import KEY_FILES, OPTIONS, environment_names, is_set, variable_name

Find = t.Callable[[str], str]


class Sources(t.NamedTuple):
    """The sources, nearest first. ``template`` templates a list, and ``find`` resolves a relative path."""

    arguments: t.Mapping[str, t.Any]
    variables: t.Mapping[str, t.Any]
    environment: t.Mapping[str, str]
    template: t.Callable[[list[t.Any]], list[t.Any]]
    find: Find


def resolve(names: t.Sequence[str], sources: Sources) -> dict[str, t.Any]:
    """The raw options: the nearest source's value for each of ``names``, and all other arguments.

    A key and its file are never both there. Paths are absolute. Defaults and types are left to ``validate``.

    :raises FireflyError: ``invalid_option`` if a path or a variable cannot be used, or if a fact has the name of such a
        variable. Facts come from the target and override inventory variables. A compromised target could use one to
        have the keys sent to its own address.
    """
    options = {name: value for name, value in sources.arguments.items() if name not in names}
    for name in [name for name in names if name not in KEY_FILES.values()]:
        for candidate, value, find in _candidates(name, sources):
            if is_set(value) and not is_omitted(value, sources):
                is_path = OPTIONS[candidate].type == 'path' and isinstance(value, str)
                options[candidate] = absolute(candidate, value, find) if is_path else value
                break
    return options


def is_omitted(value: t.Any, sources: Sources) -> bool:
    """Whether it is the value of ``omit``: an object that drops out of lists, or a string before ansible-core 2.19."""
    if isinstance(value, str):
        return value == sources.variables.get('omit')
    return not isinstance(value, (bool, int, float, list, dict)) and not sources.template([value])


def _candidates(name: str, sources: Sources) -> t.Iterator[tuple[str, t.Any, Find]]:
    """All values of an option or its file, nearest first, each with the function that resolves a relative path."""
    names = [name, KEY_FILES[name]] if name in KEY_FILES else [name]
    for each in names:
        yield each, decrypt(sources.arguments.get(each)), sources.find
    if OPTIONS[name].fallback:
        for each in names:
            yield each, _variable(variable_name(each), sources), sources.find
        for each in names:
            for variable in environment_names(each):
                yield each, sources.environment.get(variable), os.path.abspath


def _variable(name: str, sources: Sources) -> t.Any:
    if name in (sources.variables.get('ansible_facts') or {}):
        raise FireflyError(
            'invalid_option',
            f'The fact {name} is refused, because a target must not set options. Set the variable in the inventory, '
            'or with set_fact without cacheable.',
        )
    value = decrypt(sources.variables.get(name))
    if not is_set(value):
        return None
    try:
        # in a list, because omit cannot be templated alone
        return next(map(decrypt, sources.template([value])), None)
    except Exception:
        # ansible-core's message shows the value
        raise FireflyError(
            'invalid_option',
            f'The variable {name} cannot be templated. It refers to something that is undefined or fails. If "{{{{" '
            'is part of its value, mark it as !unsafe.',
        ) from None


def decrypt(value: t.Any) -> t.Any:
    """The value, decrypted if it is encrypted."""
    # before ansible-core 2.19 a !vault value has a type of its own, which decrypts when it becomes a str
    return str(value) if hasattr(value, '__ENCRYPTED__') else value
