# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded Firefly knows and decides, without HTTP."""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict, deque
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
"""The header segment, with which every token begins: who searches for it finds any of them."""


@dataclass
class ReceivedRequest:
    """A request as it arrived. Names of `headers` are in lower case; `status` is None until it is answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str = ''
    status: int | None = None


@dataclass(kw_only=True, eq=False)
class Service:
    """The state and the decisions. `token_lifetime`, `health_up_after` and `rate_window` are in seconds.

    `rate_counts_refused` tells whether requests above the rate limit count against it too. `page_limit` is how many
    entries a page has at most, whatever a request asks for. `data` is what the service holds, and can be replaced.
    """

    keys: dict[str, str] = field(default_factory=lambda: {ACCESS_KEY: SECRET_KEY})
    token_lifetime: int = 3600
    expires_at: Literal['absolute', 'relative', 'milliseconds'] = 'absolute'
    token_type: str = 'Bearer'
    health: Literal['up', 'down'] = 'up'
    health_up_after: float = 0.0
    rate_limit: int = 500
    rate_window: float = 60.0
    rate_counts_refused: bool = False
    retry_after: int | str | None = None
    prefix: str = ''
    page_limit: int | None = None
    data: Data = field(default_factory=make_data, repr=False)

    requests: list[ReceivedRequest] = field(init=False, default_factory=list)
    tokens: list[str] = field(init=False, default_factory=list)
    violations: list[str] = field(init=False, default_factory=list)
    signing_key: bytes = field(init=False, repr=False, default_factory=lambda: secrets.token_bytes(32))
    stopping: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.access_key, self.secret_key = next(iter(self.keys.items()), (ACCESS_KEY, SECRET_KEY))
        self._next_faults: deque[Fault] = deque()
        self._lasting_fault: Fault | None = None
        self._revoked: set[str] = set()
        self._counted: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def count(self, method: str, path: str) -> int:
        """How many requests came for `path`, which is given without the prefix."""
        return sum(request.method == method and request.path == self.prefix + path for request in list(self.requests))

    def fail(self, fault: Fault, times: int | None = 1) -> None:
        """Let the next `times` requests have `fault`, after those already queued; None: all until clear()."""
        if times is None:
            self._lasting_fault = fault
        else:
            with self._lock:
                self._next_faults.extend([fault] * times)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._next_faults.clear()
        self._lasting_fault = None

    def take_fault(self, path: str) -> Fault | None:
        """The fault that a request for `path`, which is given without the prefix, gets."""
        with self._lock:
            for fault in self._next_faults:
                if fault.path in (None, path):
                    self._next_faults.remove(fault)
                    return fault
        lasting = self._lasting_fault
        return lasting if lasting and lasting.path in (None, path) else None

    def admit(self, address: str) -> bool:
        """Whether one more request from `address` is within the rate limit."""
        if not self.rate_limit:
            return True
        now = time.monotonic()
        with self._lock:
            counted = self._counted[address]
            while counted and counted[0] <= now - self.rate_window:
                counted.popleft()
            admitted = len(counted) < self.rate_limit
            if admitted or self.rate_counts_refused:
                counted.append(now)
            return admitted

    def login(self, access_key: str, secret_key: str) -> dict[str, Any] | None:
        """The body of the answer to a login, or None where the key pair is wrong."""
        if self.keys.get(access_key) != secret_key:
            return None
        now = int(time.time())
        expiry = now + self.token_lifetime
        claims = {'iat': now, 'exp': expiry, 'jti': secrets.token_hex(8), 'needle': 'FIREFLYTOKENNEEDLE'}
        token = _sign(claims, self.signing_key)
        self.tokens.append(token)
        expires_at = {'absolute': expiry, 'relative': self.token_lifetime, 'milliseconds': expiry * 1000}
        return {'accessToken': token, 'expiresAt': expires_at[self.expires_at], 'tokenType': self.token_type}

    def revoke(self, token: str | None = None) -> None:
        """Refuse `token` from now on; None: all that were given so far."""
        self._revoked.update(self.tokens if token is None else [token])

    def accepts(self, token: str | None) -> bool:
        """Whether `token` is one of this service's, has not expired and was not revoked."""
        try:
            jwt.decode(token or '', self.signing_key, algorithms=['HS256'])
        except jwt.InvalidTokenError:
            return False
        return token not in self._revoked
