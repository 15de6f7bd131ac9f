# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of which more is known than their method tells: searches that are a POST, and lists in pages."""

from __future__ import annotations

import re
import typing as t


class Paging(t.NamedTuple):
    """How a list comes in pages.

    ``cursor`` says which page is wanted, and is a ``page`` number, an ``offset`` or what the page before returned.
    ``where`` it stands, in the query or the body, so does ``size``, with a default of ``default_size`` entries where
    that is documented. A response has its entries at ``entries`` or is a list itself, and their number at ``total``.
    """

    where: t.Literal['query', 'body']
    cursor: str
    first: int | None
    size: str
    default_size: int | None = None
    entries: str | None = None
    total: str | None = None


class Endpoint(t.NamedTuple):
    """A method and a pattern of a path below ``/v2`` that change nothing, and where that is documented."""

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
    """The endpoint of the table that the method and the path below ``/v2`` mean."""
    found = (each for each in ENDPOINTS if each.method == method and re.fullmatch(each.path, path.rstrip('/')))
    return next(found, None)
