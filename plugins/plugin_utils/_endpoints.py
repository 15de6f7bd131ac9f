# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints about which more is known than their method: searches that are a POST, and lists in pages."""

from __future__ import annotations

import re
import typing as t

from ._cursors import Cursor, Key, Offset, PageNumber


class Paging(t.NamedTuple):
    """The paging of a list.

    ``where`` says whether its parameters belong in the query or the body. ``parameter`` is the one that selects a page,
    ``first`` selects the first page, and ``size`` is the page size, with its default if that is documented. In a
    response, ``entries`` is the key of the entries and ``total`` that of their number. Without ``entries`` the response
    is the list itself.
    """

    where: t.Literal['query', 'body']
    parameter: str
    first: Cursor
    size: str
    default_size: int | None = None
    entries: str | None = None
    total: str | None = None


class Endpoint(t.NamedTuple):
    """An endpoint that changes nothing. ``path`` is a pattern below ``/v2``, and ``source`` is what documents it."""

    method: str
    path: str
    source: t.Literal['docs', 'client', 'unofficial']
    paging: Paging | None = None


_RUNS = Paging(where='query', parameter='page', first=PageNumber(0), size='pageSize', default_size=25)
_GUARDRAILS = Paging(where='query', parameter='page', first=PageNumber(0), size='pageSize')
_INSIGHTS = Paging(where='body', parameter='page', first=PageNumber(1), size='page_size', entries='hits', total='total')
_PROJECTS = Paging(
    where='query', parameter='offset', first=Offset(), size='pageSize', entries='data', total='totalCount'
)
_VARIABLE_SETS = Paging(where='query', parameter='offset', first=Offset(), size='pageSize')
_INVENTORY = Paging(
    where='body', parameter='afterKey', first=Key(), size='size', entries='responseObjects', total='totalObjects'
)

ENDPOINTS = (
    Endpoint('POST', 'workspaces/search', 'docs', _RUNS),
    Endpoint('POST', 'workspaces/[^/]+/runs/search', 'docs', _RUNS),
    Endpoint('POST', 'guardrails/search', 'client', _GUARDRAILS),
    Endpoint('POST', 'governance/insights', 'docs', _INSIGHTS),
    Endpoint('GET', 'runners/projects/list', 'client', _PROJECTS),
    Endpoint('GET', 'runners/variables/variable-sets', 'client', _VARIABLE_SETS),
    Endpoint('POST', 'event-center', 'docs'),
    Endpoint('POST', 'event-center/facets', 'docs'),
    Endpoint('POST', 'api/inventory', 'unofficial', _INVENTORY),
)


def documented(method: str, path: str) -> Endpoint | None:
    """The endpoint in the table with this method and this path below ``/v2``, if there is one."""
    for endpoint in ENDPOINTS:
        if endpoint.method == method and re.fullmatch(endpoint.path, path.rstrip('/')):
            return endpoint
    return None
