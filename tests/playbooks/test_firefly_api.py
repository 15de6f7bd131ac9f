# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play sees of firefly_api."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import API, GROUP, keys_of, run_tasks, task
from helpers.needles import leaks

PATH, OTHER = 'runners/projects/project-1', 'runners/projects/project-3'
PROJECT = {'path': PATH}
CREATE = {'path': 'runners/projects', 'method': 'POST', 'body': {'name': 'new'}}


# the scenario "api" of Molecule goes on to change and delete what it created
@pytest.mark.parametrize('check', [False, True])
def test_check_mode_and_module_defaults(firefly: FakeFirefly, tmp_path: Path, check: bool) -> None:
    """All shared options are the defaults of the action group, for the role's modules too."""
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
    role = {'role': 'firefly.platform.preflight', 'run_once': True}
    with FakeFirefly() as other:
        # each task, and whether it is changed, in check mode and else
        changed = {
            'created': (True, True, CREATE),
            'listed': (False, False, {'path': 'runners/projects/list', 'all_pages': True}),
            'failed': (False, True, {'path': 'runners/projects/no-such', 'method': 'DELETE'}),
            'refused': (False, False, {'path': 'login', 'method': 'POST'}),
            'elsewhere': (True, True, {**CREATE, 'api_url': other.url}),
        }
        run = run_tasks(
            tmp_path,
            [task(name, API, options) for name, (*_changed, options) in changed.items()],
            arguments=['-vvvvv', *(['--check'] if check else [])],
            play={'module_defaults': {GROUP: defaults}, 'roles': [role]},
        )
    assert run.status == 0, run.output
    found = run.registered['host1']
    assert {name: found[name]['changed'] for name in changed} == {name: row[check] for name, row in changed.items()}
    assert [name for name in changed if found[name]['failed']] == (['refused'] if check else ['failed', 'refused'])
    assert len(found['listed']['entries']) == (3 if check else 4)
    # in check mode a write does not even log in
    assert len(other.requests) == (0 if check else 2)
    assert ('check mode' in found['elsewhere'].get('msg', '')) == check
    assert found['created'].keys() >= {'status', 'json', 'url', 'requests', 'latency_ms', 'changed'}
    # the facts of this dump have the role's token on purpose
    assert 'firefly_api' not in found.pop('ansible_facts')
    assert len(firefly.tokens) == 1
    secrets = [*firefly.tokens, *other.tokens, firefly.secret_key]
    assert list(leaks(secrets, [run.output, json.dumps(found)])) == []


@pytest.mark.parametrize('diff', [False, True])
def test_check_mode_says_what_would_be_sent(firefly: FakeFirefly, tmp_path: Path, diff: bool) -> None:
    body = {'name': 'new', 'tags': ['one', firefly.secret_key]}
    tasks = [
        task('created', API, {**CREATE, 'body': body}, loop=[1, 2]),
        task('hidden', API, {'path': 'runners/projects/hidden', 'method': 'PUT', 'body': body}, no_log=True),
        task('deleted', API, {**PROJECT, 'method': 'DELETE'}),
        task('read', API, PROJECT),
    ]
    arguments = ['--check', *(['--diff'] if diff else [])]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly), arguments=arguments)
    assert run.outcomes() == dict.fromkeys(['created', 'hidden', 'deleted', 'read'], 'ok'), run.output
    why = 'was not sent, because this is check mode.'
    create = f'POST {firefly.url}/v2/runners/projects'
    assert run.stderr.count(f'host1: {create} {why}\n') == 2
    assert f'host1: DELETE {firefly.url}/v2/{PATH} {why}' in run.stderr
    assert run.stderr.count(why) == 3
    assert run.stdout.count(f'+++ after: {create}\n') == (2 if diff else 0)
    assert run.stdout.count('+  "name": "new",\n') == (2 if diff else 0)
    assert ('"********"' in run.stdout) == diff
    assert list(leaks([firefly.secret_key], [run.output])) == []
    assert '/hidden' not in run.output


OMITS: dict[str, dict[str, Any]] = {
    'list': {'body': {'list': ['one', '{{ omit }}']}},
    'list_in_list': {'body': {'list': [['{{ omit }}']]}},
    'dictionary': {'body': {'name': 'x', 'parentId': '{{ omit }}', 'd': {'k': '{{ omit }}'}}},
    'expression': {'body': '{{ {"list": [omit]} }}'},
    'json': {'body': '{"list": ["{{ omit }}"]}'},
    'text': {'body': {'name': 'x{{ omit }}'}},
    'query': {'query': {'a': ['one', '{{ omit }}'], 'b': '{{ omit }}'}},
}


def test_omit_is_never_sent(firefly: FakeFirefly, tmp_path: Path) -> None:
    """It is left out, or the task fails."""
    tasks = [task(name, API, {**CREATE, 'body': {}, **options}) for name, options in OMITS.items()]
    firefly.fail(Fault(body='{}', path='/v2/runners/projects'), times=None)  # the contract does not have all of this
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    outcomes = run.outcomes()
    assert set(outcomes.values()) <= {'ok', 'invalid_option', 'failed'}, run.output
    assert {outcomes[name] for name in ('list', 'list_in_list', 'dictionary', 'expression', 'query')} == {'ok'}
    assert 'Traceback' not in run.output
    sent = ''.join(f'{request.query} {request.body!r}' for request in firefly.requests)
    assert 'omit' not in sent.lower()
    created = firefly.count('POST', '/v2/runners/projects')
    assert created == list(outcomes.values()).count('ok')
    firefly.violations.clear()


def test_what_goes_through_ansible_core(firefly: FakeFirefly, tmp_path: Path) -> None:
    """Texts that look like templates, loops, until and the task's environment."""
    texts = {'surrogate': '\ud800', 'template': '{{ nope }}', 'control': '\x1b[31m\x00', 'statement': '{% raw %}'}
    for text in texts.values():
        firefly.fail(Fault(body=json.dumps({text: text}), path=f'/v2/{PATH}'))
    firefly.fail(Fault(body='{"status": "planning"}', path=f'/v2/{OTHER}'), times=2)
    body = {'name': '{{ text }}', 'list': ['{% raw %}{{ nope }}{% endraw %}']}
    with FakeFirefly(keys={'OTHER-ACCESS-KEY': 'OTHER-KEY-NEEDLE-51ab90cd'}) as other:
        tasks = [
            *(task(name, API, PROJECT) for name in texts),
            *({'ansible.builtin.debug': {'var': f'{name}.json'}} for name in texts),
            task('created', API, {**CREATE, 'body': body}, vars={'text': "{{ '{' ~ '{ nope }' ~ '}' }}"}),
            task('waited', API, {'path': OTHER}, until='"id" in waited.json', retries=5, delay=0),
            task('other', API, PROJECT, environment=keys_of(other)),
            task('ours', API, PROJECT),
            task('looped', API, {'path': 'runners/projects/{{ item }}'}, loop=['project-1', 'project-2', 'project-9']),
            {'ansible.builtin.set_fact': {'kept': '{{ [ours, looped] }}', 'cacheable': True}},
        ]
        environment = {
            **keys_of(firefly),
            'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
            'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(tmp_path / 'facts'),
        }
        run = run_tasks(tmp_path, tasks, environment=environment, arguments=['-vvv'])
    assert run.status == 0, run.output
    assert [name for name, code in run.outcomes().items() if code != 'ok'] == ['looped'], run.output
    assert {name: run[name]['json'] for name in texts} == {name: {text: text} for name, text in texts.items()}
    (created,) = (request for request in firefly.requests if request.path == '/v2/runners/projects')
    assert json.loads(created.body) == {'name': '{{ nope }}', 'list': ['{{ nope }}']}
    assert firefly.count('GET', f'/v2/{OTHER}') == 3
    assert [run[name]['url'] for name in ('other', 'ours')] == [f'{each.url}/v2/{PATH}' for each in (other, firefly)]
    assert other.count('POST', '/v2/login') == firefly.count('POST', '/v2/login') == 1
    results = run['looped']['results']
    assert [result['failed'] for result in results] == [False, False, True]
    assert results[1]['json']['id'] == 'project-2'
    assert results[2]['failure'] == {'code': 'not_found', 'status': 404, 'retryable': False}
    assert '"project-2"' in run.output  # a response is not hidden
    kept = ''.join(file.read_text() for file in (tmp_path / 'facts').iterdir())
    assert 'project-2' in kept
    secrets = [*firefly.tokens, *other.tokens, firefly.secret_key, other.secret_key]
    assert list(leaks(secrets, [run.output, kept, json.dumps(run.registered)])) == []
