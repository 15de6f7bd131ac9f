# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All entries of a list that comes in pages."""

from __future__ import annotations

import typing as t

from ._endpoints import Paging
from ._errors import FireflyError

Params = t.Mapping[str, t.Any]
#: The content of the page that a query and a body ask for.
Fetch = t.Callable[[Params, t.Any], t.Any]


def all_entries(paging: Paging, query: Params, body: t.Any, max_entries: int, fetch: Fetch) -> tuple[list[t.Any], int]:
    """All entries of the list, and how many pages they came in.

    The list ends where there is no cursor, with an empty page, or with the total that the server tells. A page that is
    shorter than what was asked for says nothing, since a server may have a limit of its own.

    :raises FireflyError: ``response_too_large``, there are more than ``max_entries``; ``invalid_response``, there are
        more or fewer than the total that the server tells, a cursor comes again, or what comes is not such a list.
    """
    entries: list[t.Any] = []
    own, counts = (query if paging.where == 'query' else body) or {}, paging.cursor == 'offset'
    size = {paging.size: paging.default_size} if paging.default_size and paging.size not in own else {}
    cursor: t.Any = paging.first
    seen: list[t.Any] = []
    while True:
        wanted = {**own, **size, **({} if cursor is None else {paging.cursor: cursor})}
        content = fetch(wanted, body) if paging.where == 'query' else fetch(query, wanted)
        told = content if isinstance(content, dict) else {}
        page, total = told.get(paging.entries) if paging.entries else content, told.get(paging.total)
        total = total if total.__class__ is int else None
        if not isinstance(page, list):
            raise _invalid('it is not a page of a list')
        entries += page
        seen.append(cursor)
        if len(entries) > max_entries:
            raise FireflyError('response_too_large', 'The list has more than max_entries entries.', status=200)
        cursor = (told.get(paging.cursor) or None) if paging.first is None else cursor + (len(page) if counts else 1)
        if not page or cursor is None or len(entries) == total:
            break
        if cursor in seen:
            raise _invalid('its cursor came before')
    if total is not None and total != len(entries):
        raise _invalid('the entries of all pages are more or fewer than it tells')
    return entries, len(seen)


def _invalid(what: str) -> FireflyError:
    return FireflyError('invalid_response', f'A page was answered with 200, but {what}.', status=200)
