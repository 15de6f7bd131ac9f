# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token in the response to a login."""

from __future__ import annotations

import json
import math
import re
import time
import typing as t
from datetime import datetime, timezone

from ._http_date import unix_time

#: ``expiresAt`` is documented as Unix seconds, but some clients read it differently. A value below this is seconds
#: from now, and one above :data:`_MILLISECONDS` is milliseconds.
_ABSOLUTE = 1e9
_MILLISECONDS = 1e11

_DAY = 86400

# the last second that a datetime can hold, 9999-12-31T23:59:59Z
_EXPIRES_AT_MAX = 253402300799

# b64token of RFC 6750, which includes every JWT: what an Authorization header may hold
_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')


class Token(t.NamedTuple):
    """An access token. It expires at ``expires_at`` in Unix seconds by Firefly's clock.

    That is at ``ends_monotonic`` and at ``ends_wall`` on the clocks of this machine, which all processes share. Nobody
    can set the monotonic clock, but it stands still while the machine is suspended.
    """

    access_token: str
    token_type: str
    expires_at: int
    ends_monotonic: float
    ends_wall: float

    @property
    def expires_in(self) -> int:
        """The remaining lifetime in whole seconds."""
        return math.floor(min(self.ends_monotonic - time.monotonic(), self.ends_wall - time.time()))

    def lifetime_at(self, monotonic: float) -> int:
        """The lifetime in whole seconds that was left at this time on the monotonic clock."""
        return math.floor(self.ends_monotonic - monotonic)

    def as_result(self) -> dict[str, t.Any]:
        """What a login returns about the token."""
        return {
            'access_token': self.access_token,
            'token_type': self.token_type,
            'authorization': f'Bearer {self.access_token}',
            'expires_at': self.expires_at,
            'expires_at_utc': datetime.fromtimestamp(self.expires_at, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ'),
            'expires_in': self.expires_in,
        }


def read_token(body: bytes, date: str | None) -> Token:
    """The token in the body of a response to a login. ``date`` is the Date header. The response has just arrived.

    :raises ValueError: if it is not the documented response. The text says why, and repeats nothing of the body.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError('the response is not valid JSON') from None
    if not isinstance(content, dict):
        raise ValueError('the response is not a JSON object')
    access_token = content.get('accessToken')
    if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):
        raise ValueError('accessToken is missing or not a valid token')
    token_type = content.get('tokenType') or 'Bearer'
    if not isinstance(token_type, str) or not _TOKEN.fullmatch(token_type):
        raise ValueError('tokenType is not a valid token type')
    if token_type.lower() == 'bearer':  # its letter case is not documented
        token_type = 'Bearer'
    now = _server_time(date)
    expires_at = _expiry(content.get('expiresAt'), now)
    lifetime = expires_at - now
    return Token(
        access_token=access_token,
        token_type=token_type,
        expires_at=expires_at,
        ends_monotonic=time.monotonic() + lifetime,
        ends_wall=time.time() + lifetime,
    )


def _server_time(date: str | None) -> float:
    """The server's time in Unix seconds, or this machine's if that is missing or more than a day off."""
    now = time.time()
    server_time = unix_time(date or '')
    if server_time is None or abs(server_time - now) >= _DAY:
        return now
    return server_time


def _expiry(value: t.Any, now: float) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError('expiresAt is missing or not a number')
    # false for NaN too
    if not 0 <= value <= _EXPIRES_AT_MAX * 1000:
        raise ValueError('expiresAt is not a valid time')
    if value < _ABSOLUTE:
        value += now
    elif value > _MILLISECONDS:
        value /= 1000
    if value > _EXPIRES_AT_MAX:
        raise ValueError('expiresAt is not a valid time')
    return int(value)
