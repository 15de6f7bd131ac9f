# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that a run writes holds a key or the token: on success, failure, crash and kill."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_ansible, write_inventory
from helpers.needles import leaks

LOGIN = 'firefly.platform.firefly_login'
API = 'firefly.platform.firefly_api'
LOOKUP = "{{ lookup('firefly.platform.firefly', 'expires_at') }}"
SEARCH = {'method': 'POST', 'all_pages': True}
PATCH = {'method': 'PATCH', 'body': {'name': '{{ item }}'}}
PROJECT = 'runners/projects/project-1'
GO_ON = {'ignore_errors': True}
TASKS: list[dict[str, Any]] = [
    {LOGIN: None, 'register': 'login', **GO_ON},
    {LOGIN: None, 'loop': [1, 2], **GO_ON},
    {LOGIN: {'token_cache': False}, 'become': True, 'become_method': 'ansible.builtin.su', **GO_ON},
    {LOGIN: {'secret_key': "{{ lookup('env', 'FIREFLY_SECRET_KEY') }}"}, 'async': 60, **GO_ON},
    {'ansible.builtin.debug': {'msg': LOOKUP}, **GO_ON},
    {'ansible.builtin.debug': {'msg': "{{ login.authorization | default('') | length }}"}},
    {API: {'path': 'workspaces/search', **SEARCH}, 'register': 'all', **GO_ON},
    {API: {'path': PROJECT}, 'loop': [1, 2], 'register': 'read', **GO_ON},
    {API: {'path': PROJECT, **PATCH}, 'loop': [1, 2], 'register': 'written', **GO_ON},
    {'ansible.builtin.debug': {'var': 'read'}},
    {'ansible.builtin.set_fact': {'kept': '{{ [all, read, written] }}', 'cacheable': True}},
    {'ansible.builtin.set_stats': {'data': {'expires_at': '{{ login.expires_at | default(0) }}'}}},
]

# the endpoints of these answer with the status in their path
STATUSES = [200, 302, 400, 401]
ALL = 'workspaces/w{}/runs/search'
EACH = 'runners/projects/project-{}'
ECHO_TASKS: list[dict[str, Any]] = [
    {LOGIN: None},
    *({API: {'path': ALL.format(status), **SEARCH}, 'register': f'all_{status}', **GO_ON} for status in STATUSES),
    {API: {'path': EACH.format('{{ item }}')}, 'loop': STATUSES, 'register': 'read', **GO_ON},
    {API: {'path': EACH.format('{{ item }}'), **PATCH}, 'loop': STATUSES, 'register': 'written', **GO_ON},
    {'ansible.builtin.debug': {'var': 'read'}},
    {'ansible.builtin.set_fact': {'kept': '{{ [all_200, all_400, read, written] }}', 'cacheable': True}},
]

# other tests on this machine use the usual keys
ACCESS_KEY, SECRET_KEY = f'CHANNEL-ACCESS-{uuid.uuid4()}', f'CHANNEL-SECRET-{uuid.uuid4()}'
TOKEN = f'eyJhbGciOiJub25lIn0.{uuid.uuid4().hex}.{uuid.uuid4().hex}'
ESCAPED = ''.join(f'\\u{ord(char):04x}' for char in TOKEN)
HEADER = f'Authorization: Bearer {TOKEN}'
SAID = f'{ACCESS_KEY} {SECRET_KEY}'

FAILURES = {
    'success': Fault(),
    'unauthorized': Fault(status=401, body=json.dumps({'message': SAID})),
    'forbidden': Fault(status=403, body=f'<html>{SAID}'),
    'server_error': Fault(status=500, body=SAID),
    'redirect': Fault(status=302, headers={'Location': f'https://x.example/?k={SECRET_KEY}'}),
    'invalid_response': Fault(replace={'expiresAt': None}),
    'no json': Fault(body=SAID),
    'expires_too_soon': Fault(replace={'expiresAt': 1_500_000_000}),
    'timeout': Fault(delay=3),
    'connect': Fault(reset='body'),
}

# what an endpoint says about the request that it got
ECHOES = {
    'plain': json.dumps({'headers': HEADER}),
    'as JSON in JSON': json.dumps({'request': json.dumps({'headers': HEADER})}),
    'as escapes': f'{{"authorization": "Bearer {ESCAPED}"}}',
    'as base64': json.dumps({'authorization': base64.b64encode(HEADER.encode()).decode()}),
    'as base64 for a URL': json.dumps({'authorization': base64.urlsafe_b64encode(HEADER.encode()).decode()}),
    'as a key': json.dumps({f'Bearer {TOKEN}': {TOKEN: [TOKEN]}}),
    'as a message': json.dumps({'message': f'no {HEADER} here'}),
    'as text': f'<pre>{HEADER}</pre>',
    'in half of the JSON': f'{{"authorization": "Bearer {TOKEN}"',
    'in text': json.dumps(f'POST /v2/workspaces/search\r\n{HEADER}\r\n'),
}

# Makes one of the layers raise an exception. Every Python that the run starts loads it.
CRASH = """
import builtins, os, sys

module, _, attribute = os.environ['CRASH_IN'].partition(':')
*path, last = attribute.split('.')
real = builtins.__import__

def crash(*args, **kwargs):
    raise RuntimeError('forced')

def importing(*args, **kwargs):
    imported = real(*args, **kwargs)
    owner = sys.modules.get(module)
    for part in path:
        owner = getattr(owner, part, None)
    if owner and hasattr(owner, last):
        setattr(owner, last, crash)
    return imported

builtins.__import__ = importing
"""
PLUGINS = 'ansible_collections.firefly.platform.plugins.plugin_utils'
LAYERS = [
    'requests.adapters:HTTPAdapter.send',
    'json:loads',
    'urllib3.util.connection:create_connection',
    'cryptography.fernet:Fernet.encrypt',
    'fcntl:flock',
    f'{PLUGINS}._diagnosis:diagnose',
    f'{PLUGINS}._client:FireflyClient.request',
    f'{PLUGINS}._client:FireflyClient._attempt',
    f'{PLUGINS}._client:_read',
    f'{PLUGINS}._api:_Caller.call',
    f'{PLUGINS}._api:_content',
    f'{PLUGINS}._api:_values',
    f'{PLUGINS}._api:all_entries',
    f'{PLUGINS}._login:RunToken.__str__',
    f'{PLUGINS}._secrets:_scrubbed',
    f'{PLUGINS}._token:Token.as_result',
    f'{PLUGINS}._token_cache:_write',
    f'{PLUGINS}._option_sources:resolve',
    f'{PLUGINS}._operation:perform',
    f'{PLUGINS}._action:FireflyAction._result',
]


class ProcessList:
    """Reads the command lines of all processes, over and over."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._end.wait(0.002):
            for path in Path('/proc').glob('[0-9]*/cmdline'):
                with contextlib.suppress(OSError):
                    self.seen.add(path.read_bytes())

    def __enter__(self) -> ProcessList:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join()


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly(keys={ACCESS_KEY: SECRET_KEY}) as server:
        yield server


@pytest.fixture
def play(tmp_path: Path, bundled_collections: Path) -> Play:
    return Play(tmp_path, bundled_collections)


class Play:
    """A play for which everything that Ansible can write is switched on."""

    def __init__(self, folder: Path, collections: Path) -> None:
        self.folder = folder
        self.written = folder / 'written'
        self.written.mkdir()
        self.inventory = write_inventory(folder, ['host1', 'host2'])
        self.tasks = TASKS
        self.environment = {
            'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{collections}',
            'ANSIBLE_LOG_PATH': str(self.written / 'ansible.log'),
            'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
            'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(self.written / 'facts'),
            'ANSIBLE_CALLBACKS_ENABLED': 'ansible.builtin.junit,ansible.builtin.tree',
            'ANSIBLE_CALLBACK_TREE_DIR': str(self.written / 'tree'),
            'JUNIT_OUTPUT_DIR': str(self.written / 'junit'),
            'JUNIT_TASK_CLASS': 'yes',
            'ANSIBLE_LOCAL_TEMP': str(self.written / 'local'),
            'ANSIBLE_REMOTE_TEMP': str(self.written / 'remote'),
            'ANSIBLE_ASYNC_DIR': str(self.written / 'async'),
            'ANSIBLE_HOME': str(self.written / 'home'),
            'ANSIBLE_RETRY_FILES_ENABLED': 'true',
            'ANSIBLE_RETRY_FILES_SAVE_PATH': str(self.written / 'retry'),
            'ANSIBLE_SHOW_CUSTOM_STATS': 'true',
            'ANSIBLE_DISPLAY_TRACEBACK': 'always',
            'FIREFLY_RETRIES': '0',
            'FIREFLY_TIMEOUT': '1',
        }

    def command(self, verbosity: str) -> list[str]:
        playbook = self.folder / 'playbook.yml'
        playbook.write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': self.tasks}]))
        return ['ansible-playbook', '-i', str(self.inventory), *([verbosity] if verbosity else []), str(playbook)]

    def run(self, firefly: FakeFirefly, verbosity: str = '-vvvvv', **more: str) -> str:
        environment = {**self.environment, **keys_of(firefly), **more}
        with ProcessList() as processes:
            output = run_ansible(self.folder, self.command(verbosity), environment=environment).output
        (self.folder / 'processes').write_bytes(b'\n'.join(processes.seen))
        return output

    def leaks(self, firefly: FakeFirefly, output: str) -> list[str]:
        secrets = [firefly.secret_key, firefly.access_key, *firefly.tokens]
        return list(leaks(secrets, [output, self.written, self.folder / 'processes']))


@pytest.mark.parametrize('verbosity', ['', '-v', '-vv', '-vvv', '-vvvv', '-vvvvv'])
def test_each_verbosity(firefly: FakeFirefly, play: Play, verbosity: str) -> None:
    output = play.run(firefly, verbosity)
    assert 'PLAY RECAP' in output
    for written in ('ansible.log', 'facts/*', 'tree/*', 'junit/*'):
        assert list(play.written.glob(written)), written
    for shipped in ('remote', 'async'):
        assert not (play.written / shipped).exists()
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('callback', ['ansible.posix.json', 'ansible.posix.jsonl', 'ansible.builtin.minimal'])
def test_each_output_format(firefly: FakeFirefly, play: Play, callback: str) -> None:
    output = play.run(firefly, ANSIBLE_STDOUT_CALLBACK=callback)
    assert firefly.tokens
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('name', FAILURES)
def test_each_failure(firefly: FakeFirefly, play: Play, name: str) -> None:
    firefly.fail(FAILURES[name], times=None)
    output = play.run(firefly)
    assert 'PLAY RECAP' in output
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('name', ECHOES)
def test_each_echo(firefly: FakeFirefly, play: Play, name: str) -> None:
    """An endpoint that repeats the token that it got, with each status."""
    firefly.fail(Fault(path='/v2/login', replace={'accessToken': TOKEN}), times=100)
    headers = {'Location': f'https://x.example/{TOKEN}?t={TOKEN}', 'X-Token': TOKEN}
    for status in STATUSES:
        for path in (ALL, EACH):
            fault = Fault(path=f'/v2/{path.format(status)}', status=status, body=ECHOES[name], headers=headers)
            firefly.fail(fault, times=20)
    play.tasks = ECHO_TASKS
    output = play.run(firefly)
    assert 'ok=9 ' in output
    assert '********' in output or name in ('as text', 'in half of the JSON')
    assert {request.status for request in firefly.requests} >= set(STATUSES)
    firefly.tokens.append(TOKEN)
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('layer', LAYERS)
def test_a_crash_in_each_layer(firefly: FakeFirefly, play: Play, layer: str) -> None:
    (play.folder / 'python').mkdir()
    (play.folder / 'python/sitecustomize.py').write_text(CRASH)
    nobody = {'FIREFLY_API_URL': 'http://127.0.0.1:9'} if layer.endswith('diagnose') else {}
    output = play.run(firefly, PYTHONPATH=str(play.folder / 'python'), CRASH_IN=layer, **nobody)
    assert 'forced' in output
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('seconds', [0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_a_killed_play_leaves(firefly: FakeFirefly, play: Play, seconds: float, number: signal.Signals) -> None:
    firefly.fail(Fault(delay=0.3), times=None)
    command = play.command('-vvv')
    with (play.folder / 'output').open('wb') as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            env={**os.environ, **play.environment, **keys_of(firefly), 'HOME': str(play.folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(20)
    (play.folder / 'processes').touch()
    assert play.leaks(firefly, (play.folder / 'output').read_text()) == []
