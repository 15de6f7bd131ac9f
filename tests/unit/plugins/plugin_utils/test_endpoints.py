# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import ENDPOINTS, documented

# method and path: (where the paging stands, the cursor and its first value, the size and its default, entries, total)
PAGED = {
    ('POST', 'workspaces/search'): ('query', 'page', 0, 'pageSize', 25, None, None),
    ('POST', 'workspaces/a-b_1/runs/search'): ('query', 'page', 0, 'pageSize', 25, None, None),
    ('POST', 'guardrails/search'): ('query', 'page', 0, 'pageSize', None, None, None),
    ('POST', 'governance/insights'): ('body', 'page', 1, 'page_size', None, 'hits', 'total'),
    ('GET', 'runners/projects/list'): ('query', 'offset', 0, 'pageSize', None, 'data', 'totalCount'),
    ('GET', 'runners/variables/variable-sets'): ('query', 'offset', 0, 'pageSize', None, None, None),
    ('POST', 'api/inventory'): ('body', 'afterKey', None, 'size', None, 'responseObjects', 'totalObjects'),
}


@pytest.mark.parametrize('slash', ['', '/'])
@pytest.mark.parametrize('method,path', PAGED)
def test_how_a_documented_list_comes_in_pages(method: str, path: str, slash: str) -> None:
    endpoint = documented(method, path + slash)
    assert endpoint
    assert endpoint.paging == PAGED[method, path]


@pytest.mark.parametrize('path', ['event-center', 'event-center/facets'])
def test_the_event_center_is_only_read_and_has_no_known_pages(path: str) -> None:
    endpoint = documented('POST', path)
    assert endpoint
    assert endpoint.paging is None


@pytest.mark.parametrize(
    'method,path',
    [
        ('GET', 'workspaces/search'),
        ('DELETE', 'workspaces/search'),
        ('POST', 'workspaces'),
        ('POST', 'workspaces/search/more'),
        ('POST', 'more/workspaces/search'),
        ('POST', 'workspaces/a/b/runs/search'),
        ('POST', 'workspaces//runs/search'),
        ('POST', 'Workspaces/search'),
        ('POST', 'guardrails'),
        ('POST', 'governance/insights/create'),
        ('POST', 'runners/variables/variable-sets'),
        ('POST', 'runners/workspaces/1/tasks/destroy'),
        ('POST', ''),
    ],
)
def test_what_is_not_in_the_table(method: str, path: str) -> None:
    assert documented(method, path) is None


def test_the_table_has_nothing_else() -> None:
    assert len(ENDPOINTS) == len(PAGED) + 2
    assert {endpoint.source for endpoint in ENDPOINTS} <= {'docs', 'client', 'unofficial'}
