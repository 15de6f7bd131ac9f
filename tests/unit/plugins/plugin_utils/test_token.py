# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import typing as t
from email.utils import formatdate

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token, read_token

ISSUED = 1_790_000_000
DATE = formatdate(ISSUED, usegmt=True)
TOKEN = 'eyJ0eXAiOiJKV1QifQ.HUNTER2.c2lnbmF0dXJl'
EXPIRES_AT = ISSUED + 3600
LAST_SECOND = 253402300799  # of the year 9999


def body(**changes: t.Any) -> bytes:
    """The body of a valid response with changes; ``...`` leaves a key out."""
    content = {'accessToken': TOKEN, 'expiresAt': EXPIRES_AT, 'tokenType': 'Bearer', **changes}
    return json.dumps({key: value for key, value in content.items() if value is not ...}).encode()


def complaint(content: bytes) -> str:
    with pytest.raises(ValueError, match=r'^(the response|\w+) is (not|missing)') as refused:
        read_token(content, DATE)
    assert 'HUNTER2' not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None  # it would hold the body
    return str(refused.value)


@pytest.mark.parametrize(
    'expires_at,expiry',
    [
        (EXPIRES_AT, EXPIRES_AT),
        (EXPIRES_AT + 0.9, EXPIRES_AT),
        (1_000_000_000, 1_000_000_000),  # the first absolute time
        (100_000_000_000, 100_000_000_000),  # the last one in seconds
        (100_000_000_001, 100_000_000),  # the first one in milliseconds
        (EXPIRES_AT * 1000 + 999, EXPIRES_AT),
        (LAST_SECOND * 1000, LAST_SECOND),
        (0, ISSUED),
        (3600.5, EXPIRES_AT),
        (999_999_999, ISSUED + 999_999_999),  # the last relative time
    ],
)
def test_expiry(monkeypatch: pytest.MonkeyPatch, expires_at: float, expiry: int) -> None:
    monkeypatch.setattr(time, 'time', lambda: float(ISSUED))
    token = read_token(body(expiresAt=expires_at, accountId=5), DATE)
    assert token[:3] == (TOKEN, 'Bearer', expiry)
    assert token.expires_at.__class__ is int


@pytest.mark.parametrize(
    'expires_at',
    [..., None, True, '3600', [EXPIRES_AT], {}, -1, float('nan'), float('inf'), LAST_SECOND * 1000 + 1, 10**400],
    ids=lambda value: str(value)[:20],
)
def test_an_invalid_expiry(expires_at: t.Any) -> None:
    assert complaint(body(expiresAt=expires_at)).startswith('expiresAt')


@pytest.mark.parametrize(
    'access_token',
    [..., None, '', f' {TOKEN}', f'Bearer {TOKEN}', f'{TOKEN}\n', f'{TOKEN}\r\nX-Evil: 1', f'{TOKEN}\x00', 'HUNTER2-ü']
    + ['\ud800', '==', 'HUNTER2=x', 5, True, ['HUNTER2'], {'token': 'HUNTER2'}],
    ids=repr,
)
def test_a_token_is_what_a_header_can_hold(access_token: t.Any) -> None:
    assert complaint(body(accessToken=access_token)).startswith('accessToken')
    for valid in ('opaque', 'a-b._~+/c==', 'x' * 100_000):
        assert read_token(body(accessToken=valid), DATE).access_token == valid


def test_token_type() -> None:
    for bearer in (..., None, '', [], 'Bearer', 'bearer', 'BEARER'):
        assert read_token(body(tokenType=bearer), DATE).token_type == 'Bearer'
    for other in ('ApiKey', 'JWT'):
        assert read_token(body(tokenType=other), DATE).token_type == other
    for invalid in ('two words', 'Bearer\n', 'Bearer\r\nX-Evil: 1', 'Bärer', 5, ['Bearer']):
        assert complaint(body(tokenType=invalid)).startswith('tokenType')


@pytest.mark.parametrize(
    'content',
    [b'', b' ', b'<html>HUNTER2</html>', body()[:-1], body() + b'x', body() * 2, b"{'accessToken': 'HUNTER2'}"]
    + [body().replace(b'HUNTER2', b'HUNTER2\xff'), b'\x1f\x8b\x08\x00HUNTER2', b'[' * 100_000, b'{"a":' * 100_000]
    + [b'{"expiresAt": ' + b'9' * 5000 + b'}'],
    ids=lambda content: repr(content[:15]),
)
def test_a_body_that_is_not_a_json_object(content: bytes) -> None:
    assert complaint(content) == 'the response is not valid JSON'
    for value in (b'[{"accessToken": "HUNTER2"}]', b'"HUNTER2"', b'5', b'null', b'NaN'):
        assert complaint(value) == 'the response is not a JSON object'


@pytest.mark.parametrize('offset', [0, 3600, -3600, 86000])
@pytest.mark.parametrize('relative', [False, True])
def test_the_lifetime_is_measured_by_the_clock_of_the_server(offset: int, relative: bool) -> None:
    server_time = int(time.time()) + offset
    token = read_token(body(expiresAt=600 if relative else server_time + 600), formatdate(server_time, usegmt=True))
    assert token.expires_at == server_time + 600
    assert 597 <= token.expires_in <= 600


@pytest.mark.parametrize(
    'date',
    [None, '', 'junk', '1', formatdate(0), formatdate(4e9), 'Fri, 99 Foo 2026 99:99:99 GMT']
    + ['Fri, 31 Dec 99999 23:59:59 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', 'Mon, 01 Jan 0001 00:00:00 GMT'],
)
@pytest.mark.parametrize('relative', [False, True])
def test_without_a_plausible_date_the_lifetime_is_measured_by_the_clock_here(date: str | None, relative: bool) -> None:
    expires_at = 600 if relative else int(time.time()) + 600
    assert 597 <= read_token(body(expiresAt=expires_at), date).expires_in <= 600


@pytest.mark.parametrize('clock', ['monotonic', 'time'])
def test_the_clock_that_is_ahead_counts(monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    """The monotonic clock stands still while a machine is suspended, and the other one may be set."""
    token = read_token(body(expiresAt=600), None)
    real = getattr(time, clock)
    monkeypatch.setattr(time, clock, lambda: real() - 1000)
    assert 597 <= token.expires_in <= 600
    monkeypatch.setattr(time, clock, lambda: real() + 500)
    assert 97 <= token.expires_in <= 100


def test_the_lifetime_is_never_rounded_up() -> None:
    assert Token(TOKEN, 'Bearer', ISSUED, time.monotonic() - 0.5, time.time() + 9).expires_in == -1


@pytest.mark.parametrize('expires_at,text', [(0, '1970-01-01T00:00:00Z'), (LAST_SECOND, '9999-12-31T23:59:59Z')])
def test_expires_at_utc_does_not_depend_on_the_time_zone(
    expires_at: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TZ', 'Asia/Kathmandu')
    time.tzset()
    try:
        assert Token(TOKEN, 'Bearer', expires_at, 0.0, 0.0).as_result()['expires_at_utc'] == text
    finally:
        monkeypatch.undo()
        time.tzset()
