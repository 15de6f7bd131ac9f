# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything runs on the controller, and a managed host has no say in it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_tasks

LOGIN = 'firefly.platform.firefly_login'
HEALTH = 'firefly.platform.firefly_health'
LOOKUP = "{{ lookup('firefly.platform.firefly', 'expires_at') }}"

# a host that answers `setup` as it likes
GATHER = """
import json
print(json.dumps({'changed': False, 'ansible_facts': FACTS}))
"""

TASKS = {
    'login': {LOGIN: {}, 'register': 'result', 'ignore_errors': True},
    'lookup': {'ansible.builtin.set_fact': {'end': LOOKUP}, 'register': 'result', 'ignore_errors': True},
}


def gather(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """A task that gets these facts from the host."""
    library = folder / 'library'
    library.mkdir()
    library.joinpath('gather.py').write_text(f'#!/usr/bin/python\nFACTS = {facts!r}\n{GATHER}')
    return {'gather': {}}


@pytest.mark.parametrize('ask', TASKS)
@pytest.mark.parametrize(
    'facts',
    [
        {'firefly_api_url': 'http://127.0.0.1:9'},
        {'firefly_validate_certs': False},
        {'firefly_ca_path': '/tmp/ca.pem'},  # noqa: S108, nobody opens it
        {'firefly_api_url': 'http://127.0.0.1:9', 'ansible_facts': {}},
    ],
    ids=['api_url', 'validate_certs', 'ca_path', 'hidden_by_a_fact_of_that_name'],
)
def test_facts_do_not_redirect_the_keys(firefly: FakeFirefly, tmp_path: Path, facts: dict[str, Any], ask: str) -> None:
    run = run_tasks(tmp_path, [gather(tmp_path, facts), TASKS[ask]], environment=keys_of(firefly))
    assert run.registered['host1']['result']['failed']
    name, value = next(iter(facts.items()))
    assert f'The fact {name} is refused' in ' '.join(run.output.split())
    assert str(value) not in run.output
    assert not firefly.requests


@pytest.mark.parametrize('ask', TASKS)
def test_variables_may_be_set_by_set_fact_and_the_inventory(firefly: FakeFirefly, tmp_path: Path, ask: str) -> None:
    keys = keys_of(firefly)
    set_url = {'ansible.builtin.set_fact': {'firefly_api_url': keys.pop('FIREFLY_API_URL')}}
    play = {'vars': {'firefly_access_key': keys.pop('FIREFLY_ACCESS_KEY')}}
    run = run_tasks(tmp_path, [set_url, TASKS[ask]], play=play, environment=keys)
    assert not run.registered['host1']['result']['failed'], run.output
    assert firefly.count('POST', '/v2/login') == 1


def test_a_cacheable_fact_is_refused(firefly: FakeFirefly, tmp_path: Path) -> None:
    set_url = {'ansible.builtin.set_fact': {'firefly_api_url': firefly.url, 'cacheable': True}}
    run = run_tasks(tmp_path, [set_url, TASKS['login']], environment=keys_of(firefly))
    assert run.registered['host1']['result']['failure']['code'] == 'invalid_option'


@pytest.mark.parametrize('connection', ['ssh', 'winrm', 'elsewhere'])
def test_no_host_is_contacted(firefly: FakeFirefly, tmp_path: Path, connection: str) -> None:
    variables = {
        'ansible_host': '127.0.0.1',
        'ansible_port': 9,  # nobody listens there
        'ansible_become': True,
        'ansible_become_user': 'nobody-has-this-name',
        'ansible_remote_tmp': str(tmp_path / 'remote'),
    }
    tasks = [{HEALTH: {}, 'register': 'health'}, {LOGIN: {}, 'register': 'login'}]
    run = run_tasks(
        tmp_path,
        tasks,
        connection=connection,
        play={'vars': variables},
        environment=keys_of(firefly),
        arguments=['-vvv'],
    )
    ended = run.registered['host1']
    assert (ended['health']['healthy'], ended['login']['attempts']) == (True, 1), run.output
    assert 'seen from the controller' in ended['health']['msg']
    assert not tmp_path.joinpath('remote').exists()


def test_async_is_refused(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {LOGIN: {}, 'async': 10, 'poll': 1, 'register': 'result', 'ignore_errors': True}
    run = run_tasks(tmp_path, [task], environment=keys_of(firefly))
    assert {'async', 'support'} <= set(re.findall('async|support', run.registered['host1']['result']['msg']))
    assert not firefly.requests


def test_delegate_to_warns_once_without_the_name_of_a_host(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {LOGIN: {}, 'delegate_to': '{{ inventory_hostname }}-bastion', 'register': 'result'}
    run = run_tasks(tmp_path, [task], hosts=['host1', 'host2'], environment=keys_of(firefly))
    assert all(values['result']['access_token'] for values in run.registered.values()), run.output
    said = ' '.join(run.output.split())
    assert said.count('The controller asks Firefly, whatever host the task is for.') == 1
    assert 'set https_proxy in the environment of the task' in said


def test_delegate_to_localhost_does_not_warn(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [{HEALTH: {}, 'delegate_to': 'localhost'}], environment=keys_of(firefly))
    assert run.status == 0
    assert 'The controller asks' not in run.output


@pytest.mark.parametrize('connection, told', [('local', False), ('elsewhere', True)])
def test_a_failure_on_the_way_names_the_way_through_a_bastion(tmp_path: Path, connection: str, told: bool) -> None:
    task = {HEALTH: {'api_url': 'http://127.0.0.1:9', 'retries': 0}, 'register': 'result', 'ignore_errors': True}
    result = run_tasks(tmp_path, [task], connection=connection).registered['host1']['result']
    assert result['failure']['code'] == 'connect'
    assert ('set https_proxy in the environment of the task' in result['msg']) is told
    assert result['msg'] == result['ansible_facts']['firefly_health']['msg']


def test_a_refusal_does_not_name_a_bastion(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {LOGIN: {'secret_key': 'wrong'}, 'register': 'result', 'ignore_errors': True}
    run = run_tasks(tmp_path, [task], connection='elsewhere', environment=keys_of(firefly))
    assert 'https_proxy' not in run.registered['host1']['result']['msg']


def test_module_defaults_of_the_group_hold_every_shared_option(firefly: FakeFirefly, tmp_path: Path) -> None:
    shared = {'access_key': firefly.access_key, 'secret_key': firefly.secret_key, 'min_ttl': 900, 'token_cache': True}
    play = {
        'module_defaults': {'group/firefly.platform.firefly': shared},
        'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}],
    }
    run = run_tasks(tmp_path, [{HEALTH: {}}], play=play, environment={'FIREFLY_API_URL': firefly.url})
    assert run.status == 0, run.output


def test_the_environment_of_a_task_counts_for_that_task_alone(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [
        {HEALTH: {'retries': 0}, 'environment': keys_of(firefly), 'register': 'first'},
        {HEALTH: {'retries': 0}, 'register': 'second', 'ignore_errors': True},
    ]
    run = run_tasks(tmp_path, tasks, environment={'FIREFLY_API_URL': 'http://127.0.0.1:9'})
    assert run.registered['host1']['first']['healthy']
    assert not run.registered['host1']['second']['healthy']


def test_progress_stays_out_of_stdout(firefly: FakeFirefly, tmp_path: Path, bundled_collections: Path) -> None:
    firefly.fail(Fault(status=503))
    environment = {
        **keys_of(firefly),
        'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{bundled_collections}',
        'ANSIBLE_STDOUT_CALLBACK': 'ansible.posix.json',
    }
    run = run_tasks(tmp_path, [{HEALTH: {'wait': True, 'wait_sleep': 1}}], environment=environment)
    assert json.loads(run.stdout)['stats']['host1']['ok']
    assert 'Waiting for Firefly, ' in run.output.removeprefix(run.stdout)
