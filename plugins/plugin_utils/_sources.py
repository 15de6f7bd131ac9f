# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where options come from on the controller."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ..module_utils._options import OPTIONS, environment_name, is_set, variable_name


def resolve(
    names: Iterable[str],
    given: Mapping[str, t.Any],
    variables: Mapping[str, t.Any],
    environment: Mapping[str, str],
    template: Callable[[t.Any], t.Any],
) -> dict[str, t.Any]:
    """What is given, then what variables say, then the environment. Defaults and types are left to ``validate``.

    ``template`` is for the value of a variable, which arrives as it was written.
    """
    decrypted = {name: _decrypt(value) for name, value in given.items()}
    options = {name: value for name, value in decrypted.items() if is_set(value)}
    for name in names:
        if name in options or not OPTIONS[name].ambient:
            continue
        value = variables.get(variable_name(name))
        if is_set(value):
            value = _decrypt(template(value))
        if not is_set(value):
            value = environment.get(environment_name(name))
        if is_set(value):
            options[name] = value
    return options


def _decrypt(value: t.Any) -> t.Any:
    # before ansible-core 2.19 what is !vault in a file has a type of its own, which decrypts when it becomes a str
    return str(value) if hasattr(value, '__ENCRYPTED__') else value
