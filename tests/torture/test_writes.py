# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A write is never sent twice, and is a change wherever it can have arrived; what only reads is tried again."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils import _pauses
from ansible_collections.firefly.platform.plugins.plugin_utils._api import API, validate_api
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import request_token
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, perform
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token
from ansible_collections.firefly.platform.plugins.plugin_utils._token_cache import token_of_run
from helpers.needles import leaks
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torture.wire_faults import ACCESS_KEY, FAULTS, HEAD, SECRET_KEY, TOKEN, Fault, Server, drip, http, reset, serve

BY_NAME = {fault.name: fault for fault in FAULTS}
CONTEXT = Context(report=lambda line: None)
WRITES = ('POST', 'PUT', 'PATCH', 'DELETE')
PATH = '/v2/runners/projects'
RETRIES = 3
# the server did nothing: it wants another token, or fewer requests
REFUSED = ('unauthorized', 'rate_limited')
# there is no connection to the server
UNSENT = (
    'a host name that does not exist',
    'nobody listens',
    'a network that cannot be reached',
    'a server that accepts no connection',
    'a proxy where nobody listens',
    'a proxy that wants a password',
    'a proxy that says no',
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The pauses are short, and this test has a run of its own."""
    monkeypatch.setattr(_pauses, 'WINDOW', 0.02)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server of a fault, which times out sooner than for a login."""
    with serve(BY_NAME[request.param], tmp_path) as server:
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value)
        if server.fault.options.get('timeout'):
            server.options['timeout'] = 0.3
        yield server


def _raw(server: Server, retries: int = RETRIES, **asked: Any) -> dict[str, Any]:
    keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}
    return {**server.options, **keys, 'api_url': server.url, 'retries': retries, **asked}


def _ask(server: Server, **asked: Any) -> dict[str, Any]:
    """What a task returns that has a token of its run: the fault is for what it asks."""
    raw = _raw(server, **asked)
    kept = Token(TOKEN, 'Bearer', int(time.time()) + 3600, time.monotonic() + 3600)
    token_of_run(validate_api(raw), None, lambda: (kept, 1))
    values, error = perform(API, raw, CONTEXT)
    return {**values, 'failure': error.failure if error else {'code': 'ok', 'status': 200, 'retryable': False}}


def _counted(server: Server, path: str = PATH) -> int:
    """How often the request arrived whole."""
    time.sleep(0.01)  # the server may be counting
    return sum(request.split()[1].decode() == path for request in list(server.requests))


@pytest.mark.parametrize('method', WRITES)
@pytest.mark.parametrize('server', BY_NAME, indirect=True)
def test_a_write_is_sent_once(server: Server, method: str) -> None:
    result = _ask(server, method=method, path=PATH, body={'name': 'a' * 10})
    code, arrived = result['failure']['code'], _counted(server)
    if code not in REFUSED:
        assert arrived <= 1
        # the server counts what it has read; what it has not read can have arrived as well
        assert result['changed'] or not arrived
    elif code == 'unauthorized':
        assert (arrived, result['changed']) == (1, False)
    else:
        assert arrived > 1
        assert not result['changed']
    if server.fault.name in UNSENT:
        assert (arrived, result['changed']) == (0, False)
        assert result['attempts'] == (RETRIES + 1 if result['failure']['retryable'] else 1)
    if code not in (*REFUSED, 'dns', 'connect', 'timeout'):
        assert result['attempts'] == 1
    assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN], [json.dumps(result)])) == []


@pytest.mark.parametrize('server', BY_NAME, indirect=True)
def test_a_read_is_tried_as_often_as_a_login(server: Server) -> None:
    try:
        request_token(validate_api(_raw(server, retries=1, path=PATH)), CONTEXT.report)
    except FireflyError as error:
        login = error
    else:
        login = None
    for method, path in (('GET', PATH), ('POST', '/v2/workspaces/search')):
        server.connections = 0
        server.requests.clear()
        result = _ask(server, retries=1, method=method, path=path)
        code = result['failure']['code']
        assert not result['changed']
        assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN], [json.dumps(result)])) == []
        if login is None or login.status in range(200, 300):
            assert code in ('ok', 'invalid_response', 'response_too_large')
            assert result['attempts'] == (2 if server.fault.url == 'second time good' else 1)
            continue
        assert (code, result['status']) == (login.code, login.status)
        if code == 'rate_limited':
            assert result['attempts'] > 1
        elif code == 'unauthorized':
            assert _counted(server, path) == 1
        elif server.fault.tls != 'client':  # that one ends with an alert or without
            assert result['attempts'] == login.attempts == (2 if login.retryable else 1)


class Answer(NamedTuple):
    """How a server answers a request for which it has read everything."""

    name: str
    fault: Fault
    refuses: bool = False

    def __repr__(self) -> str:
        return self.name


STATUSES = (200, 201, 302, 401, 403, 404, 409, 429, 500, 502, 503, 504)
ANSWERS = [
    *(Answer(f'{status}', Fault('', '', http(status, '{}')), status in (401, 429)) for status in STATUSES),
    Answer('429, in no time', Fault('', '', http(429, '', 'Retry-After: 0')), refuses=True),
    Answer('429, in a second', Fault('', '', http(429, '', 'Retry-After: 1')), refuses=True),
    Answer('503, in no time', Fault('', '', http(503, '', 'Retry-After: 0'))),
    Answer('no JSON', Fault('', '', http(200, 'hello'))),
    Answer('close', Fault('', '', lambda connection: None)),
    Answer('reset', Fault('', '', reset())),
    Answer('reset in the headers', Fault('', '', reset(HEAD[:20]))),
    Answer('reset in the body', Fault('', '', reset(HEAD + b'Content-Length: 9\r\n\r\n{'))),
    Answer('headers that drip', Fault('', '', drip(HEAD + b'\r\n', 0.02))),
    Answer('no response', Fault('', '', lambda connection: time.sleep(1.3))),
]


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@example(['401', '500', '200'], 'PUT', 0)
@example(['429', '401', '503', '200'], 'DELETE', 0)
@given(
    st.lists(st.sampled_from([answer.name for answer in ANSWERS]), min_size=1, max_size=5),
    st.sampled_from(WRITES),
    st.sampled_from([0, 1, 3_000_000]),
)
def test_whatever_a_server_answers_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], method: str, size: int
) -> None:
    """A refused write may come again, until one is not refused. The login is healthy, and its token another one."""
    by_name = {answer.name: answer for answer in ANSWERS}
    answers, given_answers = iter(map(by_name.__getitem__, itertools.chain(names, itertools.repeat('429')))), []

    def handle(connection: Any) -> None:
        if server.requests[-1].startswith(b'POST /v2/login '):
            http(200, json.dumps({'accessToken': 'fresh.token.here', 'expiresAt': int(time.time()) + 3600}))(connection)
            return
        given_answers.append(next(answers))
        assert given_answers[-1].fault.handle
        given_answers[-1].fault.handle(connection)

    folder = tmp_path_factory.mktemp('run')
    with pytest.MonkeyPatch.context() as patch, serve(Fault('', '', handle, options={'timeout': 1}), folder) as server:
        patch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(folder))
        result = _ask(server, method=method, path=PATH, body='a' * size and ['a' * size])
        sent = [request for request in server.requests if request.startswith(f'{method} {PATH} '.encode())]
        logins = len(server.requests) - len(sent)
    assert all(answer.refuses for answer in given_answers[:-1]), given_answers
    assert len({request.partition(b'\r\n\r\n')[2] for request in sent}) == 1
    assert result['attempts'] == len(sent) == len(given_answers)
    assert logins == any(answer.name == '401' for answer in given_answers)
    assert result['changed'] == (not given_answers[-1].refuses)


@pytest.mark.parametrize('method', WRITES)
@pytest.mark.parametrize('how', ['close', 'reset', 'hang', '503'])
def test_a_body_that_is_on_its_way(tmp_path: Path, method: str, how: str) -> None:
    """The server goes away in the middle of a long body, or answers before its end."""
    early = {
        'close': lambda connection: None,
        'reset': reset(),
        'hang': lambda connection: time.sleep(1),
        '503': http(503, '{}', 'Connection: close'),
    }[how]
    with serve(Fault('', '', early=early, options={'timeout': 0.3}), tmp_path) as server:
        result = _ask(server, method=method, path=PATH, body=['a' * 20_000_000])
    assert server.connections == 1
    assert result['failure']['code'] in ('connect', 'timeout', 'server_error')
    assert result['changed']


def test_a_login_that_fails_after_a_refusal_changes_nothing(tmp_path: Path) -> None:
    def handle(connection: Any) -> None:
        http(500 if server.requests[-1].startswith(b'POST /v2/login ') else 401, '{}')(connection)

    with serve(Fault('', '', handle), tmp_path) as server:
        result = _ask(server, method='POST', path=PATH)
    assert _counted(server) == 1
    assert result['failure']['code'] == 'server_error'
    assert not result['changed']


@pytest.mark.parametrize('status', [201, 403])
def test_what_a_login_says_after_a_refusal_is_not_returned(tmp_path: Path, status: int) -> None:
    """It can hold a token that nobody has masked."""

    def handle(connection: Any) -> None:
        body = json.dumps({'accessToken': 'a-new.token.to-hide', 'expiresAt': 1})
        http(*((status, body) if server.requests[-1].startswith(b'POST /v2/login ') else (401, '{}')))(connection)

    with serve(Fault('', '', handle), tmp_path) as server:
        result = _ask(server, method='POST', path=PATH)
    assert 'a-new.token.to-hide' not in json.dumps(result)
