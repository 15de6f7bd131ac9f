# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping secrets out of what is shown."""

from __future__ import annotations

import base64
import json
import typing as t
from urllib.parse import quote, quote_plus

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str, /) -> str:
        return value


__all__ = ['MESSAGE_LENGTH', 'holds', 'mask', 'scrub', 'server_message']

#: Shorter secrets are not masked in all output, or half of it would be.
_MASKED_LENGTH = 8

#: Longest text of a server that a message repeats, in characters.
MESSAGE_LENGTH = 200


def mask(secret: str) -> None:
    """Tell ansible-core to show the secret nowhere. Of a header's value that is what comes after the scheme."""
    secret = secret.rpartition(' ')[2]
    if len(secret) >= _MASKED_LENGTH:
        register_secret(secret)


def holds(value: t.Any, secret: str) -> bool:
    """Whether the secret is anywhere in the value, as it is or encoded as :func:`scrub` knows it."""
    if isinstance(value, t.Mapping):
        return any(holds(part, secret) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return any(holds(part, secret) for part in value)
    return scrub(str(value), [secret]) != str(value)


def scrub(text: str, secrets: t.Iterable[str | None]) -> str:
    """The text without the secrets, as they are or encoded for base64 or a URL."""
    for secret in filter(None, secrets):
        data = secret.encode(errors='surrogateescape')  # the environment's bytes, which need not be UTF-8
        encoded = base64.b64encode(data).decode()
        for form in (secret, encoded, encoded.rstrip('='), quote(data, safe=''), quote_plus(data)):
            text = text.replace(form, '********')
    return text


def server_message(body: bytes, secrets: t.Iterable[str | None]) -> str:
    """The short message of a JSON error body, scrubbed; empty where there is none.

    The schema of error bodies is not documented; an older host answered ``{"message": ...}`` or
    ``{"errors": {"message": ...}}``. Anything else, like a proxy's HTML, is not repeated.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ''
    for holder in (content, content.get('errors') if isinstance(content, dict) else None):
        message = holder.get('message') if isinstance(holder, dict) else None
        if isinstance(message, str):
            # scrubbed before it is shortened, or half a secret could stay at the end
            printable = ''.join(char if char.isprintable() else ' ' for char in scrub(message, secrets))
            return ' '.join(printable.split()).strip(' .')[:MESSAGE_LENGTH]
    return ''
