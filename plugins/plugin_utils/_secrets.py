# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of the output."""

from __future__ import annotations

import base64
import json
import sys
import typing as t
from urllib.parse import quote, quote_plus

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str, /) -> str:
        return value


#: Shorter secrets are not masked in other output, because that would hide half of it.
MASKED_LENGTH = 8

#: The deepest level of nesting. A callback of ansible-core cannot show 300 levels.
_DEPTH = 100


def mask(secret: str) -> None:
    """Tell ansible-core to mask the secret in all output."""
    if len(secret) >= MASKED_LENGTH:
        register_secret(secret)


def scrub(value: t.Any, secrets: t.Iterable[str | None]) -> t.Any:
    """The text or the JSON value with the secrets masked, whether plain, in base64 or encoded for a URL.

    :raises ValueError: if it is nested too deeply. The text says so.
    """
    return _scrubbed(value, [form for secret in secrets if secret for form in _forms(secret) if form], _DEPTH)


def _scrubbed(value: t.Any, forms: list[str], depth: int) -> t.Any:
    if depth == 0:
        raise ValueError(f'the JSON is nested more than {_DEPTH} levels deep')
    if isinstance(value, (list, tuple)):
        return [_scrubbed(part, forms, depth - 1) for part in value]
    if isinstance(value, dict):
        return {_scrubbed(key, forms, depth): _scrubbed(part, forms, depth - 1) for key, part in value.items()}
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, '********')
        return sys.intern(value) if value.__class__ is str else value  # thousands of entries have the same strings
    return value


def _forms(secret: str) -> t.Iterator[str]:
    """The secret as it is, encoded for a URL, and in base64, alone or with text before and after it."""
    data = secret.encode(errors='surrogateescape')  # bytes from the environment need not be UTF-8
    yield from (secret, quote(data, safe=''), quote_plus(data))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield from (whole, whole.rstrip('='))
        for before in range(3):
            # without the characters that depend on the text before and after it
            start, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            yield encode(bytes(before) + data).decode()[start:end]


def server_message(body: bytes, secrets: t.Iterable[str | None]) -> str:
    """The message in a JSON error body, with secrets masked, or an empty string. It has at most 200 characters.

    The schema of error bodies is not documented. An older host answered with ``{"message": ...}`` or
    ``{"errors": {"message": ...}}``. Anything else, such as the HTML of a proxy, is not repeated.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ''
    for holder in (content, content.get('errors') if isinstance(content, dict) else None):
        message = holder.get('message') if isinstance(holder, dict) else None
        if isinstance(message, str):
            # masked before it is cut, or half a secret could remain at the end
            printable = ''.join(char if char.isprintable() else ' ' for char in scrub(message, secrets))
            return ' '.join(printable.split()).strip(' .')[:200]
    return ''
