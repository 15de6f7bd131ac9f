# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    API_OPTIONS,
    HEALTH_OPTIONS,
    LOGIN_OPTIONS,
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    is_set,
    validate,
    variable_name,
)

# name: (default, environment variable, variable)
FALLBACK: dict[str, tuple[t.Any, str, str]] = {
    'access_key': (None, 'FIREFLY_ACCESS_KEY', 'firefly_access_key'),
    'secret_key': (None, 'FIREFLY_SECRET_KEY', 'firefly_secret_key'),
    'access_key_file': (None, 'FIREFLY_ACCESS_KEY_FILE', 'firefly_access_key_file'),
    'secret_key_file': (None, 'FIREFLY_SECRET_KEY_FILE', 'firefly_secret_key_file'),
    'api_url': ('https://api.firefly.ai', 'FIREFLY_API_URL', 'firefly_api_url'),
    'validate_certs': (True, 'FIREFLY_VALIDATE_CERTS', 'firefly_validate_certs'),
    'ca_path': (None, 'FIREFLY_CA_PATH', 'firefly_ca_path'),
    'client_cert': (None, 'FIREFLY_CLIENT_CERT', 'firefly_client_cert'),
    'client_key': (None, 'FIREFLY_CLIENT_KEY', 'firefly_client_key'),
    'use_proxy': (True, 'FIREFLY_USE_PROXY', 'firefly_use_proxy'),
    'timeout': (30.0, 'FIREFLY_TIMEOUT', 'firefly_timeout'),
    'retries': (3, 'FIREFLY_RETRIES', 'firefly_retries'),
    'token_cache': (True, 'FIREFLY_TOKEN_CACHE', 'firefly_token_cache'),
    'min_ttl': (60, 'FIREFLY_MIN_TTL', 'firefly_min_ttl'),
}
WAITING: dict[str, t.Any] = {'wait': False, 'wait_timeout': 120, 'wait_sleep': 5}
REQUEST: dict[str, t.Any] = {
    'path': None,
    'method': 'GET',
    'query': None,
    'body': None,
    'read_only': None,
    'status_code': None,
    'all_pages': False,
    'max_entries': 10000,
}


class Tagged(str):
    """Like a string of ansible-core 2.19, which carries tags."""

    def __str__(self) -> str:
        return 'not the value'


def refusal(given: dict[str, t.Any], names: tuple[str, ...] = tuple(OPTIONS)) -> str:
    with pytest.raises(FireflyError) as refused:
        validate(names, given)
    assert refused.value.code == 'invalid_option'
    assert refused.value.retryable is False
    return str(refused.value)


def test_the_table_has_the_designed_options() -> None:
    assert set(OPTIONS) == {*FALLBACK, *WAITING, *REQUEST}
    assert {name for name, option in OPTIONS.items() if option.fallback} == set(FALLBACK)


def test_who_takes_which() -> None:
    assert set(LOGIN_OPTIONS) == set(SHARED_OPTIONS) == set(FALLBACK)
    assert set(API_OPTIONS) == {*FALLBACK, *REQUEST}
    needless = {'token_cache', 'min_ttl', *(name for name in FALLBACK if '_key' in name and name != 'client_key')}
    assert set(HEALTH_OPTIONS) == {*FALLBACK, *WAITING} - needless


@pytest.mark.parametrize('name', FALLBACK)
def test_names_in_the_environment_and_as_a_variable(name: str) -> None:
    assert (environment_names(name)[0], variable_name(name)) == FALLBACK[name][1:]


def test_defaults() -> None:
    assert validate(LOGIN_OPTIONS, {}) == {name: default for name, (default, *_unused) in FALLBACK.items()}
    health = validate(HEALTH_OPTIONS, {})
    assert {name: health[name] for name in WAITING} == WAITING
    assert set(health) == set(HEALTH_OPTIONS)
    assert dict(validate(API_OPTIONS, {})) == validate(LOGIN_OPTIONS, {}) | REQUEST


@pytest.mark.parametrize('nothing', [None, '', ' ', '\t\n', Tagged('')])
@pytest.mark.parametrize('name', OPTIONS)
def test_an_empty_value_is_unset(name: str, nothing: str | None) -> None:
    assert is_set(nothing) is False
    assert validate(['api_url', name], {name: nothing}) == validate(['api_url', name], {})


@pytest.mark.parametrize('value', [0, False, 0.0, '0', 'x', []])
def test_a_false_value_is_set(value: t.Any) -> None:
    assert is_set(value) is True


@pytest.mark.parametrize(
    'name,text,value',
    [
        ('validate_certs', 'no', False),
        ('validate_certs', 'False', False),
        ('validate_certs', '0', False),
        ('use_proxy', 'true', True),
        ('use_proxy', 'off', False),
        ('wait', 'yes', True),
        ('timeout', '2.5', 2.5),
        ('timeout', '7', 7.0),
        ('timeout', 7, 7.0),
        ('retries', '4', 4),
        ('min_ttl', '900', 900),
        ('wait_timeout', '300', 300),
        ('wait_sleep', '1', 1),
        ('token_cache', 'no', False),
        ('ca_path', '/etc/ca.pem', '/etc/ca.pem'),
        ('access_key', 'with space', 'with space'),
    ],
)
def test_types_come_from_text(name: str, text: t.Any, value: t.Any) -> None:
    converted = validate(['api_url', name], {name: text})[name]
    assert converted == value
    assert converted.__class__ is value.__class__


def test_a_path_may_use_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/home/firefly')
    assert validate(['api_url', 'ca_path'], {'ca_path': '~/ca.pem'})['ca_path'] == '/home/firefly/ca.pem'


@pytest.mark.parametrize('name', [name for name, option in OPTIONS.items() if option.type in ('str', 'path')])
def test_a_tagged_string_becomes_a_plain_one(name: str) -> None:
    text = {'api_url': 'https://api.example', 'method': 'POST'}.get(name, '/some/text')
    value = validate(['api_url', name], {name: Tagged(text)})[name]
    assert value == text
    assert value.__class__ is str


@pytest.mark.parametrize(
    'name,value',
    [
        ('timeout', 0.001),
        ('timeout', 86400),
        ('retries', 0),
        ('retries', '0'),
        ('retries', 100),
        ('min_ttl', 0),
        ('min_ttl', 31536000),
        ('wait_timeout', 1),
        ('wait_sleep', 1),
    ],
)
def test_the_ends_of_a_range_are_in_it(name: str, value: t.Any) -> None:
    assert validate(['api_url', name], {name: value})[name] == float(value)


@pytest.mark.parametrize(
    'name,value',
    [
        ('timeout', 0),
        ('timeout', -1),
        ('timeout', '-0.5'),
        ('timeout', 'nan'),
        ('timeout', float('nan')),
        ('timeout', 'inf'),
        ('timeout', '-inf'),
        ('timeout', 1e300),
        ('timeout', 86401),
        ('retries', -1),
        ('retries', 101),
        pytest.param('retries', 10**400, id='retries-10**400'),
        ('min_ttl', -1),
        pytest.param('min_ttl', 10**400, id='min_ttl-10**400'),
        ('wait_timeout', 0),
        ('wait_timeout', -5),
        ('wait_sleep', 0),
        ('max_entries', 0),
        ('max_entries', -1),
        ('max_entries', 1_000_001),
    ],
)
def test_out_of_range(name: str, value: t.Any) -> None:
    message = refusal({name: value})
    assert name in message
    assert 'must be between' in message
    assert 'e+' not in message.partition('must be')[2]


@pytest.mark.parametrize(
    'name,value',
    [
        ('timeout', 'soon'),
        ('timeout', [1]),
        ('timeout', {'s': 1}),
        ('retries', 'many'),
        ('retries', '1.5'),
        ('retries', 1.5),
        ('retries', 'nan'),
        ('retries', float('inf')),
        ('min_ttl', '1h'),
        ('validate_certs', 'maybe'),
        ('validate_certs', 2),
        ('wait', []),
        ('read_only', 'maybe'),
        ('all_pages', 2),
        ('max_entries', 'many'),
    ],
)
def test_of_the_wrong_type(name: str, value: t.Any) -> None:
    kinds = {
        'timeout': 'a number',
        'retries': 'a whole number',
        'min_ttl': 'a whole number',
        'max_entries': 'a whole number',
    }
    assert refusal({name: value}).startswith(f'The option {name} must be {kinds.get(name, "true or false")}. ')


def test_a_number_of_thousands_of_digits() -> None:
    # ansible-core before 2.18 leaves it to Python, which refuses to convert it
    message = refusal({'retries': '9' * 5000})
    assert message.startswith('The option retries must be ')
    assert '99' not in message


@pytest.mark.parametrize('name,nearest', [('retrys', 'retries'), ('acces_key', 'access_key'), ('url', 'api_url')])
def test_an_unknown_option_is_told_with_the_nearest_one_first(name: str, nearest: str) -> None:
    assert f'There is no option {name}; there are {nearest}, ' in refusal({name: 'HUNTER2'}, LOGIN_OPTIONS)


def test_an_unknown_option_is_told_with_those_that_there_are() -> None:
    message = refusal({'acces_key': 'HUNTER2', 'api_url': 'https://api.firefly.ai'}, LOGIN_OPTIONS)
    assert 'acces_key' in message
    assert all(name in message for name in LOGIN_OPTIONS)
    assert 'HUNTER2' not in message


def test_a_name_that_is_not_text_is_unknown_too() -> None:
    raw: t.Any = {1: 2, 'b': 4}
    assert 'There is no option 1, b;' in refusal(raw)


def test_waiting_is_for_health_alone() -> None:
    assert 'wait' in refusal({'wait': True}, LOGIN_OPTIONS)


@pytest.mark.parametrize('name', sorted(set(SHARED_OPTIONS) - set(HEALTH_OPTIONS)))
def test_health_takes_what_it_does_not_need_and_ignores_it(name: str) -> None:
    assert validate(HEALTH_OPTIONS, {name: ['not even checked']}) == validate(HEALTH_OPTIONS, {})


def test_options_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        validate(HEALTH_OPTIONS, {})['retries'] = 0  # type: ignore[index]


def test_all_mistakes_are_told_at_once() -> None:
    message = refusal({'timeout': 'soon', 'retries': 'many'})
    assert 'timeout' in message
    assert 'retries' in message


def test_no_message_repeats_a_key() -> None:
    keys = {'access_key': 'HUNTER1', 'secret_key': 'HUNTER2'}
    for mistake in ({'timeout': 'soon'}, {'timeout': -1}, {'token_cache': 'x'}, {'x': 1}):
        assert 'HUNTER' not in refusal({**keys, **mistake})


@pytest.mark.parametrize(
    'name', [name for name, option in OPTIONS.items() if option.type not in ('str', 'path', 'raw')]
)
def test_no_message_repeats_what_an_option_was_given(name: str) -> None:
    assert 'HUNTER2' not in refusal({name: 'HUNTER2'})


@pytest.mark.parametrize('key', [['HUNTER2'], {'key': 'HUNTER2'}, b'HUNTER2'], ids=['list', 'dict', 'bytes'])
@pytest.mark.parametrize('name', ['access_key', 'secret_key'])
def test_a_key_that_is_not_text_never_shows(name: str, key: t.Any) -> None:
    assert 'HUNTER2' not in refusal({name: key, 'timeout': 'soon'})


@pytest.mark.parametrize('name', ['access_key', 'secret_key', 'api_url', 'ca_path'])
def test_text_that_no_encoding_has(name: str) -> None:
    assert name in refusal({name: 'HUNTER2\ud800'})
    assert 'HUNTER2' not in refusal({name: 'HUNTER2\ud800'})


@pytest.mark.parametrize(
    'given,statuses',
    [
        (204, [204]),
        ([200, '204'], [200, 204]),
        ('200,204', [200, 204]),
        (' 200, 204 ', [200, 204]),
        ([], []),
        (None, None),
    ]
    + [(100, [100]), ([599], [599])],
)
def test_status_code_is_a_list_of_whole_numbers(given: t.Any, statuses: list[int] | None) -> None:
    assert validate(API_OPTIONS, {'status_code': given})['status_code'] == statuses


@pytest.mark.parametrize('given', [99, 600, [204, 99], '200,6000', float('nan'), 'ok', {'a': 1}, [None], True])
def test_status_code_is_a_list_of_statuses(given: t.Any) -> None:
    assert refusal({'status_code': given}).startswith('The option status_code must be ')


@pytest.mark.parametrize('method', ['get', 'HEAD', ' GET', 'GET\n'])
def test_a_method_is_one_of_a_few(method: str) -> None:
    assert 'The option method must be one of GET, POST, PUT, PATCH, DELETE.' in refusal({'method': method})


@pytest.mark.parametrize('value', ['', 'text', 0, False, [], {}, [1], {'a': None}])
def test_a_body_is_what_it_is(value: t.Any) -> None:
    body = validate(API_OPTIONS, {'body': value})['body']
    assert body == (None if value == '' else value)
    assert value == '' or body.__class__ is value.__class__
