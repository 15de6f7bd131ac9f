# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rest of the API: tokens, every paging style, and create, change, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault, make_workspaces

PROJECTS = 'runners/projects/list'


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly() as running:
        yield running


def login(firefly: FakeFirefly) -> str:
    keys = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
    return f'Bearer {requests.post(f"{firefly.url}/v2/login", json=keys, timeout=5).json()["accessToken"]}'


def send(firefly: FakeFirefly, method: str, path: str, authorization: str | None = None, **options: Any) -> Any:
    headers = {'Authorization': authorization or login(firefly)}
    return requests.request(method, f'{firefly.url}/v2/{path}', headers=headers, timeout=5, **options)


@pytest.mark.parametrize('form', ['', 'Bearer', 'Bearer x', 'Basic YTpi', 'Token {}', 'Bearer {}x', '{}'])
def test_a_missing_or_malformed_token_is_unauthorized(firefly: FakeFirefly, form: str) -> None:
    headers = {'Authorization': form.format(login(firefly).split()[1])} if form else {}
    assert requests.get(f'{firefly.url}/v2/{PROJECTS}', headers=headers, timeout=5).status_code == 401
    open_to_all = requests.get(f'{firefly.url}/v2/infrastructure/public-nat-ips', headers=headers, timeout=5)
    assert open_to_all.status_code == (401 if form else 200)


def test_an_expired_or_unknown_token_is_unauthorized(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = -1
    assert send(firefly, 'GET', PROJECTS).status_code == 401
    with FakeFirefly() as other:
        assert send(firefly, 'GET', PROJECTS, login(other)).status_code == 401


def test_tokens_can_be_revoked(firefly: FakeFirefly) -> None:
    first, second, third = (login(firefly) for _unused in range(3))
    assert send(firefly, 'GET', PROJECTS, first.replace('Bearer', 'bearer')).status_code == 200
    firefly.revoke(first.split()[1])
    assert [send(firefly, 'GET', PROJECTS, token).status_code for token in (first, second)] == [401, 200]
    firefly.revoke()
    assert [send(firefly, 'GET', PROJECTS, token).status_code for token in (second, third)] == [401, 401]
    assert send(firefly, 'GET', PROJECTS, login(firefly)).status_code == 200


@pytest.mark.parametrize(
    'path', ['workspaces/search', 'workspaces/workspace-1/runs/search', 'guardrails/search', 'governance/insights']
)
@pytest.mark.parametrize('page_limit', [None, 4])
def test_numbered_pages(firefly: FakeFirefly, path: str, page_limit: int | None) -> None:
    in_body = path == 'governance/insights'
    entries = firefly.data[path.removesuffix('/search')]
    entries[:] = [{**entries[0], 'number': number} for number in range(10)]
    firefly.page_limit = page_limit
    got = []
    for number in range(4):
        if in_body:
            answer = send(firefly, 'POST', path, json={'page': number + 1, 'page_size': 5}).json()
            assert (answer['total'], answer['page'], answer['page_size']) == (10, number + 1, page_limit or 5)
            got.append(answer['hits'])
        else:
            got.append(send(firefly, 'POST', path, params={'page': number, 'pageSize': 5}).json())
    assert [len(page) for page in got] == ([4, 4, 2, 0] if page_limit else [5, 5, 0, 0])
    assert sum(got, []) == entries


@pytest.mark.parametrize('path', [PROJECTS, 'runners/variables/variable-sets'])
def test_pages_from_an_offset(firefly: FakeFirefly, path: str) -> None:
    firefly.page_limit = 2
    pages = [send(firefly, 'GET', path, params={'offset': offset, 'pageSize': 3}).json() for offset in (0, 2, 3)]
    if path == PROJECTS:
        assert [page['totalCount'] for page in pages] == [3, 3, 3]
        pages = [page['data'] for page in pages]
    assert pages == [firefly.data[path.removesuffix('/list')][start:end] for start, end in ((0, 2), (2, 3), (3, 3))]


def test_pages_from_a_cursor(firefly: FakeFirefly) -> None:
    got: list[Any] = []
    body = {'size': 15}
    while True:
        answer = send(firefly, 'POST', 'api/inventory', json=body).json()
        got.extend(answer['responseObjects'])
        if 'afterKey' not in answer:
            break
        body['afterKey'] = answer['afterKey']
    assert (got, answer['totalObjects']) == (firefly.data['api/inventory'], 30)
    assert firefly.count('POST', '/v2/api/inventory') == 2


def test_default_pages_and_much_data(firefly: FakeFirefly) -> None:
    authorization = login(firefly)
    pages = [send(firefly, 'POST', f'workspaces/search?page={page}', authorization).json() for page in (0, 1, 2)]
    assert [len(page) for page in pages] == [25, 5, 0]
    firefly.data['workspaces'] = make_workspaces(10_000)
    assert len(send(firefly, 'POST', 'workspaces/search?page=99&pageSize=100', authorization).json()) == 100
    assert firefly.requests[-1].query == 'page=99&pageSize=100'


def test_a_fault_can_make_a_total_lie(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(path=f'/v2/{PROJECTS}', replace={'totalCount': 9}))
    assert send(firefly, 'GET', PROJECTS).json() == {'data': firefly.data['runners/projects'], 'totalCount': 9}


def test_filters(firefly: FakeFirefly) -> None:
    body = {'searchValue': 'name-1', 'filters': {'status': ['planning'], 'workspaceName': ['name-12', 'name-1']}}
    found = send(firefly, 'POST', 'workspaces/search', json=body).json()
    assert [workspace['workspaceId'] for workspace in found] == ['workspace-1', 'workspace-12']


def test_the_life_of_a_project(firefly: FakeFirefly) -> None:
    created = send(firefly, 'POST', 'runners/projects', json={'name': 'new'})
    path = f'runners/projects/{created.json()["id"]}'
    assert (created.status_code, send(firefly, 'GET', path).json()) == (201, created.json())
    assert send(firefly, 'PATCH', path, json={'name': 'newer'}).json() == {**created.json(), 'name': 'newer'}
    send(firefly, 'POST', f'{path}/members', json=[{'userId': 'a'}, {'userId': 'b'}])
    assert send(firefly, 'DELETE', f'{path}/members', json=['a']).json() == [{'userId': 'b'}]
    deleted = send(firefly, 'DELETE', path)
    assert (deleted.status_code, deleted.content) == (204, b'')
    assert [send(firefly, method, path).status_code for method in ('GET', 'DELETE')] == [404, 404]
    assert send(firefly, 'GET', f'{path}/members').status_code == 404


def test_answers_that_are_no_objects(firefly: FakeFirefly) -> None:
    assert isinstance(send(firefly, 'POST', 'guardrails', json={'name': 'new'}).json(), str)
    labelled = send(firefly, 'PUT', 'workspaces/workspace-1/labels', json={'labels': ['a']})
    assert (labelled.status_code, labelled.content, firefly.data['workspaces'][0]['labels']) == (200, b'', ['a'])


@pytest.mark.parametrize(
    ('method', 'path', 'options', 'sentence'),
    [
        ('GET', 'api/v1.0/integrations', {}, 'no such path'),
        ('GET', 'workspaces/search', {}, 'does not take this method'),
        ('GET', f'{PROJECTS}?page=1', {}, 'no query parameter page'),
        ('GET', f'{PROJECTS}?offset=0&offset=2', {}, 'offset only once'),
        ('GET', f'{PROJECTS}?offset=x', {}, 'Query parameter error: offset'),
        ('POST', 'workspaces/search?page=-1', {}, 'Invalid query parameter: page'),
        ('POST', 'workspaces/search', {'json': {'page': 1}}, '$ breaks additionalProperties'),
        ('POST', 'workspaces/search', {'json': {'filters': {'labels': 'a'}}}, '$.filters.labels breaks type: array'),
        ('POST', 'governance/insights', {'json': {'page': 0}}, '$.page breaks minimum: 1'),
        ('POST', 'runners/projects', {'json': []}, '$ breaks type: object'),
        ('GET', PROJECTS, {'json': {}}, 'no body'),
        ('DELETE', 'runners/projects/project-1', {'json': {}}, 'no body'),
        ('DELETE', 'runners/projects/project-1/members', {}, 'Missing required request body'),
    ],
)
def test_what_the_contract_does_not_allow(
    firefly: FakeFirefly, method: str, path: str, options: dict[str, Any], sentence: str
) -> None:
    assert send(firefly, method, path, **options).status_code in (400, 404, 405)
    assert sentence in firefly.violations.pop()
    assert len(firefly.data['runners/projects']) == 3
