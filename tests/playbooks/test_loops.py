# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A loop of firefly_login shows neither a token nor a secret key, whatever callback shows it, yet why it failed."""

from __future__ import annotations

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
from fake_firefly import FakeFirefly
from helpers.ansible_run import Run, run_ansible, write_inventory
from helpers.needles import leaks

LOGIN = 'firefly.platform.firefly_login'
NEEDLE = 'SHOWN-ON-PURPOSE'

STDOUT_CALLBACKS = (
    'default',
    'minimal',
    'oneline',
    'ansible.posix.debug',
    'ansible.posix.json',
    'ansible.posix.jsonl',
    'community.general.dense',
    'community.general.diy',
    'community.general.unixy',
    'community.general.yaml',
)
# without these, diy shows no more than default
DIY = {
    f'ANSIBLE_CALLBACK_DIY_RUNNER_{event}_MSG': 'diy {{ ansible_callback_diy.result.output }}'
    for event in ('ON_OK', 'ON_FAILED', 'ITEM_ON_OK', 'ITEM_ON_FAILED')
}
# and the variable with the folder to write to
FILE_CALLBACKS = {
    'junit': 'JUNIT_OUTPUT_DIR',
    'tree': 'ANSIBLE_CALLBACK_TREE_DIR',
    'community.general.log_plays': 'ANSIBLE_LOG_FOLDER',
}

PAIR = {'access_key': '{{ item.access }}', 'secret_key': '{{ item.secret }}'}
KEY_AND_VALUE = {'access_key': '{{ item.key }}', 'secret_key': '{{ item.value }}'}
AS_DICT = "pairs | items2dict(key_name='access', value_name='secret')"
LOOPS: dict[str, dict[str, Any]] = {
    'pairs': {LOGIN: PAIR, 'loop': '{{ pairs }}'},
    'secrets': {
        LOGIN: {'access_key': '{{ pairs[n].access }}', 'secret_key': '{{ item }}'},
        'loop': "{{ pairs | map(attribute='secret') }}",
        'loop_control': {'index_var': 'n'},
    },
    'encoded': {
        LOGIN: {'access_key': '{{ pairs[n].access }}', 'secret_key': '{{ item | b64decode }}'},
        'loop': "{{ pairs | map(attribute='secret') | map('b64encode') }}",
        'loop_control': {'index_var': 'n'},
    },
    'dict': {LOGIN: KEY_AND_VALUE, 'loop': f'{{{{ {AS_DICT} | dict2items }}}}'},
    'with_dict': {LOGIN: KEY_AND_VALUE, 'with_dict': f'{{{{ {AS_DICT} }}}}'},
    'loop_var': {
        LOGIN: {'access_key': '{{ pair.access }}', 'secret_key': '{{ pair.secret }}'},
        'loop': '{{ pairs }}',
        'loop_control': {'loop_var': 'pair'},
    },
    'label': {LOGIN: PAIR, 'loop': '{{ pairs }}', 'loop_control': {'label': '{{ item.access }}'}},
    'secret_label': {LOGIN: PAIR, 'loop': '{{ pairs }}', 'loop_control': {'label': 'with {{ item.secret }}'}},
    'extended': {LOGIN: PAIR, 'loop': '{{ pairs }}', 'loop_control': {'extended': True}},
}
NO_LOOP = {LOGIN: {'access_key': '{{ pairs[0].access }}', 'secret_key': '{{ pairs[0].secret }}'}}
# whether each item's key pair is right
OUTCOMES = {
    'success': [True, True],
    'failure': [False, False],
    'success_failure': [True, False],
    'failure_success': [False, True],
}


@dataclass
class Case:
    """A task on a host of its own, for callbacks that have a file for a host, with a Firefly of its own."""

    task: dict[str, Any]
    outcomes: list[bool]
    firefly: FakeFirefly
    pairs: list[dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = [{'access': f'access-{n}', 'secret': new_secret()} for n in range(len(self.outcomes))]
        self.firefly.keys = {
            pair['access']: pair['secret'] if right else new_secret()
            for pair, right in zip(self.pairs, self.outcomes, strict=True)
        }

    def play(self, host: str) -> dict[str, Any]:
        """Nothing in it has the keys, so a search may find it."""
        pairs = f"{{{{ (lookup('env', 'PAIRS') | from_json)['{host}'] }}}}"
        return {
            'hosts': host,
            'gather_facts': False,
            'vars': {'firefly_api_url': self.firefly.url, 'pairs': pairs},
            'tasks': [{**self.task, 'register': 'result', 'ignore_errors': True}],
        }

    def problems(self, run: Run, folder: Path, registered: dict[str, Any]) -> list[str]:
        """Secrets that are in the output or the folder, failures that are not in the output, values that are lost."""
        found = []
        # a warning's lines are broken anywhere
        searched: list[str | Path] = [run.output, ''.join(run.output.split()), folder]
        for kind, needles in ('secret key', [pair['secret'] for pair in self.pairs]), ('token', self.firefly.tokens):
            places = {leak.rpartition(' in ')[2] for leak in leaks(needles, searched)}
            found += [f'{kind} in {place}' for place in sorted(places)]
        message = f'POST {self.firefly.url}/v2/login was answered with 401'
        # a success censors the result of the whole loop
        place = run.output.removeprefix(run.stdout) if any(self.outcomes) else run.output
        told = ' '.join(place.split()).count(message)
        if told < self.outcomes.count(False):
            found.append(f'{told} of {self.outcomes.count(False)} failures told')
        results = registered.get('results', [registered])
        tokens = iter(self.firefly.tokens)
        for result, right in zip(results, self.outcomes, strict=True):
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
        every = [(f'{loop}.{name}', LOOPS[loop], outcomes) for loop in LOOPS for name, outcomes in OUTCOMES.items()]
        every += [('no_loop.success', NO_LOOP, [True]), ('no_loop.failure', NO_LOOP, [False])]
        # with lifetimes that differ, the first halves of tokens do too
        yield {
            host: Case(task, outcomes, stack.enter_context(FakeFirefly(token_lifetime=3600 + 100 * n)))
            for n, (host, task, outcomes) in enumerate(every)
        }


def check(folder: Path, cases: dict[str, Case], collections: Path, environment: dict[str, str], verbosity: str) -> Run:
    """Run all cases, and check that each shows and keeps what it should. Whatever is written is below the folder."""
    kept = folder.with_name('kept.json')
    shown = {
        'hosts': 'shown',
        'gather_facts': False,
        'tasks': [
            {'ansible.builtin.debug': {'msg': f'{NEEDLE}-ok'}, 'loop': [1, 2]},
            {'ansible.builtin.fail': {'msg': f'{NEEDLE}-failed'}, 'loop': [1, 2], 'ignore_errors': True},
        ],
    }
    results = "dict(groups['all'] | zip(groups['all'] | map('extract', hostvars, 'result') | map('default')))"
    keep = {'ansible.builtin.copy': {'content': f'{{{{ {results} | to_json }}}}', 'dest': str(kept)}, 'no_log': True}
    plays = [
        shown,
        *(case.play(host) for host, case in cases.items()),
        {'hosts': 'keep', 'gather_facts': False, 'tasks': [keep]},
    ]
    folder.mkdir(exist_ok=True)
    playbook = folder / 'playbook.yml'
    playbook.write_text(yaml.safe_dump(plays))
    inventory = write_inventory(folder, ['shown', *cases, 'keep'])
    environment = {
        'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{collections}',
        'ANSIBLE_LOG_PATH': str(folder / 'ansible.log'),
        'PAIRS': json.dumps({host: case.pairs for host, case in cases.items()}),
        **environment,
    }
    command = ['ansible-playbook', '-i', str(inventory), str(playbook), verbosity]
    run = run_ansible(folder, command, environment=environment)
    assert run.status == 0, run.output
    registered = json.loads(kept.read_text())
    problems = {host: case.problems(run, folder, registered[host]) for host, case in cases.items()}
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
