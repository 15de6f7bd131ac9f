# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client sends and what it returns."""

from __future__ import annotations

import typing as t

#: The largest body that is read by default, in bytes.
BODY_LIMIT = 1024 * 1024


class Token(t.Protocol):
    """An access token that can be replaced once, after an endpoint refused it."""

    def __str__(self) -> str:
        """The text after ``Bearer``."""

    def renew(self) -> bool:
        """Replace the token, if possible, and return whether it is another one now."""


class Request(t.NamedTuple):
    """A request to an endpoint, such as ``/v2/login``.

    It succeeds with a status in ``expect`` and a body of at most ``limit`` bytes. Without ``read_only`` it is retried
    only if it cannot have changed anything.
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
    """An HTTP response, its latency, the number of requests it took, and the pause in seconds that it asks for."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    latency_ms: int
    attempts: int
    retry_after: float
