# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests in whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_tasks
from helpers.needles import leaks

API = 'firefly.platform.firefly_api'
LOGIN = 'firefly.platform.firefly_login'
PROJECT = 'runners/projects/project-1'
SEARCH = {'path': 'workspaces/search', 'method': 'POST'}
CREATE = {'path': 'runners/projects', 'method': 'POST', 'body': {'name': 'new'}}


def ask(name: str, options: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A task that makes a request, and registers how it went under this name."""
    return {API: options or {'path': PROJECT}, 'register': name, 'ignore_errors': True, **keywords}


LIFE = [
    ask('created', CREATE),
    ask('listed', {'path': 'runners/projects/list', 'all_pages': True}),
    ask('patched', {'path': PROJECT, 'method': 'PATCH', 'body': '{"name": "other"}'}),
    ask('deleted', {'path': PROJECT, 'method': 'DELETE'}),
    ask('deleted_again', {'path': PROJECT, 'method': 'DELETE', 'status_code': [204, 404]}),
    ask('searched', SEARCH),
    ask('failed', {'path': PROJECT, 'method': 'DELETE'}),
    ask('refused', {'path': 'login', 'method': 'POST'}),
]


@pytest.mark.parametrize('check', [False, True])
def test_a_life_of_a_project_at_the_highest_verbosity(firefly: FakeFirefly, tmp_path: Path, check: bool) -> None:
    arguments = ['-vvvvv', *(['--check'] if check else [])]
    run = run_tasks(tmp_path, LIFE, arguments=arguments, environment=keys_of(firefly))
    assert run.status == 0, run.output
    found = run.registered['host1']
    changed = {task['register']: found[task['register']]['changed'] for task in LIFE}
    names = ('created', 'listed', 'patched', 'deleted', 'deleted_again', 'searched', 'failed', 'refused')
    expected = (1, 0, 1, 1, 1, 0, 1, 0) if check else (1, 0, 1, 1, 0, 0, 1, 0)
    assert changed == {name: bool(each) for name, each in zip(names, expected, strict=True)}
    assert [name for name in names if found[name]['failed']] == (['refused'] if check else ['failed', 'refused'])
    assert len(found['listed']['entries']) == (3 if check else 4)
    assert len(firefly.data['runners/projects']) == 3  # one came, one went
    writes = [request for request in firefly.requests if request.method in ('PATCH', 'DELETE')]
    assert len(writes) == (0 if check else 4)
    assert found['created'].keys() >= {'status', 'json', 'url', 'attempts', 'latency_ms', 'changed'}
    assert 'firefly_api' not in json.dumps(found['ansible_facts'])
    assert len(firefly.tokens) == 1
    assert list(leaks([*firefly.tokens, firefly.secret_key], [run.output, json.dumps(found)])) == []


def test_check_mode_logs_in_for_no_write(firefly: FakeFirefly, tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [ask('created', CREATE)], arguments=['--check'], environment=keys_of(firefly))
    assert run.registered['host1']['created']['changed']
    assert 'check mode' in run.registered['host1']['created']['msg']
    assert not firefly.requests


def test_a_loop_that_is_registered_and_kept_has_no_token(firefly: FakeFirefly, tmp_path: Path) -> None:
    environment = {
        **keys_of(firefly),
        'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
        'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(tmp_path / 'facts'),
    }
    tasks = [
        ask('first'),
        ask('looped', {'path': 'runners/projects/{{ item }}'}, loop=['project-1', 'project-2', 'project-9']),
        {'ansible.builtin.set_fact': {'kept': '{{ [first, looped] }}', 'cacheable': True}},
    ]
    run = run_tasks(tmp_path, tasks, environment=environment, arguments=['-vvv'])
    results = run.registered['host1']['looped']['results']
    assert [result['failed'] for result in results] == [False, False, True]
    assert results[1]['json']['id'] == 'project-2'
    assert results[2]['failure'] == {'code': 'not_found', 'status': 404, 'retryable': False}
    assert '"project-2"' in run.output  # a request is not hidden
    kept = ''.join(file.read_text() for file in (tmp_path / 'facts').iterdir())
    assert 'project-2' in kept
    assert list(leaks([*firefly.tokens, firefly.secret_key], [run.output, kept])) == []


def test_the_defaults_of_the_group_may_have_every_shared_option(firefly: FakeFirefly, tmp_path: Path) -> None:
    defaults = {
        'access_key': firefly.access_key,
        'secret_key': firefly.secret_key,
        'api_url': firefly.url,
        'min_ttl': 30,
        'token_cache': True,
        'retries': 0,
        'timeout': 20,
        'use_proxy': False,
        'validate_certs': True,
    }
    play = {'module_defaults': {'group/firefly.platform.firefly': defaults}}
    health = {'firefly.platform.firefly_health': None}
    run = run_tasks(tmp_path, [{LOGIN: None}, health, ask('result')], play=play, arguments=['-vvvvv'])
    assert run.registered['host1']['result']['json']['id'] == 'project-1', run.output
    assert firefly.count('POST', '/v2/login') == 1
    assert firefly.secret_key not in run.output


def test_until_asks_again(firefly: FakeFirefly, tmp_path: Path) -> None:
    path = f'/v2/{PROJECT}'
    firefly.fail(Fault(body='{"status": "planning"}', path=path), times=2)
    task = ask('result', until='"id" in result.json', retries=5, delay=0)
    run = run_tasks(tmp_path, [task], environment=keys_of(firefly))
    assert run.registered['host1']['result']['json']['id'] == 'project-1'
    assert (firefly.count('GET', path), firefly.count('POST', '/v2/login')) == (3, 1)


def test_30_hosts_with_a_token_that_was_revoked_make_one_login(firefly: FakeFirefly, tmp_path: Path) -> None:
    revoke = {'ansible.builtin.uri': {'url': f'{firefly.url}/_fake/tokens', 'method': 'DELETE', 'status_code': 204}}
    tasks = [ask('first'), {**revoke, 'run_once': True}, ask('second')]
    hosts = [f'host{number}' for number in range(30)]
    run = run_tasks(tmp_path, tasks, hosts=hosts, environment={**keys_of(firefly), 'ANSIBLE_FORKS': '10'})
    assert run.status == 0, run.output
    assert {values['second']['status'] for values in run.registered.values()} == {200}
    assert firefly.count('POST', '/v2/login') == len(firefly.tokens) == 2


def test_the_environment_of_a_task(firefly: FakeFirefly, tmp_path: Path) -> None:
    with FakeFirefly(keys={'other-access': 'other-secret'}) as other:
        environment = {**keys_of(firefly), 'FIREFLY_TOKEN_CACHE': 'true'}
        tasks = [ask('ours'), ask('others', environment=keys_of(other)), ask('ours_again')]
        run = run_tasks(tmp_path, tasks, environment=environment)
        found = run.registered['host1']
        urls = [found[name]['url'] for name in ('ours', 'others', 'ours_again')]
        assert urls == [f'{each.url}/v2/{PROJECT}' for each in (firefly, other, firefly)]
        assert other.count('POST', '/v2/login') == firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('text', ['\ud800', '{{ nope }}', '\x1b[31m\x00', '{% raw %}'])
def test_what_a_server_says_is_shown_as_it_is(firefly: FakeFirefly, tmp_path: Path, text: str) -> None:
    firefly.fail(Fault(body=json.dumps({text: text}), path=f'/v2/{PROJECT}'))
    show = {'ansible.builtin.debug': {'var': 'result.json'}}
    run = run_tasks(tmp_path, [ask('result'), show], environment=keys_of(firefly), arguments=['-v'])
    assert run.status == 0, run.output
    assert run.registered['host1']['result']['json'] == {text: text}


def test_a_body_is_not_templated_twice(firefly: FakeFirefly, tmp_path: Path) -> None:
    body = {'name': '{{ text }}', 'list': ['{% raw %}{{ nope }}{% endraw %}']}
    play = {'vars': {'text': "{{ '{' ~ '{ nope }' ~ '}' }}"}}
    run = run_tasks(tmp_path, [ask('result', {**CREATE, 'body': body})], play=play, environment=keys_of(firefly))
    assert run.registered['host1']['result']['failed'] is False, run.output
    assert json.loads(firefly.requests[-1].body) == {'name': '{{ nope }}', 'list': ['{{ nope }}']}


@pytest.mark.parametrize(
    'options', [{'pth': 'x'}, {'path': '{{ omit }}'}, {**CREATE, 'body': 'text'}, {**CREATE, 'all_pages': True}]
)
def test_a_mistake_sends_nothing(firefly: FakeFirefly, tmp_path: Path, options: dict[str, Any]) -> None:
    run = run_tasks(tmp_path, [ask('result', options)], environment=keys_of(firefly))
    assert run.registered['host1']['result']['failure']['code'] == 'invalid_option'
    assert not firefly.requests
