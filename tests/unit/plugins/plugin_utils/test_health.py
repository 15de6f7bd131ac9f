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
from ansible_collections.firefly.platform.plugins.plugin_utils import _health, _pauses
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import HEALTH, health, validate_health
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Outcome
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

KEYS = {'healthy', 'reachable', 'status', 'code', 'latency_ms', 'attempts', 'waited', 'checked_at', 'api_url', 'msg'}


def ask(url: str, report: t.Callable[[str], None] = lambda line: None, **options: t.Any) -> Outcome:
    """The outcome. ``pause`` stands for ``wait_sleep``, which takes whole seconds only."""
    pause = options.pop('pause', None)
    validated = dict(validate_health({'api_url': url, 'retries': 0, 'timeout': 10, **options}))
    if pause is not None:
        validated['wait_sleep'] = pause
    outcome = health(validated, Context(report))
    assert set(outcome.values) == KEYS
    return outcome


def check(url: str, report: t.Callable[[str], None] = lambda line: None, **options: t.Any) -> dict[str, t.Any]:
    """The values of a Firefly that is up."""
    outcome = ask(url, report, **options)
    assert outcome.error is None
    return outcome.values


def failure(
    url: str, report: t.Callable[[str], None] = lambda line: None, **options: t.Any
) -> tuple[FireflyError, dict[str, t.Any]]:
    outcome = ask(url, report, **options)
    assert outcome.error
    assert outcome.values['healthy'] is False
    assert outcome.values['code'] == outcome.error.code
    assert outcome.values['msg'] == str(outcome.error)
    return outcome.error, outcome.values


@pytest.fixture
def nobody() -> t.Iterator[str]:
    """An address where nobody listens, nor will as long as the test runs."""
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        yield f'http://127.0.0.1:{held.getsockname()[1]}'


def test_a_204_is_healthy(firefly: FakeFirefly) -> None:
    result = check(firefly.url)
    assert (result['healthy'], result['reachable'], result['status'], result['code']) == (True, True, 204, 'ok')
    assert (result['attempts'], result['waited']) == (1, 0.0)
    assert result['latency_ms'].__class__ is int
    assert 0 <= result['latency_ms'] < 10_000
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', result['checked_at'])
    assert result['api_url'] == firefly.url
    assert result['msg'] == f'Firefly at {firefly.url} is up, seen from the controller.'


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
    assert (result['reachable'], result['status'], result['api_url']) == (True, status, firefly.url)
    assert result['latency_ms'].__class__ is int
    assert str(status) in result['msg']
    assert '<html>' not in result['msg']


def test_nobody_there(nobody: str) -> None:
    error, result = failure(nobody)
    assert (error.code, error.retryable) == ('connect', True)
    assert (result['reachable'], result['status'], result['latency_ms']) == (False, None, None)
    assert (result['attempts'], result['api_url']) == (1, nobody)


def test_no_response_in_time(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30))
    error, result = failure(firefly.url, timeout=0.3)
    assert (error.code, result['reachable']) == ('timeout', False)


def test_attempts_are_counted(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503))
    assert check(firefly.url, retries=1)['attempts'] == 2
    firefly.fail(Fault(status=503), times=None)
    assert failure(firefly.url, retries=1)[1]['attempts'] == 2


@pytest.mark.parametrize(
    'given,code',
    [
        ({'timeout': -1}, 'invalid_option'),
        ({'wait': 'maybe'}, 'invalid_option'),
        ({'min_tll': 5}, 'invalid_option'),
        ({'api_url': 'ftp://x'}, 'invalid_option'),
        ({'api_url': 'http://firefly.example'}, 'insecure_url'),
        ({'ca_path': '/nonexistent/ca.pem'}, 'invalid_option'),
    ],
)
def test_a_wrong_option_fails_with_all_keys(given: dict[str, t.Any], code: str) -> None:
    with pytest.raises(FireflyError) as failed:
        health(validate_health({'api_url': 'https://127.0.0.1:1', **given}), Context(print))
    values = HEALTH.failed(failed.value)
    assert failed.value.code == values['code'] == code
    assert set(values) == KEYS
    assert (values['reachable'], values['attempts'], values['msg']) == (False, 0, str(failed.value))


def test_waiting_for_one_that_is_up_asks_once(firefly: FakeFirefly) -> None:
    lines: list[str] = []
    result = check(firefly.url, lines.append, wait=True)
    assert (result['attempts'], result['waited'], lines) == (1, 0.0, [])


def test_waiting_for_one_that_comes_up_late() -> None:
    lines: list[str] = []
    with FakeFirefly(health_up_after=0.6) as firefly:
        result = check(firefly.url, lines.append, wait=True, wait_timeout=60, pause=0.1)
        assert result['attempts'] == firefly.count('GET', '/v2/health') > 2
    assert (result['healthy'], result['status'], result['code']) == (True, 204, 'ok')
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


def test_waiting_for_one_that_stays_down_ends(firefly: FakeFirefly, capfd: pytest.CaptureFixture[str]) -> None:
    firefly.health = 'down'
    lines: list[str] = []
    started = time.monotonic()
    error, result = failure(firefly.url, report=lines.append, wait=True, wait_timeout=3, pause=0.5)
    assert 1 < time.monotonic() - started < 8
    assert (error.code, error.status, result['status']) == ('server_error', 503, 503)
    assert str(error).startswith('Firefly was not up within wait_timeout: ')
    assert result['attempts'] == firefly.count('GET', '/v2/health') > 2
    assert 0.5 < result['waited'] < 3
    assert len(lines) == 1
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('sleep', [1, 2])
def test_it_pauses_between_two_requests(firefly: FakeFirefly, sleep: int) -> None:
    firefly.fail(Fault(status=503), times=2)
    started = time.monotonic()
    assert check(firefly.url, wait=True, wait_sleep=sleep)['attempts'] == 3
    assert time.monotonic() - started >= 2 * sleep


def test_it_says_now_and_then_that_nothing_changes(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _pauses.REPORT_EVERY == 30
    monkeypatch.setattr(_pauses, 'REPORT_EVERY', 0.5)
    firefly.fail(Fault(status=503))
    lines: list[str] = []
    check(firefly.url, lines.append, wait=True, wait_sleep=2)
    *waiting, end = lines
    assert 3 <= len(waiting) <= 5
    assert len(set(waiting)) > 1
    assert all(re.match(r'Waiting for Firefly, \d+ s left: .* 503', line) for line in waiting)
    assert 'is up' in end


def test_a_request_that_hangs_does_not_keep_it_silent(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_health, _pauses):
        monkeypatch.setattr(module, 'REPORT_EVERY', 0.5)
    firefly.fail(Fault(delay=60), times=2)
    lines: list[str] = []
    assert check(firefly.url, lines.append, wait=True, wait_timeout=60, timeout=60, pause=0.1)['attempts'] == 3
    assert 'no complete response in time' in lines[0]


def test_a_request_that_hangs_does_not_outlast_the_waiting(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=60), times=None)
    started = time.monotonic()
    error, _unused = failure(firefly.url, wait=True, wait_timeout=3, timeout=30, pause=0.1)
    assert error.code == 'timeout'
    assert time.monotonic() - started < 8


def test_a_response_that_stalls_does_not_outlast_the_waiting(serve: t.Callable[..., t.Any]) -> None:
    def talk(connection: socket.socket, request: bytes) -> None:
        time.sleep(2.8)
        connection.sendall(b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n')
        connection.recv(1)

    started = time.monotonic()
    error, _unused = failure(serve(talk).url, wait=True, wait_timeout=6, timeout=30)
    assert error.status == 503
    assert time.monotonic() - started < 7.5


def test_while_waiting_each_request_is_made_once(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=3)
    result = check(firefly.url, wait=True, wait_timeout=60, pause=0.05, retries=50)
    assert result['attempts'] == firefly.count('GET', '/v2/health') == 4
    assert pauses == [0.05] * 3


def test_each_change_of_state_is_reported_once(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, times in ((Fault(status=503), 3), (Fault(status=429), 2), (Fault(reset='before'), 2)):
        firefly.fail(fault, times)
    lines: list[str] = []
    monkeypatch.setattr(_pauses, 'WINDOW', 0.1)
    check(firefly.url, lines.append, wait=True, wait_timeout=60, pause=0.02)
    assert len(lines) == 4
    assert all(text in line for text, line in zip(['503', '429', 'connection', 'is up'], lines, strict=True))


@pytest.mark.parametrize('status', [200, 302, 401, 404, 500])
def test_waiting_goes_on_after_a_response_that_may_be_of_a_proxy(firefly: FakeFirefly, status: int) -> None:
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


@pytest.mark.parametrize('retry_after', [None, 60])
def test_waiting_ends_in_time_when_the_rate_limit_refuses(firefly: FakeFirefly, retry_after: int | None) -> None:
    firefly.rate_limit, firefly.retry_after = 1, retry_after
    check(firefly.url)
    lines: list[str] = []
    started = time.monotonic()
    error, result = failure(firefly.url, report=lines.append, wait=True, wait_timeout=4)
    assert 2.5 < time.monotonic() - started < 8
    assert (error.code, result['status']) == ('rate_limited', 429)
    assert 'Waiting for Firefly, 4 s left: ' in lines[0]
    assert result['attempts'] == firefly.count('GET', '/v2/health') - 1 >= 2


def test_waiting_outlives_the_rate_limit(firefly: FakeFirefly) -> None:
    firefly.rate_limit, firefly.rate_window, firefly.retry_after = 1, 2, 1
    check(firefly.url)
    assert check(firefly.url, wait=True, wait_timeout=100)['attempts'] > 1


def test_over_tls() -> None:
    with FakeFirefly(tls=True) as firefly:
        assert check(firefly.url, ca_path=firefly.ca_path)['healthy'] is True
