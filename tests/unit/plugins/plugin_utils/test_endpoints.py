# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import documented

# where the cursor and the size are, the cursor and its first value, the size and its default, entries, total
PAGINGS = {
    'POST workspaces/search': ('query', 'page', 0, 'pageSize', 25, None, None),
    'POST workspaces/a-b_1/runs/search': ('query', 'page', 0, 'pageSize', 25, None, None),
    'POST guardrails/search': ('query', 'page', 0, 'pageSize', None, None, None),
    'POST governance/insights': ('body', 'page', 1, 'page_size', None, 'hits', 'total'),
    'GET runners/projects/list': ('query', 'offset', 0, 'pageSize', None, 'data', 'totalCount'),
    'GET runners/variables/variable-sets': ('query', 'offset', 0, 'pageSize', None, None, None),
    'POST event-center': None,
    'POST event-center/facets': None,
    'POST api/inventory': ('body', 'afterKey', None, 'size', None, 'responseObjects', 'totalObjects'),
}


@pytest.mark.parametrize('request_line', PAGINGS)
def test_a_documented_endpoint(request_line: str) -> None:
    method, path = request_line.split(' ')
    endpoint = documented(method, path)
    assert endpoint
    assert endpoint == documented(method, f'{path}/')
    assert endpoint.paging == PAGINGS[request_line]


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
