# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever comes from outside raises nothing but a FireflyError, and a token lives as long as min_ttl says."""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
import time
from collections.abc import Iterator
from datetime import date, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _json
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import ENDPOINTS, Paging
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import Health
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    HEALTH_OPTIONS,
    OPTIONS,
    SHARED_OPTIONS,
    Options,
    validate,
)
from ansible_collections.firefly.platform.plugins.plugin_utils._pages import PagedList
from ansible_collections.firefly.platform.plugins.plugin_utils._secrets import masked, server_message
from ansible_collections.firefly.platform.plugins.plugin_utils._token import read_token
from ansible_collections.firefly.platform.plugins.plugin_utils._url import base_url
from helpers.operations import perform
from helpers.raw_server import RawServer, close, http, send
from helpers.wire_faults import ACCESS_KEY, SECRET_KEY, TOKEN, login_body
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
def test_an_address_is_valid_or_refused(api_url: str) -> None:
    with contextlib.suppress(FireflyError):
        base = base_url(api_url)
        assert base.startswith(('https://', 'http://'))
        assert not base.endswith(('/', '/v2'))
        assert base_url(base) == base
        assert base_url(f'{base}/v2/') == base


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from([*OPTIONS, 'unknown']), VALUES))
def test_options_are_valid_or_refused(values: dict[str, Any]) -> None:
    for names in (SHARED_OPTIONS, HEALTH_OPTIONS):
        try:
            options = validate(names, Options(values))
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
    st.dictionaries(st.sampled_from(SHARED_OPTIONS), VALUES),
    st.dictionaries(st.sampled_from([f'firefly_{name}' for name in SHARED_OPTIONS]), VALUES),
    st.dictionaries(st.sampled_from([f'FIREFLY_{name.upper()}' for name in SHARED_OPTIONS]), st.text()),
)
def test_the_sources_are_valid_or_refused(task: dict[str, Any], variables: dict[str, Any], environment: Any) -> None:
    sources = Sources(
        arguments=task,
        variables=variables,
        environment=environment,
        template=lambda values: values,
        resolve_path=os.path.abspath,
    )
    with contextlib.suppress(FireflyError):
        Login().validate(resolve(SHARED_OPTIONS, sources))


@settings(max_examples=500)
@given(st.binary() | JSON.map(json.dumps).map(str.encode), st.text(min_size=4), st.text())
def test_a_message_of_a_server_is_short_and_without_secrets(body: bytes, secret: str, around: str) -> None:
    assert len(server_message(body, [secret])) <= 200
    said = json.dumps({'message': f'{around}{secret}{around}'}).encode()
    message = server_message(said, [secret])
    assert len(message) <= 200
    assert message.isprintable()
    assert secret not in masked(f'{around}{secret}{around}', [secret]).replace('********', '')


@pytest.fixture(scope='module')
def server() -> Iterator[RawServer]:
    """A server whose responses the tests set."""
    with RawServer(close) as server:
        yield server


def _perform(operation: Operation, server: RawServer, **more: Any) -> dict[str, Any]:
    raw = {'api_url': server.url, 'timeout': 5, 'retries': 0, **more}
    return perform(operation, raw, Context(report=pytest.fail)).values


def _login(server: RawServer, secret_key: str = SECRET_KEY, **more: Any) -> dict[str, Any]:
    return _perform(Login(), server, access_key=ACCESS_KEY, secret_key=secret_key, token_cache=False, **more)


@settings(max_examples=300)
@given(LOGINS, st.integers(0, 7200), st.none() | st.integers(-80_000, 80_000) | st.sampled_from([-(10**6), 10**6]))
def test_a_token_lives_as_long_as_min_ttl_asks(
    server: RawServer, body: dict[str, Any], min_ttl: int, date_offset: int | None
) -> None:
    date = [] if date_offset is None else [f'Date: {formatdate(time.time() + date_offset, usegmt=True)}']
    # the server's clock counts if it is within a day of this machine's
    offset = date_offset if date_offset and abs(date_offset) < 86400 else 0
    now = time.time() + offset
    server.talk = http(200, json.dumps(body), *date)
    try:
        result = _login(server, min_ttl=min_ttl)
    except FireflyError as error:
        assert error.code in ('invalid_response', 'expires_too_soon')
    else:
        value = body['expiresAt']
        # a relative time starts when the server responds
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
def test_any_response(server: RawServer, line: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    head = b''.join(b'%s: %s\r\n' % header for header in headers)
    server.talk = send(b'%s\r\n%s\r\n%s' % (line, head, body))
    with contextlib.suppress(FireflyError):
        _login(server)
    assert not _perform(Health(), server)['healthy']


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=['Cs']), min_size=1).filter(str.strip))
def test_any_secret_key(server: RawServer, secret_key: str) -> None:
    server.talk = http(401, json.dumps({'message': f'no {secret_key}'}))
    with pytest.raises(FireflyError) as error:
        _login(server, secret_key)
    assert error.value.code == 'unauthorized'


@pytest.fixture(scope='module')
def api() -> Iterator[RawServer]:
    """A healthy login, and an endpoint that answers every request with an object."""
    with RawServer(http(200, login_body())) as server:
        yield server


def _asked(server: RawServer, prefix: str = '', **asked: Any) -> tuple[str, bytes] | None:
    """The address and the body of the request that a task makes; nothing if it is refused before it is sent."""
    server.requests.clear()
    raw = {'api_url': server.url + prefix, 'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, 'token_cache': False}
    try:
        perform(Api(), {**raw, 'timeout': 5, 'retries': 0, **asked}, Context(report=pytest.fail))
    except FireflyError as error:
        assert error.code == 'invalid_option'
        assert server.requests == []
        return None
    login, request = server.requests
    assert login.startswith(f'POST {prefix}/v2/login '.encode())
    head, _unused, body = request.partition(b'\r\n\r\n')
    return head.split()[1].decode('ascii'), body


SEGMENTS = st.text(max_size=8) | st.sampled_from(
    ['login', 'LOGIN', 'v2', 'V2', '.', '..', '', '%2e', '%2f', 'api', 'v1', 'https:', '?', '#', '\\', '@', ';', ':80']
)


@settings(max_examples=1000)
@given(st.lists(SEGMENTS, min_size=1, max_size=5).map('/'.join), st.sampled_from(['', '/a', '/v2/b']))
def test_a_path_is_below_v2_or_refused(api: RawServer, path: str, prefix: str) -> None:
    asked = _asked(api, prefix, path=path)
    if not asked:
        plain = path.strip().removeprefix('v2/').lower()
        assert not re.fullmatch('[a-z0-9-]+(/[a-z0-9-]+)*', plain) or plain.startswith(('login', 'api/v1'))
    else:
        target = unquote(asked[0])
        below = target.removeprefix(f'{prefix}/v2/')
        assert below != target
        assert below.strip('/') == path.strip().removeprefix('/').removeprefix('v2/').strip('/')
        assert posixpath.normpath(target) == target.rstrip('/')
        # as a lenient server reads it
        assert below.lower().split(';')[0].strip('/') != 'login'
        assert not below.lower().startswith('api/v1')
        assert urlsplit(asked[0]).path == asked[0]


HUGE = st.builds(lambda: 10**5000)
ODD = st.dates() | st.datetimes() | st.binary(max_size=8) | HUGE | st.sampled_from([{1, 2}, (1, 2), '\udc80', object()])
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.floats() | ODD.filter(lambda key: key != {1, 2})
PLAYBOOK = st.recursive(
    JSON | ODD,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS, children, max_size=3),
    max_leaves=8,
)


def _iso(value: Any) -> Any:
    """How a date is sent."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError


@settings(max_examples=1000)
@given(PLAYBOOK)
def test_a_body_is_sent_or_refused(api: RawServer, body: Any) -> None:
    asked = _asked(api, path='projects', method='POST', body=body)
    if body is None or isinstance(body, str):
        return
    if asked:
        assert json.loads(asked[1]) == json.loads(json.dumps(body, default=_iso))
    else:
        with pytest.raises((TypeError, ValueError)):
            json.dumps(body, allow_nan=False, default=_iso)


@settings(max_examples=300)
@given(st.text() | JSON.map(json.dumps) | st.sampled_from(['NaN', '[' * 5000, '9' * 5000, '1e999', '"\\ud800"']))
def test_a_body_that_is_text_is_json_or_refused(api: RawServer, body: str) -> None:
    asked = _asked(api, path='projects', method='POST', body=body)
    if asked and body.strip() not in ('', 'null'):
        assert json.loads(asked[1]) == json.loads(body)


@settings(max_examples=1000)
@given(st.dictionaries(KEYS, JSON | ODD | st.lists(JSON | ODD, max_size=3), max_size=4) | PLAYBOOK)
def test_a_query_is_sent_or_refused(api: RawServer, query: Any) -> None:
    asked = _asked(api, path='projects', query=query)
    if not isinstance(query, dict):
        return
    if not asked:
        values = [each for value in query.values() for each in (value if isinstance(value, list) else [value])]
        if all(isinstance(value, (str, int, float, type(None))) for value in values):
            with pytest.raises(ValueError, match='limit|surrogates'):
                ' '.join(map(str, [*query, *values])).encode()
        return
    listed = [(str(name), value if isinstance(value, list) else [value]) for name, value in query.items()]
    pairs = [(name, value) for name, values in dict(listed).items() for value in values if value is not None]
    sent = parse_qsl(urlsplit(asked[0]).query, keep_blank_values=True, strict_parsing=bool(pairs))
    texts = {bool: lambda value: str(value).lower(), date: _iso, datetime: _iso}
    assert sent == [(name, texts.get(value.__class__, str)(value)) for name, value in pairs]


@settings(max_examples=1000)
@given(
    st.binary()
    | JSON.map(json.dumps).map(str.encode)
    | st.integers(0, 400).map(lambda depth: b'[' * depth + b'1' + b']' * depth)
    | st.integers(0, 400).map(lambda depth: b'{"a":' * depth + b'1' + b'}' * depth)
    | st.sampled_from(
        [b'1e999', b'-1e999', b'NaN', b'-Infinity', b'1' * 308, b'1' * 309, b'9' * 5000, b'-0', b'1' * 400 + b'.5']
    )
    | st.sampled_from(['utf-16', 'utf-32', 'utf-8-sig', 'latin-1']).map('{"\xe9": [1]}'.encode),
    st.lists(st.text(min_size=8), max_size=2),
)
def test_a_response_is_json_or_refused(body: bytes, secrets: list[str]) -> None:
    try:
        content = masked(_json.parse(body), secrets)
    except ValueError as error:
        assert 0 < len(str(error)) < 60
    else:
        text = json.dumps(content, allow_nan=False)
        assert json.loads(text) == content
        for secret in secrets:
            assert secret not in json.dumps(content, ensure_ascii=False).replace('********', '')


PAGINGS = [endpoint.paging for endpoint in ENDPOINTS if endpoint.paging]
TOTALS = [None, -1, 0, 1, 3, 10**30, True, False, 'many', 2.0, float('inf'), [], {}]


@settings(max_examples=2000)
@given(
    st.sampled_from(PAGINGS),
    st.integers(0, 30),
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.lists(st.just('right') | st.just('none') | st.sampled_from(TOTALS), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([10_000, 5]),
)
def test_all_pages_are_all_entries_or_an_error(
    paging: Paging, count: int, sizes: list[int], totals: list[Any], empty_last: bool, most: int
) -> None:
    """The server chooses the length of each page. Each of its totals is right, wrong, missing or not a number."""
    whole = [{'id': number} for number in range(count)]
    numbers = [total for total in [count if total == 'right' else total for total in totals] if total.__class__ is int]
    starts = [0]
    while starts[-1] < count:
        starts.append(min(count, starts[-1] + sizes[len(starts) % len(sizes)]))

    def fetch(query: Any, body: Any) -> Any:
        cursor = (query if paging.where == 'query' else body).get(paging.parameter)
        is_number = paging.parameter == 'page'
        number = cursor - paging.first.value if is_number else starts.index(cursor or 0)
        page = whole[starts[number] : starts[number + 1]] if number + 1 < len(starts) else []
        if not paging.entries:
            return page
        found = {paging.entries: page, 'more': {paging.total: 0}}
        total = totals[number % len(totals)]
        if paging.total and total != 'none':
            found[paging.total] = count if total == 'right' else total
        ends = starts[min(number + 1, len(starts) - 1)]
        if paging.first.value is None and page and (ends < count or empty_last):
            found[paging.parameter] = ends
        return found

    pages = PagedList(paging=paging, query={'a': ['1']}, body={'b': 2}, max_entries=most)
    try:
        while not pages.is_complete:
            pages.add(fetch(pages.query, pages.body), 200)
            assert pages.pages < 100
    except FireflyError as error:
        assert error.code in ('invalid_response', 'response_too_large')
        assert error.code == 'invalid_response' or count > most
        # a total that is too high, or that no page can reach
        assert count > most or max(numbers, default=0) > count
    else:
        # without a key, a total that is too low ends the list where it is reached
        ends_early = paging.first.value is not None and len(pages.entries) in numbers
        assert pages.entries == (whole[: len(pages.entries)] if ends_early else whole)
