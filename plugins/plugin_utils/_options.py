# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option, once: validation, sources, documentation tests and operations read this table."""

from __future__ import annotations

import difflib
import types
import typing as t

from ansible.module_utils.common import validation

from ._errors import FireflyError
from ._url import base_url

#: Validated options, with their defaults and in their types.
Options = t.Mapping[str, t.Any]


def _ints(value: t.Any) -> list[int]:
    return [validation.check_type_int(each) for each in validation.check_type_list(value)]


class Option(t.NamedTuple):
    """One option. The bounds are inclusive; a list's are those of its elements. ``fallback`` ones may come from a
    variable or the environment too; ``environment`` has the names there that other programs read."""

    type: str
    default: t.Any = None
    fallback: bool = True
    environment: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def read(self, value: t.Any) -> t.Any:
        """The value in the option's type, as ansible-core converts it for a module; the default where it is unset.

        :raises ValueError: it is not valid; the text is what it must be.
        """
        if not is_set(value):
            return self.default
        convert, kind = _TYPES[self.type]
        try:
            value = convert(_plain(value))
            if isinstance(value, str):
                value = value.strip() if self.fallback else value
                value.encode(errors='surrogateescape')  # as the environment's bytes, which need not be UTF-8
        except (TypeError, ValueError, ArithmeticError):
            raise ValueError(kind) from None
        if self.choices and value not in self.choices:
            raise ValueError(f'one of {", ".join(self.choices)}')
        if self.minimum is not None and self.maximum is not None:
            numbers = value if self.type == 'list' else [value]
            # NaN compares as false with everything, so it is out of range too
            if not all(self.minimum <= number <= self.maximum for number in numbers):
                raise ValueError(f'between {self.minimum} and {self.maximum}')
        return value


_TYPES: dict[str, tuple[t.Callable[[t.Any], t.Any], str]] = {
    'str': (validation.check_type_str, 'text'),
    'path': (validation.check_type_path, 'a path'),
    'bool': (validation.check_type_bool, 'true or false'),
    'int': (validation.check_type_int, 'a whole number'),
    'float': (validation.check_type_float, 'a number'),
    'dict': (validation.check_type_dict, 'a dictionary'),
    'list': (_ints, 'a list of whole numbers'),
    'raw': (validation.check_type_raw, 'a value'),
}

_DAY = 86400

#: Each half of the key pair, and the option that names a file with it.
KEY_FILES = {'access_key': 'access_key_file', 'secret_key': 'secret_key_file'}

_CREDENTIALS = {
    'access_key': Option('str'),
    'secret_key': Option('str'),
    'access_key_file': Option('path'),
    'secret_key_file': Option('path'),
}
_CONNECTION = {
    'api_url': Option('str', 'https://api.firefly.ai'),
    'validate_certs': Option('bool', True),
    'ca_path': Option('path', environment=('REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')),
    'client_cert': Option('path'),
    'client_key': Option('path'),
    'use_proxy': Option('bool', True),
    'timeout': Option('float', 30.0, minimum=0.001, maximum=_DAY),
    'retries': Option('int', 3, minimum=0, maximum=100),
}
_TOKEN = {'token_cache': Option('bool', True), 'min_ttl': Option('int', 60, minimum=0, maximum=365 * _DAY)}
_WAITING = {
    'wait': Option('bool', False, fallback=False),
    'wait_timeout': Option('int', 120, fallback=False, minimum=1, maximum=_DAY),
    'wait_sleep': Option('int', 5, fallback=False, minimum=1, maximum=_DAY),
}
_REQUEST = {
    'path': Option('str', fallback=False),
    'method': Option('str', 'GET', fallback=False, choices=('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    'query': Option('dict', fallback=False),
    'body': Option('raw', fallback=False),
    'read_only': Option('bool', fallback=False),
    'status_code': Option('list', fallback=False, minimum=100, maximum=599),
    'all_pages': Option('bool', False, fallback=False),
    'max_entries': Option('int', 10000, fallback=False, minimum=1, maximum=1_000_000),
}
OPTIONS = {**_CREDENTIALS, **_CONNECTION, **_TOKEN, **_WAITING, **_REQUEST}

#: What every module takes, since module_defaults of the action group may hold it, whether it needs it or not.
SHARED_OPTIONS = (*_CREDENTIALS, *_CONNECTION, *_TOKEN)
LOGIN_OPTIONS = SHARED_OPTIONS
HEALTH_OPTIONS = (*_CONNECTION, *_WAITING)
API_OPTIONS = (*SHARED_OPTIONS, *_REQUEST)


def environment_names(name: str) -> tuple[str, ...]:
    """The environment variables that give a ``fallback`` option, nearest first."""
    return (f'FIREFLY_{name.upper()}', *OPTIONS[name].environment)


def variable_name(name: str) -> str:
    """The Ansible variable that gives a ``fallback`` option."""
    return f'firefly_{name}'


def is_set(value: t.Any) -> bool:
    """Whether a source gives a value: AWX injects an empty string for a field that was left blank."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def refuse_unknown(raw: t.Iterable[str], known: t.Iterable[str]) -> None:
    """Check the names of options.

    :raises FireflyError: ``invalid_option``, one is not known.
    """
    known = list(known)
    unknown = sorted(str(name) for name in set(raw).difference(known))
    if unknown:
        nearest_first = difflib.get_close_matches(unknown[0], known, n=len(known), cutoff=0)
        what = f'There is no option {", ".join(unknown)}; there are {", ".join(nearest_first)}.'
        raise FireflyError('invalid_option', what)


def validate(names: t.Sequence[str], raw: t.Mapping[str, t.Any]) -> Options:
    """The options of these names out of ``raw``, with their defaults, in their types, and ``api_url`` as a base URL.

    :raises FireflyError: ``invalid_option`` or ``insecure_url``: an option is unknown or has an invalid value.
    """
    refuse_unknown(raw, dict.fromkeys([*SHARED_OPTIONS, *names]))
    options: dict[str, t.Any] = {}
    mistakes = []
    for name in names:
        try:
            options[name] = OPTIONS[name].read(raw.get(name))
        except ValueError as error:
            mistakes.append(f'The option {name} must be {error}.')
    if mistakes:
        raise FireflyError('invalid_option', ' '.join(mistakes))
    return types.MappingProxyType({**options, 'api_url': base_url(options['api_url'])})


def _plain(value: t.Any) -> t.Any:
    # ansible-core hands out subclasses of str that carry tags; an HTTP header takes none of them
    return str.__str__(value) if isinstance(value, str) else value
