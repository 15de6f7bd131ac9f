# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client sends, and what it returns."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

#: The largest body that is read by default, in bytes.
BODY_LIMIT = 1024 * 1024

#: The parameters of a query, as text or numbers. A list repeats its name.
Query = t.Mapping[str, t.Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to an endpoint, such as ``/v2/login``.

    It succeeds with a status in ``expect`` and a body of at most ``limit`` bytes. ``token`` becomes a bearer token in
    the ``Authorization`` header. Without ``read_only`` the request is retried only if it cannot have changed anything.
    ``is_login`` keeps the response out of errors.
    """

    method: str
    path: str
    expect: t.Collection[int]
    query: Query = field(default_factory=dict)
    json: t.Any = None
    token: str | None = None
    read_only: bool = True
    is_login: bool = False
    limit: int = BODY_LIMIT

    @property
    def has_credentials(self) -> bool:
        """Whether it holds the key pair or a token."""
        return self.is_login or self.token is not None


@dataclass(frozen=True, kw_only=True)
class Response:
    """An HTTP response, its latency in milliseconds, and the pause in seconds that it asks for."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    latency_ms: int
    retry_after: float
