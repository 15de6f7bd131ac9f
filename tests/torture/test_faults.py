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
from ansible_collections.firefly.platform.plugins.module_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.module_utils._login import login, login_options
from ansible_run import Run, run_tasks
from needles import leaks
from torture.faults import ACCESS_KEY, FAULTS, SECRET_KEY, TOKEN, Server, serve

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
        started = time.monotonic()
        if fault.code == 'ok':
            result = login(login_options({'api_url': server.url, **KEYS, **server.options}))
            assert result['access_token'] == TOKEN
            assert result['expires_in'] >= 60
        else:
            with pytest.raises(FireflyError) as error:
                login(login_options({'api_url': server.url, **KEYS, **server.options}))
            text = json.dumps(error.value.as_result())
            assert error.value.code == fault.code, text
            assert error.value.__suppress_context__ or error.value.__context__ is None
            assert len(text) < 2000
            assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN], [text])) == []
        assert time.monotonic() - started < fault.seconds * 2 + 5  # the machine may be busy


@pytest.fixture(scope='module')
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """A host a fault: its name is the fault's number."""
    folder = tmp_path_factory.mktemp('servers')
    with contextlib.ExitStack() as stack:
        yield {f'fault{number}': stack.enter_context(serve(fault, folder)) for number, fault in enumerate(FAULTS)}


def _run(folder: Path, servers: dict[str, Server], tasks: list[dict[str, Any]], connection: str) -> Run:
    """Run the tasks for all faults at the same time, each as a host that has its options as variables."""
    (folder / 'host_vars').mkdir()
    for host, server in servers.items():
        options = {'api_url': server.url, **KEYS, **server.options}
        variables = {f'firefly_{name}': value for name, value in options.items()}
        variables['proxy_environment'] = server.environment
        (folder / f'host_vars/{host}.yml').write_text(yaml.safe_dump(variables))
    return run_tasks(folder, tasks, hosts=servers, connection=connection, arguments=['-f', '12', '-vvv'])


@pytest.fixture(scope='module')
def action(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _login(servers, tmp_path_factory.mktemp('action'), 'local')


@pytest.fixture(scope='module')
def module(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _login(servers, tmp_path_factory.mktemp('module'), 'elsewhere')


def _login(servers: dict[str, Server], folder: Path, connection: str) -> Run:
    for server in servers.values():
        server.connections = 0
    task = {
        'firefly.platform.firefly_login': {'token_cache': 'none'},
        'environment': '{{ proxy_environment }}',
        'ignore_errors': True,
        'register': 'login',
    }
    return _run(folder, servers, [task], connection)


@pytest.fixture(scope='module')
def lookup(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Run:
    for server in servers.values():
        server.connections = 0
    expression = "{{ lookup('firefly.platform.firefly', 'login', token_cache='none') }}"
    task = {
        'ansible.builtin.set_fact': {'got': expression},
        'ignore_errors': True,
        'register': 'login',
        'no_log': False,
    }
    return _run(tmp_path_factory.mktemp('lookup'), servers, [task], 'local')


def _host(name: str) -> str:
    return f'fault{list(BY_NAME).index(name)}'


@pytest.mark.parametrize('edge', ['action', 'module'])
@pytest.mark.parametrize('name', BY_NAME)
def test_task(name: str, edge: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(edge).registered[_host(name)]['login']
    assert result.get('failure', {'code': 'ok'})['code'] == BY_NAME[name].code
    assert result['failed'] == (BY_NAME[name].code != 'ok')
    assert 'Traceback' not in json.dumps(result)


# the environment of a task, which names the proxy, does not reach a lookup
@pytest.mark.parametrize('name', [name for name, fault in BY_NAME.items() if not fault.proxy])
def test_lookup(name: str, action: Run, lookup: Run) -> None:
    fault = BY_NAME[name]
    result = lookup.registered[_host(name)]['login']
    if fault.code == 'ok':
        assert result['ansible_facts']['got']['access_token']
    else:
        # the same sentence as the task's; the port of a fault is the same for both
        assert _words(action.registered[_host(name)]['login']['msg']) in _words(result['msg'])


def _words(text: str) -> str:
    # less what depends on the moment: a lifetime, and whether an end came as a reset
    return re.sub(r'for \d+ s', 'for n s', re.sub(r' \(.*?\)', '', re.sub(r'\s+', ' ', text)))


@pytest.mark.parametrize('edge', ['action', 'module', 'lookup'])
def test_no_secret_in_the_output(edge: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(edge)
    # the lookup's values are facts of this test's own, which -vvv shows
    secrets = [SECRET_KEY, ACCESS_KEY] + ([] if edge == 'lookup' else [TOKEN])
    assert list(leaks(secrets, [run.output])) == []
    assert 'Traceback (most recent call last)' not in run.output
