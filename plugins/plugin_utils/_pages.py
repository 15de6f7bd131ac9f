# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All entries of a list that comes in pages."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ._cursors import Cursor, Page
from ._endpoints import Paging
from ._errors import FireflyError
from ._request import Query


class ListMovedError(FireflyError):
    """The pages of a list do not fit together, because it changed while it was read, or because they are not valid."""


class PagedList:
    """A list that is read page by page.

    An empty page ends it. So does the last key, or else the total that the server gave. A short page does not end it,
    because a server may limit the page size. The largest total of all pages counts, and the list never has fewer
    entries. No object is in the list twice. ``query`` and ``body`` select the next page.
    """

    def __init__(self, *, paging: Paging, query: Query, body: t.Any, max_entries: int) -> None:
        self.entries: list[t.Any] = []
        self.pages = 0
        self.is_complete = False
        self._paging = paging
        self._query = query
        self._body = body
        self._max_entries = max_entries
        self._total = 0
        self._cursor: Cursor = paging.first
        self._earlier_cursors: list[t.Any] = []
        self._objects: set[bytes] = set()

    @property
    def query(self) -> Query:
        return self._with_cursor(self._query) if self._paging.where == 'query' else self._query

    @property
    def body(self) -> t.Any:
        return self._with_cursor(self._body or {}) if self._paging.where == 'body' else self._body

    def add(self, content: t.Any, status: int) -> None:
        """Add the content of the page that was selected, which came with this status.

        :raises ListMovedError: if an object is there twice, or there are fewer entries than the total.
        :raises FireflyError: ``response_too_large`` if there are more than ``max_entries``. ``invalid_response`` if the
            content is not a page, or if a cursor repeats.
        """
        page = self._page(content)
        if page is None:
            raise _invalid('a page is not a list', status)
        self.pages += 1
        self.entries += page.entries
        self._total = max(self._total, page.total)
        self._earlier_cursors.append(self._cursor.value)
        if self._repeats_an_object(page):
            raise _moved('an entry is there twice', status)
        count = len(self.entries)
        if count > self._max_entries:
            what = 'The list has more than max_entries entries.'
            raise FireflyError('response_too_large', what, status=status)
        cursor = self._cursor.next(page)
        has_reached_total = self._cursor.ends_at_total and count == self._total
        if not page.entries or cursor is None or has_reached_total:
            if count < self._total:
                raise _moved('there are fewer entries than the total that the server gave', status)
            self.is_complete = True
            return
        if cursor.value in self._earlier_cursors:
            raise _invalid('a page repeats an earlier cursor', status)
        self._cursor = cursor

    def _repeats_an_object(self, page: Page) -> bool:
        """Whether an object of the page was there before. Numbers and texts may come twice.

        Whole objects are compared, because it is not documented which key identifies one.
        """
        objects = [_digest(entry) for entry in page.entries if isinstance(entry, dict)]
        before = len(self._objects)
        self._objects.update(objects)
        return len(self._objects) < before + len(objects)

    def _with_cursor(self, parameters: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The parameters with those of the page. A page size of the user's own is kept."""
        of_page = dict(parameters)
        if self._paging.default_size:
            of_page.setdefault(self._paging.size, self._paging.default_size)
        if self._cursor.value is not None:
            of_page[self._paging.parameter] = self._cursor.value
        return of_page

    def _page(self, content: t.Any) -> Page | None:
        """The page in the content, or ``None`` if there is none."""
        names = self._paging
        fields = content if isinstance(content, dict) else {}
        entries = fields.get(names.entries) if names.entries else content
        if not isinstance(entries, list):
            return None
        total = fields.get(names.total) if names.total else 0
        if not isinstance(total, int) or isinstance(total, bool):
            total = 0
        return Page(entries=entries, total=total, next_key=fields.get(names.parameter))


def _digest(entry: dict[str, t.Any]) -> bytes:
    """What stands for an object in a comparison, in little memory."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).digest()


def _moved(problem: str, status: int) -> ListMovedError:
    what = f'The pages of the list do not fit together: {problem}. The list may change too often to be read.'
    return ListMovedError('invalid_response', what, status=status, retryable=True)


def _invalid(problem: str, status: int) -> FireflyError:
    what = f'The pages of the list are not valid: {problem}.'
    return FireflyError('invalid_response', what, status=status)
