# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role and the playbook ``preflight``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault
from helpers.ansible_run import Run, keys_of, run_ansible, run_tasks, write_inventory
from helpers.needles import leaks

HOSTS = ['host1', 'host2', 'host3']
BOTH = ['/v2/health', '/v2/login']
AFTER = [
    {'ansible.builtin.debug': {'msg': 'deployed on {{ inventory_hostname }}'}},
    {'ansible.builtin.set_fact': {'got': '{{ preflight_login.access_token }}'}, 'no_log': True, 'register': 'after'},
]


def deploy(folder: Path, firefly: FakeFirefly, *arguments: str, **variables: Any) -> Run:
    """Run the role, then a deployment, on three hosts. The output is YAML."""
    environment = {**keys_of(firefly), 'ANSIBLE_CALLBACK_RESULT_FORMAT': 'yaml'}
    play = {'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}], 'vars': variables}
    return run_tasks(folder, AFTER, hosts=HOSTS, play=play, environment=environment, arguments=arguments)


def outcome_of(run: Run) -> dict[str, str]:
    """The last lines that the role prints."""
    shown = re.search(r'TASK \[firefly.platform.preflight : Show the outcome].*?\n(.+?)\n\n', run.output, re.DOTALL)
    assert shown, run.output
    outcome: dict[str, str] = yaml.safe_load(shown[1].partition('=>')[2])['msg']
    return outcome


def test_it_waits_and_runs_once_for_all_hosts(firefly: FakeFirefly, tmp_path: Path) -> None:
    firefly.fail(Fault(status=503), times=2)
    run = deploy(tmp_path, firefly, '-vvvv', preflight_wait_sleep=1)
    assert run.status == 0, run.output
    assert 'Waiting for Firefly, ' in run.output
    outcome = outcome_of(run)
    assert list(outcome) == ['Health', 'Key pair']
    assert outcome['Health'].startswith(f'OK. Firefly at {firefly.url} is up')
    assert re.fullmatch(rf'OK\. {firefly.url} accepted it\. The token expires at \S+Z\.', outcome['Key pair'])
    assert [request.path for request in firefly.requests] == ['/v2/health', '/v2/health', *BOTH]
    assert run.output.count('The arg spec validation passed') == 1
    assert all(f'deployed on {host}' in run.output for host in HOSTS)
    assert {values['after']['ansible_facts']['got'] for values in run.registered.values()} == set(firefly.tokens)
    facts = [values['ansible_facts'] for values in run.registered.values()]
    assert all(fact['firefly_health']['healthy'] and fact['firefly_login']['access_token'] for fact in facts)
    assert not list(leaks([TOKEN_NEEDLE, firefly.secret_key], [run.output]))


def test_bad_keys_end_the_play(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = deploy(tmp_path, firefly, firefly_secret_key='wrong')
    assert run.status != 0
    outcome = outcome_of(run)
    assert outcome['Health'].startswith('OK. ')
    assert outcome['Key pair'].startswith(f'FAILED. POST {firefly.url}/v2/login ')
    assert 'Check both halves of the key pair' in outcome['Key pair']
    assert 'deployed on' not in run.output
    assert firefly.count('POST', '/v2/login') == 1


def test_a_service_that_is_down_ends_the_play(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        run = deploy(tmp_path, firefly, preflight_wait_timeout=2, preflight_wait_sleep=1)
    assert run.status != 0
    outcome = outcome_of(run)
    assert re.match('FAILED. .*wait_timeout', outcome['Health'])
    assert outcome['Key pair'] == 'Not checked.'
    assert 'deployed on' not in run.output
    assert firefly.count('POST', '/v2/login') == 0


@pytest.mark.parametrize('arguments, paths', [(['--tags', 'deploy'], BOTH), (['--skip-tags', 'preflight'], [])])
def test_tags(firefly: FakeFirefly, tmp_path: Path, arguments: list[str], paths: list[str]) -> None:
    deploy(tmp_path, firefly, *arguments)
    assert [request.path for request in firefly.requests] == paths


def test_wrong_arguments_are_named(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = deploy(tmp_path, firefly, preflight_wait='soon', preflight_wait_timeout='soon')
    assert run.status != 0
    assert "'preflight_wait'" in run.output
    assert "'preflight_wait_timeout'" in run.output
    assert not firefly.requests


# test_awx.py has a failure under a limit
@pytest.mark.parametrize(
    'hosts, arguments, checked',
    [
        ([], [], 'localhost'),
        (HOSTS, [], 'localhost'),
        (HOSTS, ['-l', 'host2'], 'host2'),
        (['host1', 'localhost'], ['-l', 'host1'], 'host1'),
    ],
)
def test_the_playbook_checks_once(
    firefly: FakeFirefly, tmp_path: Path, hosts: list[str], arguments: list[str], checked: str
) -> None:
    """The playbook as it stands, for hosts that cannot be reached and a user who does not exist."""
    inventory = str(write_inventory(tmp_path, hosts, connection='ssh'))
    become = ['--become', '--become-user=nobody-has-this-name']
    command = ['ansible-playbook', 'firefly.platform.preflight', '-i', inventory, *become, *arguments]
    run = run_ansible(tmp_path, command, environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert [request.path for request in firefly.requests] == BOTH
    assert f'ok: [{checked}] => ' in run.output
