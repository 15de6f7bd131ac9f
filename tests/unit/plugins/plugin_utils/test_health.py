# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import socket
import time
import typing as t

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _health, _progress, _retry
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import Health
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault
from helpers import client
from helpers.operations import perform
from helpers.raw_server import RawServer, full_backlog, nobody

KEYS = {'healthy', 'reachable', 'status', 'code', 'latency_ms', 'requests', 'waited', 'checked_at', 'api_url', 'msg'}


class Checked(t.NamedTuple):
    values: dict[str, t.Any]
    error: FireflyError | None
    lines: list[str]
    """The lines of progress."""
    seconds: float


def check(url: str, **options: t.Any) -> Checked:
    """Check the health. ``pause`` replaces ``wait_sleep``, which takes whole seconds only."""
    pause = options.pop('pause', None)
    validated = Health().validate(Options({'api_url': url, 'retries': 0, 'timeout': 10, **options}))
    if pause is not None:
        validated = validated.replace(wait_sleep=pause)
    lines: list[str] = []
    started = time.monotonic()
    values, error = Health().run(validated, Context(lines.append))
    assert set(values) == KEYS
    assert (values['healthy'], values['code']) == (error is None, error.code if error else 'ok')
    assert values['msg'] == str(error) if error else 'is up' in values['msg']
    return Checked(values, error, lines, time.monotonic() - started)


def failure(url: str, code: str, **options: t.Any) -> Checked:
    result = check(url, **options)
    assert result.error
    assert result.error.code == code
    assert result.values['status'] == result.error.status
    return result


@pytest.mark.parametrize('wait', [False, True])
def test_a_204_is_healthy(wait: bool) -> None:
    with FakeFirefly(prefix='/firefly', tls=True) as firefly:
        values, _error, lines, _seconds = check(f'{firefly.url}/v2/', ca_path=firefly.ca_path, wait=wait)
    latency, checked_at = values.pop('latency_ms'), values.pop('checked_at')
    assert latency.__class__ is int
    assert 0 <= latency < 10_000
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', checked_at)
    told = {'healthy': True, 'reachable': True, 'status': 204, 'code': 'ok', 'requests': 1, 'waited': 0.0}
    message = f'Firefly at {firefly.url} is up, seen from the controller.'
    assert values == {**told, 'api_url': firefly.url, 'msg': message}
    assert lines == []


def test_the_request_has_no_keys(firefly: FakeFirefly) -> None:
    check(firefly.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    (request,) = firefly.requests
    assert (request.method, request.path, request.body) == ('GET', '/v2/health', b'')
    assert not {'authorization', 'cookie', 'content-type'} & set(request.headers)
    assert not any(key in str(request.headers) for key in (ACCESS_KEY, SECRET_KEY))


# test_client.py has all statuses
@pytest.mark.parametrize('status,code', [(200, 'unexpected_status'), (503, 'server_error')])
def test_another_status_is_unhealthy(firefly: FakeFirefly, status: int, code: str) -> None:
    firefly.fail(Fault(status=status, body='<html>up</html>', headers={'Content-Type': 'text/html'}))
    values = failure(firefly.url, code).values
    assert (values['reachable'], values['status'], values['api_url']) == (True, status, firefly.url)
    assert values['latency_ms'].__class__ is int
    assert str(status) in values['msg']
    assert '<html>' not in values['msg']


def test_no_response_is_unreachable(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30))
    values = failure(firefly.url, 'timeout', timeout=0.3).values
    assert (values['reachable'], values['status'], values['latency_ms']) == (False, None, None)
    assert (values['requests'], values['api_url']) == (1, firefly.url)
    firefly.fail(Fault(status=503), times=3)
    assert failure(firefly.url, 'server_error', retries=1).values['requests'] == 2
    assert check(firefly.url, retries=1).values['requests'] == 2


@pytest.mark.parametrize(
    'given,code',
    [
        ({'timeout': -1}, 'invalid_option'),
        ({'api_url': 'http://firefly.example'}, 'insecure_url'),
        ({'ca_path': '/nonexistent/ca.pem'}, 'invalid_option'),
    ],
)
def test_a_failure_before_a_request_has_all_values(given: dict[str, t.Any], code: str) -> None:
    error = client.failure(perform, Health(), {'api_url': 'https://127.0.0.1:1', **given})
    values = Health().values_without_response(error)
    assert error.code == values['code'] == code
    assert set(values) == KEYS
    assert (values['reachable'], values['requests'], values['waited']) == (False, 0, 0.0)
    assert values['msg'] == str(error)


# Waiting


def test_waiting_ends_within_wait_timeout(firefly: FakeFirefly, capfd: pytest.CaptureFixture[str]) -> None:
    firefly.health = 'down'
    values, error, lines, seconds = failure(firefly.url, 'server_error', wait=True, wait_timeout=3, pause=0.3)
    assert 1.5 < seconds < 8
    assert 'not up within wait_timeout' in str(error)
    assert values['status'] == 503
    assert values['requests'] == firefly.count('GET', '/v2/health') > 2
    assert 0.3 < values['waited'] < 3
    assert len(lines) == 1
    assert capfd.readouterr() == ('', '')


def test_waiting_ends_within_wait_timeout_at_the_rate_limit_too(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=429, headers={'Retry-After': '60'}), times=None)
    values, _error, lines, seconds = failure(firefly.url, 'rate_limited', wait=True, wait_timeout=3)
    assert 1.5 < seconds < 7
    assert 'Waiting because of the rate limit, 3 s left: ' in lines[0]
    assert values['requests'] == 2


def test_a_request_that_hangs_or_stalls_does_not_outlast_the_wait(
    firefly: FakeFirefly, serve: t.Callable[..., t.Any]
) -> None:
    firefly.fail(Fault(delay=60), times=None)
    assert failure(firefly.url, 'timeout', wait=True, wait_timeout=2, timeout=30, pause=0.1).seconds < 7

    def talk(connection: socket.socket, request: bytes) -> None:
        time.sleep(1.7)
        connection.sendall(b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n')
        connection.recv(1)

    assert failure(serve(talk).url, 'server_error', wait=True, wait_timeout=4, timeout=30).seconds < 5


@pytest.mark.parametrize('report_every,timeout', [(0.5, 60), (30, 0.5)])
def test_a_request_that_hangs_is_given_up_and_reported(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch, report_every: float, timeout: float
) -> None:
    for module in (_health, _progress):
        assert module.REPORT_EVERY == 30
        monkeypatch.setattr(module, 'REPORT_EVERY', report_every)
    firefly.fail(Fault(delay=60))
    values, _error, lines, seconds = check(firefly.url, wait=True, timeout=timeout, pause=0.1)
    assert values['requests'] == 2
    assert seconds < 8
    assert 'timed out' in lines[0]


def test_waiting_replaces_the_retries(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=3)
    values = check(firefly.url, wait=True, wait_timeout=60, wait_sleep=7, retries=50).values
    assert values['requests'] == firefly.count('GET', '/v2/health') == 4
    assert pauses == [7] * 3


def test_the_pauses_after_refusals_grow(
    firefly: FakeFirefly, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_health, 'rate_limit_pause', lambda refusals, error: refusals + error.response.retry_after)
    for status, times in ((429, 3), (503, 1), (429, 1)):
        firefly.fail(Fault(status=status, headers={'Retry-After': '10'}), times)
    check(firefly.url, wait=True, wait_sleep=7)
    assert pauses == [11, 12, 13, 7, 11]


def test_each_change_of_state_is_reported_once(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, times in ((Fault(status=503), 3), (Fault(status=429), 2), (Fault(reset='before'), 2)):
        firefly.fail(fault, times)
    monkeypatch.setattr(_retry, 'WINDOW', 0.1)
    values, _error, lines, _seconds = check(firefly.url, wait=True, wait_timeout=60, pause=0.1)
    assert values['requests'] == firefly.count('GET', '/v2/health') == 8
    assert 0.5 <= values['waited'] < 30
    assert values['waited'] == round(values['waited'], 1)
    assert len(lines) == 4
    texts = ['503', '429', 'connection', f'Firefly at {firefly.url} is up. It took {values["waited"]:.0f} s.']
    assert all(text in line for text, line in zip(texts, lines, strict=True))


def test_a_response_that_may_be_from_a_proxy_does_not_end_the_wait(firefly: FakeFirefly, pauses: list[float]) -> None:
    for status in (200, 302, 401, 404, 500):
        firefly.fail(Fault(status=status))
    assert check(firefly.url, wait=True).values['requests'] == 6


@pytest.mark.parametrize(
    'url,proxy,code',
    [
        ('https://firefly..invalid', None, 'invalid_option'),
        ('https://firefly.invalid', 'socks5://127.0.0.1:1', 'proxy'),  # without the library for it
        ('https://firefly.invalid', 'ftp://127.0.0.1:1', 'proxy'),
        ('https://firefly.invalid', 'http:///', 'proxy'),
    ],
)
def test_an_address_that_waiting_cannot_fix_ends_the_wait(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None, code: str
) -> None:
    if proxy:
        monkeypatch.setenv('https_proxy', proxy)
    ends_at_once(url, code)


def test_a_certificate_that_waiting_cannot_fix_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeFirefly(tls=True) as firefly:
        ends_at_once(firefly.url, 'tls', requests=1)
        monkeypatch.setattr('requests.adapters.DEFAULT_CA_BUNDLE_PATH', '/nonexistent/bundle.pem')
        ends_at_once(firefly.url, 'tls')


def ends_at_once(url: str, code: str, requests: int = 0) -> None:
    values, error, lines, _seconds = failure(url, code, wait=True, wait_timeout=5, pause=0.1)
    assert (values['requests'], values['reachable']) == (requests, False)
    assert 'not up within' not in str(error)
    assert lines == []


def test_a_proxy_that_is_down_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody() as port:
        monkeypatch.setenv('https_proxy', f'http://127.0.0.1:{port}')
        url = 'https://firefly.invalid'
        assert failure(url, 'proxy', wait=True, wait_timeout=2, pause=0.1).values['requests'] > 1


def test_a_host_whose_addresses_do_not_respond_does_not_outlast_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as port:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, '', ('127.0.0.1', port))] * 4
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_unused, **_more: found)
        assert failure('https://firefly.invalid', 'timeout', wait=True, wait_timeout=4, pause=0.1).seconds < 7


def test_a_tls_handshake_that_breaks_off_does_not_end_the_wait() -> None:
    def hang_up(connection: socket.socket, request: bytes) -> None:
        connection.recv(65536)

    with RawServer(hang_up, reads='nothing') as server:
        url = server.url.replace('http', 'https')
        assert failure(url, 'tls', wait=True, wait_timeout=2, pause=0.1).values['requests'] > 1
