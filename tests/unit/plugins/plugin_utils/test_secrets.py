# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
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

SECRET = 'HUNTER2 +/=&ü?!'  # its base64 has padding
SECRETS = (None, '', SECRET, 'ACCESS-HUNTER1', 'HUNTER2\udcff')
MESSAGE_LENGTH = 200
FORMS = {
    'plain': SECRET,
    'base64': base64.b64encode(SECRET.encode()).decode(),
    'unpadded': base64.b64encode(SECRET.encode()).decode().rstrip('='),
    'url': quote(SECRET, safe=''),
    'form': quote_plus(SECRET),
    'another secret': 'ACCESS-HUNTER1',
    'not utf-8': 'HUNTER2\udcff',  # as os.environ gives such bytes
}


@pytest.mark.parametrize('form', FORMS)
def test_each_form_of_a_secret_is_masked_and_other_text_is_not(form: str) -> None:
    assert masked(f'the key {FORMS[form]} is bad, {FORMS[form]}!', SECRETS) == 'the key ******** is bad, ********!'
    assert masked('the key is bad', [*SECRETS, '5', 'xy', 'xyz']) == 'the key is bad'


@pytest.mark.parametrize('before', range(4))
@pytest.mark.parametrize('encode', [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_secret_with_text_around_it(encode: t.Callable[[bytes], bytes], before: int) -> None:
    encoded = encode(b'x' * before + SECRET.encode() + b':password').decode()
    kept = masked(encoded, [SECRET])
    assert '********' in kept
    # what is left are the bytes around it, and at most a character that the secret shares with them
    assert len(kept) - 8 <= -(-before * 8 // 6) + -(-len(':password') * 8 // 6) + 3


@pytest.mark.parametrize(
    'value,hidden',
    [
        (['a', 'HUNTER2'], ['a', '********']),
        ({'key': 'HUNTER2'}, {'key': '********'}),
        ({'HUNTER2': 1}, {'********': 1}),
        ({'a': [{'b': ['HUNTER2']}]}, {'a': [{'b': ['********']}]}),
        *((value, value) for value in (None, 5, 1.5, True, '', [], {}, {'a': [None, {'b': False}]})),
    ],
    ids=str,
)
def test_a_json_value_is_masked(value: t.Any, hidden: t.Any) -> None:
    assert masked(value, ['HUNTER2', 'True', '1.5']) == hidden


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
        *(({'message': f'no such key {form}'}, 'no such key ********') for form in FORMS.values()),
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
