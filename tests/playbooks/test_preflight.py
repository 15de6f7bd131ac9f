# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role and the playbook ``preflight``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault
from helpers.ansible_run import GROUP, LOGIN, Run, keys_of, run_ansible, run_tasks, write_inventory
from helpers.needles import leaks

HOSTS = ['host1', 'host2', 'host3']
BOTH = ['/v2/health', '/v2/login']
AFTER = [
    {'ansible.builtin.debug': {'msg': 'deployed on {{ inventory_hostname }}'}},
    {'ansible.builtin.set_fact': {'got': '{{ preflight_login.access_token }}'}, 'no_log': True, 'register': 'after'},
]


def deploy(folder: Path, firefly: FakeFirefly, *arguments: str, **variables: Any) -> Run:
    """Run the role, then a deployment, on three hosts. The output is YAML."""
    return deploy_in(folder, keys_of(firefly), *arguments, vars=variables)


def deploy_in(folder: Path, environment: dict[str, str], /, *arguments: str, **play: Any) -> Run:
    """The same in an environment, with keywords of the play."""
    play = {'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}], **play}
    environment = {**environment, 'ANSIBLE_CALLBACK_RESULT_FORMAT': 'yaml'}
    return run_tasks(folder, AFTER, hosts=HOSTS, play=play, environment=environment, arguments=arguments)


def outcome_of(run: Run) -> dict[str, str]:
    """The last lines that the role prints."""
    shown = re.findall(r'TASK \[firefly.platform.preflight : Show the outcome].*?\n(.+?)\n\n', run.output, re.DOTALL)
    assert shown, run.output
    outcome: dict[str, str] = yaml.safe_load(shown[-1].partition('=>')[2])['msg']
    return outcome


def words_of(run: Run) -> tuple[str, ...]:
    """How the outcome of each check begins: ``OK``, ``FAILED`` or ``Not checked``."""
    return tuple(text.partition('.')[0] for text in outcome_of(run).values())


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
    assert re.search('option wait must be true.* option wait_timeout must be a whole', outcome_of(run)['Health'])
    assert not firefly.requests


@pytest.mark.parametrize('blank', ['', ' ', None])
def test_a_blank_argument_is_not_set(firefly: FakeFirefly, tmp_path: Path, blank: str | None) -> None:
    firefly.fail(Fault(status=503))
    blanks = json.dumps(dict.fromkeys(('preflight_wait', 'preflight_wait_timeout'), blank))
    run = deploy(tmp_path, firefly, '-e', blanks, preflight_wait_sleep=1)
    assert words_of(run) == ('OK', 'OK'), run.output
    assert re.search('Waiting for Firefly, 1[12][0-9] s left', run.output)
    assert deploy(tmp_path, firefly, '-e', json.dumps({'preflight_wait_sleep': blank})).status == 0


def test_a_wait_that_is_off_is_off(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        runs = [deploy(tmp_path, firefly, firefly_retries=0, preflight_wait=off) for off in (False, 'no', '0')]
    assert [words_of(run) for run in runs] == [('FAILED', 'Not checked')] * 3
    assert not any('Waiting' in run.output for run in runs)


@pytest.mark.parametrize(
    'first_task, words', [('the key pair works', ('Not checked', 'OK')), ('', ('Not checked',) * 2)]
)
def test_tasks_that_are_skipped_by_hand(
    firefly: FakeFirefly, tmp_path: Path, first_task: str, words: tuple[str, str]
) -> None:
    start = f'Check that {first_task}' if first_task else 'Show the outcome'
    assert words_of(deploy(tmp_path, firefly, '--start-at-task', start)) == words


def test_a_failure_that_is_ignored(tmp_path: Path) -> None:
    role = {'role': 'firefly.platform.preflight', 'run_once': True, 'ignore_errors': True}
    variables = {'preflight_wait': False, 'firefly_retries': 0}
    with FakeFirefly(health='down') as firefly:
        run = deploy_in(tmp_path, keys_of(firefly), roles=[role], vars=variables)
        without_keys = deploy_in(tmp_path, {'FIREFLY_API_URL': firefly.url}, roles=[role], vars=variables)
    assert run.status == 0, run.output
    assert words_of(run) == ('FAILED', 'OK')
    assert words_of(without_keys) == ('FAILED', 'FAILED')


def test_an_earlier_check_is_not_told_again(firefly: FakeFirefly, tmp_path: Path) -> None:
    """The role twice in a play, the second time without a key."""
    environment = {'FIREFLY_API_URL': firefly.url}
    role = 'firefly.platform.preflight'
    keys = {f'firefly_{half}': getattr(firefly, half) for half in ('access_key', 'secret_key')}
    # a role with the same variables would run once
    run = deploy_in(tmp_path, environment, roles=[{'role': role, 'vars': keys}, {'role': role, 'vars': {'other': 1}}])
    assert run.status != 0
    assert words_of(run) == ('Not checked', 'FAILED'), run.output
    assert [request.path for request in firefly.requests] == BOTH


def test_missing_keys_are_found_before_the_wait(tmp_path: Path) -> None:
    with FakeFirefly(health='down') as firefly:
        run = deploy_in(tmp_path, {'FIREFLY_API_URL': firefly.url, 'FIREFLY_ACCESS_KEY': 'half'})
    assert words_of(run) == ('Not checked', 'FAILED')
    assert 'secret_key is missing' in outcome_of(run)['Key pair']
    assert not firefly.requests
    assert run.output.count('Waiting') == 0


@pytest.mark.parametrize('place', ['module_defaults', 'defaults of the login', 'environment', 'files'])
def test_keys_that_are_there_wait(tmp_path: Path, firefly: FakeFirefly, place: str) -> None:
    """The wait for an outage, wherever the keys are."""
    keys = {half: getattr(firefly, half) for half in ('access_key', 'secret_key')}
    files = {}
    for half, key in keys.items():
        path = tmp_path / half
        path.write_text(f'{key}\n')
        files[f'firefly_{half}_file'] = str(path)
    play: dict[str, Any] = {
        'module_defaults': {'module_defaults': {GROUP: keys}},
        'defaults of the login': {'module_defaults': {LOGIN: keys}},
        'environment': {'environment': {f'FIREFLY_{half.upper()}': key for half, key in keys.items()}},
        'files': {'vars': files},
    }[place]
    firefly.fail(Fault(status=503), times=2)
    environment = {'FIREFLY_API_URL': firefly.url, 'FIREFLY_RETRIES': '0'}
    run = deploy_in(tmp_path, environment, '-e', 'preflight_wait_sleep=1', **play)
    assert words_of(run) == ('OK', 'OK'), run.output
    assert 'Waiting for Firefly' in run.output
    assert firefly.count('POST', '/v2/login') == (1 if place == 'files' else 2)
    assert not list(leaks([TOKEN_NEEDLE, firefly.secret_key], [run.output]))


@pytest.mark.parametrize('fact', ['preflight_wait', 'preflight_wait_timeout', 'preflight_health', 'firefly_timeout'])
def test_a_fact_sets_no_variable_of_the_role(firefly: FakeFirefly, tmp_path: Path, fact: str) -> None:
    set_fact = {'ansible.builtin.set_fact': {fact: 1, 'cacheable': True}}
    run = deploy_in(tmp_path, keys_of(firefly), pre_tasks=[set_fact])
    assert run.status != 0
    assert re.search(rf'A fact whose name starts with preflight_ is|The fact {fact} is', ' '.join(run.output.split()))
    assert 'deployed on' not in run.output
    assert not firefly.requests
    run = deploy_in(tmp_path, keys_of(firefly), pre_tasks=[set_fact, {'ansible.builtin.meta': 'clear_facts'}])
    assert run.status == 0, run.output


def test_set_fact_sets_a_variable_of_the_role(tmp_path: Path) -> None:
    set_fact = {'ansible.builtin.set_fact': {'preflight_wait_timeout': 2}}
    with FakeFirefly(health='down') as firefly:
        run = deploy_in(tmp_path, keys_of(firefly), pre_tasks=[set_fact])
    assert 'Waiting for Firefly, 2 s left' in run.output


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
    assert f'Address: {firefly.url}, from the environment variable FIREFLY_API_URL.' in run.output


@pytest.mark.parametrize(
    'variable, shown',
    [
        ('{url}/v2', '{url}/v2, from the variable firefly_api_url.'),
        ('', '{url}, from the environment variable FIREFLY_API_URL.'),
        ('https://user:HUNTER2@gw.example', 'not valid, from the variable firefly_api_url.'),
        ('HUNTER2', 'not valid, from the variable firefly_api_url.'),
    ],
)
def test_the_playbook_first_says_which_address(firefly: FakeFirefly, tmp_path: Path, variable: str, shown: str) -> None:
    extra = f'-efirefly_api_url={variable.format(url=firefly.url)}'
    command = ['ansible-playbook', 'firefly.platform.preflight', extra]
    output = run_ansible(tmp_path, command, environment=keys_of(firefly)).output
    assert f'"msg": "Address: {shown.format(url=firefly.url)}"' in output
    assert output.index('Address: ') < output.index('TASK [firefly.platform.preflight')
    assert 'HUNTER2' not in output.replace(extra, '')


def test_the_default_address(tmp_path: Path) -> None:
    output = run_ansible(
        tmp_path, ['ansible-playbook', 'firefly.platform.preflight']
    ).output  # without keys, none is asked
    assert 'Address: https://api.firefly.ai, from the default.' in output


def test_variables_beside_a_playbook_reach_the_role(firefly: FakeFirefly, tmp_path: Path) -> None:
    variables = {'firefly_api_url': firefly.url, 'firefly_access_key': firefly.access_key}
    (tmp_path / 'group_vars').mkdir()
    (tmp_path / 'group_vars/all.yml').write_text(yaml.safe_dump({**variables, 'firefly_secret_key_file': 'secret_key'}))
    (tmp_path / 'secret_key').write_text(firefly.secret_key)
    play = {'name': 'Check Firefly', 'hosts': 'localhost:all', 'gather_facts': False}
    play |= {'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}]}
    (tmp_path / 'site.yml').write_text(yaml.safe_dump([play]))
    inventories = [[], ['-i', str(write_inventory(tmp_path, HOSTS)), '-l', 'host2']]
    for arguments in inventories:
        elsewhere = Path('/')
        run = run_ansible(tmp_path, ['ansible-playbook', str(tmp_path / 'site.yml'), *arguments], shell=elsewhere)
        assert run.status == 0, run.output
    assert [request.path for request in firefly.requests] == BOTH * 2
