# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import re
import socket
import time
import typing as t

import pytest
from ansible_collections.firefly.platform.plugins.module_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.module_utils._health import health, health_options
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

KEYS = {
    'healthy',
    'reachable',
    'status_code',
    'code',
    'latency_ms',
    'attempts',
    'waited',
    'checked_at',
    'api_url',
    'msg',
}


def check(url: str, report: t.Callable[[str], None] = lambda line: None, **options: t.Any) -> dict[str, t.Any]:
    """The health, with ``wait_sleep`` of a fraction of a second, which the option itself does not allow."""
    pause = options.pop('pause', None)
    validated = health_options({'api_url': url, 'retries': 0, 'timeout': 10, **options})
    if pause is not None:
        validated['wait_sleep'] = pause
    result = health(validated, report)
    assert set(result) == KEYS
    return result


def failure(url: str, **options: t.Any) -> tuple[FireflyError, dict[str, t.Any]]:
    with pytest.raises(FireflyError) as failed:
        check(url, **options)
    error = failed.value
    assert set(error.result) == KEYS
    assert error.result['healthy'] is False
    assert error.result['code'] == error.code
    assert error.result['msg'] == str(error)
    return error, error.result


@pytest.fixture
def nobody() -> t.Iterator[str]:
    """An address where nobody listens, nor will as long as the test runs."""
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        yield f'http://127.0.0.1:{held.getsockname()[1]}'


def test_a_204_is_healthy(firefly: FakeFirefly) -> None:
    result = check(firefly.url)
    assert (result['healthy'], result['reachable'], result['status_code'], result['code']) == (True, True, 204, 'ok')
    assert (result['attempts'], result['waited']) == (1, 0.0)
    assert result['latency_ms'].__class__ is int
    assert 0 <= result['latency_ms'] < 10_000
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', result['checked_at'])
    assert result['api_url'] == firefly.url
    assert result['msg'] == f'Firefly at {firefly.url} is up.'


def test_no_keys_are_sent(firefly: FakeFirefly) -> None:
    check(firefly.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    (request,) = firefly.requests
    assert (request.method, request.path, request.body) == ('GET', '/v2/health', b'')
    assert not {'authorization', 'cookie', 'content-type'} & set(request.headers)
    assert not any(key in str(request.headers) for key in (ACCESS_KEY, SECRET_KEY))


@pytest.mark.parametrize('suffix', ['', '/', '/v2', '/v2/'])
def test_each_spelling_of_the_address(suffix: str) -> None:
    with FakeFirefly(prefix='/firefly') as firefly:
        assert check(firefly.url + suffix)['api_url'] == firefly.url


@pytest.mark.parametrize(
    'status,code,retryable',
    [
        (200, 'unexpected_status', False),
        (202, 'unexpected_status', False),
        (302, 'redirect', False),
        (400, 'unexpected_status', False),
        (401, 'unauthorized', False),
        (403, 'forbidden', False),
        (404, 'not_found', False),
        (429, 'rate_limited', True),
        (500, 'server_error', False),
        (503, 'server_error', True),
    ],
)
def test_anything_else_is_unhealthy(firefly: FakeFirefly, status: int, code: str, retryable: bool) -> None:
    firefly.fail(Fault(status=status, body='<html>up</html>', headers={'Content-Type': 'text/html'}))
    error, result = failure(firefly.url)
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert (result['reachable'], result['status_code'], result['api_url']) == (True, status, firefly.url)
    assert result['latency_ms'].__class__ is int
    assert str(status) in error.result['msg']
    assert '<html>' not in error.result['msg']


def test_nobody_there(nobody: str) -> None:
    error, result = failure(nobody)
    assert (error.code, error.retryable) == ('connect', True)
    assert (result['reachable'], result['status_code'], result['latency_ms']) == (False, None, None)
    assert (result['attempts'], result['api_url']) == (1, nobody)


def test_no_answer_in_time(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30))
    error, result = failure(firefly.url, timeout=0.3)
    assert (error.code, result['reachable']) == ('timeout', False)


def test_attempts_are_counted(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503))
    assert check(firefly.url, retries=1)['attempts'] == 2
    firefly.fail(Fault(status=503), times=None)
    assert failure(firefly.url, retries=1)[1]['attempts'] == 2


def test_unhealthy_can_be_an_answer(firefly: FakeFirefly, nobody: str) -> None:
    firefly.health = 'down'
    result = check(firefly.url, fail_when_unhealthy=False)
    assert (result['healthy'], result['status_code'], result['code']) == (False, 503, 'server_error')
    assert result['msg']
    result = check(nobody, fail_when_unhealthy=False)
    assert (result['healthy'], result['reachable'], result['code']) == (False, False, 'connect')


@pytest.mark.parametrize(
    'given,code',
    [
        ({'timeout': -1}, 'invalid_option'),
        ({'wait': 'maybe'}, 'invalid_option'),
        ({'min_ttl': 5}, 'invalid_option'),
        ({'api_url': 'ftp://x'}, 'invalid_option'),
        ({'api_url': 'http://firefly.example'}, 'insecure_url'),
        ({'ca_path': '/nonexistent/ca.pem'}, 'invalid_option'),
    ],
)
def test_a_wrong_option_fails_with_all_keys(given: dict[str, t.Any], code: str) -> None:
    options = {'api_url': 'https://127.0.0.1:1', 'fail_when_unhealthy': False, **given}
    with pytest.raises(FireflyError) as failed:
        health(health_options(options))
    error = failed.value
    assert error.code == error.result['code'] == code
    assert set(error.result) == KEYS
    assert (error.result['reachable'], error.result['attempts']) == (False, 0)
    assert error.result['msg'] == str(error)


def test_waiting_for_one_that_is_up_asks_once(firefly: FakeFirefly) -> None:
    lines: list[str] = []
    result = check(firefly.url, lines.append, wait=True)
    assert (result['attempts'], result['waited'], lines) == (1, 0.0, [])


def test_waiting_for_one_that_comes_up_late() -> None:
    lines: list[str] = []
    with FakeFirefly(health_up_after=0.6) as firefly:
        result = check(firefly.url, lines.append, wait=True, wait_timeout=60, pause=0.1)
        assert result['attempts'] == firefly.count('GET', '/v2/health') > 2
    assert (result['healthy'], result['status_code'], result['code']) == (True, 204, 'ok')
    assert 0.2 <= result['waited'] < 30
    assert len(lines) == 2
    assert '503' in lines[0]
    assert lines[1].startswith(result['msg'])


def test_waiting_for_a_server_that_is_yet_to_start() -> None:
    with socket.create_server(('127.0.0.1', 0)) as free:
        server = FakeFirefly(port=free.getsockname()[1])
    lines: list[str] = []
    with contextlib.ExitStack() as stack:

        def report(line: str) -> None:
            if not lines:
                stack.enter_context(server)
            lines.append(line)

        result = check(f'http://127.0.0.1:{server.port}', report, wait=True, wait_timeout=60, pause=0.05)
    assert (result['healthy'], result['attempts']) == (True, 2)
    assert 'connection' in lines[0]
    assert len(lines) == 2


def test_waiting_in_vain_ends(firefly: FakeFirefly) -> None:
    firefly.health = 'down'
    lines: list[str] = []
    started = time.monotonic()
    error, result = failure(firefly.url, report=lines.append, wait=True, wait_timeout=1, pause=0.2)
    assert 1 <= time.monotonic() - started < 15
    assert (error.code, error.status, result['status_code']) == ('server_error', 503, 503)
    assert str(error).startswith('Firefly was not up within 1 s: ')
    assert result['attempts'] == firefly.count('GET', '/v2/health') > 2
    assert 0.5 < result['waited'] < 15
    assert len(lines) == 1


def test_waiting_in_vain_can_be_an_answer(firefly: FakeFirefly) -> None:
    firefly.health = 'down'
    result = check(firefly.url, wait=True, wait_timeout=1, pause=0.3, fail_when_unhealthy=False)
    assert result['healthy'] is False
    assert result['msg'].startswith('Firefly was not up within 1 s: ')


def test_a_request_that_hangs_does_not_outlast_the_waiting(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=60), times=None)
    started = time.monotonic()
    error, _unused = failure(firefly.url, wait=True, wait_timeout=1, timeout=30, pause=0.1)
    assert error.code == 'timeout'
    assert time.monotonic() - started < 15


def test_while_waiting_each_request_is_made_once(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=3)
    result = check(firefly.url, wait=True, wait_timeout=60, pause=0.05, retries=50)
    assert result['attempts'] == firefly.count('GET', '/v2/health') == 4
    assert pauses == []


def test_each_change_of_state_is_reported_once(firefly: FakeFirefly) -> None:
    for fault, times in ((Fault(status=503), 3), (Fault(status=429), 2), (Fault(reset='before'), 2)):
        firefly.fail(fault, times)
    lines: list[str] = []
    check(firefly.url, lines.append, wait=True, wait_timeout=60, pause=0.02)
    assert len(lines) == 4
    assert all(text in line for text, line in zip(['503', '429', 'connection', 'is up'], lines, strict=True))


@pytest.mark.parametrize('status', [200, 302, 401, 404, 500])
def test_waiting_goes_on_after_an_answer_that_may_be_of_a_proxy(firefly: FakeFirefly, status: int) -> None:
    firefly.fail(Fault(status=status))
    assert check(firefly.url, wait=True, wait_timeout=60, pause=0.02)['attempts'] == 2


def test_waiting_does_not_mend_a_certificate() -> None:
    lines: list[str] = []
    with FakeFirefly(tls=True) as firefly:
        error, result = failure(firefly.url, report=lines.append, wait=True, wait_timeout=5, pause=0.1)
    assert (error.code, result['attempts'], result['reachable']) == ('tls', 1, False)
    assert 'not up within' not in str(error)
    assert lines == []


def test_waiting_does_not_mend_a_host_name() -> None:
    error, result = failure('https://firefly..invalid', wait=True, wait_timeout=5, pause=0.1)
    assert (error.code, result['attempts'], result['reachable']) == ('invalid_option', 1, False)


def test_over_tls() -> None:
    with FakeFirefly(tls=True) as firefly:
        assert check(firefly.url, ca_path=firefly.ca_path)['healthy'] is True
