# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from fake_firefly import FakeFirefly, Fault

TERMS = ('token', 'authorization', 'basic_authorization', 'expires_at', 'login', 'health')


def lookup(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> list[Any]:
    templar = Templar(loader=DataLoader(), variables=variables or {})
    plugin = lookup_loader.get('firefly.platform.firefly', loader=DataLoader(), templar=templar)
    return plugin.run(list(terms), variables or {}, **options)  # type: ignore[no-any-return]


def test_every_term(firefly: FakeFirefly) -> None:
    token, authorization, basic, expires_at, login, health = lookup(*TERMS, **firefly.options)
    assert token == firefly.tokens[0]
    assert authorization == f'Bearer {token}'
    pair = f'{firefly.access_key}:{firefly.secret_key}'
    assert basic == f'Basic {base64.b64encode(pair.encode()).decode()}'
    assert expires_at == login['expires_at']
    assert login['access_token'] == token
    assert health['healthy'] is True
    assert firefly.logins == firefly.count('GET', '/v2/health') == 1
    # the token is the default, terms may be a list, and the login is shared
    assert lookup(**firefly.options) == lookup(['token', 'token'], **firefly.options)[1:] == [token]
    assert firefly.logins == 1


def test_basic_authorization_sends_nothing(firefly: FakeFirefly) -> None:
    (basic,) = lookup('basic_authorization', api_url=firefly.url, access_key='a', secret_key='b\udcff')
    assert base64.b64decode(basic.split()[1]) == b'a:b\xff'  # bytes that are not UTF-8
    assert not firefly.requests


def test_the_health_of_a_service_that_is_down_is_a_value(firefly: FakeFirefly) -> None:
    firefly.health = 'down'
    (health,) = lookup('health', api_url=firefly.url, retries=0, variables={'firefly_secret_key': '{{ not_there }}'})
    assert (health['healthy'], health['code'], health['status']) == (False, 'server_error', 503)
    (health,) = lookup('health', api_url='http://127.0.0.1:9', retries=0)
    assert (health['healthy'], health['reachable'], health['code']) == (False, False, 'connect')


@pytest.mark.parametrize(
    'term,options,named',
    [
        ('health', {'api_url': 'http://firefly.example'}, 'http://'),
        ('health', {'timeout': 0}, 'timeout'),
        ('token', {}, 'access_key and secret_key'),
        ('basic_authorization', {'secret_key': 'a'}, 'access_key'),
    ],
)
def test_an_invalid_option(term: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(AnsibleLookupError, match=named):
        lookup(term, **options)


def test_a_login_that_fails_is_an_error_without_secrets(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body=f'{{"message": "{firefly.secret_key} is wrong"}}'))
    for _unused in range(2):
        with pytest.raises(AnsibleLookupError, match='401 Unauthorized') as error:
            lookup(**firefly.options)
        assert firefly.secret_key not in str(error.value)
        assert error.value.__suppress_context__
    assert firefly.logins == 1  # lookups share a failure
