# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three ways to select a page of a list: its number, the entries before it, or a key from the page before."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class Page(t.NamedTuple):
    """A page of a list. ``total`` is the number of all entries, or 0 if the page does not say. ``next_key`` selects the
    next page."""

    entries: list[t.Any]
    total: int
    next_key: t.Any


class Cursor(t.Protocol):
    """Selects a page. The list ``ends_at_total`` if nothing in a page says that there is another one."""

    ends_at_total: t.ClassVar[bool]

    @property
    def value(self) -> t.Any:
        """The value of the parameter that selects the page. ``None`` leaves the parameter out."""

    def next(self, page: Page) -> Cursor | None:
        """The cursor of the page after ``page``, or ``None`` if there is no such page."""


@dataclass(frozen=True)
class PageNumber:
    ends_at_total: t.ClassVar[bool] = True
    value: int

    def next(self, page: Page) -> PageNumber:
        return PageNumber(self.value + 1)


@dataclass(frozen=True)
class Offset:
    ends_at_total: t.ClassVar[bool] = True
    value: int = 0

    def next(self, page: Page) -> Offset:
        return Offset(self.value + len(page.entries))


@dataclass(frozen=True)
class Key:
    ends_at_total: t.ClassVar[bool] = False
    value: t.Any = None

    def next(self, page: Page) -> Key | None:
        return Key(page.next_key) if page.next_key else None
