# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All entries of a list that comes in pages."""

from __future__ import annotations

import typing as t

from ._cursors import Cursor, Page
from ._endpoints import Paging
from ._errors import FireflyError
from ._request import Query


class PagedList:
    """A list that is read page by page.

    It is complete if a page is empty or the last one, or when the total that the server gave is reached. A short page
    does not end it, because a server may limit the page size. ``query`` and ``body`` select the next page.
    """

    def __init__(self, paging: Paging, query: Query, body: t.Any, max_entries: int) -> None:
        self.entries: list[t.Any] = []
        self.pages = 0
        self.is_complete = False
        self._paging = paging
        self._query = query
        self._body = body
        self._max_entries = max_entries
        self._cursor: Cursor = paging.first
        self._seen: list[t.Any] = []

    @property
    def query(self) -> Query:
        return self._with_cursor(self._query) if self._paging.where == 'query' else self._query

    @property
    def body(self) -> t.Any:
        return self._with_cursor(self._body or {}) if self._paging.where == 'body' else self._body

    def add(self, content: t.Any) -> None:
        """Add the content of the page that was selected.

        :raises FireflyError: ``response_too_large`` if there are more than ``max_entries``. ``invalid_response`` if the
            content is not a page, if a cursor repeats, or if the number of entries differs from the total.
        """
        page = self._read(content)
        self.pages += 1
        self.entries += page.entries
        self._seen.append(self._cursor.value)
        if len(self.entries) > self._max_entries:
            raise FireflyError('response_too_large', 'The list has more than max_entries entries.', status=200)
        cursor = self._cursor.next(page)
        if not page.entries or cursor is None or len(self.entries) == page.total:
            if page.total not in (None, len(self.entries)):
                raise _invalid('their entries do not match the total that the server gave')
            self.is_complete = True
            return
        if cursor.value in self._seen:
            raise _invalid('a page repeats an earlier cursor')
        self._cursor = cursor

    def _with_cursor(self, parameters: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The parameters with those of the page. A page size of the user's own is kept."""
        selected = dict(parameters)
        if self._paging.default_size:
            selected.setdefault(self._paging.size, self._paging.default_size)
        if self._cursor.value is not None:
            selected[self._paging.parameter] = self._cursor.value
        return selected

    def _read(self, content: t.Any) -> Page:
        names = self._paging
        fields = content if isinstance(content, dict) else {}
        entries = fields.get(names.entries) if names.entries else content
        total = fields.get(names.total)
        if not isinstance(entries, list):
            raise _invalid('a page is not a list')
        return Page(
            entries=entries,
            total=total if total.__class__ is int else None,  # true is an int to Python
            next_key=fields.get(names.parameter),
        )


def _invalid(problem: str) -> FireflyError:
    return FireflyError('invalid_response', f'The pages of the list are not valid: {problem}.', status=200)
