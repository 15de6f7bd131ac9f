# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All entries of a list that comes in pages."""

from __future__ import annotations

import typing as t

from ._endpoints import Paging
from ._errors import FireflyError

Params = t.Mapping[str, t.Any]
#: Returns the content of the page that a query and a body select.
Fetch = t.Callable[[Params, t.Any], t.Any]


def all_entries(paging: Paging, query: Params, body: t.Any, max_entries: int, fetch: Fetch) -> tuple[list[t.Any], int]:
    """All entries of the list, and the number of pages.

    The list ends if a page is empty or has no cursor, or when the total that the server gave is reached. A short page
    does not end it, because a server may limit the page size.

    :raises FireflyError: ``response_too_large`` if there are more than ``max_entries``. ``invalid_response`` if their
        number differs from the total that the server gave, if a cursor repeats, or if a page is not a list.
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
            raise _invalid('a page is not a list')
        entries += page
        seen.append(cursor)
        if len(entries) > max_entries:
            raise FireflyError('response_too_large', 'The list has more than max_entries entries.', status=200)
        cursor = (told.get(paging.cursor) or None) if paging.first is None else cursor + (len(page) if counts else 1)
        if not page or cursor is None or len(entries) == total:
            break
        if cursor in seen:
            raise _invalid('a page repeats an earlier cursor')
    if total is not None and total != len(entries):
        raise _invalid('their entries do not match the total that the server gave')
    return entries, len(seen)


def _invalid(what: str) -> FireflyError:
    return FireflyError('invalid_response', f'The pages of the list are not valid: {what}.', status=200)
