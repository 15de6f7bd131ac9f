# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault, through the operation itself and through every edge."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import LOGIN
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, perform
from helpers.ansible_run import Run, run_tasks
from helpers.needles import leaks
from torture.wire_faults import ACCESS_KEY, FAULTS, SECRET_KEY, TOKEN, Server, serve

BY_NAME = {fault.name: fault for fault in FAULTS}
KEYS = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}


def test_the_names_differ() -> None:
    assert len(BY_NAME) == len(FAULTS)


@pytest.mark.parametrize('name', BY_NAME)
def test_operation(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = BY_NAME[name]
    with serve(fault, tmp_path) as server:
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value)
        raw = {'api_url': server.url, 'token_cache': False, **KEYS, **server.options}
        lines: list[str] = []
        context = Context(report=lines.append)
        started = time.monotonic()
        if fault.code == 'ok':
            values = perform(LOGIN, raw, context).values
            assert values['access_token'] == TOKEN
            assert values['expires_in'] >= 60
        else:
            with pytest.raises(FireflyError) as error:
                perform(LOGIN, raw, context)
            text = f'{error.value} {json.dumps(error.value.failure)}'
            assert error.value.code == fault.code, text
            assert error.value.__suppress_context__ or error.value.__context__ is None
            assert len(text) < 2000
            assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN], [text, *lines])) == []
        assert time.monotonic() - started < fault.seconds * 2 + 5  # the machine may be busy


@pytest.fixture(scope='module')
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """A host a fault: its name is the fault's number."""
    folder = tmp_path_factory.mktemp('servers')
    with contextlib.ExitStack() as stack:
        yield {f'fault{number}': stack.enter_context(serve(fault, folder)) for number, fault in enumerate(FAULTS)}


def _run(folder: Path, servers: dict[str, Server], task: dict[str, Any], connection: str = 'local') -> Run:
    """Run the task for all faults at the same time, each as a host that has its options as variables."""
    (folder / 'host_vars').mkdir()
    for host, server in servers.items():
        server.connections = 0
        options = {'api_url': server.url, **KEYS, **server.options}
        variables = {f'firefly_{name}': value for name, value in options.items()}
        variables['proxy_environment'] = server.environment
        (folder / f'host_vars/{host}.yml').write_text(yaml.safe_dump(variables))
    task = {**task, 'environment': '{{ proxy_environment }}', 'ignore_errors': True, 'register': 'result'}
    return run_tasks(folder, [task], hosts=servers, connection=connection, arguments=['-f', '12', '-vvv'])


@pytest.fixture(scope='module')
def login(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    task = {'firefly.platform.firefly_login': {'token_cache': False}}
    return _run(tmp_path_factory.mktemp('login'), servers, task)


@pytest.fixture(scope='module')
def health(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    # the hosts do not exist, so nothing can be shipped to them
    return _run(tmp_path_factory.mktemp('health'), servers, {'firefly.platform.firefly_health': None}, 'ssh')


@pytest.fixture(scope='module')
def lookup(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    expression = "{{ lookup('firefly.platform.firefly', 'login', token_cache=false) }}"
    task = {'ansible.builtin.set_fact': {'got': expression}}
    return _run(tmp_path_factory.mktemp('lookup'), servers, task)


def _result(run: Run, name: str) -> dict[str, Any]:
    result: dict[str, Any] = run.registered[f'fault{list(BY_NAME).index(name)}']['result']
    return result


@pytest.mark.parametrize('name', BY_NAME)
def test_login(name: str, login: Run) -> None:
    code, result = BY_NAME[name].code, _result(login, name)
    assert result.get('failure', {'code': 'ok'})['code'] == code
    assert result['failed'] == (code != 'ok')
    assert 'Traceback' not in json.dumps(result)


@pytest.mark.parametrize('name', BY_NAME)
def test_health(name: str, health: Run) -> None:
    code, result = BY_NAME[name].code, _result(health, name)
    if name.startswith('204'):
        code = 'ok'
    elif result['status'] == 200:
        code = 'unexpected_status'  # a 200, whatever its body
    assert result['code'] == code
    assert result['failed'] == (code != 'ok')
    assert result['healthy'] == (code == 'ok')
    assert 'Traceback' not in json.dumps(result)


# the environment of a task, which names the proxy, does not reach a lookup
@pytest.mark.parametrize('name', [name for name, fault in BY_NAME.items() if not fault.proxy])
def test_lookup(name: str, login: Run, lookup: Run) -> None:
    result = _result(lookup, name)
    if BY_NAME[name].code == 'ok':
        assert result['ansible_facts']['got']['access_token'] == TOKEN
    else:
        # the same sentence as the task's; the port of a fault is the same for both
        assert _words(_result(login, name)['msg']) in _words(result['msg'])


def _words(text: str) -> str:
    # less what depends on the moment: whether an end came as a reset
    return re.sub(r' \(.*?\)', '', re.sub(r'\s+', ' ', text))


SHOWN_NOWHERE = {
    'login': [SECRET_KEY, ACCESS_KEY, TOKEN],
    # a health check sends no key; what the servers here say, and it repeats, holds one of their own accord
    'health': [ACCESS_KEY, TOKEN],
    # its values are facts of this test's own, which -vvv shows
    'lookup': [SECRET_KEY, ACCESS_KEY],
}


@pytest.mark.parametrize('edge', SHOWN_NOWHERE)
def test_no_secret_in_the_output(edge: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(edge)
    assert list(leaks(SHOWN_NOWHERE[edge], [run.output])) == []
    assert 'Traceback (most recent call last)' not in run.output
