# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes from outside, in all its forms: nothing but a FireflyError, and a token keeps what min_ttl promises."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import HEALTH
from ansible_collections.firefly.platform.plugins.plugin_utils._login import LOGIN, validate_login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation, perform
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    HEALTH_OPTIONS,
    LOGIN_OPTIONS,
    OPTIONS,
    validate,
)
from ansible_collections.firefly.platform.plugins.plugin_utils._secrets import scrub, server_message
from ansible_collections.firefly.platform.plugins.plugin_utils._token import read_token
from ansible_collections.firefly.platform.plugins.plugin_utils._url import base_url
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torture.faults import ACCESS_KEY, SECRET_KEY, TOKEN, Fault, Server, serve

settings.register_profile('torture', derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile('torture')

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.integers(-(10**20), 10**20)
    | st.integers(0, 10_000)
    | st.integers(-7200, 7200).map(lambda seconds: int(time.time()) + seconds)
    | st.integers(-7200, 7200).map(lambda seconds: (int(time.time()) + seconds) * 1000)
)
LOGINS = st.fixed_dictionaries(
    {'accessToken': st.just(TOKEN) | st.text() | JSON, 'expiresAt': NUMBERS | JSON},
    optional={'tokenType': st.just('Bearer') | st.text() | JSON},
)
VALUES = JSON | st.text() | st.sampled_from(['', ' ', 'true', 'no', '0', '-1', 'nan', 'inf', '1e400', '9' * 5000, '\0'])


@settings(max_examples=500)
@given(
    st.binary() | JSON.map(json.dumps).map(str.encode) | LOGINS.map(json.dumps).map(str.encode),
    st.none() | st.text() | st.floats(0, 4e9).map(formatdate),
)
def test_a_body_is_a_token_or_says_what_is_wrong(body: bytes, date: str | None) -> None:
    try:
        token = read_token(body, date)
    except ValueError as error:
        assert 0 < len(str(error)) < 60
    else:
        for part in (token.access_token, token.token_type):
            assert part.isascii()
            assert part.isprintable()
            assert ' ' not in part
        result = token.as_result()
        assert {type(result[name]) for name in ('expires_at', 'expires_in')} == {int}


@settings(max_examples=500)
@given(st.text() | st.builds('{}://{}/{}'.format, st.sampled_from(['https', 'http', 'ftp', '']), st.text(), st.text()))
def test_an_address_is_right_or_refused(api_url: str) -> None:
    with contextlib.suppress(FireflyError):
        base = base_url(api_url)
        assert base.startswith(('https://', 'http://'))
        assert not base.endswith(('/', '/v2'))
        assert base_url(base) == base
        assert base_url(f'{base}/v2/') == base


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from([*OPTIONS, 'unknown']), VALUES))
def test_options_are_right_or_refused(values: dict[str, Any]) -> None:
    for names in (LOGIN_OPTIONS, HEALTH_OPTIONS):
        try:
            options = validate(names, values)
        except FireflyError as error:
            assert error.code in ('invalid_option', 'insecure_url')
        else:
            assert set(options) == set(names)
            for name, value in options.items():
                option = OPTIONS[name]
                assert value is None or type(value) in (str, bool, int, float)
                assert option.minimum is None or option.minimum <= value <= option.maximum


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(LOGIN_OPTIONS), VALUES),
    st.dictionaries(st.sampled_from([f'firefly_{name}' for name in LOGIN_OPTIONS]), VALUES),
    st.dictionaries(st.sampled_from([f'FIREFLY_{name.upper()}' for name in LOGIN_OPTIONS]), st.text()),
)
def test_the_sources_are_right_or_refused(task: dict[str, Any], variables: dict[str, Any], environment: Any) -> None:
    sources = Sources(task, variables, environment, lambda values: values, os.path.abspath)
    with contextlib.suppress(FireflyError):
        validate_login(resolve(LOGIN_OPTIONS, sources))


@settings(max_examples=500)
@given(st.binary() | JSON.map(json.dumps).map(str.encode), st.text(min_size=4), st.text())
def test_a_message_of_a_server_is_short_and_without_secrets(body: bytes, secret: str, around: str) -> None:
    assert len(server_message(body, [secret])) <= 200
    said = json.dumps({'message': f'{around}{secret}{around}'}).encode()
    message = server_message(said, [secret])
    assert len(message) <= 200
    assert message.isprintable()
    assert secret not in scrub(f'{around}{secret}{around}', [secret]).replace('********', '')


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(Fault('whatever the test says', 'ok', lambda connection: None), tmp_path_factory.mktemp('s')) as server:
        yield server


def _respond(server: Server, data: bytes) -> None:
    object.__setattr__(server.fault, 'handle', lambda connection: connection.sendall(data))


def _perform(operation: Operation, server: Server, **more: Any) -> dict[str, Any]:
    raw = {'api_url': server.url, 'timeout': 5, 'retries': 0, **more}
    return perform(operation, raw, Context(report=pytest.fail)).values


def _login(server: Server, secret_key: str = SECRET_KEY, **more: Any) -> dict[str, Any]:
    return _perform(LOGIN, server, access_key=ACCESS_KEY, secret_key=secret_key, token_cache=False, **more)


@settings(max_examples=300)
@given(LOGINS, st.integers(0, 7200), st.none() | st.integers(-80_000, 80_000) | st.sampled_from([-(10**6), 10**6]))
def test_a_token_lives_as_long_as_min_ttl_asks(
    server: Server, body: dict[str, Any], min_ttl: int, date_offset: int | None
) -> None:
    date = formatdate(time.time() + (date_offset or 0), usegmt=True).encode()
    date = b'' if date_offset is None else b'Date: %s\r\n' % date
    # the clock that counts: the server's where it is within a day of this machine's
    offset = date_offset if date_offset and abs(date_offset) < 86400 else 0
    now = time.time() + offset
    content = json.dumps(body).encode()
    _respond(server, b'HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s' % (date, len(content), content))
    try:
        result = _login(server, min_ttl=min_ttl)
    except FireflyError as error:
        assert error.code in ('invalid_response', 'expires_too_soon')
    else:
        value = body['expiresAt']
        # relative ones count from when the server responded
        expires_at = now + value if value < 1e9 else value / 1000 if value > 1e11 else value
        assert expires_at - (time.time() + offset) >= min_ttl - 1
        assert result['expires_in'] >= min_ttl
        assert result['expires_in'] <= expires_at - now + 1


TEXT = st.text(st.characters(max_codepoint=255), max_size=30).map(lambda text: text.encode('latin-1'))
NAMES = st.sampled_from(
    b'Date Retry-After Content-Length Content-Type Content-Encoding Transfer-Encoding Location Set-Cookie'.split()
)
HEADERS = st.lists(st.tuples(NAMES | TEXT, TEXT | st.sampled_from([b'chunked', b'gzip', b'5', b'close'])), max_size=6)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.just(b'HTTP/1.1 200 OK'), HEADERS, st.binary(max_size=200))
def test_any_response_at_all(server: Server, line: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    head = b''.join(b'%s: %s\r\n' % header for header in headers)
    _respond(server, b'%s\r\n%s\r\n%s' % (line, head, body))
    with contextlib.suppress(FireflyError):
        _login(server)
    assert not _perform(HEALTH, server)['healthy']


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=['Cs']), min_size=1).filter(str.strip))
def test_any_secret_key(server: Server, secret_key: str) -> None:
    said = json.dumps({'message': f'no {secret_key}'}).encode()
    _respond(server, b'HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s' % (len(said), said))
    with pytest.raises(FireflyError) as error:
        _login(server, secret_key)
    assert error.value.code == 'unauthorized'
