# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which a run writes, searched for the keys and the token: on success, failure, crash and kill."""

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
TASKS: list[dict[str, Any]] = [
    {LOGIN: None, 'register': 'login', 'ignore_errors': True},
    {LOGIN: None, 'loop': [1, 2], 'ignore_errors': True},
    {LOGIN: {'token_cache': False}, 'become': True, 'become_method': 'ansible.builtin.su', 'ignore_errors': True},
    {LOGIN: {'secret_key': "{{ lookup('env', 'FIREFLY_SECRET_KEY') }}"}, 'async': 60, 'ignore_errors': True},
    {'ansible.builtin.debug': {'msg': LOOKUP}, 'ignore_errors': True},
    {'ansible.builtin.debug': {'msg': "{{ login.authorization | default('') | length }}"}},
    {API: {'path': 'workspaces/search', 'method': 'POST', 'all_pages': True}, 'register': 'all', 'ignore_errors': True},
    {API: {'path': 'runners/projects/project-1'}, 'loop': [1, 2], 'register': 'read', 'ignore_errors': True},
    {
        API: {'path': 'runners/projects/project-1', 'method': 'PATCH', 'body': {'name': '{{ item }}'}},
        'loop': [1, 2],
        'register': 'written',
        'ignore_errors': True,
    },
    {'ansible.builtin.debug': {'var': 'read'}},
    {'ansible.builtin.set_fact': {'kept': '{{ [all, read, written] }}', 'cacheable': True}},
    {'ansible.builtin.set_stats': {'data': {'expires_at': '{{ login.expires_at | default(0) }}'}}},
]

FAILURES = {
    'success': None,
    'unauthorized': Fault(status=401, body='{"message": "KEYS"}'),
    'forbidden': Fault(status=403, body='<html>KEYS'),
    'server_error': Fault(status=500, body='KEYS'),
    'redirect': Fault(status=302, headers={'Location': 'https://x.example/?k=KEYS'}),
    'invalid_response': Fault(replace={'expiresAt': None}),
    'no json': Fault(body='KEYS'),
    'expires_too_soon': Fault(replace={'expiresAt': 1_500_000_000}),
    'timeout': Fault(delay=3),
    'connect': Fault(reset='body'),
}

# What an endpoint says of the request that it got, with the token in the place of TOKEN.
ECHOES = {
    'plain': '{"headers": {"Authorization": "Bearer TOKEN"}}',
    'as JSON in JSON': json.dumps({'request': json.dumps({'headers': {'Authorization': 'Bearer TOKEN'}})}),
    'as escapes': '{"authorization": "Bearer ESCAPED"}',
    'as base64': '{"authorization": "BASE64"}',
    'as base64 for a URL': '{"authorization": "URLSAFE"}',
    'as a key': '{"Bearer TOKEN": {"TOKEN": ["TOKEN"]}}',
    'as a message': '{"message": "no Authorization: Bearer TOKEN here"}',
    'as text': '<pre>Authorization: Bearer TOKEN</pre>',
    'in half of the JSON': '{"authorization": "Bearer TOKEN"',
    'in text': '"POST /v2/workspaces/search\\r\\nAuthorization: Bearer TOKEN\\r\\n"',
}

# Raises in one of the layers, whatever it was asked to do; loaded by every Python that the run starts.
CRASH = """
import os
layer = os.environ.get('CRASH_IN')
if layer:
    import importlib, sys
    class Finder:
        def find_spec(self, name, path=None, target=None):
            return None
    def crash(*args, **kwargs):
        raise RuntimeError('forced')
    module, _, attribute = layer.partition(':')
    def patch():
        loaded = sys.modules.get(module)
        owner = loaded
        *path, last = attribute.split('.')
        try:
            for part in path:
                owner = getattr(owner, part)
            if getattr(owner, last) is not crash:
                setattr(owner, last, crash)
        except AttributeError:
            pass
    import builtins
    real = builtins.__import__
    def importing(*args, **kwargs):
        result = real(*args, **kwargs)
        if module in sys.modules:
            patch()
        return result
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
    """Looks at the command lines of all processes, over and over."""

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


# other processes of this machine may run tests with the usual keys
KEYS = {f'CHANNEL-ACCESS-{uuid.uuid4()}': f'CHANNEL-SECRET-{uuid.uuid4()}'}


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly(keys=KEYS) as server:
        yield server


@pytest.fixture
def play(tmp_path: Path, bundled_collections: Path) -> Play:
    return Play(tmp_path, bundled_collections)


class Play:
    """A play with all tasks, and everything that Ansible can write switched on."""

    def __init__(self, folder: Path, collections: Path) -> None:
        self.folder = folder
        self.written = folder / 'written'
        self.written.mkdir()
        self.inventory = write_inventory(folder, ['host1', 'host2'])
        (folder / 'playbook.yml').write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': TASKS}]))
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
        options = [verbosity] if verbosity else []
        return ['ansible-playbook', '-i', str(self.inventory), *options, str(self.folder / 'playbook.yml')]

    def run(self, firefly: FakeFirefly, verbosity: str = '-vvvvv', **more: str) -> str:
        environment = {**self.environment, **keys_of(firefly), **more}
        with ProcessList() as processes:
            output = run_ansible(self.folder, self.command(verbosity), environment=environment).output
        (self.folder / 'processes').write_bytes(b'\n'.join(processes.seen))
        return output

    def leaks(self, firefly: FakeFirefly, output: str) -> list[str]:
        secrets = [firefly.secret_key, firefly.access_key, *firefly.tokens]
        return list(leaks(secrets, [output, self.written, self.folder / 'processes']))


def _fail(firefly: FakeFirefly, fault: Fault | None) -> None:
    if fault:
        body, headers = fault.body, dict(fault.headers)
        if isinstance(body, str):
            body = body.replace('KEYS', f'{firefly.access_key} {firefly.secret_key}')
        headers = {name: value.replace('KEYS', firefly.secret_key) for name, value in headers.items()}
        firefly.fail(Fault(**{**vars(fault), 'body': body, 'headers': headers}), times=None)


@pytest.mark.parametrize('verbosity', ['', '-v', '-vv', '-vvv', '-vvvv', '-vvvvv'])
def test_verbosities(firefly: FakeFirefly, play: Play, verbosity: str) -> None:
    output = play.run(firefly, verbosity)
    assert 'PLAY RECAP' in output
    for written in ('ansible.log', 'facts/*', 'tree/*', 'junit/*'):
        assert list(play.written.glob(written)), written
    for shipped in ('remote', 'async'):
        assert not (play.written / shipped).exists()
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('callback', ['ansible.posix.json', 'ansible.posix.jsonl', 'ansible.builtin.minimal'])
def test_output_formats(firefly: FakeFirefly, play: Play, callback: str) -> None:
    output = play.run(firefly, ANSIBLE_STDOUT_CALLBACK=callback)
    assert firefly.tokens
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('name', FAILURES)
def test_failures(firefly: FakeFirefly, play: Play, name: str) -> None:
    _fail(firefly, FAILURES[name])
    output = play.run(firefly)
    assert 'PLAY RECAP' in output
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('status', [200, 400, 401, 302])
@pytest.mark.parametrize('name', ECHOES)
def test_echoes(firefly: FakeFirefly, play: Play, name: str, status: int) -> None:
    """An endpoint that repeats the token that it got."""
    token = f'eyJhbGciOiJub25lIn0.{uuid.uuid4().hex}.{uuid.uuid4().hex}'
    data = f'Authorization: Bearer {token}'.encode()
    echoed = {
        'TOKEN': token,
        'ESCAPED': ''.join(f'\\u{ord(char):04x}' for char in token),
        'BASE64': base64.b64encode(data).decode(),
        'URLSAFE': base64.urlsafe_b64encode(data).decode(),
    }
    body = ECHOES[name]
    for word, value in echoed.items():
        body = body.replace(word, value)
    firefly.fail(Fault(path='/v2/login', replace={'accessToken': token}), times=100)
    headers = {'Location': f'https://x.example/{token}?t={token}', 'X-Token': token}
    firefly.fail(Fault(status=status, body=body, headers=headers), times=None)
    output = play.run(firefly)
    assert '********' in output or name in ('as text', 'in half of the JSON')
    firefly.tokens.append(token)
    assert play.leaks(firefly, output) == []


@pytest.mark.parametrize('layer', LAYERS)
def test_crashes(firefly: FakeFirefly, play: Play, layer: str) -> None:
    (play.folder / 'python').mkdir()
    (play.folder / 'python/sitecustomize.py').write_text(CRASH)
    nobody = {'FIREFLY_API_URL': 'http://127.0.0.1:9'} if layer.endswith('diagnose') else {}
    output = play.run(firefly, PYTHONPATH=str(play.folder / 'python'), CRASH_IN=layer, **nobody)
    assert 'forced' in output
    assert play.leaks(firefly, output) == []


@pytest.fixture
def slow() -> Iterator[FakeFirefly]:
    with FakeFirefly(keys=KEYS) as firefly:
        firefly.fail(Fault(delay=0.3), times=None)
        yield firefly


@pytest.mark.parametrize('seconds', [0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_a_killed_play_leaves(slow: FakeFirefly, play: Play, seconds: float, number: signal.Signals) -> None:
    command = play.command('-vvv')
    with (play.folder / 'output').open('wb') as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            env={**os.environ, **play.environment, **keys_of(slow), 'HOME': str(play.folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(20)
    (play.folder / 'processes').touch()
    assert play.leaks(slow, (play.folder / 'output').read_text()) == []
