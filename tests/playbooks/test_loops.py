# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No callback shows a token or a secret key of a loop of firefly_login, yet every failure is told."""

from __future__ import annotations

import base64
import itertools
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible.plugins.callback
import pytest
import yaml
from ansible.release import __version__ as ansible_core
from fake_firefly import FakeFirefly
from helpers.ansible_run import API, HEALTH, LOGIN, Run, keys_of, run_ansible, run_tasks, write_inventory
from helpers.needles import leaks

NEEDLE = 'SHOWN-ON-PURPOSE'

STDOUT_CALLBACKS = (
    *('default', 'minimal', 'oneline'),
    *(f'ansible.posix.{name}' for name in ('debug', 'json', 'jsonl')),
    *(f'community.general.{name}' for name in ('dense', 'diy', 'unixy', 'yaml')),
)
# without these, diy shows no more than default
DIY = {
    f'ANSIBLE_CALLBACK_DIY_RUNNER_{event}_MSG': 'diy {{ ansible_callback_diy.result.output }}'
    for event in ('ON_OK', 'ON_FAILED', 'ITEM_ON_OK', 'ITEM_ON_FAILED')
}
# each with the variable for the folder that it writes to
FILE_CALLBACKS = {
    'junit': 'JUNIT_OUTPUT_DIR',
    'tree': 'ANSIBLE_CALLBACK_TREE_DIR',
    'community.general.log_plays': 'ANSIBLE_LOG_FOLDER',
}

AS_DICT = "pairs | items2dict(key_name='access', value_name='secret')"


def login(access_key: str, secret_key: str, loop: str = '', **control: Any) -> dict[str, Any]:
    """A task with these expressions, and the keywords of ``loop_control``."""
    task = {LOGIN: {'access_key': f'{{{{ {access_key} }}}}', 'secret_key': f'{{{{ {secret_key} }}}}'}}
    return {**task, 'loop': f'{{{{ {loop} }}}}', 'loop_control': control} if loop else task


TASKS = {
    'pairs': login('item.access', 'item.secret', 'pairs'),
    'secrets': login('pairs[n].access', 'item', "pairs | map(attribute='secret')", index_var='n'),
    'encoded': login(
        'pairs[n].access', 'item | b64decode', "pairs | map(attribute='secret') | map('b64encode')", index_var='n'
    ),
    'dict': login('item.key', 'item.value', f'{AS_DICT} | dict2items'),
    'with_dict': {**login('item.key', 'item.value'), 'with_dict': f'{{{{ {AS_DICT} }}}}'},
    'loop_var': login('pair.access', 'pair.secret', 'pairs', loop_var='pair'),
    'label': login('item.access', 'item.secret', 'pairs', label='{{ item.access }}'),
    'secret_label': login('item.access', 'item.secret', 'pairs', label='with {{ item.secret }}'),
    'extended': login('item.access', 'item.secret', 'pairs', extended=True),
    'no_loop': login('pairs[0].access', 'pairs[0].secret'),
}
# whether the key pair of each item is right
OUTCOMES = {'success': [True, True], 'failure': [False, False], 'both': [False, True, True, False]}


@dataclass
class Case:
    """A host of its own, since some callbacks write a file for each, with a Firefly of its own."""

    outcomes: list[bool]
    firefly: FakeFirefly
    pairs: list[dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = [{'access': f'access-{n}', 'secret': new_secret()} for n in range(len(self.outcomes))]
        self.firefly.keys = {
            pair['access']: pair['secret'] if right else new_secret()
            for pair, right in zip(self.pairs, self.outcomes, strict=True)
        }

    def problems(self, run: Run, written: list[str | Path], registered: dict[str, Any]) -> list[str]:
        """Secrets that are shown or written, failures that are not shown, and values that are lost."""
        found = []
        for kind, needles in ('secret key', [pair['secret'] for pair in self.pairs]), ('token', self.firefly.tokens):
            places = {leak.rpartition(' in ')[2] for leak in leaks(needles, written)}
            found += [f'{kind} in {place}' for place in sorted(places)]
        message = f'POST {self.firefly.url}/v2/login returned 401'
        # a success censors the result of the whole loop
        told = ' '.join((run.stderr if any(self.outcomes) else run.output).split()).count(message)
        if told < self.outcomes.count(False):
            found.append(f'{told} of {self.outcomes.count(False)} failures told')
        tokens = iter(self.firefly.tokens)
        for result, right in zip(registered.get('results', [registered]), self.outcomes, strict=True):
            if right and result.get('access_token') != next(tokens):
                found.append('a token is not registered')
            if not right and message not in result['msg']:
                found.append('a failure is not registered')
        return found


def new_secret() -> str:
    return f's{secrets.token_hex(12)}'


@pytest.fixture
def cases() -> Iterator[dict[str, Case]]:
    """By the name of the host."""
    with ExitStack() as stack:
        every = [(task, name) for task in TASKS for name in OUTCOMES if (task, name) != ('no_loop', 'both')]
        # the lifetimes differ, so that the first halves of the tokens do
        yield {
            f'{task}.{name}': Case(
                OUTCOMES[name][:1] if task == 'no_loop' else OUTCOMES[name],
                stack.enter_context(FakeFirefly(token_lifetime=3600 + 100 * n)),
            )
            for n, (task, name) in enumerate(every)
        }


def check(folder: Path, cases: dict[str, Case], collections: Path, environment: dict[str, str], verbosity: str) -> Run:
    """Run all cases, and check what each shows and registers. Everything that is written is below the folder."""
    kept = folder.with_name('kept.json')
    results = "dict(groups['all'] | zip(groups['all'] | map('extract', hostvars, 'result') | map('default')))"
    # the keys are in none of the files, so that all can be searched
    variables = {
        'firefly_api_url': "{{ (lookup('env', 'URLS') | from_json)[inventory_hostname] }}",
        'pairs': "{{ (lookup('env', 'PAIRS') | from_json)[inventory_hostname] }}",
    }
    shown = [
        {'ansible.builtin.debug': {'msg': f'{NEEDLE}-ok'}, 'loop': [1, 2]},
        {'ansible.builtin.fail': {'msg': f'{NEEDLE}-failed'}, 'loop': [1, 2], 'ignore_errors': True},
        {HEALTH: None, 'when': False},  # loads the client once, in the parent of all workers
    ]
    keep = {'ansible.builtin.copy': {'content': f'{{{{ {results} | to_json }}}}', 'dest': str(kept)}, 'no_log': True}
    plays: list[dict[str, Any]] = [{'hosts': 'shown', 'tasks': shown}]
    for name, task in TASKS.items():
        hosts = [host for host in cases if host.startswith(f'{name}.')]
        tasks = [{**task, 'register': 'result', 'ignore_errors': True}]
        plays.append({'hosts': hosts, 'vars': variables, 'tasks': tasks})
    plays.append({'hosts': 'keep', 'tasks': [keep]})
    folder.mkdir(exist_ok=True)
    playbook = folder / 'playbook.yml'
    playbook.write_text(yaml.safe_dump([{'gather_facts': False, **play} for play in plays]))
    inventory = write_inventory(folder, ['shown', *cases, 'keep'])
    environment = {
        'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{collections}',
        'ANSIBLE_LOG_PATH': str(folder / 'ansible.log'),
        'PAIRS': json.dumps({host: case.pairs for host, case in cases.items()}),
        'URLS': json.dumps({host: case.firefly.url for host, case in cases.items()}),
        **environment,
    }
    command = ['ansible-playbook', '-i', str(inventory), str(playbook), verbosity]
    run = run_ansible(folder, command, environment=environment)
    assert run.status == 0, run.output
    registered = json.loads(kept.read_text())
    # a warning's lines are broken anywhere
    written = [run.output, ''.join(run.output.split()), folder]
    problems = {host: case.problems(run, written, registered[host]) for host, case in cases.items()}
    assert {host: found for host, found in problems.items() if found} == {}
    return run


@pytest.mark.parametrize('callback', STDOUT_CALLBACKS)
def test_on_stdout(cases: dict[str, Case], tmp_path: Path, bundled_collections: Path, callback: str) -> None:
    if '.' not in callback and not Path(ansible.plugins.callback.__path__[0], f'{callback}.py').exists():
        pytest.skip(f'This ansible-core has no callback {callback}.')
    environment = {'ANSIBLE_STDOUT_CALLBACK': callback, **DIY}
    run = check(tmp_path / 'run', cases, bundled_collections, environment, '-vvv')
    assert NEEDLE in run.stdout


def test_in_files(cases: dict[str, Case], tmp_path: Path, bundled_collections: Path) -> None:
    folders = {name: tmp_path / 'run' / name for name in FILE_CALLBACKS}
    environment = {FILE_CALLBACKS[name]: str(folder) for name, folder in folders.items()}
    environment['ANSIBLE_CALLBACKS_ENABLED'] = ','.join(FILE_CALLBACKS)
    check(tmp_path / 'run', cases, bundled_collections, environment, '-v')
    for name, folder in folders.items():
        assert list(leaks([NEEDLE], [folder])), name


# tasks that fail before the key is known, or never know it
HOLDS_KEY: dict[str, dict[str, Any]] = {
    'misspelt': {'options': {'secret_kye': '{{ item.secret }}'}},
    'nested': {'options': {'keys': {'secret_key': ['{{ item.secret }}']}}},
    'decoded': {'options': {'secret_kye': '{{ item.encoded | b64decode }}'}},
    'joined': {'options': {'secret_kye': '{{ item.first }}{{ item.second }}'}},
    'file': {'options': {'secret_key_file': '{{ item.secret }}'}},
    'absolute file': {'options': {'secret_key_file': '/{{ item.secret }}'}},
    'other file': {'options': {'client_key': '{{ item.secret }}'}},
    'other mistake': {'options': {'secret_key': '{{ item.secret }}', 'access_key': 'A', 'retries': 'many'}},
    'misspelt variable': {'vars': {'firefly_secret_kye': '{{ item.secret }}'}},
    'variable for a file': {'vars': {'firefly_secret_key_file': '/{{ item.secret }}'}},
}
CONTROLS: list[dict[str, Any]] = [{}, {'extended': True}, {'label': '{{ item.secret }}'}, {'loop_var': 'pair'}]


@pytest.mark.parametrize('module', [LOGIN, HEALTH, API])
def test_an_item_that_may_hold_a_key_is_hidden(tmp_path: Path, module: str) -> None:
    keys = [new_secret(), new_secret()]
    items = [
        {'secret': key, 'encoded': base64.b64encode(key.encode()).decode(), 'first': key[:12], 'second': key[12:]}
        for key in keys
    ]
    tasks = []
    for case, control in itertools.product(HOLDS_KEY, CONTROLS):
        if module == HEALTH and case == 'misspelt variable':  # a key that health never needs
            continue
        options = {'api_url': 'http://127.0.0.1:9', 'retries': 0, **HOLDS_KEY[case].get('options', {})}
        if module == API:
            options['path'] = 'projects'
        looped = {module: options, 'vars': HOLDS_KEY[case].get('vars', {}), 'loop': '{{ items }}'}
        if 'loop_var' in control:
            looped = json.loads(json.dumps(looped).replace('item.', 'pair.'))
        name = f'{case}, {control}'
        tasks.append({'name': name, **looped, 'loop_control': control, 'ignore_errors': True})
    variables = {'items': "{{ lookup('env', 'ITEMS') | from_json }}"}
    environment = {'ITEMS': json.dumps(items), 'ANSIBLE_LOG_PATH': str(tmp_path / 'log')}
    run = run_tasks(tmp_path, tasks, play={'vars': variables}, environment=environment, arguments=['-vvv'])
    assert run.status == 0, run.output
    parts = run.stdout.split('\nTASK [')[1:]
    assert len(parts) == len(tasks) + 1
    assert [part.partition(']')[0] for part in parts if list(leaks(keys, [part]))] == []
    assert list(leaks(keys, [run.output, tmp_path / 'log'])) == []
    assert 'There is no option secret_kye' in ' '.join(run.output.split())


def test_an_item_that_holds_no_key_is_shown(firefly: FakeFirefly, tmp_path: Path) -> None:
    looped = {
        'health': {HEALTH: None},
        'mistake-health': {HEALTH: {'wait_timeout': '{{ item }}'}},
        'api': {API: {'path': 'runners/projects/{{ item }}'}},
        'mistake-api': {API: {'path': '{{ item }}', 'timeout': 'long'}},
        'login': {LOGIN: {'api_url': 'http://127.0.0.1:9/{{ item }}', 'retries': 0}},
    }
    tasks = [{**looped[name], 'loop': [name, 2], 'ignore_errors': True} for name in looped]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert [name for name in looped if f'(item={name})' not in run.stdout] == []
    assert run.stdout.count('(item=2)') == len(looped)


def test_facts_of_earlier_tasks(firefly: FakeFirefly, tmp_path: Path) -> None:
    """A callback that keeps results until the end does not show a token that became a fact later."""
    folder = tmp_path / 'junit'
    environment = {**keys_of(firefly), 'ANSIBLE_CALLBACKS_ENABLED': 'junit', FILE_CALLBACKS['junit']: str(folder)}
    play = [{'ansible.builtin.set_fact': {'shown': NEEDLE, 'cacheable': True}}, {LOGIN: None}, {LOGIN: None}]
    playbook = tmp_path / 'playbook.yml'
    playbook.write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': play}]))
    inventory = write_inventory(tmp_path, ['host1'])
    run = run_ansible(tmp_path, ['ansible-playbook', '-i', str(inventory), str(playbook)], environment=environment)
    assert run.status == 0, run.output
    assert len(firefly.tokens) == 1
    assert list(leaks([NEEDLE], [folder]))
    assert list(leaks(firefly.tokens, [folder])) == []


@pytest.mark.parametrize(
    'environment,shown',
    [
        ({}, False),
        ({'ANSIBLE_STDOUT_CALLBACK': 'minimal'}, False),
        ({'ANSIBLE_STDOUT_CALLBACK': 'ansible.posix.debug'}, True),
        ({'ANSIBLE_CALLBACKS_ENABLED': 'ansible.posix.timer'}, True),
        ({'ANSIBLE_CALLBACK_PLUGINS': 'adjacent'}, True),
    ],
)
def test_the_token_is_a_fact_unless_a_callback_could_show_it(
    firefly: FakeFirefly, tmp_path: Path, bundled_collections: Path, environment: dict[str, str], shown: bool
) -> None:
    (tmp_path / 'adjacent').mkdir()
    callback = Path(ansible.plugins.callback.__path__[0], 'minimal.py').read_text()
    (tmp_path / 'adjacent' / 'adjacent.py').write_text(callback)
    collections = f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{bundled_collections}'
    environment = {**keys_of(firefly), 'ANSIBLE_COLLECTIONS_PATH': collections, **environment}
    run = run_tasks(tmp_path, [{LOGIN: None, 'register': 'login'}], environment=environment, arguments=['-v'])
    fact = run['ansible_facts']['firefly_login']
    left_out = shown and ansible_core.startswith('2.21.')
    assert ('access_token' in fact) != left_out
    assert ('has no token' in ' '.join(run.output.split())) == left_out
