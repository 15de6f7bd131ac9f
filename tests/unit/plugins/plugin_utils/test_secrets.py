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
from ansible_collections.firefly.platform.plugins.plugin_utils._secrets import mask, scrub, server_message

SECRET = 'HUNTER2 +/=&ü?!'  # its base64 has padding
SECRETS = (SECRET, 'ACCESS-HUNTER1')
MESSAGE_LENGTH = 200


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


@pytest.mark.parametrize('secret,registered', [('HUNTER2-', ['HUNTER2-']), ('HUNTER2', []), ('', [])])
def test_mask_takes_what_is_long_enough(secret: str, registered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(_secrets, 'register_secret', told.append)
    mask(secret)
    assert told == registered


@pytest.mark.parametrize(
    'value,scrubbed',
    [
        ('HUNTER2', '********'),
        ('key=HUNTER2;', 'key=********;'),
        (['a', 'HUNTER2'], ['a', '********']),
        ({'key': 'HUNTER2'}, {'key': '********'}),
        ({'HUNTER2': 1}, {'********': 1}),
        ({'a': [{'b': ('HUNTER2',)}]}, {'a': [{'b': ['********']}]}),
    ],
    ids=str,
)
def test_a_value_that_holds_a_secret(value: t.Any, scrubbed: t.Any) -> None:
    assert scrub(value, ['HUNTER2']) == scrubbed
    assert 'HUNTER2' in str(scrub(value, ['HUNTER3']))


@pytest.mark.parametrize('value', [None, 5, 1.5, True, '', [], {}, {'a': [None, {'b': False}]}])
def test_a_value_that_holds_none_stays_as_it_is(value: t.Any) -> None:
    assert scrub(value, ['HUNTER2', 'True', '1.5']) == value


@pytest.mark.parametrize('before', range(4))
@pytest.mark.parametrize('encode', [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_with_something_before_and_behind(encode: t.Callable[[bytes], bytes], before: int) -> None:
    encoded = encode(b'x' * before + SECRET.encode() + b':password').decode()
    kept = scrub(encoded, [SECRET])
    assert '********' in kept
    # what is left of it are the bytes around, and at most a character that the secret shares with them
    assert len(kept) - 8 <= -(-before * 8 // 6) + -(-len(':password') * 8 // 6) + 3


def test_scrub_tells_what_is_nested_too_deep() -> None:
    deep: t.Any = 'HUNTER2'
    for _unused in range(99):
        deep = [deep]
    assert 'HUNTER2' not in str(scrub(deep, ['HUNTER2']))
    for shape in ([deep], {'a': deep}):
        with pytest.raises(ValueError, match='nested more than 100 levels'):
            scrub(shape, ['HUNTER2'])


@pytest.mark.parametrize('secret', ['5', 'ab', 'abc'])
def test_a_very_short_secret_takes_nothing_else_out(secret: str) -> None:
    assert scrub('nothing of it', [secret]) == 'nothing of it'
