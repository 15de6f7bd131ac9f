# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both modules as they run on a host: a new Python, arguments in a file, JSON on stdout and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_firefly import ACCESS_KEY, SECRET_KEY, TOKEN_NEEDLE, FakeFirefly, Fault

COLLECTION = Path(__file__).parents[4]
Run = Callable[..., tuple[int, dict[str, t.Any], str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a module; gives its exit code, its result and all that it wrote, less what only the controller reads."""

    def execute(module: str, *paths: Path, **arguments: t.Any) -> tuple[int, dict[str, t.Any], str]:
        file = tmp_path / 'arguments.json'
        file.write_text(json.dumps({'ANSIBLE_MODULE_ARGS': {'retries': 0, **arguments}}))
        search = [*map(str, paths), os.environ['ANSIBLE_COLLECTIONS_PATH']]
        process = subprocess.run(
            [sys.executable, COLLECTION / f'plugins/modules/{module}.py', file],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(search)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert process.stderr == ''
        values = json.loads(process.stdout)
        values.pop('_ansible_new_secrets', None)  # what ansible-core 2.22 is to mask from then on
        return process.returncode, values, json.dumps(values)

    return execute


def keys(firefly: FakeFirefly) -> dict[str, t.Any]:
    return {'api_url': firefly.url, 'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}


@pytest.mark.parametrize('check_mode', [False, True])
def test_login(firefly: FakeFirefly, run: Run, check_mode: bool) -> None:
    code, values, output = run('firefly_login', **keys(firefly), _ansible_check_mode=check_mode)
    assert code == 0
    assert (values['changed'], values.get('failed', False)) == (False, False)
    assert values['access_token'] == firefly.tokens[0]
    assert values['authorization'] == f'Bearer {firefly.tokens[0]}'
    fact = values['ansible_facts']['firefly_login']
    assert fact == {key: value for key, value in values.items() if key in fact}
    assert set(values) - set(fact) - {'invocation'} == {'changed', 'ansible_facts'}
    assert SECRET_KEY not in output
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('check_mode', [False, True])
def test_login_that_is_refused(firefly: FakeFirefly, run: Run, check_mode: bool) -> None:
    firefly.fail(Fault(status=401, body=json.dumps({'message': f'bad pair {ACCESS_KEY} {SECRET_KEY}'})))
    code, values, output = run('firefly_login', **keys(firefly), _ansible_check_mode=check_mode)
    assert code == 1
    assert (values['failed'], values['changed']) == (True, False)
    assert values['failure'] == {'code': 'unauthorized', 'status': 401, 'retryable': False}
    assert '401' in values['msg']
    assert 'ansible_facts' not in values
    assert not [secret for secret in (SECRET_KEY, ACCESS_KEY, TOKEN_NEEDLE) if secret in output]


def test_login_without_keys(firefly: FakeFirefly, run: Run) -> None:
    code, values, _unused = run('firefly_login', api_url=firefly.url, access_key='', secret_key='')
    assert code == 1
    assert values['failure'] == {'code': 'missing_credentials', 'status': None, 'retryable': False}
    assert firefly.requests == []


def test_login_with_a_clock_that_is_off(firefly: FakeFirefly, run: Run) -> None:
    firefly.fail(Fault(date_offset=-3600))
    code, values, _unused = run('firefly_login', **keys(firefly))
    assert code == 0
    assert 'ahead of' in str(values['warnings'])
    assert 'warnings' not in values['ansible_facts']['firefly_login']


@pytest.mark.parametrize('check_mode', [False, True])
def test_health(firefly: FakeFirefly, run: Run, check_mode: bool) -> None:
    code, values, output = run('firefly_health', **keys(firefly), _ansible_check_mode=check_mode)
    assert code == 0
    assert (values['healthy'], values['status_code'], values['changed']) == (True, 204, False)
    fact = values['ansible_facts']['firefly_health']
    assert fact == {key: value for key, value in values.items() if key in fact}
    assert len(fact) == 10
    assert SECRET_KEY not in output
    assert firefly.count('GET', '/v2/health') == 1


def test_health_that_is_bad(firefly: FakeFirefly, run: Run) -> None:
    firefly.health = 'down'
    code, values, _unused = run('firefly_health', api_url=firefly.url)
    assert code == 1
    assert (values['failed'], values['healthy'], values['status_code']) == (True, False, 503)
    assert values['failure'] == {'code': 'server_error', 'status': 503, 'retryable': True}
    fact = values['ansible_facts']['firefly_health']
    assert (fact['healthy'], fact['code'], fact['msg']) == (False, 'server_error', values['msg'])
    assert len(fact) == 10


def test_health_that_is_bad_and_no_failure(firefly: FakeFirefly, run: Run) -> None:
    firefly.health = 'down'
    code, values, _unused = run('firefly_health', api_url=firefly.url, fail_when_unhealthy=False)
    assert code == 0
    assert (values['healthy'], values['code']) == (False, 'server_error')
    assert 'failure' not in values
    assert values['ansible_facts']['firefly_health']['healthy'] is False


def test_health_with_an_option_out_of_range(firefly: FakeFirefly, run: Run) -> None:
    code, values, _unused = run('firefly_health', api_url=firefly.url, wait_timeout=0)
    assert code == 1
    assert values['failure'] == {'code': 'invalid_option', 'status': None, 'retryable': False}
    assert (values['healthy'], values['reachable'], values['attempts']) == (False, False, 0)
    assert firefly.requests == []


@pytest.mark.parametrize('module', ['firefly_login', 'firefly_health'])
def test_without_requests(firefly: FakeFirefly, run: Run, tmp_path: Path, module: str) -> None:
    stub = tmp_path / 'stub'
    stub.mkdir()
    (stub / 'requests.py').write_text('raise ImportError("there is no requests here")\n')
    code, values, output = run(module, stub, **keys(firefly))
    assert code == 1
    assert values['failure'] == {'code': 'missing_library', 'status': None, 'retryable': False}
    assert f'{sys.executable} lacks the Python library requests' in values['msg']
    assert 'delegate_to: localhost' in values['msg']
    assert SECRET_KEY not in output
    assert firefly.requests == []


@pytest.mark.parametrize('module,argument', [('firefly_login', 'wait'), ('firefly_health', 'min_ttl')])
def test_an_argument_of_the_other_module(run: Run, module: str, argument: str) -> None:
    code, values, _unused = run(module, api_url='https://127.0.0.1:1', **{argument: 1})
    assert code == 1
    assert values['failed'] is True
    assert argument in values['msg']
