# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where options come from, on the controller."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ._errors import FireflyError
from ._files import absolute_path
from ._options import KEY_FILES, OPTIONS, Options, environment_names, is_set, variable_name
from ._template_errors import is_one_expression, is_vault_error, read_template, reason

ResolvePath = t.Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The sources, nearest first. ``template`` templates a list, and ``resolve_path`` makes a path absolute.

    ansible-core's own ``set_options`` is not one: it takes facts, repeats values in errors, and does not template
    variables.
    """

    arguments: t.Mapping[str, t.Any]
    variables: t.Mapping[str, t.Any]
    environment: t.Mapping[str, str]
    template: t.Callable[[list[t.Any]], list[t.Any]]
    resolve_path: ResolvePath


class _Candidate(t.NamedTuple):
    """A value that a source may give for an option."""

    option: str
    value: t.Any
    origin: str
    resolve_path: ResolvePath


def resolve(names: t.Sequence[str], sources: Sources) -> Options:
    """The raw options: the nearest source's value for each of ``names``, and all other arguments.

    A key and its file are never both there. Paths are absolute. Defaults and types are left to ``validate``.

    :raises FireflyError: ``invalid_option`` if a value cannot be used, or if a fact has the name of such a variable.
        Facts come from the target and override inventory variables. A compromised target could use one to
        have the keys sent to its own address.
    """
    values = {name: value for name, value in sources.arguments.items() if name not in names}
    origins: dict[str, str] = {}
    for name in names:
        if name in KEY_FILES.values():  # with its key
            continue
        candidate = _nearest(name, sources)
        if candidate is None:
            continue
        value = candidate.value
        if _holds_omit(value, sources.variables.get('omit')):
            what = f'The {candidate.origin} has omit inside a text, where it cannot be left out.'
            raise FireflyError('invalid_option', what)
        if OPTIONS[candidate.option].type == 'path' and isinstance(value, str):
            value = absolute_path(candidate.origin, value, candidate.resolve_path)
        values[candidate.option] = value
        origins[candidate.option] = candidate.origin
    return Options(values, origins)


def is_omitted(value: t.Any, sources: Sources) -> bool:
    """Whether it is the value of ``omit``: an object that drops out of lists, or a string before ansible-core 2.19."""
    if isinstance(value, str):
        return value == sources.variables.get('omit')
    if isinstance(value, (bool, int, float, list, dict)):
        return False
    return not sources.template([value])


def _holds_omit(value: t.Any, omit: t.Any) -> bool:
    """Whether a text of the value has ``omit`` in it, which is a text itself before ansible-core 2.19."""
    if not isinstance(omit, str):
        return False
    if isinstance(value, str):
        return omit in value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    return isinstance(value, list) and any(_holds_omit(part, omit) for part in value)


def decrypt(value: t.Any, origin: str) -> t.Any:
    """The value, decrypted if it is encrypted. ``origin`` says in a message where it comes from.

    :raises FireflyError: ``invalid_option`` if it cannot be decrypted.
    """
    # before ansible-core 2.19 a !vault value has a type of its own, which decrypts when it becomes a str
    if not hasattr(value, '__ENCRYPTED__'):
        return value
    try:
        return str(value)
    except AnsibleError:
        what = f'The {origin} cannot be decrypted: the vault password is missing or wrong.'
        raise FireflyError('invalid_option', what) from None


def _nearest(name: str, sources: Sources) -> _Candidate | None:
    """The nearest value of an option or its file."""
    for candidate in _candidates(name, sources):
        if is_set(candidate.value) and not is_omitted(candidate.value, sources):
            return candidate
    return None


def _candidates(name: str, sources: Sources) -> t.Iterator[_Candidate]:
    """All values of an option and its file, nearest first. A variable is templated only if it is reached."""
    options = [name, KEY_FILES[name]] if name in KEY_FILES else [name]
    omit = sources.variables.get('omit')
    for option in options:
        origin = f'option {option}'
        value = _without(omit, decrypt(sources.arguments.get(option), origin))
        yield _Candidate(option, value, origin, sources.resolve_path)
    if not OPTIONS[name].fallback:
        return
    for option in options:
        variable = variable_name(option)
        yield _Candidate(option, _variable(variable, sources), f'variable {variable}', sources.resolve_path)
    for option in options:
        for variable in environment_names(option):
            value = sources.environment.get(variable)
            yield _Candidate(option, value, f'environment variable {variable}', os.path.abspath)


def _without(omit: str | None, value: t.Any) -> t.Any:
    """The value without what is omitted in its lists and dictionaries. ansible-core before 2.19 leaves it there."""
    if omit is None:
        return value
    if isinstance(value, dict):
        return {key: _without(omit, part) for key, part in value.items() if part != omit}
    if isinstance(value, list):
        return [_without(omit, part) for part in value if part != omit]
    return value


def _variable(name: str, sources: Sources) -> t.Any:
    """The value of a variable, templated. ``None`` if it is not set or omitted."""
    if name in (sources.variables.get('ansible_facts') or {}):
        raise FireflyError(
            'invalid_option',
            f'The fact {name} is refused, because a target must not set options. Remove it with "meta: clear_facts". '
            'Then set the variable in the inventory, or with set_fact without cacheable. Or set the option in the '
            'task, which comes before facts and variables.',
        )
    origin = f'variable {name}'
    value = decrypt(sources.variables.get(name), origin)
    if not is_set(value):
        return None
    try:
        templated = sources.template([value])  # in a list, because omit cannot be templated alone
    except Exception as error:
        # its text and the frames of its traceback show the value
        raise _template_failure(name, value, error, sources.variables) from None
    return decrypt(templated[0], origin) if templated else None


def _template_failure(name: str, value: t.Any, error: Exception, variables: t.Mapping[str, t.Any]) -> FireflyError:
    """The error for a variable that cannot be templated. At ``-vvv`` a line shows the variables that it refers to."""
    template = read_template(value, variables)
    if template.variables and is_one_expression(value):
        names = [each if each in variables else f'{each} (not set)' for each in template.variables]
        Display().vvv(f'The variable {name} refers to {", ".join(names)}.')
    what = f'The variable {name} cannot be templated. {reason(error, template)}'
    if not is_vault_error(error) and not is_one_expression(value):
        what = f'{what} If "{{{{", "{{%" or "{{#" is part of its value, mark it as !unsafe.'
    return FireflyError('invalid_option', what)
