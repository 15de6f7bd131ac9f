# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, types, defaults and sources are tested against the documentation, in test_documentation.py."""

from __future__ import annotations

import typing as t
from datetime import date, datetime

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    API_OPTIONS,
    HEALTH_OPTIONS,
    OPTIONS,
    SHARED_OPTIONS,
    Options,
    is_set,
    validate,
)
from helpers import client


class Tagged(str):
    """Like a string of ansible-core 2.19, which carries tags."""

    def __str__(self) -> str:
        return 'not the value'


def read(name: str, value: t.Any) -> t.Any:
    """What validation makes of the value of an option."""
    return validate(['api_url', name], Options({name: value}))[name]


def refusal(given: dict[str, t.Any], names: tuple[str, ...] = tuple(OPTIONS)) -> str:
    return client.refusal(validate, names, Options(given))


def test_defaults() -> None:
    for names in (SHARED_OPTIONS, HEALTH_OPTIONS, API_OPTIONS):
        assert validate(names, Options({})) == {name: OPTIONS[name].default for name in names}
    assert {name for name, option in OPTIONS.items() if option.fallback} == set(SHARED_OPTIONS)


@pytest.mark.parametrize('name', OPTIONS)
def test_an_empty_string_is_unset(name: str) -> None:
    for nothing in (None, '', ' ', '\t\n', Tagged('')):
        assert is_set(nothing) is False
        assert read(name, nothing) == OPTIONS[name].default
    assert [value for value in (0, False, 0.0, '0', 'x', []) if not is_set(value)] == []


VALID: dict[str, list[tuple[t.Any, t.Any]]] = {
    'validate_certs': [('no', False), ('True', True), ('1', True)],
    'wait': [('off', False)],
    'timeout': [('2.5', 2.5), (7, 7.0), (0.001, 0.001), (86400, 86400.0)],
    'retries': [('4', 4), (0, 0), (100, 100)],
    'min_ttl': [(0, 0), (31536000, 31536000)],
    'wait_timeout': [(1, 1), (86400, 86400)],
    'wait_sleep': [(1, 1), (86400, 86400)],
    'max_entries': [(1, 1), (1_000_000, 1_000_000)],
    'access_key': [(' with space\n', 'with space'), ('0123', '0123')],
    'secret_key': [('secret\udcff', 'secret\udcff')],
    'access_key_file': [('~/key', '/home/firefly/key')],
    'path': [(' x\n', 'x')],
    'body': [(value, value) for value in (0, False, [], {}, [1], {'a': None})],
    'method': [('post', 'POST'), (' Delete\n', 'DELETE'), ('', 'GET')],
    'status_code': [(204, [204]), ([100, '599'], [100, 599]), (' 200, 204 ', [200, 204]), ([], [])],
}


@pytest.mark.parametrize('name', VALID)
def test_valid_values(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv('HOME', '/home/firefly')
    for given, value in VALID[name]:
        converted = read(name, given)
        assert converted == value
        assert converted.__class__ is value.__class__


@pytest.mark.parametrize('name', [name for name, option in OPTIONS.items() if option.type in ('str', 'path')])
def test_a_tagged_string_becomes_a_plain_one(name: str) -> None:
    text = {'api_url': 'https://api.example', 'method': 'POST'}.get(name, __file__)
    value = read(name, Tagged(text))
    assert value == text
    assert value.__class__ is str


#: What YAML makes of text without quotes: 0123, yes, 1e3 and dates.
UNQUOTED = [83, True, 1000.0, date(2026, 1, 1), datetime(2026, 1, 1, 12)]

NUMBER, WHOLE, BOOLEAN, STATUS_LIST = 'a number', 'a whole number', 'true or false', 'a list of whole numbers'


@pytest.mark.parametrize(
    'name,must_be,values',
    [
        ('timeout', NUMBER, ['HUNTER2', [1], {'s': 1}]),
        ('timeout', 'between', [0, '-0.5', 'nan', float('nan'), 'inf', '-inf', 1e300, 86401]),
        ('retries', WHOLE, ['HUNTER2', '1.5', 1.5, 'nan', float('inf')]),
        ('retries', 'between', [-1, 101, 10**400]),
        ('retries', '', ['9' * 5000]),  # ansible-core before 2.18 leaves it to Python, which refuses to convert it
        ('min_ttl', WHOLE, ['1h', ['HUNTER2']]),
        ('min_ttl', 'between', [-1, 31536001, 10**400]),
        ('wait_timeout', 'between', [0, -5, 86401]),
        ('wait_sleep', 'between', [0, 86401]),
        ('max_entries', WHOLE, ['HUNTER2']),
        ('max_entries', 'between', [0, -1, 1_000_001]),
        ('validate_certs', BOOLEAN, ['HUNTER2', 2]),
        ('wait', BOOLEAN, [[]]),
        ('read_only', BOOLEAN, ['maybe']),
        ('all_pages', BOOLEAN, [2]),
        ('status_code', STATUS_LIST, ['HUNTER2', {'a': 1}, [None], True, float('nan')]),
        ('status_code', 'between', [99, 600, [204, 99], '200,6000']),
        ('method', 'one of GET, POST, PUT, PATCH, DELETE', ['HEAD', 'G ET', 'HUNTER2']),
        ('query', 'a dictionary', ['HUNTER2', 5]),
        *((name, 'a string', ['HUNTER2\ud800']) for name in ('access_key', 'secret_key', 'api_url')),
        ('ca_path', 'a path', ['HUNTER2\ud800', ['HUNTER2'], b'HUNTER2']),
        *((name, 'a string: put it in quotes.', UNQUOTED) for name in ('access_key', 'secret_key', 'api_url', 'path')),
        *((name, 'a string.', [['HUNTER2'], {'HUNTER2': 1}, b'HUNTER2']) for name in ('access_key', 'secret_key')),
        *((name, 'a path: put it in quotes.', UNQUOTED) for name in ('ca_path', 'secret_key_file')),
    ],
)
def test_invalid_values(name: str, must_be: str, values: list[t.Any]) -> None:
    for value in values:
        what = refusal({name: value})
        assert what.startswith(f'The option {name} must be {must_be}'), value
        assert 'e+' not in what
        assert '99' not in what or name == 'status_code'


def test_all_mistakes_are_reported_at_once() -> None:
    message = refusal({'timeout': 'soon', 'retries': 'many', 'access_key': 'HUNTER2', 'secret_key': b'HUNTER2'})
    assert 'option timeout' in message
    assert 'option retries' in message


@pytest.mark.parametrize('name,nearest', [('retrys', 'retries'), ('acces_key', 'access_key'), ('url', 'api_url')])
def test_an_unknown_option_is_reported_with_the_nearest_one_first(name: str, nearest: str) -> None:
    message = refusal({name: 'HUNTER2', 'retries': 1}, SHARED_OPTIONS)
    assert f'There is no option {name}. Did you mean {nearest}? Known options: {nearest}, ' in message
    assert all(known in message for known in SHARED_OPTIONS)
    not_text: t.Any = {1: 2, name: 4}
    assert f'There is no option 1, {name}.' in refusal(not_text)


def test_every_operation_ignores_the_shared_options_that_it_does_not_need() -> None:
    for name in set(SHARED_OPTIONS) - set(HEALTH_OPTIONS):
        assert validate(HEALTH_OPTIONS, Options({name: ['not even checked']})) == validate(HEALTH_OPTIONS, Options({}))
    assert 'There is no option wait. Known options: ' in refusal({'wait': True}, SHARED_OPTIONS)


def test_options_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        validate(HEALTH_OPTIONS, Options({}))['retries'] = 0  # type: ignore[index]
