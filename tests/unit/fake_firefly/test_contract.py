# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly responds as the contract says, reports every other request, and goes wrong on demand."""

from __future__ import annotations

import contextlib
import json
import socket
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

KEYS = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
JSON = {'Content-Type': 'application/json'}
LIST = '/v2/runners/projects/list'
SEARCH = '/v2/workspaces/search'


def new_token(firefly: FakeFirefly) -> str:
    return str((firefly.login(ACCESS_KEY, SECRET_KEY) or {})['accessToken'])


def ask_for_projects(firefly: FakeFirefly, authorization: str) -> int:
    headers = {'Authorization': authorization}
    return requests.get(firefly.url + LIST, headers=headers, timeout=10).status_code


# Responses


@pytest.mark.parametrize(
    'counts_refused,admitted',
    [
        (False, {0: True, 30: True, 59: False, 60: True, 89: False, 90: True}),
        (True, {0: True, 30: True, 59: False, 60: False, 119: True}),
    ],
)
def test_the_rate_limit_rolls(monkeypatch: pytest.MonkeyPatch, counts_refused: bool, admitted: dict[int, bool]) -> None:
    firefly, clock = FakeFirefly(rate_limit=2, rate_counts_refused=counts_refused), SimpleNamespace()
    monkeypatch.setattr('fake_firefly.service.time', clock)
    for now, expected in admitted.items():
        clock.monotonic = lambda now=now: now
        assert firefly.admit('192.0.2.1') == expected
    assert firefly.admit('192.0.2.2')


def test_requests_above_the_rate_limit_are_refused() -> None:
    assert (FakeFirefly().rate_limit, FakeFirefly().rate_window) == (500, 60)
    with FakeFirefly(rate_limit=1, retry_after=7) as firefly:
        firefly.fail(Fault(headers={'X': 'y'}), times=2)  # a request with a fault does not count
        responses = [requests.get(f'{firefly.url}/v2/health', timeout=10) for _unused in range(4)]
    assert [response.status_code for response in responses] == [204, 204, 204, 429]
    assert [response.headers.get('Retry-After') for response in responses] == [None, None, None, '7']


def test_a_response_that_breaks_the_contract_is_not_sent(
    firefly: FakeFirefly, caplog: pytest.LogCaptureFixture
) -> None:
    firefly.data['runners/projects'] = ['not an object']
    assert ask_for_projects(firefly, f'Bearer {new_token(firefly)}') == 500
    assert 'InvalidData' in caplog.text


# Requests


@pytest.mark.parametrize(
    ('method', 'path', 'options', 'status', 'sentence'),
    [
        *(('GET', path, {}, 404, 'no such path') for path in ('/v2/x', '/v2/health/', '/v2//health', '//v2/health')),
        *(('GET', path, {}, 404, 'no such path') for path in ('/v2/he%61lth', '/v2/api/v1.0/integrations')),
        ('GET', SEARCH, {}, 405, 'does not take this method'),
        ('GET', f'{LIST}?page=1', {}, 400, 'no query parameter page'),
        ('GET', f'{LIST}?offset=0&offset=2', {}, 400, 'offset only once'),
        ('GET', f'{LIST}?offset=x', {}, 400, 'Query parameter error: offset'),
        ('POST', f'{SEARCH}?page=-1', {}, 400, 'Invalid query parameter: page'),
        ('GET', '/v2/health', {'headers': {'Authorization': 'Bearer x'}}, 400, 'no Authorization header'),
        ('DELETE', '/v2/runners/projects/project-1', {'json': {}}, 400, 'no body'),
        ('POST', '/v2/login', {}, 400, 'Missing required request body'),
        ('POST', '/v2/login', {'data': KEYS}, 400, 'application/x-www-form-urlencoded'),
        ('POST', '/v2/login', {'data': f'{SECRET_KEY}{{', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'data': b'{"\xff"', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'json': {'secretKey': SECRET_KEY}}, 400, 'required'),
        ('POST', '/v2/login', {'json': {**KEYS, 'accessKey': 1}}, 400, '$.accessKey breaks type: string'),
        ('POST', SEARCH, {'json': {'page': 1}}, 400, '$ breaks additionalProperties'),
        ('POST', SEARCH, {'json': {'filters': {'labels': 'a'}}}, 400, '$.filters.labels breaks type: array'),
        ('POST', '/v2/governance/insights', {'json': {'page': 0}}, 400, '$.page breaks minimum: 1'),
    ],
)
def test_a_request_that_the_contract_does_not_allow(
    firefly: FakeFirefly, method: str, path: str, options: dict[str, Any], status: int, sentence: str
) -> None:
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request(method, firefly.url, **options))
        prepared.url = firefly.url + path  # requests would tidy it up
        response = session.send(prepared, timeout=10)
    assert (response.status_code, response.json(), firefly.tokens) == (status, {'message': firefly.violations[0]}, [])
    assert firefly.violations[0].startswith(f'{method} {path.partition("?")[0]}: ')
    assert sentence in firefly.violations[0]
    assert SECRET_KEY not in firefly.violations.pop()


def test_a_violation_fails_the_test_but_does_not_hide_an_exception() -> None:
    firefly = FakeFirefly()
    firefly.fail(Fault(status=500))
    with pytest.raises(AssertionError, match='GET /v2/x: There is no such path'), firefly:
        requests.get(f'{firefly.url}/v2/x', timeout=10)
    with pytest.raises(requests.HTTPError), FakeFirefly() as firefly:
        requests.get(f'{firefly.url}/v2/x', timeout=10).raise_for_status()


# Faults


@pytest.mark.parametrize('where,head_ends', [('before', False), ('headers', False), ('body', True)])
def test_where_a_connection_breaks(firefly: FakeFirefly, where: Any, head_ends: bool) -> None:
    firefly.fail(Fault(reset=where))
    body, received = json.dumps(KEYS), b''
    head = f'POST /v2/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
    with socket.create_connection(('127.0.0.1', urlsplit(firefly.url).port or 0), timeout=10) as connection:
        connection.sendall((head + body).encode())
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
            pytest.fail('The connection was closed, not reset.')
    head, end, body = received.decode().partition('\r\n\r\n')
    assert (bool(head), bool(end), bool(body)) == (where != 'before', head_ends, head_ends)
    assert (firefly.requests[0].status, len(firefly.tokens)) == ((200, 1) if head else (None, 0))
    if head_ends:
        assert len(body) < int(head.lower().partition('content-length: ')[2].split()[0])


# Tokens


@pytest.mark.parametrize('form', ['', 'Bearer', 'Bearer x', 'Basic YTpi', 'Token {}', 'Bearer {}x', '{}'])
def test_a_missing_or_malformed_token_is_refused(firefly: FakeFirefly, form: str) -> None:
    assert ask_for_projects(firefly, form.format(new_token(firefly))) == 401


def test_an_expired_unknown_or_revoked_token_is_refused(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = -1
    expired, unknown = new_token(firefly), new_token(FakeFirefly())
    firefly.token_lifetime = 60
    revoked = new_token(firefly)
    assert ask_for_projects(firefly, f'bearer {revoked}') == 200
    firefly.revoke()
    assert [ask_for_projects(firefly, f'Bearer {token}') for token in (expired, unknown, revoked)] == [401, 401, 401]
