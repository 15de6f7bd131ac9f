# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of the output."""

from __future__ import annotations

import base64
import json
import math
import typing as t
from urllib.parse import quote, quote_plus

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str, /) -> str:
        return value


#: Shorter secrets are not masked in other output, because that would hide half of it.
MASKED_LENGTH = 8


def register(secret: str) -> None:
    """Tell ansible-core to mask the secret in all output."""
    if len(secret) >= MASKED_LENGTH:
        register_secret(secret)


def masked(value: t.Any, secrets: t.Iterable[str | None]) -> t.Any:
    """The text or the JSON value with the secrets masked, whether plain, in base64 or encoded for a URL."""
    return _masked(value, _spellings(secrets))


def holds_secret(value: t.Any, secrets: t.Iterable[str | None]) -> bool:
    """Whether a secret is in the value, as :func:`masked` finds it. A number counts as its text."""
    spellings = _spellings(secrets)
    return any(spelling in text for text in _texts(value) for spelling in spellings)


def _masked(value: t.Any, spellings: list[str]) -> t.Any:
    if isinstance(value, list):
        return [_masked(part, spellings) for part in value]
    if isinstance(value, dict):
        return {_masked(key, spellings): _masked(part, spellings) for key, part in value.items()}
    if isinstance(value, str):
        for spelling in spellings:
            value = value.replace(spelling, '********')
    return value


def _texts(value: t.Any) -> t.Iterator[str]:
    """All texts in the value."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
    else:
        yield str(value)


def _spellings(secrets: t.Iterable[str | None]) -> list[str]:
    """What to look for in a text, the longest first."""
    spellings: set[str] = set()
    for secret in secrets:
        if secret:
            spellings.update(_spellings_of(secret))
    spellings.discard('')
    return sorted(spellings, key=len, reverse=True)


def _spellings_of(secret: str) -> t.Iterator[str]:
    """The secret as it is, encoded for a URL, and in base64, alone or with text before and after it."""
    data = secret.encode(errors='surrogateescape')  # bytes from the environment need not be UTF-8
    yield secret
    yield quote(data, safe='')
    yield quote_plus(data)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip('=')
        for before in range(3):
            # Without the characters that depend on the text around it. Each stands for 6 bits: with a byte before the
            # secret, the first two hold bits of that byte.
            start = math.ceil(before * 8 / 6)
            end = (before + len(data)) * 8 // 6
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
    for message in _messages(content):
        if isinstance(message, str):
            # masked before it is changed, and again before it is cut, or a part of a secret could remain
            printable = ''.join(char if char.isprintable() else ' ' for char in masked(message, secrets))
            line = ' '.join(printable.split()).strip(' .')
            return str(masked(line, secrets))[:200]
    return ''


def _messages(content: t.Any) -> t.Iterator[t.Any]:
    if not isinstance(content, dict):
        return
    yield content.get('message')
    errors = content.get('errors')
    if isinstance(errors, dict):
        yield errors.get('message')
