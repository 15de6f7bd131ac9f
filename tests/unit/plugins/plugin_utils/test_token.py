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
GOOD = {'accessToken': TOKEN, 'expiresAt': EXPIRES_AT, 'tokenType': 'Bearer'}


@pytest.fixture
def _issued(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock, at ISSUED."""
    monkeypatch.setattr(time, 'time', lambda: float(ISSUED))


def body(**changes: t.Any) -> bytes:
    """The body of a good response with changes; a key whose value is ``...`` is left out."""
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value is not ...}).encode()


def complaint(content: bytes) -> str:
    with pytest.raises(ValueError, match=r'^(it|\w+) is (not|missing)') as refused:
        read_token(content, DATE)
    assert 'HUNTER2' not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None  # it would hold the body
    return str(refused.value)


def test_a_good_response() -> None:
    assert read_token(body(), DATE)[:3] == (TOKEN, 'Bearer', EXPIRES_AT)


def test_more_keys_are_ignored() -> None:
    assert read_token(body(refreshToken='x', accountId=5), DATE)[:3] == (TOKEN, 'Bearer', EXPIRES_AT)


@pytest.mark.parametrize(
    'expires_at,expiry',
    [
        (EXPIRES_AT, EXPIRES_AT),
        (float(EXPIRES_AT), EXPIRES_AT),
        (EXPIRES_AT + 0.9, EXPIRES_AT),
        (1_000_000_000, 1_000_000_000),
        (ISSUED - 1, ISSUED - 1),
        (100_000_000_000, 100_000_000_000),
        (3600, EXPIRES_AT),
        (3600.5, EXPIRES_AT),
        (0, ISSUED),
        (999_999_999, ISSUED + 999_999_999),
        (EXPIRES_AT * 1000, EXPIRES_AT),
        (EXPIRES_AT * 1000 + 999, EXPIRES_AT),
        (100_000_000_001, 100_000_000),
        (LAST_SECOND * 1000, LAST_SECOND),
    ],
    ids=[
        'seconds',
        'float',
        'never rounded up',
        'first that is absolute',
        'past',
        'last in seconds',
        'relative',
        'relative float',
        'relative zero',
        'last relative',
        'milliseconds',
        'milliseconds never rounded up',
        'first in milliseconds',
        'end of the calendar',
    ],
)
@pytest.mark.usefixtures('_issued')
def test_expiry(expires_at: float, expiry: int) -> None:
    value = read_token(body(expiresAt=expires_at), DATE)[2]
    assert value == expiry
    assert value.__class__ is int


@pytest.mark.parametrize(
    'expires_at',
    [
        ...,
        None,
        True,
        False,
        '3600',
        str(EXPIRES_AT),
        '2026-11-24T00:00:00Z',
        [EXPIRES_AT],
        {},
        -1,
        -EXPIRES_AT,
        float('nan'),
        float('inf'),
        float('-inf'),
        LAST_SECOND * 1000 + 1,
        1e300,
        10**400,
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_expiry_that_is_not_valid(expires_at: t.Any) -> None:
    assert complaint(body(expiresAt=expires_at)).startswith('expiresAt')


@pytest.mark.parametrize('number', ['1e400', '-1e400', '9' * 5000], ids=['too large', 'too small', '5000 digits'])
def test_a_number_that_python_does_not_read(number: str) -> None:
    complaint(f'{{"accessToken": "{TOKEN}", "expiresAt": {number}}}'.encode())


@pytest.mark.parametrize(
    'token_type,read',
    [
        ('Bearer', 'Bearer'),
        ('bearer', 'Bearer'),
        ('BEARER', 'Bearer'),
        *((nothing, 'Bearer') for nothing in (..., None, '', [], {})),
        ('JWT', 'JWT'),
    ],
)
def test_token_type(token_type: t.Any, read: str) -> None:
    assert read_token(body(tokenType=token_type), DATE)[1] == read


@pytest.mark.parametrize(
    'token_type', ['two words', 'Bearer\n', 'Bearer\r\nX-Evil: 1', 'Bärer', 5, ['Bearer'], {'type': 'Bearer'}]
)
def test_a_token_type_that_is_not_valid(token_type: t.Any) -> None:
    assert complaint(body(tokenType=token_type)).startswith('tokenType')


@pytest.mark.parametrize('access_token', [TOKEN, 'opaque', 'a-b._~+/c==', 'x' * 100_000], ids=lambda text: text[:20])
def test_a_token_is_what_a_header_can_hold(access_token: str) -> None:
    assert read_token(body(accessToken=access_token), DATE)[0] == access_token


@pytest.mark.parametrize(
    'access_token',
    [
        ...,
        None,
        '',
        ' ',
        f' {TOKEN}',
        f'{TOKEN} ',
        f'Bearer {TOKEN}',
        f'{TOKEN}\n',
        f'{TOKEN}\r\nX-Evil: 1',
        f'{TOKEN}\x00',
        'HUNTER2-ü',
        '\ud800',
        '==',
        'HUNTER2=x',
        5,
        True,
        ['HUNTER2'],
        {'token': 'HUNTER2'},
    ],
    ids=repr,
)
def test_a_token_that_is_not_valid(access_token: t.Any) -> None:
    assert complaint(body(accessToken=access_token)).startswith('accessToken')


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b' ',
        b'<html>HUNTER2</html>',
        b'HUNTER2',
        body()[:-1],
        body()[: len(body()) // 2],
        body() + b'x',
        body() * 2,
        body().replace(b'HUNTER2', b'HUNTER2\xff'),
        b'\xff\xfe\xfd',
        b'\x1f\x8b\x08\x00HUNTER2',
        b'[' * 100_000,
        b'{"a":' * 100_000,
        b"{'accessToken': 'HUNTER2'}",
    ],
    ids=[
        'empty',
        'blank',
        'html',
        'text',
        'one byte short',
        'half',
        'something after it',
        'twice',
        'not utf-8',
        'binary',
        'gzip',
        'nested arrays',
        'nested objects',
        'python',
    ],
)
def test_what_is_not_json(content: bytes) -> None:
    assert complaint(content) == 'it is not valid JSON'


@pytest.mark.parametrize('content', [b'[]', b'[{"accessToken": "HUNTER2"}]', b'"HUNTER2"', b'5', b'null', b'NaN'])
def test_json_that_is_not_an_object(content: bytes) -> None:
    assert complaint(content) == 'it is not a JSON object'


def test_of_duplicate_keys_the_last_counts() -> None:
    twice = b'{"accessToken": "old", ' + body()[1:]
    assert read_token(twice, DATE)[0] == TOKEN


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32'])
def test_other_encodings_of_json_are_read(encoding: str) -> None:
    assert read_token(body().decode().encode(encoding), DATE)[:3] == (TOKEN, 'Bearer', EXPIRES_AT)


def test_the_result() -> None:
    values = Token(TOKEN, 'Bearer', EXPIRES_AT, time.monotonic() + 3600.5).as_result()
    assert values == {
        'access_token': TOKEN,
        'token_type': 'Bearer',
        'authorization': f'Bearer {TOKEN}',
        'expires_at': EXPIRES_AT,
        'expires_at_utc': '2026-09-21T15:13:20Z',
        'expires_in': 3600,
    }


@pytest.mark.parametrize('offset', [0, 3600, -3600, 86000])
def test_the_lifetime_is_by_the_clock_of_the_server(offset: int) -> None:
    now = int(time.time())
    token = read_token(body(expiresAt=now + offset + 600), formatdate(now + offset, usegmt=True))
    assert 597 <= token.expires_in <= 600
    assert token.expires_in.__class__ is int


@pytest.mark.parametrize('date', [None, '', 'junk', formatdate(0), formatdate(4e9)])
def test_without_a_date_or_with_an_absurd_one_it_is_by_the_clock_here(date: str | None) -> None:
    assert 597 <= read_token(body(expiresAt=int(time.time()) + 600), date).expires_in <= 600


def test_the_lifetime_does_not_depend_on_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    token = read_token(body(expiresAt=600), None)
    monkeypatch.setattr(time, 'time', lambda: 0.0)
    assert 597 <= token.expires_in <= 600


def test_the_lifetime_is_never_rounded_up() -> None:
    assert Token(TOKEN, 'Bearer', ISSUED, time.monotonic() - 0.5).expires_in == -1


@pytest.mark.parametrize('expires_at,text', [(0, '1970-01-01T00:00:00Z'), (LAST_SECOND, '9999-12-31T23:59:59Z')])
def test_expires_at_utc_does_not_depend_on_the_time_zone(
    expires_at: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TZ', 'Asia/Kathmandu')
    time.tzset()
    try:
        assert Token(TOKEN, 'Bearer', expires_at, 0.0).as_result()['expires_at_utc'] == text
    finally:
        monkeypatch.undo()
        time.tzset()
