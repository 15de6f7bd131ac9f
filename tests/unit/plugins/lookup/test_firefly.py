# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, keys_of, run_tasks


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of this test alone."""
    (tmp_path / 'run').mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path / 'run'))


def lookup(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> list[Any]:
    templar = Templar(loader=DataLoader(), variables=variables or {})
    plugin = lookup_loader.get('firefly.platform.firefly', loader=DataLoader(), templar=templar)
    return plugin.run(list(terms), variables or {}, **options)  # type: ignore[no-any-return]


def options_for(firefly: FakeFirefly) -> dict[str, str]:
    return {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}


def test_every_term(firefly: FakeFirefly) -> None:
    terms = ('token', 'authorization', 'basic_authorization', 'expires_at', 'login', 'health')
    token, authorization, basic, expires_at, login, health = lookup(*terms, **options_for(firefly))
    assert token == firefly.tokens[0]
    assert authorization == f'Bearer {token}'
    pair = f'{firefly.access_key}:{firefly.secret_key}'
    assert basic == f'Basic {base64.b64encode(pair.encode()).decode()}'
    assert expires_at == login['expires_at']
    assert login['access_token'] == token
    assert health['healthy'] is True
    assert firefly.count('POST', '/v2/login') == firefly.count('GET', '/v2/health') == 1


def test_the_token_is_the_default(firefly: FakeFirefly) -> None:
    assert lookup(**options_for(firefly)) == firefly.tokens


def test_terms_in_a_list(firefly: FakeFirefly) -> None:
    assert lookup(['token', 'authorization'], **options_for(firefly))[0] == firefly.tokens[0]


def test_basic_authorization_with_bytes_that_are_not_utf_8() -> None:
    (basic,) = lookup('basic_authorization', access_key='a', secret_key='b\udcff')
    assert base64.b64decode(basic.split()[1]) == b'a:b\xff'


def test_basic_authorization_takes_no_request(firefly: FakeFirefly) -> None:
    assert lookup('basic_authorization', **options_for(firefly))
    assert not firefly.requests


@pytest.mark.parametrize('term', ['tokens', '', 'Token', 1, None, {'token': 1}])
def test_an_unknown_term_names_the_valid_ones(firefly: FakeFirefly, term: Any) -> None:
    with pytest.raises(
        AnsibleLookupError, match='token, authorization, basic_authorization, expires_at, login, health'
    ):
        lookup('token', term, **options_for(firefly))
    assert not firefly.requests


def test_health_of_a_service_that_is_down_is_a_value() -> None:
    with FakeFirefly(health='down') as firefly:
        (health,) = lookup('health', api_url=firefly.url, retries=0)
    assert (health['healthy'], health['code'], health['status']) == (False, 'server_error', 503)


def test_health_where_nobody_listens_is_a_value() -> None:
    (health,) = lookup('health', api_url='http://127.0.0.1:9', retries=0)
    assert (health['healthy'], health['reachable'], health['code']) == (False, False, 'connect')


def test_health_needs_no_keys(firefly: FakeFirefly) -> None:
    (health,) = lookup('health', api_url=firefly.url, variables={'firefly_secret_key': '{{ not_there }}'})
    assert health['healthy']


@pytest.mark.parametrize(
    'terms,options,message',
    [
        (['health'], {'api_url': 'http://firefly.example'}, 'http://'),
        (['health'], {'timeout': 0}, 'timeout'),
        (['health'], {'tmieout': 1}, 'tmieout'),
        (['token'], {'tmieout': 1}, 'tmieout'),
        (['token'], {}, 'access_key and secret_key are missing'),
        (['token'], {'access_key': 'a'}, 'secret_key'),
        (['basic_authorization'], {'secret_key': 'a'}, 'access_key'),
    ],
)
def test_a_wrong_option_is_an_error(terms: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleLookupError, match=message):
        lookup(*terms, **options)


def test_a_failed_login_is_an_error_without_secrets(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body=f'{{"message": "{firefly.secret_key} is wrong"}}'))
    with pytest.raises(AnsibleLookupError, match='401 Unauthorized') as error:
        lookup(**options_for(firefly))
    assert firefly.secret_key not in str(error.value)


def test_one_login_for_all_lookups(firefly: FakeFirefly) -> None:
    assert len({lookup(**options_for(firefly))[0] for _unused in range(5)}) == 1
    assert firefly.count('POST', '/v2/login') == 1


def test_the_order_of_the_sources(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in keys_of(firefly).items():
        monkeypatch.setenv(name, value)
    firefly.keys = {'direct': 's', 'variable': 's', 'environment': 's'}
    monkeypatch.setenv('FIREFLY_SECRET_KEY', 's')
    monkeypatch.setenv('FIREFLY_ACCESS_KEY', 'environment')
    asked = [
        lookup(variables={'firefly_access_key': 'variable'}, access_key='direct'),
        lookup(variables={'firefly_access_key': 'variable'}, access_key=''),
        lookup(variables={'firefly_access_key': ''}),
    ]
    sent = [request.body for request in firefly.requests]
    assert len(asked) == len(sent) == 3
    assert [b'direct' in sent[0], b'variable' in sent[1], b'environment' in sent[2]] == [True] * 3


def _run_with(firefly: FakeFirefly, tmp_path: Path, expression: str, variables: dict[str, Any], **more: Any) -> Run:
    task = {'ansible.builtin.set_fact': {'got': expression}, 'register': 'set'}
    environment = {'FIREFLY_API_URL': firefly.url}
    return run_tasks(tmp_path, [task], play={'vars': variables}, environment=environment, **more)


def test_a_templated_variable_in_a_playbook(firefly: FakeFirefly, tmp_path: Path) -> None:
    variables = {
        'my_secret': firefly.secret_key,
        'firefly_access_key': firefly.access_key,
        'firefly_secret_key': '{{ my_secret }}',
        'token': "{{ lookup('firefly.platform.firefly') }}",
    }
    run = _run_with(firefly, tmp_path, '{{ token }}{{ token }}', variables, hosts=['a', 'b'])
    assert run.status == 0, run.output
    assert run.registered['a']['set']['ansible_facts']['got'] == firefly.tokens[0] * 2
    assert firefly.count('POST', '/v2/login') == 1


def test_an_error_in_a_playbook_is_one_message(firefly: FakeFirefly, tmp_path: Path) -> None:
    variables = {'firefly_access_key': firefly.access_key, 'firefly_secret_key': 'WRONGNEEDLE'}
    expression = "{{ lookup('firefly.platform.firefly') }}"
    run = _run_with(firefly, tmp_path, expression, variables, arguments=['-vvv'])
    assert run.status != 0
    assert '401 Unauthorized' in run.output
    assert 'Check both halves of the key pair' in ' '.join(run.output.split())
