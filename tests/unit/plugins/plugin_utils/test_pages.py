# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lists come in pages, and how all entries of one are found."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import Paging, documented
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._pages import ListMovedError, PagedList
from helpers import client

STYLES = {
    'page': 'POST workspaces/search',
    'offset': 'GET runners/projects/list',
    'offset of an array': 'GET runners/variables/variable-sets',
    'page in the body': 'POST governance/insights',
    'key': 'POST api/inventory',
}


def paging(style: str) -> Paging:
    endpoint = documented(*STYLES[style].split())
    assert endpoint
    assert endpoint.paging
    return endpoint.paging


class Pages:
    """Returns these pages one by one, and records the queries and bodies that ask for them."""

    def __init__(self, *pages: t.Any) -> None:
        self.pages = list(pages)
        self.queries: list[t.Any] = []
        self.bodies: list[t.Any] = []

    def __call__(self, query: t.Any, body: t.Any) -> t.Any:
        self.queries.append(dict(query))
        self.bodies.append(body)
        return self.pages.pop(0)


def read(style: str, fetch: Pages, query: t.Any = None, body: t.Any = None) -> PagedList:
    """The list, read to its end."""
    pages = PagedList(paging=paging(style), query=query or {}, body=body, max_entries=3)
    while not pages.is_complete:
        pages.add(fetch(pages.query, pages.body), 200)
    return pages


def entries(style: str, fetch: Pages, query: t.Any = None, body: t.Any = None) -> list[t.Any]:
    pages = read(style, fetch, query, body)
    assert fetch.pages == []
    assert pages.pages == len(fetch.queries)
    return pages.entries


def failure(style: str, fetch: Pages) -> FireflyError:
    error = client.failure(read, style, fetch)
    assert error.status == 200
    return error


def test_pages_are_numbered_until_an_empty_one() -> None:
    fetch = Pages([1, 2], [3], [])  # the second is short, which means nothing
    assert entries('page', fetch, {'sort': ['x']}, {'filters': {}}) == [1, 2, 3]
    assert fetch.queries == [{'sort': ['x'], 'pageSize': 25, 'page': page} for page in range(3)]
    assert fetch.bodies == [{'filters': {}}] * 3


def test_an_offset_grows_by_the_number_of_entries() -> None:
    fetch = Pages([1, 2], [3], [])
    assert entries('offset of an array', fetch) == [1, 2, 3]
    assert fetch.queries == [{'offset': 0}, {'offset': 2}, {'offset': 3}]


def test_a_total_ends_the_list_without_an_empty_page() -> None:
    fetch = Pages({'data': [1, 2], 'totalCount': 3}, {'data': [3], 'totalCount': 3})
    assert entries('offset', fetch) == [1, 2, 3]
    fetch = Pages({'hits': [1], 'total': 2}, {'hits': [2], 'total': 2})
    assert entries('page in the body', fetch, body={'query': 'x'}) == [1, 2]
    assert fetch.bodies == [{'query': 'x', 'page': 1}, {'query': 'x', 'page': 2}]
    assert fetch.queries == [{}, {}]


@pytest.mark.parametrize('total', [None, '3', True, 1.5])
def test_a_total_that_is_not_a_whole_number_is_ignored(total: t.Any) -> None:
    fetch = Pages({'data': [1, 2], 'totalCount': total}, {'data': [3], 'totalCount': total}, {'data': []})
    assert entries('offset', fetch) == [1, 2, 3]


def test_a_key_leads_from_page_to_page() -> None:
    pages = [{'responseObjects': [number], 'afterKey': key} for number, key in enumerate([{'a': 1}, 'b', None])]
    fetch = Pages(*pages)
    assert entries('key', fetch) == [0, 1, 2]
    assert fetch.bodies == [{}, {'afterKey': {'a': 1}}, {'afterKey': 'b'}]


@pytest.mark.parametrize(
    'style,page',
    [
        ('page', []),
        ('offset', {'data': [], 'totalCount': 0}),
        ('offset', {'data': []}),
        ('page in the body', {'hits': [], 'total': 0}),
        ('key', {'responseObjects': []}),
        ('key', {'responseObjects': [], 'afterKey': 'more'}),
    ],
)
def test_an_empty_list_is_one_page(style: str, page: t.Any) -> None:
    assert entries(style, Pages(page)) == []


@pytest.mark.parametrize('style,name', [('page', 'pageSize'), ('page in the body', 'page_size'), ('key', 'size')])
def test_the_page_size_of_the_user_is_kept(style: str, name: str) -> None:
    own, page = {name: 7}, paging(style)
    fetch = Pages([] if page.entries is None else {page.entries: []})
    entries(style, fetch, own if page.where == 'query' else {}, own if page.where == 'body' else None)
    assert (fetch.queries if page.where == 'query' else fetch.bodies)[0][name] == 7


@pytest.mark.parametrize('style', ['page', 'offset of an array'])
def test_more_than_max_entries(style: str) -> None:
    error = failure(style, Pages([1, 2], [3, 4]))
    assert error.code == 'response_too_large'
    assert 'max_entries' in str(error)


@pytest.mark.parametrize(
    'style,pages',
    [
        # a key that was there before
        ('key', [{'responseObjects': [number], 'afterKey': key} for number, key in enumerate('aba')]),
        # not a list
        ('page', [{'data': []}]),
        ('page', [None]),
        ('page', ['text']),
        ('offset', [[]]),
        ('offset', [{}]),
        ('offset', [{'data': {'0': 1}}]),
        ('page in the body', [{'hits': 'text'}]),
        ('key', [5]),
    ],
)
def test_pages_that_are_not_a_list(style: str, pages: list[t.Any]) -> None:
    error = failure(style, Pages(*pages))
    assert error.code == 'invalid_response'
    assert not isinstance(error, ListMovedError)


A, B, C = ({'id': number} for number in range(3))


@pytest.mark.parametrize(
    'style,pages',
    [
        # fewer entries than the largest total
        ('offset', [{'data': [1], 'totalCount': 3}, {'data': [], 'totalCount': 3}]),
        ('offset', [{'data': [A], 'totalCount': 3}, {'data': [B], 'totalCount': 2}, {'data': [], 'totalCount': 2}]),
        ('offset', [{'data': [A], 'totalCount': 3}, {'data': [B]}, {'data': []}]),
        ('page in the body', [{'hits': [1], 'total': 2}, {'hits': [], 'total': 2}]),
        ('page in the body', [{'hits': [A], 'total': 2}, {'hits': []}]),
        ('key', [{'responseObjects': [1], 'totalObjects': 2}]),
        ('key', [{'responseObjects': [A], 'totalObjects': 2, 'afterKey': 'x'}, {'responseObjects': []}]),
        ('key', [{'responseObjects': [], 'totalObjects': 2, 'afterKey': 'x'}]),
        # an object twice, whatever the order of its keys
        ('page', [[{'id': 1, 'name': 'x'}, B], [{'name': 'x', 'id': 1}]]),
        ('page', [[A, A]]),
        ('offset', [{'data': [A, B], 'totalCount': 3}, {'data': [B], 'totalCount': 4}]),
        ('key', [{'responseObjects': [A], 'afterKey': 'x'}, {'responseObjects': [A], 'afterKey': 'y'}]),
        # the page number is ignored, and there are more than max_entries then
        ('page', [[A, B], [A, B]]),
        ('offset of an array', [[A, B], [A, B]]),
    ],
)
def test_pages_that_do_not_fit_together(style: str, pages: list[t.Any]) -> None:
    fetch = Pages(*pages)
    error = failure(style, fetch)
    assert isinstance(error, ListMovedError)
    assert (error.code, error.retryable) == ('invalid_response', True)
    assert fetch.pages == []


@pytest.mark.parametrize(
    'style,pages',
    [
        # the total grows, is low, is there only once, or is reached before the last key
        ('offset', [{'data': [A], 'totalCount': 2}, {'data': [B], 'totalCount': 3}, {'data': [C], 'totalCount': 3}]),
        ('offset', [{'data': [A, B, C], 'totalCount': 2}, {'data': [], 'totalCount': 2}]),
        ('offset', [{'data': [A, B], 'totalCount': 3}, {'data': [C]}]),
        ('page in the body', [{'hits': [A, B], 'total': -1}, {'hits': [C]}, {'hits': []}]),
        *(
            ('key', [{'responseObjects': [A, B], 'totalObjects': total, 'afterKey': 'x'}, {'responseObjects': [C]}])
            for total in (0, 1, 2, 3)
        ),
        ('key', [{'responseObjects': [A, B, C], 'totalObjects': 3, 'afterKey': 'x'}, {'responseObjects': []}]),
        # numbers and texts may be there twice, and objects may be alike
        ('page', [[1, 1], [1], []]),
        ('page', [[A, 'x'], ['x'], []]),
        ('page', [[{'id': 1}, {'id': '1'}], [{'id': 1, 'name': ''}], []]),
    ],
)
def test_a_list_is_read_to_its_end(style: str, pages: list[t.Any]) -> None:
    page = paging(style)
    whole = [entry for content in pages for entry in (content[page.entries] if page.entries else content)]
    assert entries(style, Pages(*pages)) == whole
    assert len(whole) == 3


@pytest.mark.parametrize(
    'request_line',
    [*STYLES.values(), 'POST workspaces/a-b_1/runs/search', 'POST guardrails/search']
    + ['POST event-center', 'POST event-center/facets'],
)
def test_a_documented_endpoint(request_line: str) -> None:
    method, path = request_line.split(' ')
    endpoint = documented(method, path)
    assert endpoint
    assert endpoint == documented(method, f'{path}/')


@pytest.mark.parametrize(
    'request_line',
    ['GET workspaces/search', 'DELETE workspaces/search', 'POST workspaces', 'POST workspaces/search/more', 'POST ']
    + ['POST more/workspaces/search', 'POST workspaces/a/b/runs/search', 'POST workspaces//runs/search']
    + ['POST Workspaces/search', 'POST guardrails', 'POST governance/insights/create']
    + ['POST runners/variables/variable-sets', 'POST runners/workspaces/1/tasks/destroy'],
)
def test_another_endpoint(request_line: str) -> None:
    method, path = request_line.split(' ')
    assert documented(method, path) is None
