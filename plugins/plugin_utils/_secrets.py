# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of the output.

A text holds a secret if the text itself does, or what it is when it is decoded from percent-encoding, JSON, HTML or
base64. Decoding finds every spelling, where a list of encoded secrets would miss some. Letter case does not count,
because a host name loses it.
"""

from __future__ import annotations

import binascii
import contextlib
import html
import json
import math
import re
import typing as t

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str, /) -> str:
        return value


#: Shorter secrets are not masked in other output, because that would hide half of it.
MASKED_LENGTH = 8

_MASK = '********'

#: How often a text is decoded, one encoding after the other. JSON can be quoted in JSON, and base64 in a URL.
_LEVELS = 2

#: The length of a line that repeats something of a response.
_LINE_LENGTH = 200

_PERCENT_ESCAPES = re.compile('(?:%[0-9a-fA-F]{2})+')
_JSON_ESCAPES = re.compile(r'(?:\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})+')
_QUOTES_AND_SPACE = re.compile(r"""([\s"'<>]+)""")
_LINE_BREAKS = re.compile(r'[\r\n]\s*')
_SPACE = re.compile(r'(\s+)')
_STANDARD_BASE64 = str.maketrans('-_', '+/')


def register(secret: str) -> None:
    """Tell ansible-core to mask the secret in all output."""
    if len(secret) >= MASKED_LENGTH:
        register_secret(secret)


def masked(value: t.Any, secrets: t.Iterable[str | None]) -> t.Any:
    """The text or the JSON value with the secrets masked. A number is masked if its digits are a secret."""
    return _masked(value, _Search(_forms(secrets)))


def holds_secret(value: t.Any, secrets: t.Iterable[str | None]) -> bool:
    """Whether a secret is in the value, as :func:`masked` finds it in texts. A number counts as its text."""
    search = _Search(_forms(secrets))
    return any(search.finds_in(text) for text in texts(value))


def texts(value: t.Any) -> t.Iterator[str]:
    """All texts in the value."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from texts(part)
    else:
        yield str(value)


def masked_line(text: str, secrets: t.Collection[str | None]) -> str:
    """The text on one line of at most 200 characters, with the secrets masked.

    A secret is also found in what is left without the characters that are lost here: white space and what cannot be
    printed. Otherwise a secret that was split by them would be shown in one piece, or nearly so.
    """
    printable = ''.join(char if char.isprintable() else ' ' for char in text)
    line = str(masked(' '.join(printable.split()), secrets))
    forms = [form for form in _forms(secrets) if len(form) >= MASKED_LENGTH]
    search = _Search([*forms, *map(_without_space, forms)])
    if search.finds_in(_without_space(line)):
        return _MASK
    return line.strip(' .')[:_LINE_LENGTH]


def server_message(body: bytes, secrets: t.Collection[str | None]) -> str:
    """The message in a JSON error body, as :func:`masked_line`, or an empty string.

    The schema of error bodies is not documented. An older host answered with ``{"message": ...}`` or
    ``{"errors": {"message": ...}}``. Anything else, such as the HTML of a proxy, is not repeated.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ''
    for message in _messages(content):
        if isinstance(message, str):
            return masked_line(message, secrets)
    return ''


class _Search:
    """Looks for the forms of secrets in texts."""

    def __init__(self, forms: t.Iterable[str]) -> None:
        longest_first = sorted(filter(None, forms), key=len, reverse=True)
        self._forms = [_comparable(form) for form in longest_first]
        self._numbers = {float(form) for form in longest_first if form.isdecimal()}
        self._as_it_is = re.compile('|'.join(map(re.escape, longest_first)), re.IGNORECASE)
        self._shortest = len(longest_first[-1]) if longest_first else 0
        # a character of base64 stands for 6 bits
        shortest_run = math.ceil(self._shortest * 8 / 6)
        self._base64 = re.compile(f'[A-Za-z0-9+/_-]{{{shortest_run},}}')

    def finds_in(self, text: str, levels: int = _LEVELS) -> bool:
        """Whether a secret is in the text, or in what it is when it is decoded up to ``levels`` times."""
        if not self._forms or len(text) < self._shortest:  # no text gets longer when it is decoded
            return False
        comparable = _comparable(text)
        if any(form in comparable for form in self._forms):
            return True
        return levels > 0 and any(self.finds_in(decoded, levels - 1) for decoded in self._decoded(text))

    def finds_number(self, number: float) -> bool:
        """Whether a secret is in the digits, or is this number. A server can drop zeros at its start, or round it."""
        return self.finds_in(str(number)) or float(number) in self._numbers

    def mask(self, text: str) -> str:
        """The text with the secrets masked: only they, or the words that hold them, or else the whole text."""
        if not self.finds_in(text):
            return text
        text = self._as_it_is.sub(_MASK, text)
        for separators in (_QUOTES_AND_SPACE, _SPACE):
            if self.finds_in(text):
                words = separators.split(text)
                text = ''.join(_MASK if self.finds_in(word) else word for word in words)
        return _MASK if self.finds_in(text) else text

    def _decoded(self, text: str) -> t.Iterator[str]:
        """What the text is when it is decoded once, by each of the encodings that it can have."""
        if '%' in text:
            yield _PERCENT_ESCAPES.sub(lambda match: bytes.fromhex(match[0].replace('%', '')).decode('latin-1'), text)
        if '\\' in text:
            yield _JSON_ESCAPES.sub(lambda match: str(json.loads(f'"{match[0]}"')), text)
        if '&' in text:
            yield html.unescape(text)
        for run in self._base64.findall(_LINE_BREAKS.sub('', text)):  # base64 can have lines
            standard = run.translate(_STANDARD_BASE64)
            for start in range(4):  # where it begins is not known
                part = standard[start:]
                yield binascii.a2b_base64(part + 'A' * (-len(part) % 4)).decode('latin-1')


def _masked(value: t.Any, search: _Search) -> t.Any:
    if isinstance(value, list):
        return [_masked(part, search) for part in value]
    if isinstance(value, dict):
        return {_masked(key, search): _masked(part, search) for key, part in value.items()}
    if isinstance(value, str):
        return search.mask(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _MASK if search.finds_number(value) else value
    return value


def _forms(secrets: t.Iterable[str | None]) -> set[str]:
    """The secrets, and their bytes as Latin-1, as which bytes are decoded."""
    forms = {secret for secret in secrets if secret}
    for secret in list(forms):
        with contextlib.suppress(UnicodeError):
            # bytes from the environment need not be UTF-8
            forms.add(secret.encode(errors='surrogateescape').decode('latin-1'))
    return forms


def _comparable(text: str) -> str:
    # in a form, a space is a plus sign
    return text.lower().replace('+', ' ')


def _without_space(text: str) -> str:
    return ''.join(char for char in text if char.isprintable() and not char.isspace())


def _messages(content: t.Any) -> t.Iterator[t.Any]:
    if not isinstance(content, dict):
        return
    yield content.get('message')
    errors = content.get('errors')
    if isinstance(errors, dict):
        yield errors.get('message')
