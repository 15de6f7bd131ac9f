# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_tasks
from helpers.needles import leaks


def health(**options: Any) -> dict[str, Any]:
    return {'firefly.platform.firefly_health': options, 'register': 'health', 'ignore_errors': True}


def test_facts(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [health()], environment=keys_of(firefly))
    values = run.registered['host1']
    own = {key: value for key, value in values['health'].items() if key not in ('changed', 'failed', 'ansible_facts')}
    assert values['ansible_facts']['firefly_health'] == own
    assert own['healthy'] is True


def test_all_values_on_failure_too(firefly: FakeFirefly, tmp_path: Path) -> None:
    up = run_tasks(tmp_path, [health()], environment=keys_of(firefly)).registered['host1']['health']
    firefly.health = 'down'
    down = run_tasks(tmp_path, [health(retries=0)], environment=keys_of(firefly)).registered['host1']['health']
    assert down.keys() - up.keys() - {'exception'} == {'failure'}  # ansible-core adds the exception
    assert not up.keys() - down.keys()
    assert (down['healthy'], down['reachable'], down['status'], down['code']) == (False, True, 503, 'server_error')


def test_all_values_where_an_option_is_refused(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [{**health(), 'register': 'up'}, health(wait_sleep=0)]
    values = run_tasks(tmp_path, tasks, environment=keys_of(firefly)).registered['host1']
    refused = values['health']
    assert values['up']['healthy'] is True
    assert not values['up'].keys() - refused.keys()
    assert (refused['healthy'], refused['attempts'], refused['failure']['code']) == (False, 0, 'invalid_option')
    assert firefly.count('GET', '/v2/health') == 1


def test_waiting_says_when_the_state_changes(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        firefly.fail(Fault(status=500))
        firefly.fail(Fault(status=404), times=2)
        firefly.fail(Fault(status=204, body=b''))
        run = run_tasks(tmp_path, [health(wait=True, wait_sleep=1)], environment=keys_of(firefly))
    lines = [line for line in run.output.splitlines() if 'Waiting for Firefly, ' in line]
    assert len(lines) == 2
    assert '500' in lines[0]
    assert '404' in lines[1]
    assert f'Firefly at {firefly.url} is up, seen from the controller. It took' in run.output
    assert run.registered['host1']['health']['attempts'] == 4


def test_waiting_ends(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        run = run_tasks(tmp_path, [health(wait=True, wait_timeout=2, wait_sleep=1)], environment=keys_of(firefly))
    result = run.registered['host1']['health']
    assert result['msg'].startswith('Firefly was not up within wait_timeout: ')
    assert result['attempts'] >= 2


def test_a_broken_secret_does_no_harm(firefly: FakeFirefly, tmp_path: Path) -> None:
    play = {'vars': {'firefly_secret_key': '{{ not_there }}'}}
    environment = {'FIREFLY_API_URL': firefly.url}
    run = run_tasks(tmp_path, [health()], play=play, environment=environment)
    assert run.registered['host1']['health']['healthy'] is True


def test_a_proxy_of_the_tasks_environment(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {
        **health(api_url='https://firefly.example', retries=0),
        'environment': {'https_proxy': firefly.url, 'FIREFLY_TIMEOUT': 5},
    }
    run = run_tasks(tmp_path, [task])
    assert run.registered['host1']['health']['code'] == 'proxy'
    assert firefly.violations  # it was asked to CONNECT
    firefly.violations.clear()


def test_it_sends_no_keys(firefly: FakeFirefly, tmp_path: Path) -> None:
    run_tasks(tmp_path, [health()], environment=keys_of(firefly))
    (request,) = firefly.requests
    assert firefly.secret_key not in json.dumps(request.headers)


@pytest.mark.parametrize('number', ['', '| int'], ids=['text', 'number'])
@pytest.mark.parametrize('state', ['up', 'down'])
def test_a_loop_over_key_pairs_does_not_show_them(
    firefly: FakeFirefly, tmp_path: Path, state: Literal['up', 'down'], number: str
) -> None:
    firefly.health = state
    pairs = "{{ [{'secret': lookup('env', 'NEEDLE') " + number + '}] }}'
    task = health(access_key='of-no-item', secret_key='{{ item.secret }}', retries=0)
    task |= {'loop': pairs, 'loop_control': {'extended': True}}
    environment = {**keys_of(firefly), 'NEEDLE': '9182736455463728'}
    run = run_tasks(tmp_path, [task], environment=environment, arguments=['-vvv'])
    assert run.registered['host1']['health']['results'][0]['healthy'] == (state == 'up')
    assert list(leaks(['9182736455463728'], [run.output])) == []
    assert ('was answered with 503' in run.output) == (state == 'down')
