# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded Firefly knows and decides, without HTTP."""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt

from .data import Data, make_data
from .faults import Fault

ACCESS_KEY = 'FAKE-ACCESS-KEY-3f9c'
SECRET_KEY = 'FAKE-SECRET-KEY-NEEDLE-7d21c0b9'


def _sign(claims: dict[str, Any], key: bytes) -> str:
    return jwt.encode(claims, key, algorithm='HS256', headers={'kid': 'firefly-test-token'})


TOKEN_NEEDLE = _sign({}, bytes(32)).split('.')[0]
"""The first part of every token. Search for it to find any of them."""


@dataclass
class ReceivedRequest:
    """A request as it arrived. Names in `headers` are in lower case. `status` is None until there is a response."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str
    status: int | None = None


@dataclass(kw_only=True, eq=False)
class Service:
    """The state and the decisions. Durations are in seconds. All fields can change while the server runs.

    `rate_limit` is per address in each `rate_window`, 0 means no limit, and `rate_counts_refused` makes refused
    requests count too. `page_limit` is the largest page, whatever a request asks for. `data` is what the service holds.
    """

    keys: dict[str, str] = field(default_factory=lambda: {ACCESS_KEY: SECRET_KEY})
    token_lifetime: int = 3600
    health: Literal['up', 'down'] = 'up'
    rate_limit: int = 500
    rate_window: float = 60.0
    rate_counts_refused: bool = False
    retry_after: int | None = None
    prefix: str = ''
    page_limit: int | None = None
    data: Data = field(default_factory=make_data, repr=False)

    requests: list[ReceivedRequest] = field(init=False, default_factory=list)
    tokens: list[str] = field(init=False, default_factory=list)
    violations: list[str] = field(init=False, default_factory=list)
    stopping: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.access_key, self.secret_key = next(iter(self.keys.items()))
        self._signing_key = secrets.token_bytes(32)
        self._faults: list[tuple[Fault, bool]] = []
        self._counted: defaultdict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def count(self, method: str, path: str) -> int:
        """Count the requests for `path`, which does not include the prefix."""
        return sum(request.method == method and request.path == self.prefix + path for request in list(self.requests))

    @property
    def logins(self) -> int:
        """The number of requests for a login."""
        return self.count('POST', '/v2/login')

    def fail(self, fault: Fault, times: int | None = 1) -> None:
        """Give `fault` to the next `times` requests after those that already have one; None: to all until clear()."""
        with self._lock:
            self._faults.extend([(fault, times is None)] * (1 if times is None else times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def take_fault(self, path: str) -> Fault | None:
        """Return the fault for a request for `path`, which does not include the prefix."""
        with self._lock:
            for fault, lasts in self._faults:
                if fault.path in (None, path):
                    if not lasts:
                        self._faults.remove((fault, lasts))
                    return fault
        return None

    def admit(self, address: str) -> bool:
        """Return whether one more request from `address` is within the rate limit."""
        if not self.rate_limit:
            return True
        now = time.monotonic()
        with self._lock:
            counted = [then for then in self._counted[address] if then > now - self.rate_window]
            admitted = len(counted) < self.rate_limit
            if admitted or self.rate_counts_refused:
                counted.append(now)
            self._counted[address] = counted
        return admitted

    def login(self, access_key: str, secret_key: str) -> dict[str, Any] | None:
        """Return the body of the response to a login, or None if the key pair is wrong."""
        if self.keys.get(access_key) != secret_key:
            return None
        expires_at = int(time.time()) + self.token_lifetime
        token = _sign({'exp': expires_at, 'jti': secrets.token_hex(8)}, self._signing_key)
        self.tokens.append(token)
        return {'accessToken': token, 'expiresAt': expires_at, 'tokenType': 'Bearer'}

    def revoke(self) -> None:
        """Refuse all tokens that were issued so far."""
        self._signing_key = secrets.token_bytes(32)

    def accepts(self, token: str | None) -> bool:
        """Return whether this service issued `token`, and it is neither expired nor revoked."""
        try:
            jwt.decode(token or '', self._signing_key, algorithms=['HS256'])
        except jwt.InvalidTokenError:
            return False
        return True
