# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every edge reports a fault. A write is sent once, and is a change if it can have arrived. A read is retried."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils import _retry, _token_cache
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token
from ansible_collections.firefly.platform.plugins.plugin_utils._token_cache import Record
from helpers.ansible_run import API as API_MODULE
from helpers.ansible_run import HEALTH, LOGIN, Run, lookup, run_tasks, task
from helpers.needles import leaks
from helpers.operations import perform
from helpers.raw_server import RawServer, Talk, close, drip, hang, http, reset
from helpers.wire_faults import ACCESS_KEY, BY_NAME, HEAD, ONE_A_CODE, PROXY_PASSWORD, SECRET_KEY, TOKEN, Scene, stage
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

CONTEXT = Context(report=lambda line: None)
WRITES = ('POST', 'PUT', 'PATCH', 'DELETE')
FRESH = 'a-new.token.to-hide'
PATH = '/v2/runners/projects'
SEARCH = '/v2/workspaces/search'
RETRIES = 3
# the server did nothing: it wants another token or fewer requests
REFUSED = ('unauthorized', 'rate_limited')
# there was no connection to the server
UNSENT = (
    'a host name that does not exist',
    'nobody listens',
    'a network that cannot be reached',
    'a server that accepts no connection',
    'a proxy where nobody listens',
    'a proxy that wants a password',
    'a proxy that says no',
    'a proxy that redirects',
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short pauses, and a token cache for this test alone."""
    monkeypatch.setattr(_retry, 'WINDOW', 0.02)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))


@pytest.fixture
def scene(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The scene of the fault that the test is about."""
    with stage(BY_NAME[name], tmp_path) as scene:
        for variable, value in scene.environment.items():
            monkeypatch.setenv(variable, value)
        if 'timeout' in BY_NAME[name].options:
            scene.options['timeout'] = 0.3
        yield scene


def _ask(options: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """What a task returns that finds a token in the cache: the fault happens to what it asks for."""
    raw = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, **options, 'retries': RETRIES, **asked}
    hour = {'ends_monotonic': time.monotonic() + 3600, 'ends_wall': time.time() + 3600}
    cached = Token(access_token=TOKEN, token_type='Bearer', expires_at=int(time.time()) + 3600, **hour)
    with _token_cache.cache_entry(Api().validate(Options(raw)), print) as entry:
        entry.store(Record(stored_at=time.monotonic(), token=cached))
    values, error = perform(Api(), raw, CONTEXT)
    assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN, FRESH], [json.dumps(values)])) == []
    return {**values, 'failure': error.failure if error else {'code': 'ok', 'status': 200, 'retryable': False}}


def _counted(server: RawServer, path: str = PATH) -> int:
    """How often the request arrived whole."""
    time.sleep(0.01)  # the server may be counting
    return sum(request.split()[1].decode() == path for request in list(server.requests))


@pytest.mark.parametrize(
    'name,method', [*((name, 'POST') for name in BY_NAME), *itertools.product(ONE_A_CODE, WRITES[1:])]
)
def test_a_write_is_sent_once(scene: Scene, name: str, method: str) -> None:
    result = _ask(scene.options, method=method, path=PATH, body={'name': 'a' * 10})
    code, arrived = result['failure']['code'], _counted(scene.server)
    if code == 'rate_limited':
        assert arrived > 1
        assert not result['changed']
    elif name not in UNSENT and 400 <= (result['status'] or 0) < 500:
        assert (arrived, result['changed']) == (1, False)
    else:
        assert arrived <= 1
        # what the server has not read can have arrived too
        assert result['changed'] or not arrived
    if name in UNSENT:
        assert (arrived, result['changed']) == (0, False)
        assert result['requests'] == (RETRIES + 1 if result['failure']['retryable'] else 1)
    if code not in (*REFUSED, 'dns', 'connect', 'timeout'):
        assert result['requests'] == 1


@pytest.mark.parametrize(
    'name,method,path', [*((name, 'GET', PATH) for name in BY_NAME), *((name, 'POST', SEARCH) for name in ONE_A_CODE)]
)
def test_a_read_is_retried_as_a_login_is(scene: Scene, name: str, method: str, path: str) -> None:
    login = None
    try:
        perform(Login(), {**scene.options, 'retries': 1, 'token_cache': False}, CONTEXT)
    except FireflyError as error:
        login = error
    scene.server.connections = 0
    scene.server.requests.clear()
    result = _ask(scene.options, retries=1, method=method, path=path)
    code = result['failure']['code']
    assert not result['changed']
    if login is None or login.status in range(200, 300):
        assert code in ('ok', 'invalid_response', 'response_too_large')
        assert result['requests'] == (2 if BY_NAME[name].first else 1)
        return
    assert (code, result['status']) == (login.code, login.status)
    if code == 'rate_limited':
        assert result['requests'] > 1
    elif code == 'unauthorized':
        assert _counted(scene.server, path) == 1
    elif BY_NAME[name].tls != 'client':  # this one ends with or without an alert
        assert result['requests'] == (2 if login.retryable else 1)


STATUSES = (200, 201, 302, 401, 403, 404, 409, 429, 500, 502, 503, 504)
ANSWERS: dict[str, Talk] = {
    **{str(status): http(status, '{}') for status in STATUSES},
    '429, in no time': http(429, '', 'Retry-After: 0'),
    '429, in a second': http(429, '', 'Retry-After: 1'),
    '503, in no time': http(503, '', 'Retry-After: 0'),
    'no JSON': http(200, 'hello'),
    'close': close,
    'reset': reset(),
    'reset in the headers': reset(HEAD[:20]),
    'reset in the body': reset(HEAD + b'Content-Length: 9\r\n\r\n{'),
    'headers that drip': drip(HEAD + b'\r\n', pause=0.02),
    'no response': hang(),
}
SLOW = {'headers that drip', 'no response'}
AGAIN = ('401', '429', '429, in no time', '429, in a second')
REFUSALS = (*AGAIN, '403', '404', '409')


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@example(['401', '500', '200'], 'PUT', 0)
@example(['429', '401', '503', '200'], 'DELETE', 0)
@given(
    st.lists(st.sampled_from(list(ANSWERS)), min_size=1, max_size=5),
    st.sampled_from(WRITES),
    st.sampled_from([0, 1, 3_000_000]),
)
def test_a_write_is_sent_again_only_after_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], method: str, size: int
) -> None:
    """The server gives any series of answers. The login is healthy and gives another token."""
    answers, answered = itertools.chain(names, itertools.repeat('429')), []

    def talk(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b'POST /v2/login '):
            http(200, json.dumps({'accessToken': FRESH, 'expiresAt': int(time.time()) + 3600}))(connection, request)
        else:
            answered.append(next(answers))
            ANSWERS[answered[-1]](connection, request)

    with pytest.MonkeyPatch.context() as patch, RawServer(talk) as server:
        patch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path_factory.mktemp('run')))
        options = {'api_url': server.url, 'timeout': 1 if SLOW.intersection(names) else 30}
        result = _ask(options, method=method, path=PATH, body='a' * size and ['a' * size])
        sent = [request for request in server.requests if request.startswith(f'{method} {PATH} '.encode())]
        logins = len(server.requests) - len(sent)
    assert set(answered[:-1]) <= set(AGAIN), answered
    assert len({request.partition(b'\r\n\r\n')[2] for request in sent}) == 1
    assert result['requests'] == len(sent) == len(answered)
    assert logins == ('401' in answered)
    assert result['changed'] == (answered[-1] not in REFUSALS)


@pytest.mark.parametrize('method', WRITES)
@pytest.mark.parametrize(
    'talk',
    [close, reset(), lambda connection, request: time.sleep(1), http(503, '{}', 'Connection: close')],
    ids=['close', 'reset', 'stall', '503'],
)
def test_a_server_that_ends_in_the_middle_of_a_long_body(talk: Talk, method: str) -> None:
    with RawServer(talk, reads='headers') as server:
        options = {'api_url': server.url, 'timeout': 0.3}
        result = _ask(options, method=method, path=PATH, body=['a' * 20_000_000])
    assert server.connections == 1
    assert result['failure']['code'] in ('connect', 'timeout', 'server_error')
    assert result['changed']


#: Healthy, and a proxy's code without a proxy, besides.
NAMES = [*ONE_A_CODE, 'a 204', 'a 407']


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A play with a host for each fault, whose variables hold the options. The unit tests have all faults."""
    folder = tmp_path_factory.mktemp('run')
    (folder / 'host_vars').mkdir()
    with contextlib.ExitStack() as stack:
        for number, name in enumerate(NAMES):
            scene = stack.enter_context(stage(BY_NAME[name], folder))
            variables = {f'firefly_{option}': value for option, value in scene.options.items()}
            variables['proxy'] = scene.environment
            (folder / f'host_vars/fault{number}.yml').write_text(yaml.safe_dump(variables))
        proxy = {'environment': '{{ proxy }}'}
        tasks = [
            task('login', LOGIN, {'token_cache': False}, **proxy),
            task('health', HEALTH, **proxy),
            task('api', API_MODULE, {'path': 'projects', 'token_cache': False}, **proxy),
            lookup('lookup', "'expires_at', token_cache=false", **proxy),
        ]
        hosts = [f'fault{number}' for number in range(len(NAMES))]
        return run_tasks(folder, tasks, hosts=hosts, arguments=['-f', '12', '-vvv'])


@pytest.mark.parametrize('name', NAMES)
def test_every_edge_reports_the_code(run: Run, name: str) -> None:
    results, code = run.registered[f'fault{NAMES.index(name)}'], BY_NAME[name].code
    for edge in ('login', 'api'):
        assert results[edge].get('failure', {'code': 'ok'})['code'] == code
        assert results[edge]['failed'] == (code != 'ok')
    health = results['health']
    expected = {204: 'ok', 200: 'unexpected_status'}.get(health['status'], code)
    assert health['code'] == expected
    assert health['failed'] == (expected != 'ok') == (not health['healthy'])
    if code == 'ok':
        assert int(results['lookup']['ansible_facts']['value']) > time.time() + 60
    elif not BY_NAME[name].proxy:  # the environment of a task does not reach a lookup
        # the same sentence as the module's, which a lookup puts into another one
        assert _words(results['login']['msg']) in _words(results['lookup']['msg'])


def _words(text: str) -> str:
    # without the reason, which can differ from one request to the next
    return re.sub(r' \(.*?\)', '', re.sub(r'\s+', ' ', text))


def test_no_secret_is_in_the_output(run: Run) -> None:
    assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN, PROXY_PASSWORD], [run.output])) == []
    assert 'Traceback (most recent call last)' not in run.output
