# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes from outside, in all its forms: nothing but a FireflyError, and a token keeps what min_ttl promises."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.module_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.module_utils._health import health, health_options
from ansible_collections.firefly.platform.plugins.module_utils._login import login, login_options
from ansible_collections.firefly.platform.plugins.module_utils._options import HEALTH, LOGIN, OPTIONS, validate
from ansible_collections.firefly.platform.plugins.module_utils._secrets import scrub, server_message
from ansible_collections.firefly.platform.plugins.module_utils._token import read_token
from ansible_collections.firefly.platform.plugins.module_utils._url import base_url
from ansible_collections.firefly.platform.plugins.plugin_utils._sources import resolve
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
    {},
    optional={
        'accessToken': st.just(TOKEN) | JSON,
        'expiresAt': NUMBERS | JSON,
        'tokenType': st.just('Bearer') | JSON,
    },
)
VALUES = JSON | st.text() | st.sampled_from(['', ' ', 'true', 'no', '0', '-1', 'nan', 'inf', '1e400', '9' * 5000, '\0'])


@settings(max_examples=500)
@given(st.binary() | JSON.map(json.dumps).map(str.encode) | LOGINS.map(json.dumps).map(str.encode), st.floats(0, 4e9))
def test_a_body_is_a_token_or_says_what_is_wrong(body: bytes, issued: float) -> None:
    try:
        access_token, token_type, expires_at = read_token(body, issued)
    except ValueError as error:
        assert 0 < len(str(error)) < 60
    else:
        assert access_token.isascii()
        assert access_token.isprintable()
        assert ' ' not in access_token + token_type
        assert expires_at.__class__ is int
        time.gmtime(expires_at)


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
    for names in (LOGIN, HEALTH):
        try:
            options = validate(names, values)
        except FireflyError as error:
            assert error.code == 'invalid_option'
        else:
            assert set(options) == set(names)
            for name, value in options.items():
                option = OPTIONS[name]
                assert value is None or type(value) in (str, bool, int, float)
                assert option.minimum is None or option.minimum <= value <= (option.maximum or math.inf)


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(LOGIN), VALUES),
    st.dictionaries(st.sampled_from([f'firefly_{name}' for name in LOGIN]), VALUES),
    st.dictionaries(st.sampled_from([f'FIREFLY_{name.upper()}' for name in LOGIN]), st.text()),
)
def test_the_sources_are_right_or_refused(task: dict[str, Any], variables: dict[str, Any], environment: Any) -> None:
    options = resolve(LOGIN, task, variables, environment, lambda value: value)
    with contextlib.suppress(FireflyError):
        login_options(options)


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


def _answer(server: Server, data: bytes) -> None:
    object.__setattr__(server.fault, 'handle', lambda connection: connection.sendall(data))


def _options(server: Server, **more: Any) -> dict[str, Any]:
    return {'api_url': server.url, 'timeout': 5, 'retries': 0, **more}


@settings(max_examples=300)
@given(LOGINS, st.integers(0, 7200), st.integers(-(10**6), 10**6) | st.none())
def test_a_token_lives_as_long_as_min_ttl_asks(
    server: Server, body: dict[str, Any], min_ttl: int, date_offset: int | None
) -> None:
    # what the server's clock says when it answers; Date has only its whole seconds
    now = time.time() + (date_offset or 0)
    date = b'' if date_offset is None else b'Date: %s\r\n' % formatdate(now, usegmt=True).encode()
    content = json.dumps(body).encode()
    _answer(server, b'HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s' % (date, len(content), content))
    options = login_options(_options(server, access_key=ACCESS_KEY, secret_key=SECRET_KEY, min_ttl=min_ttl))
    try:
        result = login(options)
    except FireflyError as error:
        assert error.code in ('invalid_response', 'expires_too_soon')
    else:
        server_now = time.time() + (date_offset or 0)
        value = body['expiresAt']
        # relative ones count from when the server answered
        expires_at = now + value if value < 1e9 else value / 1000 if value > 1e11 else value
        assert expires_at - server_now >= min_ttl - 1
        assert result['expires_in'] >= min_ttl
        assert result['expires_in'] <= expires_at - now + 1


TEXT = st.text(st.characters(max_codepoint=255), max_size=30).map(lambda text: text.encode('latin-1'))
NAMES = st.sampled_from(
    b'Date Retry-After Content-Length Content-Type Content-Encoding Transfer-Encoding Location Set-Cookie'.split()
)
HEADERS = st.lists(st.tuples(NAMES | TEXT, TEXT | st.sampled_from([b'chunked', b'gzip', b'5', b'close'])), max_size=6)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.just(b'HTTP/1.1 200 OK'), HEADERS, st.binary(max_size=200))
def test_any_answer_at_all(server: Server, line: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    head = b''.join(b'%s: %s\r\n' % header for header in headers)
    _answer(server, b'%s\r\n%s\r\n%s' % (line, head, body))
    with contextlib.suppress(FireflyError):
        login(login_options(_options(server, access_key=ACCESS_KEY, secret_key=SECRET_KEY)))
    with contextlib.suppress(FireflyError):
        assert not health(health_options(_options(server)))['healthy']


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=['Cs']), min_size=1).filter(str.strip))
def test_any_secret_key(server: Server, secret_key: str) -> None:
    said = json.dumps({'message': f'no {secret_key}'}).encode()
    _answer(server, b'HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s' % (len(said), said))
    with pytest.raises(FireflyError) as error:
        login(login_options(_options(server, access_key=ACCESS_KEY, secret_key=secret_key)))
    assert error.value.code == 'unauthorized'
