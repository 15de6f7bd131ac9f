# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play sees of firefly_health."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import HEALTH, keys_of, run_tasks, task
from helpers.needles import leaks

NEEDLE = '9182736455463728'
LAST_ITEM = '{{ ansible_loop.allitems | last }}'


def test_results_and_facts(firefly: FakeFirefly, tmp_path: Path) -> None:
    with FakeFirefly(health='down') as down, FakeFirefly() as proxy:
        tasks = [
            task('up', HEALTH),
            task('down', HEALTH, {'api_url': down.url, 'retries': 0}),
            task('refused', HEALTH, {'wait_sleep': 0}),
            task('broken_secret', HEALTH, vars={'firefly_secret_key': '{{ not_there }}'}),
            task(
                'proxy',
                HEALTH,
                {'api_url': 'https://firefly.example', 'retries': 0},
                environment={'https_proxy': proxy.url, 'FIREFLY_TIMEOUT': 5},
            ),
        ]
        run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
        assert proxy.violations  # it was asked to CONNECT
        proxy.violations.clear()
    codes = {'down': 'server_error', 'refused': 'invalid_option', 'proxy': 'proxy'}
    assert run.outcomes() == {'up': 'ok', 'broken_secret': 'ok', **codes}, run.output
    for name in run.outcomes():
        fact = run[name]['ansible_facts']['firefly_health']
        assert fact == {key: run[name][key] for key in run['up'].keys() - {'changed', 'failed', 'ansible_facts'}}
        assert fact['code'] == codes.get(name, 'ok')
        assert fact['healthy'] == (name not in codes)
        # ansible-core adds the exception
        assert run[name].keys() - {'exception'} == {*run['up'], *(['failure'] if name in codes else [])}
    assert (run['down']['reachable'], run['down']['status'], run['refused']['requests']) == (True, 503, 0)
    assert [request.path for request in firefly.requests] == ['/v2/health'] * 2
    assert firefly.secret_key not in json.dumps([request.headers for request in firefly.requests])


def test_progress_goes_to_stderr(tmp_path: Path, bundled_collections: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        for fault in (Fault(status=500), Fault(status=404), Fault(status=404), Fault(status=204, body=b'')):
            firefly.fail(fault)
        environment = {
            **keys_of(firefly),
            'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{bundled_collections}',
            'ANSIBLE_STDOUT_CALLBACK': 'ansible.posix.json',
        }
        run = run_tasks(tmp_path, [task('health', HEALTH, {'wait': True, 'wait_sleep': 1})], environment=environment)
    assert json.loads(run.stdout)['stats']['host1']['ok']
    first, second = (line for line in run.stderr.splitlines() if 'Waiting for Firefly, ' in line)
    assert '500' in first
    assert '404' in second
    assert f'Firefly at {firefly.url} is up. It took' in run.stderr
    assert run['health']['requests'] == 4


def test_a_loop_over_key_pairs_does_not_show_them(firefly: FakeFirefly, tmp_path: Path) -> None:
    key = "lookup('env', 'NEEDLE')"
    # in the last case the first item has no key, but ansible-core shows the next one with it
    loops = {'text': f'[{key}]', 'number': f'[{key} | int]', 'neighbor': f"['none', {key}]"}
    with FakeFirefly(health='down') as down:
        tasks = [
            task(
                f'{state}_{kind}',
                HEALTH,
                {'api_url': url, 'access_key': 'of-no-item', 'secret_key': LAST_ITEM, 'retries': 0},
                loop=f'{{{{ {loop} }}}}',
                loop_control={'extended': True},
            )
            for state, url in (('up', firefly.url), ('down', down.url))
            for kind, loop in loops.items()
        ]
        run = run_tasks(tmp_path, tasks, environment={**keys_of(firefly), 'NEEDLE': NEEDLE}, arguments=['-vvv'])
    healthy = {name: [result['healthy'] for result in run[name]['results']] for name in run.outcomes()}
    up = {'up_text': [True], 'up_number': [True], 'up_neighbor': [True, True]}
    assert healthy == {**up, 'down_text': [False], 'down_number': [False], 'down_neighbor': [False, False]}
    assert list(leaks([NEEDLE], [run.output])) == []
    assert run.stderr.count('returned 503') == 4


def test_each_item_of_a_loop_stands_alone(firefly: FakeFirefly, tmp_path: Path) -> None:
    """An item is hidden if the key is not known, and the environment of an item ends with it."""
    tasks = [
        task(
            'broken_secret',
            HEALTH,
            vars={'firefly_secret_key': '{{ not_there }}'},
            loop="{{ [lookup('env', 'NEEDLE')] }}",
        ),
        task('own_timeout', HEALTH, environment='{{ item }}', loop=[{'FIREFLY_TIMEOUT': 'HUNTER2'}, {}]),
    ]
    run = run_tasks(tmp_path, tasks, environment={**keys_of(firefly), 'NEEDLE': NEEDLE})
    codes = {name: [result['code'] for result in run[name]['results']] for name in run.outcomes()}
    assert codes == {'broken_secret': ['ok'], 'own_timeout': ['invalid_option', 'ok']}, run.output
    assert NEEDLE not in run.output
