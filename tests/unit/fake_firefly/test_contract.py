# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly responds as the contract says, reports every other request, and goes wrong on demand."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, TOKEN_NEEDLE, FakeFirefly, Fault, make_workspaces

KEYS = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
JSON = {'Content-Type': 'application/json'}
PROJECTS = 'runners/projects'
VARIABLE_SETS = 'runners/variables/variable-sets'
ADDRESSES = 'infrastructure/public-nat-ips'
LIST = f'/v2/{PROJECTS}/list'
SEARCH = '/v2/workspaces/search'
MEMBERS = '/v2/runners/projects/project-1/members'


def login(firefly: FakeFirefly, keys: dict[str, str] | None = None) -> requests.Response:
    return requests.post(f'{firefly.url}/v2/login', json=keys or KEYS, timeout=10)


def health(firefly: FakeFirefly) -> int:
    return requests.get(f'{firefly.url}/v2/health', timeout=10).status_code


# Responses


def test_a_login_issues_a_token(firefly: FakeFirefly) -> None:
    response, other = login(firefly), login(firefly).json()
    body = response.json()
    assert (response.status_code, response.headers['Content-Type']) == (200, 'application/json')
    assert parsedate_to_datetime(response.headers['Date']).timestamp() == pytest.approx(time.time(), abs=5)
    assert (body.keys(), body['tokenType']) == ({'accessToken', 'expiresAt', 'tokenType'}, 'Bearer')
    assert firefly.tokens == [body['accessToken'], other['accessToken']]
    assert firefly.tokens[0] != firefly.tokens[1]
    assert all(TOKEN_NEEDLE in token for token in firefly.tokens)
    assert jwt.decode(body['accessToken'], options={'verify_signature': False})['exp'] == body['expiresAt']
    assert body['expiresAt'] == pytest.approx(time.time() + 3600, abs=5)


def test_a_wrong_key_pair_is_not_repeated(firefly: FakeFirefly) -> None:
    for keys in ({**KEYS, 'accessKey': 'other'}, {**KEYS, 'secretKey': 'other'}):
        response = login(firefly, keys)
        assert (response.status_code, firefly.tokens) == (401, [])
        assert not any(value in response.text for value in (*keys.values(), SECRET_KEY))


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


@pytest.mark.parametrize('retry_after', [None, 7])
def test_requests_above_the_rate_limit_are_refused(retry_after: int | None) -> None:
    assert (FakeFirefly().rate_limit, FakeFirefly().rate_window) == (500, 60)
    with FakeFirefly(rate_limit=1, retry_after=retry_after) as firefly:
        firefly.fail(Fault(headers={'X': 'y'}), times=2)  # a request with a fault does not count
        assert [health(firefly) for _unused in range(4)] == [204, 204, 204, 429]
        assert login(firefly).headers.get('Retry-After') == (str(retry_after) if retry_after else None)
        assert firefly.tokens == []
        firefly.rate_limit = 0
        assert health(firefly) == 204


def test_a_response_that_breaks_the_contract_is_not_sent(
    firefly: FakeFirefly, caplog: pytest.LogCaptureFixture
) -> None:
    firefly.data[ADDRESSES] = {}  # type: ignore[assignment]
    assert requests.get(f'{firefly.url}/v2/{ADDRESSES}', timeout=10).status_code == 500
    assert 'InvalidData' in caplog.text


# Requests


@pytest.mark.parametrize(
    ('method', 'path', 'options', 'status', 'sentence'),
    [
        *(('GET', path, {}, 404, 'no such path') for path in ('/v2/x', '/v2/health/', '/v2//health', '//v2/health')),
        *(('GET', path, {}, 404, 'no such path') for path in ('/v2/he%61lth', '/v2/api/v1.0/integrations')),
        ('POST', '/v2/health', {}, 405, 'does not take this method'),
        ('GET', SEARCH, {}, 405, 'does not take this method'),
        ('GET', '/v2/health?a', {}, 400, 'no query parameter a'),
        ('GET', f'{LIST}?page=1', {}, 400, 'no query parameter page'),
        ('GET', f'{LIST}?offset=0&offset=2', {}, 400, 'offset only once'),
        ('GET', f'{LIST}?offset=x', {}, 400, 'Query parameter error: offset'),
        ('POST', f'{SEARCH}?page=-1', {}, 400, 'Invalid query parameter: page'),
        ('GET', '/v2/health', {'headers': {'Authorization': 'Bearer x'}}, 400, 'no Authorization header'),
        ('POST', '/v2/login', {'json': KEYS, 'auth': ('a', 'b')}, 400, 'no Authorization header'),
        ('GET', '/v2/health', {'data': 'x'}, 400, 'no body'),
        ('DELETE', '/v2/runners/projects/project-1', {'json': {}}, 400, 'no body'),
        ('POST', '/v2/login', {}, 400, 'Missing required request body'),
        ('DELETE', MEMBERS, {}, 400, 'Missing required request body'),
        ('POST', '/v2/login', {'data': KEYS}, 400, 'application/x-www-form-urlencoded'),
        ('POST', '/v2/login', {'data': f'{SECRET_KEY}{{', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'data': b'{"\xff"', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'json': {'secretKey': SECRET_KEY}}, 400, 'required'),
        ('POST', '/v2/login', {'json': {**KEYS, 'more': 1}}, 400, 'additionalProperties'),
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


def test_requests_are_recorded_and_only_paths_below_the_prefix_exist() -> None:
    with FakeFirefly(prefix='/p') as firefly:
        requests.get(f'{firefly.url}{LIST}?offset=1&pageSize=2', timeout=10)
        assert (login(firefly).status_code, health(firefly)) == (200, 204)
        requests.get(f'{firefly.url.removesuffix("/p")}/v2/health', timeout=10)
        assert firefly.violations.pop() == 'GET /v2/health: There is no such path.'
    first, second, *_others = firefly.requests
    statuses = {f'/p{LIST}': 401, '/p/v2/login': 200, '/p/v2/health': 204, '/v2/health': 404}
    assert {request.path: request.status for request in firefly.requests} == statuses
    assert (first.method, first.query, first.body) == ('GET', 'offset=1&pageSize=2', b'')
    assert (second.method, second.headers['content-type']) == ('POST', JSON['Content-Type'])
    assert json.loads(second.body) == KEYS
    assert (firefly.logins, firefly.count('GET', '/v2/login')) == (1, 0)


# Faults


def test_faults_take_turns_and_last_until_clear(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=500), times=2)
    firefly.fail(Fault(status=501, path='/v2/login'))
    firefly.fail(Fault(status=502))
    firefly.fail(Fault(status=503, path='/v2/health'), times=None)
    assert [health(firefly) for _unused in range(5)] == [500, 500, 502, 503, 503]
    assert [login(firefly).status_code for _unused in range(2)] == [501, 200]
    firefly.fail(Fault(status=500), times=2)
    firefly.clear()
    assert [health(firefly), login(firefly).status_code] == [204, 200]


def test_headers_and_keys_of_the_usual_response_can_change(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(headers={'Date': 'junk'}, replace={'expiresAt': None, 'tokenType': ..., 'more': [1]}))
    response = login(firefly)
    assert response.json() == {'accessToken': firefly.tokens[0], 'expiresAt': None, 'more': [1]}
    assert response.headers['Date'] == 'junk'


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


# Resources: tokens, every paging style, and create, change, delete


def new_token(firefly: FakeFirefly) -> str:
    return str((firefly.login(ACCESS_KEY, SECRET_KEY) or {})['accessToken'])


def send(firefly: FakeFirefly, method: str, path: str, authorization: str | None = None, **options: Any) -> Any:
    headers = {'Authorization': f'Bearer {new_token(firefly)}' if authorization is None else authorization}
    return requests.request(method, f'{firefly.url}/v2/{path}', headers=headers, timeout=10, **options)


@pytest.mark.parametrize('form', ['', 'Bearer', 'Bearer x', 'Basic YTpi', 'Token {}', 'Bearer {}x', '{}'])
def test_a_missing_or_malformed_token_is_refused(firefly: FakeFirefly, form: str) -> None:
    authorization = form.format(new_token(firefly))
    assert [send(firefly, 'GET', path, authorization).status_code for path in (ADDRESSES, f'{PROJECTS}/list')] == [
        401,
        401,
    ]
    assert requests.get(f'{firefly.url}/v2/{ADDRESSES}', timeout=10).json() == {'ips': firefly.data[ADDRESSES]}


def test_an_expired_unknown_or_revoked_token_is_refused(firefly: FakeFirefly) -> None:
    def status(token: str) -> int:
        return int(send(firefly, 'GET', f'{PROJECTS}/list', f'bearer {token}').status_code)

    firefly.token_lifetime = -1
    assert [status(new_token(firefly)), status(new_token(FakeFirefly()))] == [401, 401]
    firefly.token_lifetime = 60
    token = new_token(firefly)
    assert status(token) == 200
    firefly.revoke()
    assert [status(token), status(new_token(firefly))] == [401, 200]


# test_api.py gets all pages of each list
def test_default_pages_and_filters(firefly: FakeFirefly) -> None:
    assert send(firefly, 'POST', 'workspaces/search').json() == make_workspaces(25)
    pages = [send(firefly, 'POST', 'api/inventory', json=body).json() for body in ({}, {'afterKey': 'asset 25'})]
    assert [(len(page['responseObjects']), page.get('afterKey')) for page in pages] == [(25, 'asset 25'), (5, None)]
    filters = {'labels': ['label-1', 'x'], 'workspaceName': ['name-2', 'name-3', 'name-1'], 'repositories': ['unknown']}
    found = send(firefly, 'POST', 'workspaces/search', json={'filters': filters}).json()
    assert [workspace['workspaceId'] for workspace in found] == ['workspace-1', 'workspace-3']


@pytest.mark.parametrize('path,change,id_key', [(PROJECTS, 'PATCH', 'id'), ('governance/insights', 'PUT', '_id')])
def test_create_change_delete(firefly: FakeFirefly, path: str, change: str, id_key: str) -> None:
    created = send(firefly, 'POST', path if path == PROJECTS else f'{path}/create', json={'name': 'new'})
    entry = {'name': 'new', id_key: created.json()[id_key]}
    assert (created.status_code, created.json()) == (201 if path == PROJECTS else 200, entry)
    here = f'{path}/{entry[id_key]}'
    assert send(firefly, change, here, json={'more': 1, id_key: 'other'}).json() == {**entry, 'more': 1}
    assert firefly.data[path][-1] == {**entry, 'more': 1}
    deleted = [send(firefly, 'DELETE', here).status_code for _unused in range(2)]
    assert deleted == [204 if path == PROJECTS else 200, 404]
    assert len(firefly.data[path]) == 3


@pytest.mark.parametrize(
    'method,path,body,response',
    [
        ('GET', f'{PROJECTS}/project-1', None, {'id': 'project-1', 'name': 'project 1'}),
        ('POST', f'{PROJECTS}/project-1/members', ['a', 'b'], ['a', 'b']),
        ('POST', f'{PROJECTS}/project-1/members', {'userId': 'c'}, [{'userId': 'c'}]),
        ('DELETE', f'{PROJECTS}/project-2/members', ['a'], ['b']),
        ('GET', f'{PROJECTS}/project-2/members', None, ['a', 'b']),
        ('POST', f'{VARIABLE_SETS}/variable-set-1/variables', [{'a': 1}], {'variables': [{'a': 1}]}),
        ('DELETE', f'{VARIABLE_SETS}/variable-set-2/variables', 'a', {'variables': ['b']}),
        ('PUT', 'workspaces/workspace-1/labels', {'labels': ['a']}, None),
        ('PATCH', 'guardrails/guardrail-1', {'name': 'x'}, None),
        ('DELETE', 'workspaces/workspace-1', None, None),
        ('POST', 'event-center', {'size': 2}, {'events': [{'id': 'event-1'}, {'id': 'event-2'}], 'facets': {}}),
        ('POST', 'event-center/facets', {'size': 1}, {'events': [{'id': 'event-1'}], 'facets': {}}),
    ],
)
def test_responses(firefly: FakeFirefly, method: str, path: str, body: Any, response: Any) -> None:
    for name in (f'{PROJECTS}/project-2/members', f'{VARIABLE_SETS}/variable-set-2/variables'):
        firefly.data[name] = ['a', 'b']
    got = send(firefly, method, path, json=[body] if body == 'a' else body)
    assert (got.status_code, got.json() if got.content else None) == (200, response)
    assert (firefly.data['workspaces'][0]['labels'] == ['a']) == (method == 'PUT')


@pytest.mark.parametrize(
    'path', ['guardrails', 'runners/workspaces/workspace-1/tasks/destroy', 'backup-and-dr/policies']
)
def test_other_creations_are_in_the_contract(firefly: FakeFirefly, path: str) -> None:
    response = send(firefly, 'POST', path, json={})
    assert (response.status_code, path == 'guardrails') == (200, response.json() == firefly.data[path][-1]['id'])
