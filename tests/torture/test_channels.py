# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that a run writes holds a key or the token: on success, failure, crash and kill."""

from __future__ import annotations

import base64
import contextlib
import itertools
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
from helpers.ansible_run import API, LOGIN, keys_of, run_ansible, write_inventory
from helpers.needles import leaks

LOOKUP = "{{ lookup('firefly.platform.firefly', 'expires_at') }}"
SEARCH = {'method': 'POST', 'all_pages': True}
PATCH = {'method': 'PATCH', 'body': {'name': '{{ item }}'}}
PROJECT = 'runners/projects/project-1'
GO_ON = {'ignore_errors': True}
TASKS: list[dict[str, Any]] = [
    {LOGIN: None, 'register': 'login', **GO_ON},
    {LOGIN: None, 'loop': [1, 2], **GO_ON},
    {LOGIN: {'secret_kye': '{{ item }}'}, 'loop': ["{{ lookup('env', 'FIREFLY_SECRET_KEY') }}"], **GO_ON},
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

# the endpoints of these answer with the echo of the host and the status in their path
STATUSES = [200, 302, 400, 401]
ALL = 'workspaces/{}-{}/runs/search'
EACH = 'runners/projects/{}-{}'
HOST = '{{ inventory_hostname }}'
ECHO_TASKS: list[dict[str, Any]] = [
    {LOGIN: None},
    *({API: {'path': ALL.format(HOST, status), **SEARCH}, 'register': f'all_{status}', **GO_ON} for status in STATUSES),
    {API: {'path': EACH.format(HOST, '{{ item }}')}, 'loop': STATUSES, 'register': 'read', **GO_ON},
    {API: {'path': EACH.format(HOST, '{{ item }}'), **PATCH}, 'loop': STATUSES, 'register': 'written', **GO_ON},
    {'ansible.builtin.debug': {'var': 'read'}},
    {'ansible.builtin.set_fact': {'kept': '{{ [all_200, all_400, read, written] }}', 'cacheable': True}},
]

# other tests on this machine use the usual keys
ACCESS_KEY, SECRET_KEY = f'CHANNEL-ACCESS-{uuid.uuid4()}', f'CHANNEL-SECRET-{uuid.uuid4()}'
TOKEN = f'eyJhbGciOiJub25lIn0.{uuid.uuid4().hex}.{uuid.uuid4().hex}'
PROXY_PASSWORD = f'CHANNEL-PROXY-{uuid.uuid4()}'
BASIC = base64.b64encode(f'{ACCESS_KEY}:{TOKEN}'.encode()).decode()
ESCAPED = ''.join(f'\\u{ord(char):04x}' for char in TOKEN)
HEADER = f'Authorization: Bearer {TOKEN}'
SAID = f'{ACCESS_KEY} {SECRET_KEY}'

# by the host that gets it from its Firefly
FAILURES = {
    'success': Fault(),
    'unauthorized': Fault(status=401, body=json.dumps({'message': SAID})),
    'forbidden': Fault(status=403, body=f'<html>{SAID}'),
    'server_error': Fault(status=500, body=SAID),
    'redirect': Fault(status=302, headers={'Location': f'https://x.example/?k={SECRET_KEY}'}),
    'invalid_response': Fault(replace={'expiresAt': None}),
    'no_json': Fault(body=SAID),
    'expires_too_soon': Fault(replace={'expiresAt': 1_500_000_000}),
    'timeout': Fault(delay=3),
    'connect': Fault(reset='body'),
}

# what an endpoint says about the request that it got, by the host that asks
ECHOES = {
    'plain': json.dumps({'headers': HEADER}),
    'as_JSON_in_JSON': json.dumps({'request': json.dumps({'headers': HEADER})}),
    'as_escapes': f'{{"authorization": "Bearer {ESCAPED}"}}',
    'as_base64': json.dumps({'authorization': base64.b64encode(HEADER.encode()).decode()}),
    'as_base64_in_base64': json.dumps({'authorization': base64.b64encode(f'Basic {BASIC}'.encode()).decode()}),
    'as_JSON_in_JSON_in_JSON': json.dumps(json.dumps(json.dumps({'headers': f'"/{HEADER}/"'}))),
    'as_percents': json.dumps({'headers': ''.join(f'%{byte:02x}' for byte in HEADER.encode())}),
    'as_HTML': json.dumps({'headers': ''.join(f'&#{byte};' for byte in HEADER.encode())}),
    'as_base64_for_a_URL': json.dumps({'authorization': base64.urlsafe_b64encode(HEADER.encode()).decode()}),
    'as_a_key': json.dumps({f'Bearer {TOKEN}': {TOKEN: [TOKEN]}}),
    'as_a_message': json.dumps({'message': f'no {HEADER} here'}),
    'as_text': f'<pre>{HEADER}</pre>',
    'in_half_of_the_JSON': f'{{"authorization": "Bearer {TOKEN}"',
    'in_text': json.dumps(f'POST /v2/workspaces/search\r\n{HEADER}\r\n'),
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
    f'{PLUGINS}._client:FireflyClient._send',
    f'{PLUGINS}._body:read_body',
    f'{PLUGINS}._api:_Call.run',
    f'{PLUGINS}._api:_Call._values',
    f'{PLUGINS}._pages:PagedList.add',
    f'{PLUGINS}._session:Session.content',
    f'{PLUGINS}._secrets:_masked',
    f'{PLUGINS}._action:holds_secret',
    f'{PLUGINS}._action:task_environment',
    f'{PLUGINS}._token:Token.as_result',
    f'{PLUGINS}._token_cache:Record.as_json',
    f'{PLUGINS}._option_sources:resolve',
    f'{PLUGINS}._login:token_of_run',
    f'{PLUGINS}._action:FireflyAction._result',
]


@contextlib.contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """The command lines of all processes, which are read over and over."""
    seen: set[bytes] = set()
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.002):
            for path in Path('/proc').glob('[0-9]*/cmdline'):
                with contextlib.suppress(OSError):
                    seen.add(path.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()


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
        self.hosts = ['host1', 'host2']
        self.tasks = TASKS
        self.variables: dict[str, Any] = {}
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
            # on the way to another machine, where nobody listens
            'https_proxy': f'http://user:{PROXY_PASSWORD}@127.0.0.1:9',
        }

    def command(self, verbosity: str) -> list[str]:
        inventory, playbook = write_inventory(self.folder, self.hosts), self.folder / 'playbook.yml'
        play = {'hosts': 'all', 'gather_facts': False, 'vars': self.variables, 'tasks': self.tasks}
        playbook.write_text(yaml.safe_dump([play]))
        return ['ansible-playbook', '-i', str(inventory), *([verbosity] if verbosity else []), str(playbook)]

    def run(self, firefly: FakeFirefly, verbosity: str = '-vvvvv', **more: str) -> str:
        environment = {**self.environment, **keys_of(firefly), **more}
        with command_lines() as seen:
            output = run_ansible(self.folder, self.command(verbosity), environment=environment).output
        (self.written / 'command lines').write_bytes(b'\n'.join(seen))
        return output

    def leaks(self, output: str, *tokens: str) -> list[str]:
        return list(leaks([SECRET_KEY, ACCESS_KEY, PROXY_PASSWORD, *tokens], [output, self.written]))


@pytest.mark.parametrize(
    'verbosity,callback',
    [
        *((verbosity, 'default') for verbosity in ('', '-v', '-vv', '-vvv', '-vvvv', '-vvvvv')),
        *(('-vvvvv', callback) for callback in ('ansible.posix.json', 'ansible.posix.jsonl', 'minimal')),
    ],
)
def test_each_verbosity_and_output_format(firefly: FakeFirefly, play: Play, verbosity: str, callback: str) -> None:
    output = play.run(firefly, verbosity, ANSIBLE_STDOUT_CALLBACK=callback)
    assert firefly.tokens
    assert 'PLAY RECAP' in output or callback != 'default'
    for written in ('ansible.log', 'facts/*', 'tree/*', 'junit/*'):
        assert list(play.written.glob(written)), written
    for shipped in ('remote', 'async'):
        assert not (play.written / shipped).exists()
    assert play.leaks(output, *firefly.tokens) == []


def test_each_failure(play: Play) -> None:
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(FakeFirefly(keys={ACCESS_KEY: SECRET_KEY})) for name in FAILURES}
        for name, server in servers.items():
            server.fail(FAILURES[name], times=None)
        urls = {**{name: server.url for name, server in servers.items()}, 'proxy': 'https://firefly.example'}
        play.hosts, play.variables = list(urls), {'firefly_api_url': '{{ urls[inventory_hostname] }}', 'urls': urls}
        output = play.run(servers['success'])
    assert 'PLAY RECAP' in output
    assert 'Check https_proxy' in output
    assert [name for name, server in servers.items() if not server.requests] == []
    assert play.leaks(output, *(token for server in servers.values() for token in server.tokens)) == []


def test_each_echo(firefly: FakeFirefly, play: Play) -> None:
    """Endpoints that repeat the token that they got, with each status."""
    firefly.fail(Fault(path='/v2/login', replace={'accessToken': TOKEN}), times=None)
    headers = {'Location': f'https://x.example/{TOKEN}?t={TOKEN}', 'X-Token': TOKEN}
    for name, status, path in itertools.product(ECHOES, STATUSES, (ALL, EACH)):
        fault = Fault(path=f'/v2/{path.format(name, status)}', status=status, body=ECHOES[name], headers=headers)
        firefly.fail(fault, times=None)
    play.hosts, play.tasks = list(ECHOES), ECHO_TASKS
    output = play.run(firefly)
    assert output.count('ok=9 ') == len(ECHOES), output
    for name in ECHOES:
        (facts,) = play.written.glob(f'facts/*{name}')
        assert '********' in facts.read_text() or name in ('as_text', 'in_half_of_the_JSON')
        asked = {request.status for request in firefly.requests if f'/{name}-' in request.path}
        assert asked >= set(STATUSES)
    assert play.leaks(output, TOKEN, *firefly.tokens) == []


@pytest.mark.parametrize('layer', LAYERS)
def test_a_crash_in_each_layer(firefly: FakeFirefly, play: Play, layer: str) -> None:
    (play.folder / 'python').mkdir()
    (play.folder / 'python/sitecustomize.py').write_text(CRASH)
    nobody = {'FIREFLY_API_URL': 'http://127.0.0.1:9'} if layer.endswith('diagnose') else {}
    play.hosts = ['host1']
    output = play.run(firefly, PYTHONPATH=str(play.folder / 'python'), CRASH_IN=layer, **nobody)
    assert 'forced' in output
    assert play.leaks(output, *firefly.tokens) == []


@pytest.mark.parametrize('seconds', [0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_killed_play(firefly: FakeFirefly, play: Play, seconds: float, number: signal.Signals) -> None:
    """Before SIGKILL the server goes away too. The next play works at once."""
    firefly.fail(Fault(delay=0.3), times=None)
    command = play.command('-vvv')
    with (play.written / 'output').open('wb') as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            env={**os.environ, **play.environment, **keys_of(firefly), 'HOME': str(play.folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        time.sleep(seconds)
        if number == signal.SIGKILL:
            firefly.stop()
            firefly.start()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(20)
    firefly.clear()
    play.tasks = [{LOGIN: None, 'register': 'login'}, {'ansible.builtin.assert': {'that': 'login.expires_in >= 60'}}]
    after = play.run(firefly, '')
    assert after.count('ok=2 ') == len(play.hosts), after
    assert play.leaks(after, *firefly.tokens) == []
