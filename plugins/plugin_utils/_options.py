# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of all options. Validation, sources, operations and the tests of the documentation read it."""

from __future__ import annotations

import difflib
import os
import types
import typing as t
from datetime import date

from ansible.module_utils.common import validation

from ._errors import FireflyError
from ._files import check_file
from ._url import base_url


class Options(t.Mapping[str, t.Any]):
    """The values of options by name, and where each comes from. Nobody can change them."""

    def __init__(self, values: t.Mapping[str, t.Any], origins: t.Mapping[str, str] | None = None) -> None:
        self._values = types.MappingProxyType(dict(values))
        self._origins = types.MappingProxyType(dict(origins or {}))

    def __getitem__(self, name: str) -> t.Any:
        return self._values[name]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def origin(self, name: str) -> str:
        """Where the value comes from, for a message: ``variable firefly_timeout``, say. Otherwise it is the task."""
        return self._origins.get(name, f'option {name}')

    def replace(self, **values: t.Any) -> Options:
        """The same options, with some values replaced or added."""
        return Options({**self._values, **values}, self._origins)


class Option(t.NamedTuple):
    """One option. The bounds are inclusive. Those of a list apply to its elements. With ``fallback`` the option may
    also come from a variable or the environment. ``environment`` has variables that other programs read too."""

    type: str
    default: t.Any = None
    fallback: bool = True
    environment: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def read(self, value: t.Any) -> t.Any:
        """The value, converted as ansible-core does it for a module, or the default if it is not set.

        :raises ValueError: if it is not valid. The text says what it must be.
        """
        if not is_set(value):
            return self.default
        kind = _TYPES[self.type]
        try:
            value = kind.convert(_plain(value))
        except (TypeError, ValueError, ArithmeticError):
            quotes = ': put it in quotes' if self.type in ('str', 'path') and _is_unquoted(value) else ''
            raise ValueError(f'{kind.name}{quotes}') from None
        if isinstance(value, str):
            value = value.strip()
            if not _is_encodable(value):
                raise ValueError(kind.name)
        if self.choices:
            # in any letter case, such as post for POST
            value = next((choice for choice in self.choices if choice.lower() == value.lower()), value)
        if self.choices and value not in self.choices:
            raise ValueError(f'one of {", ".join(self.choices)}')
        if self.minimum is not None and self.maximum is not None:
            numbers = value if self.type == 'list' else [value]
            # each comparison with NaN is false, so NaN is out of range too
            if not all(self.minimum <= number <= self.maximum for number in numbers):
                raise ValueError(f'between {self.minimum} and {self.maximum}')
        return value


def _string(value: t.Any) -> str:
    # YAML makes numbers, booleans and dates of text without quotes, and changes it: 010 becomes 8
    if not isinstance(value, str):
        raise TypeError
    return value


def _path(value: t.Any) -> str:
    path: str = validation.check_type_path(_string(value))
    return path


class _Type(t.NamedTuple):
    """How a value of a type is converted, and the name of the type in a message."""

    convert: t.Callable[[t.Any], t.Any]
    name: str


def _whole_numbers(value: t.Any) -> list[int]:
    return [validation.check_type_int(number) for number in validation.check_type_list(value)]


_TYPES = {
    'str': _Type(_string, 'a string'),
    'path': _Type(_path, 'a path'),
    'bool': _Type(validation.check_type_bool, 'true or false'),
    'int': _Type(validation.check_type_int, 'a whole number'),
    'float': _Type(validation.check_type_float, 'a number'),
    'dict': _Type(validation.check_type_dict, 'a dictionary'),
    'list': _Type(_whole_numbers, 'a list of whole numbers'),
    'raw': _Type(validation.check_type_raw, 'a value'),
}

_DAY = 86400

_FILES_OF_TLS = ('ca_path', 'client_cert', 'client_key')

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

#: Every module accepts these, even if it does not use them, because module_defaults of the group may hold them.
SHARED_OPTIONS = (*_CREDENTIALS, *_CONNECTION, *_TOKEN)
HEALTH_OPTIONS = (*_CONNECTION, *_WAITING)
API_OPTIONS = (*SHARED_OPTIONS, *_REQUEST)


def environment_names(name: str) -> tuple[str, ...]:
    """The environment variables that set a ``fallback`` option, nearest first."""
    return (f'FIREFLY_{name.upper()}', *OPTIONS[name].environment)


def variable_name(name: str) -> str:
    """The Ansible variable that sets a ``fallback`` option."""
    return f'firefly_{name}'


def is_set(value: t.Any) -> bool:
    """Whether a source sets a value. An empty string does not: AWX injects one for a blank field."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def refuse_unknown(raw: t.Iterable[str], known: t.Iterable[str]) -> None:
    """Refuse options that are not known.

    :raises FireflyError: ``invalid_option`` if there is one.
    """
    known = list(known)
    unknown = sorted(str(name) for name in set(raw).difference(known))
    if unknown:
        nearest_first = difflib.get_close_matches(unknown[0], known, n=len(known), cutoff=0)
        similar = difflib.get_close_matches(unknown[0], known, n=1)
        question = f' Did you mean {similar[0]}?' if similar else ''
        what = f'There is no option {", ".join(unknown)}.{question} Known options: {", ".join(nearest_first)}.'
        raise FireflyError('invalid_option', what)


def validate(names: t.Sequence[str], raw: Options) -> Options:
    """The options ``names`` from ``raw``, with defaults set, types converted, and ``api_url`` as a base URL.

    The files of TLS can be read. This is known before anything waits for the lock of the token cache. What is in them
    is left to the client.

    :raises FireflyError: ``invalid_option`` or ``insecure_url`` if an option is unknown or has an invalid value.
    """
    refuse_unknown(raw, dict.fromkeys([*SHARED_OPTIONS, *names]))
    values: dict[str, t.Any] = {}
    mistakes = []
    for name in names:
        try:
            values[name] = OPTIONS[name].read(raw.get(name))
        except ValueError as error:
            mistakes.append(f'The {raw.origin(name)} must be {error}.')
    if mistakes:
        raise FireflyError('invalid_option', ' '.join(mistakes))
    values['api_url'] = base_url(values['api_url'], raw.origin('api_url'))
    for name in _FILES_OF_TLS:
        path = values.get(name)
        if path is not None and not (name == 'ca_path' and os.path.isdir(path)):
            check_file(raw.origin(name), path)
    return Options(values, {name: raw.origin(name) for name in names})


def _is_unquoted(value: t.Any) -> bool:
    """Whether YAML may have made the value of text without quotes."""
    return isinstance(value, (bool, int, float, date))


def _plain(value: t.Any) -> t.Any:
    # ansible-core passes strings as a subclass of str with tags, which an HTTP header does not accept
    return str.__str__(value) if isinstance(value, str) else value


def _is_encodable(text: str) -> bool:
    try:
        text.encode(errors='surrogateescape')  # bytes from the environment need not be UTF-8
    except UnicodeError:
        return False
    return True
