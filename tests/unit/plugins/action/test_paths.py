# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same task gives the same result in the process of ansible-playbook and as a shipped module."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Run, keys_of, run_tasks
from fake_firefly import FakeFirefly, Fault

# what differs between any two runs
VOLATILE = {'access_token', 'authorization', 'expires_at', 'expires_at_utc', 'expires_in', 'checked_at', 'latency_ms'}


@dataclass
class Case:
    """A task, the Firefly that it meets, and the code that it must give."""

    module: str
    code: str
    options: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    keywords: dict[str, Any] = field(default_factory=dict)


LOGIN, HEALTH = 'firefly_login', 'firefly_health'

CASES = {
    'login': Case(LOGIN, 'ok'),
    'login_check_mode': Case(LOGIN, 'ok', keywords={'check_mode': True}),
    'login_wrong_secret': Case(LOGIN, 'unauthorized', {'secret_key': 'wrong'}),
    'login_forbidden': Case(LOGIN, 'forbidden', fault=Fault(status=403)),
    'login_html': Case(LOGIN, 'invalid_response', fault=Fault(body='<html>')),
    'login_too_large': Case(LOGIN, 'response_too_large', fault=Fault(body=b'x' * 2_000_000)),
    'login_redirect': Case(
        LOGIN, 'redirect', fault=Fault(status=301, headers={'Location': 'https://elsewhere.example/'})
    ),
    'login_too_soon': Case(LOGIN, 'expires_too_soon', {'min_ttl': 7200}),
    'login_skewed': Case(LOGIN, 'ok', fault=Fault(date_offset=600)),
    'login_reset': Case(LOGIN, 'connect', fault=Fault(reset='before')),
    'login_slow': Case(LOGIN, 'timeout', {'timeout': 0.5}, fault=Fault(delay=5)),
    'login_insecure': Case(LOGIN, 'insecure_url', {'api_url': 'http://firefly.example'}),
    'login_no_url': Case(LOGIN, 'invalid_option', {'api_url': 'firefly'}),
    'login_unknown_option': Case(LOGIN, 'invalid_option', {'secret': 'x'}),
    'login_wrong_type': Case(LOGIN, 'invalid_option', {'timeout': 'soon'}),
    'login_out_of_range': Case(LOGIN, 'invalid_option', {'timeout': 0}),
    'login_wrong_choice': Case(LOGIN, 'invalid_option', {'token_cache': 'disk'}),
    'login_no_ca': Case(LOGIN, 'invalid_option', {'ca_path': '/nonexistent.pem'}),
    'login_key_without_cert': Case(LOGIN, 'invalid_option', {'client_key': '/nonexistent.pem'}),
    'health': Case(HEALTH, 'ok'),
    'health_check_mode': Case(HEALTH, 'ok', keywords={'check_mode': True}),
    'health_with_keys': Case(HEALTH, 'ok', {'access_key': 'some-access-key', 'secret_key': 'some-secret-key'}),
    'health_wait': Case(HEALTH, 'ok', {'wait': True}),
    'health_down': Case(HEALTH, 'server_error', fault=Fault(status=503)),
    'health_portal': Case(HEALTH, 'unexpected_status', fault=Fault(status=200, body='<html>')),
    'health_not_failing': Case(HEALTH, 'server_error', {'fail_when_unhealthy': False}, fault=Fault(status=503)),
    'health_not_found': Case(HEALTH, 'not_found', fault=Fault(status=404)),
    'health_out_of_range': Case(HEALTH, 'invalid_option', {'wait_sleep': 0}),
    'health_insecure': Case(HEALTH, 'insecure_url', {'api_url': 'http://firefly.example'}),
}

PATHS = {
    'in the process': {'connection': 'local'},
    'shipped by another connection': {'connection': 'elsewhere'},
}


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """All cases as one play, on each path."""
    with contextlib.ExitStack() as stack:
        runs = {}
        for path, arguments in PATHS.items():
            tasks = [_task(name, case, stack) for name, case in CASES.items()]
            runs[path] = run_tasks(tmp_path_factory.mktemp('path'), tasks, **arguments)
    return runs


def _task(name: str, case: Case, stack: contextlib.ExitStack) -> dict[str, Any]:
    firefly = stack.enter_context(FakeFirefly())
    if case.fault:
        firefly.fail(case.fault, times=None)
    keys = {'access_key': firefly.access_key, 'secret_key': firefly.secret_key} if case.module == LOGIN else {}
    return {
        f'firefly.platform.{case.module}': {'api_url': firefly.url, 'retries': 0, **keys, **case.options},
        'register': name,
        'ignore_errors': True,
        **case.keywords,
    }


def _stable(values: Any) -> Any:
    """The values without what differs between runs."""
    if isinstance(values, dict):
        return {key: _stable(value) for key, value in values.items() if key not in VOLATILE}
    if isinstance(values, str):
        # each case has a port of its own
        return ''.join(part for part in values.replace('127.0.0.1:', '\0').split('\0', 1)[:1])
    if isinstance(values, list):
        return [_stable(value) for value in values]
    return values


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('name', CASES)
def test_the_code(runs: dict[str, Run], name: str, path: str) -> None:
    result = runs[path].registered['host1'][name]
    case = CASES[name]
    if 'failure' in result:
        assert result['failed'] is True
        assert result['failure']['code'] == case.code
        assert set(result['failure']) == {'code', 'status', 'retryable'}
        assert 'Traceback' not in result['msg']
    else:
        assert result['failed'] is False
        assert result.get('code', 'ok') == case.code
    assert result['changed'] is False


@pytest.mark.parametrize('name', CASES)
def test_the_same_on_both_paths(runs: dict[str, Run], name: str) -> None:
    here, shipped = (runs[path].registered['host1'][name] for path in PATHS)
    assert here.keys() - {'warnings'} == shipped.keys() - {'warnings'}
    assert _stable(here) == _stable(shipped)


@pytest.mark.parametrize('path', PATHS)
def test_both_paths_really_differ(runs: dict[str, Run], path: str, tmp_path: Path, firefly: FakeFirefly) -> None:
    tasks = [{'firefly.platform.firefly_health': {}, 'register': 'health'}]
    environment = {**keys_of(firefly), 'ANSIBLE_DEBUG': 'true'}
    output = run_tasks(tmp_path, tasks, environment=environment, **PATHS[path]).output
    assert ('AnsiballZ_firefly_health' in output) == (path != 'in the process')
