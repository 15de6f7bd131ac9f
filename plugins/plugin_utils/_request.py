# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes to the client and what comes back."""

from __future__ import annotations

import typing as t

#: Longest body that is read where nothing else is said, in bytes.
BODY_LIMIT = 1024 * 1024


class Token(t.Protocol):
    """An access token, which can be replaced by another one, once, where an endpoint refuses it."""

    def __str__(self) -> str:
        """What comes after ``Bearer``."""

    def renew(self) -> bool:
        """Whether there is another one now."""


class Request(t.NamedTuple):
    """A request to an endpoint (``/v2/login``).

    It succeeds with a status of ``expect`` and a body of at most ``limit`` bytes. One that is not ``read_only`` is sent
    again only where it cannot have changed anything.
    """

    method: str
    path: str
    expect: t.Container[int]
    query: str = ''
    json: t.Any = None
    token: Token | None = None
    read_only: bool = True
    limit: int = BODY_LIMIT


class Response(t.NamedTuple):
    """An HTTP response, how long it took, how many requests it took to get it, and how many seconds it asks to wait."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    latency_ms: int
    attempts: int
    retry_after: float
