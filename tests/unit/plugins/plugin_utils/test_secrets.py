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
    MESSAGE_LENGTH,
    holds,
    mask,
    scrub,
    server_message,
)

SECRET = 'HUNTER2 +/=&ü?!'  # its base64 has padding
SECRETS = (SECRET, 'ACCESS-HUNTER1')


@pytest.mark.parametrize(
    'form',
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip('='),
        quote(SECRET, safe=''),
        quote_plus(SECRET),
        'ACCESS-HUNTER1',
    ],
    ids=['plain', 'base64', 'unpadded', 'url', 'form', 'access key'],
)
def test_scrub_takes_each_form_out(form: str) -> None:
    text = scrub(f'the key {form} is bad, {form}!', SECRETS)
    assert text == 'the key ******** is bad, ********!'


def test_scrub_leaves_other_text() -> None:
    assert scrub('the key is bad', SECRETS) == 'the key is bad'


@pytest.mark.parametrize('secrets', [(), (None,), ('',), (None, '')])
def test_scrub_without_secrets(secrets: tuple[str | None, ...]) -> None:
    assert scrub('the key is bad', secrets) == 'the key is bad'


def test_scrub_takes_a_key_that_is_not_utf8_in_the_environment() -> None:
    # os.environ gives such bytes as lone surrogates
    assert scrub('the key HUNTER2\udcff is bad', ('HUNTER2\udcff',)) == 'the key ******** is bad'


@pytest.mark.parametrize(
    'content,message',
    [
        ({'message': 'The key has expired.'}, 'The key has expired'),
        ({'errors': {'message': 'The key has expired.'}}, 'The key has expired'),
        ({'message': 'first', 'errors': {'message': 'second'}}, 'first'),
        ({'message': None, 'errors': {'message': 'second'}}, 'second'),
        ({'message': ' padded '}, 'padded'),
        ({'message': 'schlüssel'}, 'schlüssel'),
        ({'message': ''}, ''),
        ({'message': 5}, ''),
        ({'message': True}, ''),
        ({'message': ['no']}, ''),
        ({'message': {'message': 'no'}}, ''),
        ({'errors': ['no']}, ''),
        ({'errors': 'no'}, ''),
        ({'errors': {}}, ''),
        ({'error': 'no'}, ''),
        ({}, ''),
        ([{'message': 'no'}], ''),
        ('no', ''),
        (5, ''),
        (None, ''),
    ],
)
def test_the_message_of_a_json_body(content: t.Any, message: str) -> None:
    assert server_message(json.dumps(content).encode(), SECRETS) == message


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'no',
        b'<html><body>message</body></html>',
        b'{"message": "cut',
        b'{"message": "\xff"}',
        b'\x00\x01\x02',
        b'[' * 100_000,
        b'{"message":' * 100_000,
        b'9' * 10_000,
    ],
    ids=['empty', 'text', 'html', 'truncated', 'not utf-8', 'binary', 'nested arrays', 'nested objects', 'long number'],
)
def test_no_message_of_anything_else(body: bytes) -> None:
    assert server_message(body, SECRETS) == ''


@pytest.mark.parametrize(
    'text,message',
    [
        ('a\nb\r\nc', 'a b c'),
        ('\x1b[31mred\x1b[0m', '[31mred [0m'),
        ('a\x00b\x7fc\x9bd', 'a b c d'),
        ('a\u2028b', 'a b'),
        ('a\ud800b', 'a b'),
        ('a\ufeffb', 'a b'),
    ],
    ids=['lines', 'terminal', 'control', 'separator', 'surrogate', 'byte order mark'],
)
def test_control_characters_do_not_get_through(text: str, message: str) -> None:
    assert server_message(json.dumps({'message': text}).encode(), ()) == message


@pytest.mark.parametrize('text', [SECRET, base64.b64encode(SECRET.encode()).decode(), quote(SECRET, safe='')])
def test_the_message_is_scrubbed(text: str) -> None:
    body = json.dumps({'message': f'no such key {text}'}).encode()
    assert server_message(body, SECRETS) == 'no such key ********'


def test_a_long_message_is_cut() -> None:
    assert server_message(json.dumps({'message': 'x' * 5000}).encode(), ()) == 'x' * MESSAGE_LENGTH


@pytest.mark.parametrize('before', range(MESSAGE_LENGTH - len(SECRET), MESSAGE_LENGTH + 1))
def test_no_half_of_a_secret_stays_where_the_message_is_cut(before: int) -> None:
    message = server_message(json.dumps({'message': 'x' * before + SECRET}).encode(), SECRETS)
    assert 'H' not in message
    assert len(message) <= MESSAGE_LENGTH


@pytest.mark.parametrize(
    'secret,registered',
    [
        ('HUNTER2-', ['HUNTER2-']),
        ('Bearer HUNTER2-', ['HUNTER2-']),
        ('HUNTER2', []),
        ('Basic HUNTER2', []),
        ('', []),
    ],
)
def test_mask_takes_what_is_long_enough(secret: str, registered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(_secrets, 'register_secret', told.append)
    mask(secret)
    assert told == registered


@pytest.mark.parametrize(
    'value',
    ['HUNTER2', 'key=HUNTER2;', ['a', 'HUNTER2'], {'key': 'HUNTER2'}, {'HUNTER2': 1}, {'a': [{'b': ('HUNTER2',)}]}],
    ids=str,
)
def test_a_value_that_holds_a_secret(value: t.Any) -> None:
    assert holds(value, 'HUNTER2')
    assert not holds(value, 'HUNTER3')


@pytest.mark.parametrize('value', [None, 5, '', [], {}])
def test_a_value_that_holds_none(value: t.Any) -> None:
    assert not holds(value, 'HUNTER2')
