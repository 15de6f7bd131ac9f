# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a login's answer, and what a token looks like as a result."""

from __future__ import annotations

import json
import math
import re
import time
import typing as t
from datetime import datetime, timezone

#: Below it ``expiresAt`` is seconds from now, above :data:`_MILLISECONDS` milliseconds. The documented meaning is
#: absolute Unix seconds; clients have been seen that took it otherwise.
_ABSOLUTE = 1e9
_MILLISECONDS = 1e11

# the last second that a datetime can hold, 9999-12-31T23:59:59Z
_EXPIRES_AT_MAX = 253402300799

# RFC 6750's b64token, which a JWT is too: what may stand in an Authorization header
_TOKEN = re.compile(r'[A-Za-z0-9._~+/-]+=*')


def read_token(body: bytes, issued: float) -> tuple[str, str, int]:
    """Access token, token type and expiry (Unix seconds) of a login's answer that was made at ``issued``.

    :raises ValueError: it is not the documented answer; the text says what is wrong and holds nothing of the body.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError('it is no JSON') from None
    if not isinstance(content, dict):
        raise ValueError('it is no JSON object')
    access_token, token_type = content.get('accessToken'), content.get('tokenType')
    if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):
        raise ValueError('accessToken is no token')
    if token_type is None:
        token_type = 'Bearer'
    if not isinstance(token_type, str) or not _TOKEN.fullmatch(token_type):
        raise ValueError('tokenType is no word')
    # its real letter case is not documented
    token_type = 'Bearer' if token_type.lower() == 'bearer' else token_type
    return access_token, token_type, _expiry(content.get('expiresAt'), issued)


def _expiry(value: t.Any, issued: float) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError('expiresAt is no number')
    # false for NaN too
    if not 0 <= value <= _EXPIRES_AT_MAX * 1000:
        raise ValueError('expiresAt is no time')
    if value < _ABSOLUTE:
        value += issued
    elif value > _MILLISECONDS:
        value /= 1000
    if value > _EXPIRES_AT_MAX:
        raise ValueError('expiresAt is no time')
    return int(value)


def token_result(
    access_token: str,
    token_type: str,
    expires_at: int,
    *,
    clock_offset: float,
    api_url: str,
    reused: bool,
    attempts: int,
) -> dict[str, t.Any]:
    """What a login returns. ``clock_offset`` is how many seconds the server's clock is ahead of this host's."""
    return {
        'access_token': access_token,
        'token_type': token_type,
        'authorization': f'Bearer {access_token}',
        'expires_at': expires_at,
        'expires_at_utc': datetime.fromtimestamp(expires_at, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ'),
        'expires_in': math.floor(expires_at - time.time() - clock_offset),
        'api_url': api_url,
        'reused': reused,
        'attempts': attempts,
    }
