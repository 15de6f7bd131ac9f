# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _secrets
from ansible_collections.firefly.platform.plugins.plugin_utils._secrets import (
    holds_secret,
    masked,
    register,
    server_message,
)

SECRET = 'HUNTER2+/=&ü?!"\\~\''  # its base64 has padding, and characters that differ in a URL
SPACED = 'HUNTER2 SPACED'
SECRETS = (None, '', SECRET, SPACED, 'ACCESS-HUNTER1', 'HUNTER2\udcff', '0481516234212345678901')
MESSAGE_LENGTH = 200


def as_base64(text: str, before: bytes = b'') -> str:
    return base64.b64encode(before + text.encode() + b':x').decode()


def as_json(text: str, **options: t.Any) -> str:
    return json.dumps(text, **options)[1:-1]


FORMS = {
    'plain': SECRET,
    'another secret': 'ACCESS-HUNTER1',
    'not UTF-8': 'HUNTER2\udcff',  # as os.environ gives such bytes
    'lower case': SECRET.lower(),
    'UTF-8 read as Latin-1': SECRET.encode().decode('latin-1'),
    'base64': base64.b64encode(SECRET.encode()).decode(),
    'base64 without padding': base64.b64encode(SECRET.encode()).decode().rstrip('='),
    **{f'base64 after {n}': as_base64(SECRET, b'x' * n) for n in range(4)},
    **{f'base64 for a URL after {n}': base64.urlsafe_b64encode(b'x' * n + SECRET.encode()).decode() for n in range(4)},
    'base64 after a scheme': f'Basic/{as_base64(SECRET)}',
    'URL': quote(SECRET, safe=''),
    'URL in lower case': re.sub('%..', lambda match: match[0].lower(), quote(SECRET, safe='')),
    'URL as Go has it in a path': quote(SECRET, safe='+=&~'),
    'every character in a URL': ''.join(f'%{byte:02X}' for byte in SECRET.encode()),
    'URL in Latin-1': quote(SECRET, safe='', encoding='latin-1'),
    'form': quote_plus(SPACED),
    'JSON': as_json(SECRET, ensure_ascii=False),
    'JSON in ASCII': as_json(SECRET),
    'JSON with escaped slashes': as_json(SECRET).replace('/', '\\/'),
    'JSON as Go has it': as_json(SECRET).replace('&', '\\u0026'),
    'HTML': html.escape(SECRET),
    'HTML with numbers': ''.join(f'&#{ord(char)};' for char in SECRET),
    'HTML with hexadecimal numbers': ''.join(f'&#x{ord(char):04X};' for char in SECRET),
    'JSON in JSON': as_json(as_json(SECRET)),
    'JSON in base64': as_base64(as_json(SECRET)),
    'base64 in a URL': quote(as_base64(SECRET), safe=''),
    'URL in HTML': html.escape(quote(SECRET, safe='')),
    'URL in a URL': quote(quote(SECRET, safe=''), safe=''),
}


@pytest.mark.parametrize('form', FORMS)
def test_each_form_of_a_secret_is_masked_and_other_text_is_not(form: str) -> None:
    text = f'the key {FORMS[form]} is bad'
    assert masked(text, SECRETS) == 'the key ******** is bad'
    assert holds_secret(text, SECRETS)
    assert masked('the key is bad', [*SECRETS, '5', 'xy', 'xyz']) == 'the key is bad'


@pytest.mark.parametrize(
    'text,hidden',
    [
        (f'a {SECRET}, b {SECRET}!', 'a ********, b ********!'),
        (f'{{"a":"Basic {as_base64(SECRET)}","b":1}}', '{"a":"Basic ********","b":1}'),
        ('a &lt;b HUNTER2&#32;SPACED c', 'a &lt;b ******** c'),
        ('a &lt;b &#72;UNTER2 SPACED c', '********'),  # no single word holds it
        # base64 in lines
        *(
            (base64.encodebytes(b'x' * 50 + SECRET.encode()).decode().replace('\n', end), '********')
            for end in ('\n', '\r\n', '\r\n\t')
        ),
        ('100% a&b c\\d %zz &nope; \\u12 QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=', None),
        ('Ä ö\ud800\U0001f600', None),
    ],
)
def test_as_little_as_possible_is_masked(text: str, hidden: str | None) -> None:
    assert masked(text, SECRETS) == (text if hidden is None else hidden)


@pytest.mark.parametrize(
    'value,hidden',
    [
        (['a', 'HUNTER2'], ['a', '********']),
        ({'key': 'HUNTER2'}, {'key': '********'}),
        ({'HUNTER2': 1}, {'********': 1}),
        ({'a': [{'b': ['HUNTER2']}]}, {'a': [{'b': ['********']}]}),
        # as it is, without the zero at its start, and rounded
        ([148151623421, 48151623421], ['********', '********']),
        ([9.876543210987654e21, 148151623, 48151623], ['********', 148151623, 48151623]),
        ([-11048151623421.5], ['********']),
        *((value, value) for value in (None, 5, 1.5, True, '', [], {}, {'a': [None, {'b': False}]})),
    ],
    ids=str,
)
def test_a_json_value_is_masked(value: t.Any, hidden: t.Any) -> None:
    secrets = ['HUNTER2', 'True', 'None', '048151623421', '9876543210987654321012', '0148151623421']
    assert masked(value, secrets) == hidden


@pytest.mark.parametrize(
    'value,holds',
    [
        ('HUNTER2', True),
        (['a', {'b': ('x', 'no HUNTER2')}], True),
        ({'HUNTER2': 1}, True),
        ({'a': 48151623}, True),
        *((value, False) for value in (None, 5, 'HUNTER', [], ('a', 'b'), {'a': [True]})),
    ],
    ids=str,
)
def test_a_value_holds_a_secret(value: t.Any, holds: bool) -> None:
    assert holds_secret(value, ['HUNTER2', '48151623']) is holds
    assert holds_secret(value, [None, '']) is False


@pytest.mark.parametrize(
    'content,message',
    [
        ({'message': 'The key has expired.'}, 'The key has expired'),
        ({'errors': {'message': 'The key has expired.'}}, 'The key has expired'),
        ({'message': 'first', 'errors': {'message': 'second'}}, 'first'),
        ({'message': None, 'errors': {'message': 'second'}}, 'second'),
        ({'message': ' schlüssel '}, 'schlüssel'),
        # lines, colors of a terminal, control characters, a separator, a surrogate, a byte order mark
        ({'message': 'a\nb\r\nc'}, 'a b c'),
        ({'message': '\x1b[31mred\x1b[0m'}, '[31mred [0m'),
        ({'message': 'a\x00b\x7fc\x9bd'}, 'a b c d'),
        ({'message': 'a\u2028b\ud800c\ufeffd'}, 'a b c d'),
        ({'message': 'x' * 5000}, 'x' * MESSAGE_LENGTH),
        *(
            ({'message': f'no such key {form}'}, 'no such key ********')
            for form in FORMS.values()
            if form.isprintable()
        ),
        # what is left of them when white space is folded and what cannot be printed is dropped
        ({'message': 'no such key HUNTER2\udcff'}, '********'),
        ({'message': 'no such key HUNTER2 \x00SPACED'}, 'no such key ********'),
        *(
            ({'message': f'no such key {space.join(("ACCESS-", "HUNT", "ER1"))}'}, '********')
            for space in (' ', '\n  ', '\r\n\t', '\x00', '\u2028', '\ufeff', '\x1b')
        ),
        *(({'message': ' '.join(as_base64(secret))}, '********') for secret in ('ACCESS-HUNTER1', SPACED)),
        *(({'message': other}, '') for other in ('', 5, True, ['no'], {'message': 'no'})),
        *(({'errors': other}, '') for other in (['no'], 'no', {})),
        *((other, '') for other in ({'error': 'no'}, {}, [{'message': 'no'}], 'no', 5, None)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_message_of_a_json_body(content: t.Any, message: str) -> None:
    assert server_message(json.dumps(content).encode(), SECRETS) == message


@pytest.mark.parametrize(
    'body',
    [b'', b'no', b'<html>message</html>', b'{"message": "cut', b'{"message": "\xff"}', b'\x00\x01', b'9' * 10_000]
    + [b'[' * 100_000, b'{"message":' * 100_000],
    ids=lambda body: repr(body[:20]),
)
def test_another_body_has_no_message(body: bytes) -> None:
    assert server_message(body, SECRETS) == ''


@pytest.mark.parametrize('before', range(MESSAGE_LENGTH - len(SECRET), MESSAGE_LENGTH + 1))
def test_no_part_of_a_secret_stays_where_a_message_is_cut(before: int) -> None:
    message = server_message(json.dumps({'message': 'x' * before + SECRET}).encode(), SECRETS)
    assert 'H' not in message
    assert len(message) <= MESSAGE_LENGTH


def test_a_secret_that_is_long_enough_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(_secrets, 'register_secret', told.append)
    for secret in ('HUNTER2-', 'HUNTER2', ''):
        register(secret)
    assert told == ['HUNTER2-']
