# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything runs on the controller. A target is never contacted and gives no options."""

from __future__ import annotations

from pathlib import Path

import yaml
from fake_firefly import FakeFirefly
from helpers.ansible_run import HEALTH, LOGIN, keys_of, lookup, run_tasks, task

NOBODY = 'http://127.0.0.1:9'
#: How a host answers `setup` when it says what it likes.
GATHER = """#!/usr/bin/python
# WANT_JSON
import json
import sys
with open(sys.argv[1]) as file:
    print(json.dumps({'changed': False, 'ansible_facts': json.load(file)['facts']}))
"""


def test_facts_give_no_options(firefly: FakeFirefly, tmp_path: Path) -> None:
    facts = {
        'api_url': {'firefly_api_url': 'HUNTER2'},
        'hidden': {'firefly_api_url': 'HUNTER2', 'ansible_facts': {}},
        'cached': {'firefly_api_url': 'HUNTER2'},
    }
    for folder in ('library', 'host_vars'):
        (tmp_path / folder).mkdir()
    (tmp_path / 'library/gather.py').write_text(GATHER)
    for host, given in facts.items():
        (tmp_path / f'host_vars/{host}.yml').write_text(yaml.safe_dump({'facts': given}))
    (tmp_path / 'host_vars/good.yml').write_text(yaml.safe_dump({'firefly_access_key': firefly.access_key}))
    tasks = [
        {'gather': {'facts': '{{ facts }}'}, 'when': 'inventory_hostname not in ["good", "cached"]'},
        {
            'ansible.builtin.set_fact': {'firefly_api_url': 'HUNTER2', 'cacheable': True},
            'when': 'inventory_hostname == "cached"',
        },
        {'ansible.builtin.set_fact': {'firefly_api_url': firefly.url}, 'when': 'inventory_hostname == "good"'},
        task('login', LOGIN),
        lookup('expires_at', "'expires_at'"),
    ]
    environment = {**keys_of(firefly), 'FIREFLY_ACCESS_KEY': 'wrong', 'FIREFLY_API_URL': NOBODY}
    run = run_tasks(tmp_path, tasks, hosts=[*facts, 'good'], environment=environment)
    assert run.outcomes('good') == {'login': 'ok', 'expires_at': 'ok'}, run.output
    assert firefly.count('POST', '/v2/login') == len(firefly.requests) == 1
    for host in facts:
        assert run.outcomes(host) == {'login': 'invalid_option', 'expires_at': 'failed'}
        for result in (run.registered[host]['login'], run.registered[host]['expires_at']):
            assert 'The fact firefly_api_url is refused' in ' '.join(result['msg'].split())
    assert 'HUNTER2' not in run.output


def test_no_host_is_contacted(firefly: FakeFirefly, tmp_path: Path) -> None:
    connections = ('local', 'ssh', 'winrm', 'elsewhere')
    variables = {
        'ansible_connection': '{{ inventory_hostname }}',
        'ansible_host': '127.0.0.1',
        'ansible_port': 9,  # nothing listens there
        'ansible_become': True,
        'ansible_become_user': 'nobody-has-this-name',
        'ansible_remote_tmp': str(tmp_path / 'remote'),
    }
    tasks = [
        task('health', HEALTH, delegate_to='localhost'),
        task('login', LOGIN),
        task('refused', LOGIN, {'secret_key': 'wrong'}),
        task('unreachable', HEALTH, {'api_url': NOBODY, 'retries': 0}),
        task('in_background', LOGIN, **{'async': 10, 'poll': 1}),
    ]
    # hosts that do not wait for each other share a login too
    play = {'vars': variables, 'strategy': 'free'}
    run = run_tasks(tmp_path, tasks, hosts=connections, play=play, environment=keys_of(firefly), arguments=['-vvv'])
    expected = {'health': 'ok', 'login': 'ok', 'refused': 'unauthorized', 'unreachable': 'connect'}
    assert firefly.count('POST', '/v2/login') == 2
    for connection in connections:
        assert run.outcomes(connection) == {**expected, 'in_background': 'failed'}, run.output
        results = run.registered[connection]
        assert 'seen from the controller' in results['health']['msg']
        # ansible-core's own refusal
        assert all(word in results['in_background']['msg'] for word in ('async', 'support'))
        # the way through a bastion is named where it can help; ansible-core replaces persistent connections with local
        unreachable = results['unreachable']
        is_remote = connection in ('ssh', 'winrm')
        assert ('https_proxy in the environment of the task' in unreachable['msg']) == is_remote
        assert unreachable['msg'] == unreachable['ansible_facts']['firefly_health']['msg']
        assert 'https_proxy' not in results['refused']['msg']
    assert '[WARNING]: The controller makes' not in run.output
    assert not (tmp_path / 'remote').exists()


def test_delegate_to_another_machine_warns_once(firefly: FakeFirefly, tmp_path: Path) -> None:
    bastion = '{{ inventory_hostname }}-bastion'
    delegated = task('login', LOGIN, delegate_to=bastion, vars={'ansible_connection': 'ssh'})
    run = run_tasks(tmp_path, [delegated], hosts=['host1', 'host2'], environment=keys_of(firefly))
    assert [run.outcomes(host) for host in ('host1', 'host2')] == [{'login': 'ok'}] * 2, run.output
    output = ' '.join(run.output.split())
    assert output.count('[WARNING]: The controller makes') == 1
    assert 'set https_proxy in the environment of the task' in output


def test_delegate_to_another_name_of_this_machine_does_not_warn(firefly: FakeFirefly, tmp_path: Path) -> None:
    delegated = task('login', LOGIN, delegate_to='host2')
    run = run_tasks(tmp_path, [delegated], hosts=['host1', 'host2'], environment=keys_of(firefly))
    assert run.outcomes() == {'login': 'ok'}, run.output
    assert 'The controller makes' not in run.output
