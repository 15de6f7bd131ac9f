# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option, once: argument specs, lookup options, action plugins and tests read this table."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ._errors import OptionError


class Option(t.NamedTuple):
    """One option. The bounds are inclusive; ``ambient`` ones are also looked for in variables and the environment."""

    type: str
    default: t.Any = None
    choices: tuple[str, ...] | None = None
    secret: bool = False
    ambient: bool = True
    minimum: float | None = None
    maximum: float | None = None


_DAY = 86400

OPTIONS: dict[str, Option] = {
    'access_key': Option('str', secret=True),
    'secret_key': Option('str', secret=True),
    'api_url': Option('str', 'https://api.firefly.ai'),
    'validate_certs': Option('bool', True),
    'ca_path': Option('path'),
    'client_cert': Option('path'),
    'client_key': Option('path'),
    'use_proxy': Option('bool', True),
    'timeout': Option('float', 30.0, minimum=0.001, maximum=_DAY),
    'retries': Option('int', 3, minimum=0, maximum=100),
    'token_cache': Option('str', 'run', choices=('run', 'user', 'none')),
    'min_ttl': Option('int', 60, minimum=0, maximum=365 * _DAY),
    'wait': Option('bool', False, ambient=False),
    'wait_timeout': Option('int', 120, ambient=False, minimum=1, maximum=_DAY),
    'wait_sleep': Option('int', 5, ambient=False, minimum=1, maximum=_DAY),
    'fail_when_unhealthy': Option('bool', True, ambient=False),
}

CREDENTIALS = ('access_key', 'secret_key')
CONNECTION = (
    'api_url',
    'validate_certs',
    'ca_path',
    'client_cert',
    'client_key',
    'use_proxy',
    'timeout',
    'retries',
)
LOGIN = (*CREDENTIALS, *CONNECTION, 'token_cache', 'min_ttl')
# keys for the whole action group come here too, though nobody needs them to ask for the health
HEALTH = (*CREDENTIALS, *CONNECTION, 'wait', 'wait_timeout', 'wait_sleep', 'fail_when_unhealthy')


def argument_spec(names: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """The argument spec of a module that takes these options."""
    spec: dict[str, dict[str, t.Any]] = {}
    for name in names:
        option = OPTIONS[name]
        spec[name] = {'type': option.type, 'default': option.default, 'no_log': option.secret}
        if option.choices:
            spec[name]['choices'] = list(option.choices)
    return spec


def environment_name(name: str) -> str:
    """The environment variable that gives an ambient option."""
    return f'FIREFLY_{name.upper()}'


def variable_name(name: str) -> str:
    """The Ansible variable that gives an ambient option."""
    return f'firefly_{name}'


def is_set(value: t.Any) -> bool:
    """Whether a source gives a value: AWX injects an empty string for a field that was left blank."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def validate(names: t.Iterable[str], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The given options with defaults and in their types.

    :raises OptionError: an option is unknown, of the wrong type or out of its range.
    """
    unknown = sorted(set(given).difference(names))
    if unknown:
        raise OptionError(f'There is no option {", ".join(unknown)}; there are {", ".join(names)}.')
    values = {name: _plain(value) for name, value in given.items() if is_set(value)}
    try:
        validation = ArgumentSpecValidator(argument_spec(names)).validate(values)
    except (ArithmeticError, ValueError):  # ansible-core's, over "inf" as an int for one
        raise OptionError(f'One of the options {", ".join(values)} has a value of the wrong type.') from None
    if validation.error_messages:
        raise OptionError('; '.join(validation.error_messages) + '.')
    options = {name: validation.validated_parameters[name] for name in names}
    for name, value in options.items():
        low, high = OPTIONS[name].minimum, OPTIONS[name].maximum
        # written so that NaN, which compares as false with everything, is out of range
        if low is not None and high is not None and not low <= value <= high:
            raise OptionError(f'The option {name} has to be from {low} to {high}.')
    return options


def _plain(value: t.Any) -> t.Any:
    # ansible-core hands out subclasses of str that carry tags; an HTTP header takes none of them
    return str.__str__(value) if isinstance(value, str) else value
