# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils import _login, _secrets
from ansible_collections.firefly.platform.plugins.plugin_utils._client import VERSION
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import RunToken, login, validate_login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

TYPES = {
    'access_token': str,
    'token_type': str,
    'authorization': str,
    'expires_at': int,
    'expires_at_utc': str,
    'expires_in': int,
    'api_url': str,
    'reused': bool,
    'attempts': int,
}


def log_in(url: str, **options: t.Any) -> dict[str, t.Any]:
    keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}
    options = {'api_url': url, **keys, 'retries': 0, 'timeout': 10, 'token_cache': False, **options}
    return login(validate_login(options), Context(report=print)).values


def failure(url: str, **options: t.Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        log_in(url, **options)
    assert SECRET_KEY not in str(failed.value)
    return failed.value


def test_a_token_with_all_that_goes_with_it(firefly: FakeFirefly) -> None:
    before = time.time()
    result = log_in(firefly.url)
    assert {key: type(value) for key, value in result.items()} == TYPES
    assert result['access_token'] == firefly.tokens[0]
    assert result['authorization'] == f'Bearer {firefly.tokens[0]}'
    assert (result['token_type'], result['api_url']) == ('Bearer', firefly.url)
    assert (result['reused'], result['attempts']) == (False, 1)
    assert 3595 < result['expires_at'] - before < 3660
    assert 3500 < result['expires_in'] <= 3600
    assert result['expires_at_utc'] == time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(result['expires_at']))


def test_the_request_is_what_the_contract_says(firefly: FakeFirefly) -> None:
    log_in(firefly.url)
    (request,) = firefly.requests
    assert (request.method, request.path) == ('POST', '/v2/login')
    assert json.loads(request.body) == {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
    version = yaml.safe_load((Path(__file__).parents[4] / 'galaxy.yml').read_text(encoding='utf-8'))['version']
    assert version == VERSION
    expected = {
        'content-type': 'application/json',
        'accept': 'application/json',
        'accept-encoding': 'identity',
        'user-agent': f'firefly.platform/{version} (Ansible collection)',
        'host': firefly.url.removeprefix('http://'),
    }
    assert {name: request.headers.get(name) for name in expected} == expected
    assert 'authorization' not in request.headers
    assert 'cookie' not in request.headers


def test_netrc_is_not_used(firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('.netrc', '_netrc'):
        (tmp_path / name).write_text('machine 127.0.0.1 login netrc password HUNTER2\n')
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('NETRC', str(tmp_path / '.netrc'))
    log_in(firefly.url)
    assert 'authorization' not in firefly.requests[0].headers


@pytest.mark.parametrize(
    'access_key,secret_key',
    [('ключ', 'schlüssel'), ('a"b\\c', '{"x": 1}'), ('a b', 'c\td'), ('x' * 10_000, 'y' * 10_000), ('0', 'false')],
    ids=['not ascii', 'json', 'blanks', 'long', 'look like other types'],
)
def test_keys_arrive_as_they_are(access_key: str, secret_key: str) -> None:
    with FakeFirefly(keys={access_key: secret_key}) as firefly:
        assert log_in(firefly.url, access_key=access_key, secret_key=secret_key)['access_token'] == firefly.tokens[0]


@pytest.mark.parametrize('expires_at', ['absolute', 'relative', 'milliseconds'])
def test_each_meaning_of_expires_at(expires_at: t.Any) -> None:
    with FakeFirefly(expires_at=expires_at) as firefly:
        result = log_in(firefly.url)
    assert 3595 < result['expires_at'] - time.time() < 3605
    assert 3590 < result['expires_in'] <= 3600


@pytest.mark.parametrize('prefix', ['', '/firefly', '/gateway/firefly', '/v2/firefly'])
@pytest.mark.parametrize('suffix', ['', '/', '/v2', '/v2/', '//'])
def test_each_spelling_of_the_address(prefix: str, suffix: str) -> None:
    with FakeFirefly(prefix=prefix) as firefly:
        result = log_in(firefly.url + suffix)
        assert result['api_url'] == firefly.url
        assert firefly.count('POST', '/v2/login') == 1


def test_by_the_name_localhost(firefly: FakeFirefly) -> None:
    assert log_in(firefly.url.replace('127.0.0.1', 'localhost'))['attempts'] == 1


@pytest.mark.parametrize('token_type,read', [('bearer', 'Bearer'), ('BEARER', 'Bearer'), ('JWT', 'JWT')])
def test_the_header_is_bearer_whatever_the_type_says(token_type: str, read: str) -> None:
    with FakeFirefly(token_type=token_type) as firefly:
        result = log_in(firefly.url)
    assert (result['token_type'], result['authorization']) == (read, f'Bearer {firefly.tokens[0]}')


@pytest.mark.parametrize('lifetime,min_ttl', [(3600, 900), (3600, 3500), (60, 0), (5, 0)])
def test_a_token_that_lives_long_enough(lifetime: int, min_ttl: int) -> None:
    with FakeFirefly(token_lifetime=lifetime) as firefly:
        assert max(min_ttl, 1) <= log_in(firefly.url, min_ttl=min_ttl)['expires_in'] <= lifetime


@pytest.mark.parametrize('lifetime,min_ttl', [(59, 60), (3600, 3601), (60, 3600), (0, 0), (-100, 0)])
def test_a_token_that_does_not(lifetime: int, min_ttl: int) -> None:
    with FakeFirefly(token_lifetime=lifetime) as firefly:
        error = failure(firefly.url, min_ttl=min_ttl)
    assert (error.code, error.status, error.retryable) == ('expires_too_soon', 200, False)
    assert 'min_ttl' in str(error)
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('date_offset', [3600, -3600])
def test_a_lifetime_is_measured_by_the_clock_of_the_server(firefly: FakeFirefly, date_offset: float) -> None:
    now = int(time.time())
    firefly.fail(Fault(date_offset=date_offset, replace={'expiresAt': now + int(date_offset) + 600}))
    result = log_in(firefly.url)
    assert 570 < result['expires_in'] <= 600
    assert result['expires_at'] == now + date_offset + 600


def test_a_token_that_only_lives_by_the_clock_of_this_host(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(date_offset=7200))
    assert failure(firefly.url).code == 'expires_too_soon'


@pytest.mark.parametrize('date_offset', [3600, -3600])
def test_relative_expiry_counts_from_the_clock_of_the_server(date_offset: float) -> None:
    with FakeFirefly(expires_at='relative') as firefly:
        firefly.fail(Fault(date_offset=date_offset))
        result = log_in(firefly.url)
    assert 3570 < result['expires_in'] <= 3600
    assert result['expires_at'] - time.time() == pytest.approx(date_offset + 3600, abs=20)


@pytest.mark.parametrize('date', ['', 'junk', 'Fri, 99 Foo 2026 99:99:99 GMT', '1', 'Fri, 31 Dec 99999 23:59:59 GMT'])
def test_a_date_that_is_not_valid_is_ignored(firefly: FakeFirefly, date: str) -> None:
    firefly.fail(Fault(headers={'Date': date}))
    result = log_in(firefly.url)
    assert 3590 < result['expires_in'] <= 3600


@pytest.mark.parametrize('date', ['Fri, 31 Dec 9999 23:59:59 GMT', 'Mon, 01 Jan 0001 00:00:00 GMT'])
def test_an_absurd_date_is_ignored(firefly: FakeFirefly, date: str) -> None:
    firefly.fail(Fault(headers={'Date': date}, replace={'expiresAt': 600}))
    assert 590 < log_in(firefly.url)['expires_in'] <= 600


def clockless(serve: Callable[..., t.Any], expires_at: int) -> str:
    """The address of a server that sends no Date."""
    body = json.dumps({'accessToken': 'HUNTER3', 'expiresAt': expires_at, 'tokenType': 'Bearer'}).encode()
    head = f'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'.encode()
    return str(serve(lambda connection, request: connection.sendall(head + body)).url)


def test_a_server_without_a_clock(serve: Callable[..., t.Any]) -> None:
    result = log_in(clockless(serve, 600))
    assert result['access_token'] == 'HUNTER3'
    assert 570 < result['expires_in'] <= 600


def test_a_token_with_less_than_a_second_is_refused(serve: Callable[..., t.Any]) -> None:
    assert failure(clockless(serve, 1), min_ttl=0).code == 'expires_too_soon'


@pytest.mark.parametrize(
    'fault',
    [
        Fault(body='<html>Sign in to the Wi-Fi</html>', headers={'Content-Type': 'text/html'}),
        Fault(body=''),
        Fault(body='{"accessToken": "FIREFLY", "expiresAt": 17'),
        Fault(body='[]'),
        Fault(body='null'),
        Fault(body=b'\xff\x00'),
        Fault(body='[' * 50_000),
        Fault(replace={'accessToken': ...}),
        Fault(replace={'accessToken': None}),
        Fault(replace={'accessToken': ''}),
        Fault(replace={'accessToken': 'two words'}),
        Fault(replace={'accessToken': 'a\r\nX-Evil: 1'}),
        Fault(replace={'expiresAt': ...}),
        Fault(replace={'expiresAt': None}),
        Fault(replace={'expiresAt': 'tomorrow'}),
        Fault(replace={'expiresAt': True}),
        Fault(replace={'expiresAt': -5}),
        Fault(replace={'expiresAt': float('nan')}),
        Fault(replace={'expiresAt': 10**400}),
        Fault(replace={'tokenType': 'a\r\nX-Evil: 1'}),
    ],
    ids=lambda fault: str(fault.replace or fault.body)[:40],
)
def test_a_200_that_holds_no_token(firefly: FakeFirefly, fault: Fault) -> None:
    firefly.fail(fault, times=None)
    error = failure(firefly.url, retries=1)
    assert (error.code, error.status, error.retryable, error.attempts) == ('invalid_response', 200, False, 1)
    assert firefly.url in str(error)
    assert len(str(error)) < 500
    assert not any(token in str(error) for token in firefly.tokens)
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('tls', [False, True], ids=['http', 'https'])
@pytest.mark.parametrize(
    'fault',
    [Fault(reset='before'), Fault(reset='headers'), Fault(reset='body'), Fault(truncate=True)],
    ids=['before', 'headers', 'body', 'truncated'],
)
def test_a_connection_that_breaks_off_gives_no_token(tls: bool, fault: Fault) -> None:
    with FakeFirefly(tls=tls) as firefly:
        firefly.fail(fault)
        assert failure(firefly.url, ca_path=firefly.ca_path).code in ('connect', 'invalid_response')


@pytest.mark.parametrize('expires_at', [0, 1_500_000_000, 1_500_000_000_000], ids=['now', 'past', 'past in ms'])
def test_a_token_that_has_expired(firefly: FakeFirefly, expires_at: int) -> None:
    firefly.fail(Fault(replace={'expiresAt': expires_at}))
    error = failure(firefly.url, min_ttl=0)
    assert error.code == 'expires_too_soon'
    assert firefly.tokens[0] not in str(error)


@pytest.mark.parametrize('status', [201, 202, 204])
def test_another_success_is_unexpected(firefly: FakeFirefly, status: int) -> None:
    firefly.fail(Fault(status=status))
    assert failure(firefly.url).code == 'unexpected_status'


def test_a_wrong_key_is_asked_for_once(firefly: FakeFirefly) -> None:
    error = failure(firefly.url, secret_key='HUNTER2', retries=3)
    assert (error.code, error.status, error.retryable) == ('unauthorized', 401, False)
    assert 'HUNTER2' not in str(error)
    assert firefly.count('POST', '/v2/login') == 1


def test_recovery_counts_the_attempts(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503))
    assert log_in(firefly.url, retries=1)['attempts'] == 2


@pytest.mark.parametrize(
    'given,missing',
    [
        ({}, ['access_key', 'secret_key']),
        ({'access_key': 'HUNTER1'}, ['secret_key']),
        ({'secret_key': 'HUNTER2'}, ['access_key']),
        ({'access_key': 'HUNTER1', 'secret_key': ''}, ['secret_key']),
        ({'access_key': ' ', 'secret_key': 'HUNTER2'}, ['access_key']),
        ({'access_key': None, 'secret_key': None}, ['access_key', 'secret_key']),
    ],
)
def test_half_a_key_pair_is_refused(given: dict[str, t.Any], missing: list[str]) -> None:
    with pytest.raises(FireflyError) as refused:
        validate_login(given)
    assert refused.value.code == 'missing_credentials'
    what = str(refused.value).partition('.')[0]
    assert [name for name in ('access_key', 'secret_key') if name in what] == missing
    assert 'FIREFLY_SECRET_KEY' in str(refused.value)
    assert 'HUNTER' not in str(refused.value)


def test_a_wrong_option_is_told_before_missing_keys() -> None:
    with pytest.raises(FireflyError) as refused:
        validate_login({'timeout': -1})
    assert refused.value.code == 'invalid_option'


@pytest.mark.parametrize('secret_key,masked', [('HUNTER2-HUNTER2', ['HUNTER2-HUNTER2']), ('HUNTER2', [])])
def test_the_secret_key_is_masked_from_the_validation_on(
    monkeypatch: pytest.MonkeyPatch, secret_key: str, masked: list[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(_secrets, 'register_secret', told.append)
    validate_login({'access_key': 'ACCESS-HUNTER1', 'secret_key': secret_key})
    assert told == masked


@pytest.mark.parametrize('logins,renewals', [(0, [True, False, False]), (1, [False, False])])
def test_a_token_is_replaced_once_and_not_where_it_is_new(
    monkeypatch: pytest.MonkeyPatch, logins: int, renewals: list[bool]
) -> None:
    refused: list[str | None] = []

    def token_for(options: t.Any, context: Context, old: str | None = None) -> tuple[Token, int]:
        refused.append(old)
        return Token(f'token-{len(refused)}', 'Bearer', 0, 0.0), logins  # as if somebody else replaced each of them

    monkeypatch.setattr(_login, 'token_for', token_for)
    token = RunToken({}, Context(print))
    assert [token.renew() for _unused in renewals] == renewals
    assert refused == [None, 'token-1'][: 2 - logins]
    assert str(token) == f'token-{2 - logins}'
