# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where options come from, on the controller."""

from __future__ import annotations

import typing as t

from ._errors import FireflyError
from ._options import OPTIONS, environment_name, is_set, variable_name


def resolve(
    names: t.Iterable[str],
    raw: t.Mapping[str, t.Any],
    variables: t.Mapping[str, t.Any],
    environment: t.Mapping[str, str],
    template: t.Callable[[t.Any], t.Any],
) -> dict[str, t.Any]:
    """The raw options, and for ``names`` that are not among them variables, then the environment.

    ``template`` is for the value of a variable, which arrives as it was written. Defaults and types are left to
    ``validate``.

    :raises FireflyError: ``invalid_option``, a fact has the name of such a variable. Facts come from the managed host
        and go before inventory variables: one that is compromised could have the keys sent to an address of its own.
    """
    options = {name: _decrypt(value) for name, value in raw.items() if is_set(value)}
    facts = variables.get('ansible_facts') or {}
    for name in names:
        if name in options or not OPTIONS[name].fallback:
            continue
        variable = variable_name(name)
        if variable in facts:
            raise FireflyError(
                'invalid_option',
                f'The fact {variable} is refused: a managed host gives no options. Set the variable in the inventory '
                'or with set_fact, which makes a fact only with cacheable.',
            )
        value = variables.get(variable)
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
