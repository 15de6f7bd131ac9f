# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run share one login, and nothing that a run writes holds the secret key or the token."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault
from helpers.ansible_run import API, HEALTH, LOGIN, keys_of, lookup, run_tasks, task
from helpers.needles import forms, leaks
from helpers.raw_server import RawServer, http
from helpers.wire_faults import ACCESS_KEY, SECRET_KEY, login_body

HOSTS = [f'host{number}' for number in range(8)]
#: By case how many times its Firefly refuses, the tasks, and how many requests all hosts make.
CASES: dict[str, tuple[int | None, list[str], int]] = {
    'login_first': (0, ['login', 'lookup', 'login'], 1),
    'lookup_first': (0, ['lookup', 'login', 'lookup'], 1),
    'refused_login': (None, ['login'], 1),
    'refused_lookup': (None, ['lookup'], 1),
    'later_task': (1, ['login', 'login'], 2),
    'until': (1, ['until'], 2),
    'proxies': (0, ['login'], 1),
}
#: It differs by host, but a proxy is not used for loopback.
PROXIES = {'https_proxy': 'http://{{ inventory_hostname }}:9', 'no_proxy': '{{ inventory_hostname }}'}
KEYS_FROM_ENVIRONMENT = "access_key=lookup('env', 'A'), secret_key=lookup('env', 'S'), retries=0"
FAILED = {'refused_login_0', 'refused_lookup_0', 'later_task_0'}


def test_how_many_logins_a_run_makes(tmp_path: Path) -> None:
    """With fewer forks than hosts, some hosts start when others have ended."""
    tasks, servers = [], {}
    with ExitStack() as stack:
        for case, (times, kinds, _requests) in CASES.items():
            servers[case] = stack.enter_context(FakeFirefly())
            servers[case].fail(Fault(status=401), times)
            url: dict[str, Any] = {'vars': {'firefly_api_url': servers[case].url}}
            if case == 'proxies':
                url['environment'] = PROXIES
            until = {'run_once': True, 'until': 'until_0 is success', 'retries': 2, 'delay': 0}
            tasks += [
                lookup(f'{case}_{number}', "'expires_at'", **url)
                if kind == 'lookup'
                else task(f'{case}_{number}', LOGIN, **url, **(until if kind == 'until' else {}))
                for number, kind in enumerate(kinds)
            ]
        environment = keys_of(servers['until'])
        run = run_tasks(tmp_path, tasks, hosts=HOSTS, environment=environment, arguments=['-v', '--forks=4'])
    requests = {case: firefly.count('POST', '/v2/login') for case, firefly in servers.items()}
    assert requests == {case: count for case, (*_unused, count) in CASES.items()}, run.output
    for host in HOSTS:
        assert {name for name, code in run.outcomes(host).items() if code != 'ok'} == FAILED
        assert 'ansible_facts' not in run.registered[host]['refused_login_0']
        reused = run.registered[host]['login_first_2']
        own = {key: value for key, value in reused.items() if key not in ('changed', 'failed', 'ansible_facts')}
        assert reused['ansible_facts']['firefly_login'] == own
        assert ([own['access_token']], own['reused'], own['requests']) == (servers['login_first'].tokens, True, 0)
    told = [f'{servers["login_first"].url}: {token} token, expires at ' for token in ('new', 'cached')]
    assert [run.output.count(line) for line in told] == [1, 2 * len(HOSTS) - 1]
    assert TOKEN_NEEDLE not in run.output
    for name in ('refused_login_0', 'refused_lookup_0'):
        messages = [' '.join(values[name]['msg'].split()) for values in run.registered.values()]
        assert all('401 Unauthorized' in message and HINTS['unauthorized'] in message for message in messages)
        assert sum('not tried again' in message for message in messages) == len(HOSTS) - 1


@pytest.mark.parametrize('verbosity', [[], ['-v'], ['-vvvvv']], ids=str)
def test_no_secret_anywhere(firefly: FakeFirefly, tmp_path: Path, verbosity: list[str]) -> None:
    """No task here has no_log."""
    # of the run's own temporary folder
    copy = {'argv': ['cp', '-r', 'running', 'temporary'], 'chdir': '{{ playbook_dir }}'}
    tasks = [
        task('first', LOGIN),
        task('once', LOGIN, run_once=True),
        task('looped', LOGIN, loop=[1, 2]),
        task('timed', LOGIN, timeout=30),
        task('checked', LOGIN, check_mode=True),
        lookup('looked_up', "'expires_at'"),
        task('wrong', LOGIN, {'secret_key': 'wrong'}),
        task('uncached', LOGIN, {'token_cache': False}),
        {'ansible.builtin.command': copy, 'run_once': True},
    ]
    log = tmp_path / 'ansible.log'
    environment = {
        **keys_of(firefly),
        'ANSIBLE_LOCAL_TEMP': str(tmp_path / 'running'),
        'ANSIBLE_LOG_PATH': str(log),
        'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
        'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(tmp_path / 'facts'),
    }
    run = run_tasks(tmp_path, tasks, hosts=['host1', 'host2'], environment=environment, arguments=verbosity)
    assert run.status == 0, run.output
    token = firefly.tokens[0]
    for host, values in run.registered.items():
        assert {name for name, code in run.outcomes(host).items() if code != 'ok'} == {'wrong'}
        shared = [values[name] for name in ('first', 'once', 'timed', 'checked')] + values['looped']['results']
        assert {each['access_token'] for each in shared} == {token}
        assert values['uncached']['access_token'] in firefly.tokens[1:]
        # a fact that is written to a file has no token
        result, fact = values['uncached'], values['ansible_facts']['firefly_login']
        assert result.keys() - fact.keys() >= {'access_token', 'authorization'}
        assert fact['expires_at'] == result['expires_at']
    assert ('registered variable' in ' '.join(run.output.split())) == bool(verbosity)
    for written in ('ansible.log', 'facts/*host1', 'temporary/*/firefly-*'):
        assert list(tmp_path.glob(written)), written
    assert 'firefly_login' in ''.join(path.read_text() for path in tmp_path.glob('facts/*'))
    # this test's own dump has the token on purpose
    assert list(leaks([token], [log]))
    log.write_text('\n'.join(line for line in log.read_text().splitlines() if '%DUMP' not in line))
    assert list(leaks([firefly.secret_key, *firefly.tokens], [run.output, tmp_path])) == []


def test_what_libraries_log_is_not_in_the_log(tmp_path: Path) -> None:
    """A line without a colon makes urllib3 log the headers after it."""
    log = tmp_path / 'ansible.log'
    headers = ('no header', f'X-Key: {SECRET_KEY}')
    with RawServer(http(401, '', *headers)) as refuses, RawServer(http(200, login_body(), *headers)) as accepts:
        keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, 'retries': 0}
        tasks = []
        for name, server in {'refuses': refuses, 'accepts': accepts}.items():
            options = {**keys, 'api_url': server.url}
            tasks += [
                task(f'login_{name}', LOGIN, options),
                task(f'health_{name}', HEALTH, options),
                task(f'api_{name}', API, {**options, 'path': 'projects'}),
                lookup(f'lookup_{name}', f"'expires_at', api_url='{server.url}', {KEYS_FROM_ENVIRONMENT}"),
            ]
        environment = {'ANSIBLE_LOG_PATH': str(log), 'A': ACCESS_KEY, 'S': SECRET_KEY}
        run = run_tasks(tmp_path, tasks, environment=environment, arguments=['-vvvvv'])
    assert run.outcomes() == {
        **{f'{edge}_refuses': 'unauthorized' for edge in ('login', 'health', 'api')},
        **{'lookup_refuses': 'failed', 'lookup_accepts': 'ok', 'login_accepts': 'ok', 'api_accepts': 'ok'},
        'health_accepts': 'unexpected_status',
    }
    assert 'firefly_login' in log.read_text()
    assert 'Failed to parse headers' not in log.read_text() + run.output
    log.write_text('\n'.join(line for line in log.read_text().splitlines() if '%DUMP' not in line))
    assert list(leaks([SECRET_KEY], [run.output, log])) == []


def test_a_run_without_validation_warns_once(tmp_path: Path) -> None:
    with FakeFirefly(tls=True) as firefly:
        tasks = [
            task('login', LOGIN),
            task('health', HEALTH),
            task('looped', API, {'path': 'runners/projects/project-{{ item }}'}, loop=[1, 1]),
            lookup('looked_up', "'health'"),
            task('valid', HEALTH, {'validate_certs': True}),
        ]
        environment = {**keys_of(firefly), 'FIREFLY_VALIDATE_CERTS': 'false', 'FIREFLY_CA_PATH': ''}
        run = run_tasks(tmp_path, tasks, hosts=HOSTS[:5], environment=environment)
        only_valid = run_tasks(tmp_path, tasks[-1:], environment=environment)
    assert run.outcomes() == {'login': 'ok', 'health': 'ok', 'looped': 'ok', 'looked_up': 'ok', 'valid': 'tls'}
    warning = 'validate_certs is false, so anyone between the controller and Firefly can read the keys and the token.'
    assert ' '.join(run.output.split()).count(warning) == 1
    assert 'validate_certs is false' not in ' '.join(only_valid.output.split())


def test_the_search_finds_each_form_of_a_secret(tmp_path: Path) -> None:
    secret = 'SECRET-KEY-NEEDLE+7d21/c0b9='
    for form in forms(secret):
        (tmp_path / 'file').write_bytes(b'hay' + form + b'hay')
        assert list(leaks([secret], [tmp_path]))
        assert list(leaks([secret], [f'hay{form.decode()}hay']))
