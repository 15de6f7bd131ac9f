# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_firefly import TOKEN_NEEDLE, FakeFirefly
from helpers.ansible_run import Run, keys_of, run_ansible, run_tasks

ROLE = {'role': 'firefly.platform.preflight', 'run_once': True}
AFTER = [
    {'ansible.builtin.debug': {'msg': 'deployed on {{ inventory_hostname }}'}},
    {'ansible.builtin.set_fact': {'got': '{{ preflight_login.access_token }}'}, 'no_log': True, 'register': 'after'},
]


def deploy(folder: Path, firefly: FakeFirefly, *, arguments: list[str] | None = None, **variables: Any) -> Run:
    play = {'roles': [ROLE], 'vars': variables}
    hosts = ['host1', 'host2', 'host3']
    return run_tasks(folder, AFTER, hosts=hosts, play=play, environment=keys_of(firefly), arguments=arguments or [])


def test_it_runs_once_for_all_hosts(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = deploy(tmp_path, firefly, arguments=['-vvv'])
    assert run.status == 0, run.output
    assert [request.path for request in firefly.requests] == ['/v2/health', '/v2/login']
    assert run.output.count('The arg spec validation passed') == 1
    assert all(f'deployed on host{number}' in run.output for number in (1, 2, 3))
    assert {values['after']['ansible_facts']['got'] for values in run.registered.values()} == set(firefly.tokens)
    facts = [values['ansible_facts'] for values in run.registered.values()]
    assert all(fact['firefly_health']['healthy'] and fact['firefly_login']['access_token'] for fact in facts)


def test_it_ends_with_a_summary_without_a_secret(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = deploy(tmp_path, firefly, arguments=['-vvvv'])
    assert f'Firefly at {firefly.url} is up, seen from the controller. It answered within ' in run.output
    assert 'The key pair works: its token is good until ' in run.output
    assert TOKEN_NEEDLE not in run.output
    assert firefly.secret_key not in run.output


def test_bad_keys_end_the_play(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = deploy(tmp_path, firefly, firefly_secret_key='wrong')
    assert run.status != 0
    assert '401 Unauthorized' in run.output
    assert 'Check both halves of the key pair' in ' '.join(run.output.split())
    assert 'deployed on' not in run.output
    assert firefly.count('POST', '/v2/login') == 1


def test_a_service_that_is_down_ends_the_play(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        run = deploy(tmp_path, firefly, preflight_wait_timeout=2, preflight_wait_sleep=1)
    assert run.status != 0
    assert 'Firefly was not up within wait_timeout' in run.output
    assert 'deployed on' not in run.output
    assert firefly.count('POST', '/v2/login') == 0


def test_it_waits_for_a_service_that_comes_up(tmp_path: Path) -> None:
    with FakeFirefly(health_up_after=8) as firefly:
        run = deploy(tmp_path, firefly, preflight_wait_sleep=1)
    assert run.status == 0, run.output
    assert 'Waiting for Firefly, ' in run.output


@pytest.mark.parametrize(
    'variables',
    [
        {'ansible_become': True, 'ansible_become_user': 'nobody-has-this-name'},
        {'ansible_connection': 'ssh', 'ansible_host': '127.0.0.1', 'ansible_port': 9},
    ],
    ids=['become', 'connection'],
)
@pytest.mark.parametrize('host', ['host1', 'localhost'])
def test_variables_of_the_host_do_not_matter(
    firefly: FakeFirefly, tmp_path: Path, host: str, variables: dict[str, Any]
) -> None:
    play = {'roles': [ROLE], 'vars': variables}
    run = run_tasks(tmp_path, [], hosts=[host], play=play, environment=keys_of(firefly))
    assert run.registered[host]['ansible_facts']['firefly_login']['access_token'] == firefly.tokens[0], run.output


@pytest.mark.parametrize('tags', ['deploy', 'preflight'])
def test_tags_do_not_skip_it(firefly: FakeFirefly, tmp_path: Path, tags: str) -> None:
    deploy(tmp_path, firefly, arguments=['--tags', tags])
    assert [request.path for request in firefly.requests] == ['/v2/health', '/v2/login']


@pytest.mark.parametrize('name', ['preflight_wait', 'preflight_wait_timeout'])
def test_wrong_arguments_are_named(firefly: FakeFirefly, tmp_path: Path, name: str) -> None:
    run = deploy(tmp_path, firefly, **{name: 'soon'})
    assert run.status != 0
    assert name in run.output
    assert not firefly.requests


def test_the_playbook(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_ansible(tmp_path, ['ansible-playbook', 'firefly.platform.preflight'], environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert 'The key pair works' in run.output
    keys = keys_of(firefly)
    arguments = ['ansible-playbook', 'firefly.platform.preflight', '-e', 'preflight_wait=false']
    nobody = run_ansible(tmp_path, arguments, environment={**keys, 'FIREFLY_API_URL': 'http://127.0.0.1:9'})
    assert nobody.status != 0
    assert "'code': 'connect'" in nobody.output or '"code": "connect"' in nobody.output
    assert 'Check api_url' in ' '.join(nobody.output.split())
