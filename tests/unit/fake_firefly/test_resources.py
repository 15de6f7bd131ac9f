# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rest of the embedded Firefly's API: tokens, every paging style, and create, change, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, make_workspaces

LIST = 'runners/projects/list'
PROJECTS = 'runners/projects'
VARIABLES = 'runners/variables/variable-sets'
ADDRESSES = 'infrastructure/public-nat-ips'


def login(firefly: FakeFirefly) -> str:
    return str((firefly.login(ACCESS_KEY, SECRET_KEY) or {})['accessToken'])


def send(firefly: FakeFirefly, method: str, path: str, authorization: str | None = None, **options: Any) -> Any:
    headers = {'Authorization': f'Bearer {login(firefly)}' if authorization is None else authorization}
    return requests.request(method, f'{firefly.url}/v2/{path}', headers=headers, timeout=10, **options)


@pytest.mark.parametrize('form', ['', 'Bearer', 'Bearer x', 'Basic YTpi', 'Token {}', 'Bearer {}x', '{}'])
def test_a_missing_or_malformed_token_is_refused(firefly: FakeFirefly, form: str) -> None:
    authorization = form.format(login(firefly))
    assert [send(firefly, 'GET', path, authorization).status_code for path in (LIST, ADDRESSES)] == [401, 401]
    assert requests.get(f'{firefly.url}/v2/{ADDRESSES}', timeout=10).json() == {'ips': firefly.data[ADDRESSES]}


def test_an_expired_unknown_or_revoked_token_is_refused(firefly: FakeFirefly) -> None:
    def status(token: str) -> int:
        return int(send(firefly, 'GET', LIST, f'bearer {token}').status_code)

    firefly.token_lifetime = -1
    assert [status(login(firefly)), status(login(FakeFirefly()))] == [401, 401]
    firefly.token_lifetime = 60
    token = login(firefly)
    assert status(token) == 200
    firefly.revoke()
    assert [status(token), status(login(firefly))] == [401, 200]


def numbered(page: int, size: int) -> dict[str, Any]:
    return {'params': {'page': page, 'pageSize': 5}}


def from_offset(page: int, size: int) -> dict[str, Any]:
    return {'params': {'offset': page * size, 'pageSize': 5}}


@pytest.mark.parametrize(
    'method,path,ask',
    [
        ('POST', 'workspaces/search', numbered),
        ('POST', 'workspaces/workspace-1/runs/search', numbered),
        ('POST', 'guardrails/search', numbered),
        ('POST', 'governance/insights', lambda page, size: {'json': {'page': page + 1, 'page_size': 5}}),
        ('GET', LIST, from_offset),
        ('GET', VARIABLES, from_offset),
        ('POST', 'api/inventory', lambda page, size: {'json': {'size': 5, 'afterKey': f'asset {page * size}'}}),
    ],
)
@pytest.mark.parametrize('page_limit,sizes', [(None, [5, 5, 0, 0]), (4, [4, 4, 2, 0])])
def test_pages(
    method: str, path: str, ask: Callable[[int, int], dict[str, Any]], page_limit: int | None, sizes: list[int]
) -> None:
    with FakeFirefly(page_limit=page_limit) as firefly:
        entries = firefly.data[path.removesuffix('/search').removesuffix('/list')]
        entries[:] = [{'number': number} for number in range(10)]
        pages = [send(firefly, method, path, **ask(page, sizes[0])).json() for page in range(4)]
    if isinstance(pages[0], dict):
        assert {page.get('total', page.get('totalCount', page.get('totalObjects'))) for page in pages} == {10}
        assert [page['page_size'] for page in pages if 'page_size' in page] in ([], [sizes[0]] * 4)
        assert [page.get('afterKey') for page in pages[1:]] in ([None] * 3, ['asset 8', None, None])
        pages = [next(value for value in page.values() if isinstance(value, list)) for page in pages]
    assert [len(page) for page in pages] == sizes
    assert sum(pages, []) == entries


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
    assert [send(firefly, 'DELETE', here).status_code for _unused in range(2)] == [
        204 if path == PROJECTS else 200,
        404,
    ]
    assert len(firefly.data[path]) == 3


@pytest.mark.parametrize(
    'method,path,body,response',
    [
        ('GET', f'{PROJECTS}/project-1', None, {'id': 'project-1', 'name': 'project 1'}),
        ('POST', f'{PROJECTS}/project-1/members', ['a', 'b'], ['a', 'b']),
        ('POST', f'{PROJECTS}/project-1/members', {'userId': 'c'}, [{'userId': 'c'}]),
        ('DELETE', f'{PROJECTS}/project-2/members', ['a'], ['b']),
        ('GET', f'{PROJECTS}/project-2/members', None, ['a', 'b']),
        ('POST', f'{VARIABLES}/variable-set-1/variables', [{'a': 1}], {'variables': [{'a': 1}]}),
        ('DELETE', f'{VARIABLES}/variable-set-2/variables', 'a', {'variables': ['b']}),
        ('PUT', 'workspaces/workspace-1/labels', {'labels': ['a']}, None),
        ('PATCH', 'guardrails/guardrail-1', {'name': 'x'}, None),
        ('DELETE', 'workspaces/workspace-1', None, None),
        ('POST', 'event-center', {'size': 2}, {'events': [{'id': 'event-1'}, {'id': 'event-2'}], 'facets': {}}),
        ('POST', 'event-center/facets', {'size': 1}, {'events': [{'id': 'event-1'}], 'facets': {}}),
    ],
)
def test_responses(firefly: FakeFirefly, method: str, path: str, body: Any, response: Any) -> None:
    for name in (f'{PROJECTS}/project-2/members', f'{VARIABLES}/variable-set-2/variables'):
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
