# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints about which more is known than their method: searches that are a POST, and lists in pages."""

from __future__ import annotations

import re
import typing as t


class Paging(t.NamedTuple):
    """The paging of a list.

    ``where`` says whether its parameters belong in the query or the body. The parameter ``cursor`` selects a page, with
    a page number, an offset or a value from the previous page. ``first`` is its value for the first page. The parameter
    ``size`` is the page size. ``default_size`` is its default, if that is documented. In a response, ``entries`` is the
    key of the entries and ``total`` the key of their number. Without ``entries`` the response is the list itself.
    """

    where: t.Literal['query', 'body']
    cursor: str
    first: int | None
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


_RUNS = Paging('query', 'page', 0, 'pageSize', 25)
_GUARDRAILS = Paging('query', 'page', 0, 'pageSize')
_INSIGHTS = Paging('body', 'page', 1, 'page_size', None, 'hits', 'total')
_OFFSET = Paging('query', 'offset', 0, 'pageSize')
_INVENTORY = Paging('body', 'afterKey', None, 'size', None, 'responseObjects', 'totalObjects')

ENDPOINTS = (
    Endpoint('POST', 'workspaces/search', 'docs', _RUNS),
    Endpoint('POST', 'workspaces/[^/]+/runs/search', 'docs', _RUNS),
    Endpoint('POST', 'guardrails/search', 'client', _GUARDRAILS),
    Endpoint('POST', 'governance/insights', 'docs', _INSIGHTS),
    Endpoint('GET', 'runners/projects/list', 'client', _OFFSET._replace(entries='data', total='totalCount')),
    Endpoint('GET', 'runners/variables/variable-sets', 'client', _OFFSET),
    Endpoint('POST', 'event-center', 'docs'),
    Endpoint('POST', 'event-center/facets', 'docs'),
    Endpoint('POST', 'api/inventory', 'unofficial', _INVENTORY),
)


def documented(method: str, path: str) -> Endpoint | None:
    """The endpoint in the table with this method and this path below ``/v2``, if there is one."""
    found = (each for each in ENDPOINTS if each.method == method and re.fullmatch(each.path, path.rstrip('/')))
    return next(found, None)
