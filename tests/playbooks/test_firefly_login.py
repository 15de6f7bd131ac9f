# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_ansible, run_tasks, write_inventory

LOGIN = 'firefly.platform.firefly_login'


def login(**options: Any) -> dict[str, Any]:
    return {LOGIN: options, 'register': 'login'}


def test_one_login_for_all_hosts_tasks_and_lookups(firefly: FakeFirefly, tmp_path: Path) -> None:
    lookup = "{{ lookup('firefly.platform.firefly', 'expires_at') }}"
    tasks = [login(), {'ansible.builtin.set_fact': {'seen': lookup}}, login()]
    hosts = [f'host{number}' for number in range(60)]
    run = run_tasks(tmp_path, tasks, hosts=hosts, environment={**keys_of(firefly), 'ANSIBLE_FORKS': '20'})
    assert run.status == 0, run.output
    assert firefly.count('POST', '/v2/login') == 1
    assert {values['login']['access_token'] for values in run.registered.values()} == set(firefly.tokens)
    assert len(run.registered) == 60


# The sources of an option, from the weakest to the strongest; each gives all that the weaker ones give, but better.
SOURCES = ['environment', "the task's environment", 'variable', 'module_defaults', 'task']


@pytest.mark.parametrize('strongest', range(len(SOURCES)), ids=SOURCES)
def test_the_order_of_the_sources(firefly: FakeFirefly, tmp_path: Path, strongest: int) -> None:
    keys = {f'access-{number}': f'secret-{number}' for number in range(len(SOURCES))}
    firefly.keys = keys

    def pair(number: int, access_key: str, secret_key: str) -> dict[str, str]:
        return {access_key: f'access-{number}', secret_key: f'secret-{number}'} if number <= strongest else {}

    environment_names = ('FIREFLY_ACCESS_KEY', 'FIREFLY_SECRET_KEY')
    task = {LOGIN: pair(4, 'access_key', 'secret_key'), 'environment': pair(1, *environment_names), 'register': 'login'}
    play = {
        'vars': {
            **pair(2, 'firefly_access_key', 'real_secret_key'),
            'firefly_secret_key': '{{ real_secret_key | default("") }}',
        },
        'module_defaults': {'group/firefly.platform.firefly': pair(3, 'access_key', 'secret_key')},
    }
    environment = {'FIREFLY_API_URL': firefly.url, **pair(0, *environment_names)}
    run = run_tasks(tmp_path, [task], play=play, environment=environment)
    assert run.status == 0, run.output
    assert json.loads(firefly.requests[0].body)['accessKey'] == f'access-{strongest}'


def test_blank_values_count_as_unset_from_every_source(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {**login(access_key='', ca_path='', timeout=''), 'environment': {'FIREFLY_VALIDATE_CERTS': ''}}
    play = {'vars': {'firefly_access_key': '', 'firefly_retries': ' '}}
    environment = {**keys_of(firefly), 'FIREFLY_MIN_TTL': '', 'FIREFLY_CLIENT_CERT': ''}
    assert run_tasks(tmp_path, [task], play=play, environment=environment).status == 0


class Vaulted(str):
    """What Ansible Vault has encrypted; it is written to YAML with the tag !vault."""


yaml.SafeDumper.add_representer(Vaulted, lambda dumper, text: dumper.represent_scalar('!vault', text, style='|'))


@pytest.mark.parametrize(
    'options,variables',
    [
        ({'secret_key': 'SECRET'}, {}),
        ({'secret_key': '{{ direct }}'}, {'direct': 'SECRET'}),
        ({}, {'firefly_secret_key': 'SECRET'}),
        ({}, {'firefly_secret_key': '{{ direct }}', 'direct': 'SECRET'}),
    ],
)
def test_a_vaulted_key(
    firefly: FakeFirefly, tmp_path: Path, options: dict[str, str], variables: dict[str, str]
) -> None:
    (tmp_path / 'password').write_text('vault-password')
    vault = VaultLib([('default', VaultSecret(b'vault-password'))])
    vaulted = Vaulted(vault.encrypt(firefly.secret_key).decode())
    options, variables = (
        {name: vaulted if value == 'SECRET' else value for name, value in values.items()}
        for values in (options, variables)
    )
    run = run_tasks(
        tmp_path,
        [login(**options)],
        play={'vars': variables},
        environment={**keys_of(firefly), 'FIREFLY_SECRET_KEY': ''},
        arguments=['--vault-password-file', 'password'],
    )
    assert run.status == 0, run.output


def test_a_variable_that_refers_to_nothing_is_named(firefly: FakeFirefly, tmp_path: Path) -> None:
    play = {'vars': {'firefly_secret_key': '{{ not_there }}'}}
    run = run_tasks(tmp_path, [login()], play=play, environment=keys_of(firefly))
    assert run.status != 0
    assert 'The variable firefly_secret_key cannot be templated' in ' '.join(run.output.split())
    assert not firefly.requests


@pytest.mark.parametrize('missing,named', [('ACCESS', 'access_key is missing'), ('SECRET', 'secret_key is missing')])
def test_half_a_key_pair(firefly: FakeFirefly, tmp_path: Path, missing: str, named: str) -> None:
    environment = {**keys_of(firefly), f'FIREFLY_{missing}_KEY': ''}
    run = run_tasks(tmp_path, [{**login(), 'ignore_errors': True}], environment=environment)
    assert run.registered['host1']['login']['failure']['code'] == 'missing_credentials'
    assert named in run.registered['host1']['login']['msg']
    assert not firefly.requests


def test_keywords(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [
        {**login(), 'run_once': True, 'register': 'once'},
        {**login(), 'loop': [1, 2], 'register': 'looped'},
        {**login(), 'timeout': 30, 'register': 'timed'},
        {**login(), 'check_mode': True, 'register': 'checked'},
        {**login(token_cache=False), 'register': 'anew'},
    ]
    run = run_tasks(tmp_path, tasks, hosts=['host1', 'host2'], environment=keys_of(firefly), arguments=['-vvvv'])
    assert run.status == 0, run.output
    for values in run.registered.values():
        assert values['once']['access_token'] == firefly.tokens[0]
        assert [result['access_token'] for result in values['looped']['results']] == [firefly.tokens[0]] * 2
        for name in ('timed', 'checked'):
            assert values[name]['access_token'] == firefly.tokens[0]
        assert values['anew']['access_token'] in firefly.tokens[1:]
    assert TOKEN_NEEDLE not in run.output
    assert firefly.secret_key not in run.output


def test_until_outlives_a_refusal_of_a_new_key_pair(firefly: FakeFirefly, tmp_path: Path) -> None:
    firefly.fail(Fault(status=401), times=2)
    task = {**login(), 'until': 'login is success', 'retries': 3, 'delay': 0}
    run = run_tasks(tmp_path, [task], environment=keys_of(firefly))
    assert run.registered['host1']['login']['access_token'] == firefly.tokens[-1]
    assert firefly.count('POST', '/v2/login') == 3


def test_the_free_strategy(firefly: FakeFirefly, tmp_path: Path) -> None:
    hosts = ['host1', 'host2', 'host3']
    run = run_tasks(tmp_path, [login(), login()], hosts=hosts, play={'strategy': 'free'}, environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert firefly.count('POST', '/v2/login') == 1


def test_ad_hoc(firefly: FakeFirefly, tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, ['host1'])
    arguments = ['ansible', 'all', '-i', str(inventory), '-vvv', '-m']
    run = run_ansible(tmp_path, [*arguments, LOGIN], environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert TOKEN_NEEDLE not in run.output
    run = run_ansible(tmp_path, [*arguments, 'firefly.platform.firefly_health'], environment=keys_of(firefly))
    assert '"healthy": true' in run.output


def test_a_success_says_what_is_safe(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [login()], environment=keys_of(firefly), arguments=['-v'])
    assert f'{firefly.url}: new token, good until ' in run.output
    assert TOKEN_NEEDLE not in run.output


def test_facts(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [login()], environment=keys_of(firefly))
    values = run.registered['host1']
    own = {key: value for key, value in values['login'].items() if key not in ('changed', 'failed', 'ansible_facts')}
    assert values['ansible_facts']['firefly_login'] == own
    assert own['access_token'] == firefly.tokens[0]


def test_facts_that_are_kept_have_no_token(firefly: FakeFirefly, tmp_path: Path) -> None:
    environment = {
        **keys_of(firefly),
        'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
        'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(tmp_path / 'facts'),
    }
    run = run_tasks(tmp_path, [login()], environment=environment, arguments=['-v'])
    values = run.registered['host1']
    assert values['login']['access_token'] == firefly.tokens[0]
    fact = values['ansible_facts']['firefly_login']
    assert values['login'].keys() - fact.keys() >= {'access_token', 'authorization'}
    assert fact['expires_at'] == values['login']['expires_at']
    kept = ''.join(path.read_text() for path in (tmp_path / 'facts').iterdir())
    assert 'firefly_login' in kept
    assert TOKEN_NEEDLE not in kept
    assert 'registered variable' in ' '.join(run.output.split())
