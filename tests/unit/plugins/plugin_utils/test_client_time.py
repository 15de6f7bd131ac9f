# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an attempt takes where the server is slow. Only headers that drip have no limit."""

from __future__ import annotations

import socket
import threading
import time
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import LOGIN_OPTIONS, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

TIMEOUT = 0.5
JSON_BODY = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
PATIENCE = 15.0  # generous, for noisy machines, and far below what the servers here would take


def timed_failure(url: str, **options: t.Any) -> tuple[FireflyError, float]:
    keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}
    given = {'api_url': url, **keys, 'retries': 0, 'timeout': TIMEOUT, **options}
    started = time.monotonic()
    client = FireflyClient(validate(LOGIN_OPTIONS, given), print)
    with pytest.raises(FireflyError) as failed:
        client.request(Request('POST', '/v2/login', expect=(200,), json=JSON_BODY))
    assert SECRET_KEY not in str(failed.value)
    return failed.value, time.monotonic() - started


def drip(connection: socket.socket, data: bytes) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
LONG = b'x' * 600  # drips for 30 s


@pytest.mark.parametrize(
    'talk',
    [
        lambda connection, request: connection.recv(1),
        lambda connection, request: (connection.sendall(HEAD), connection.recv(1)),
        lambda connection, request: (connection.sendall(HEAD + b'Content-Length: 9\r\n\r\n{"a"'), connection.recv(1)),
        lambda connection, request: (connection.sendall(HEAD + b'Content-Length: 600\r\n\r\n'), drip(connection, LONG)),
        lambda connection, request: (connection.sendall(HEAD + b'\r\n'), drip(connection, LONG)),
        lambda connection, request: (
            connection.sendall(HEAD + b'Transfer-Encoding: chunked\r\n\r\n'),
            drip(connection, b'1\r\nx\r\n' * 120),
        ),
    ],
    ids=[
        'no response',
        'half the headers',
        'half the body',
        'drips the body',
        'drips a body without length',
        'drips chunks',
    ],
)
def test_a_slow_server_costs_the_timeout(serve: Callable[..., t.Any], talk: Callable[..., t.Any]) -> None:
    error, seconds = timed_failure(serve(talk).url)
    assert (error.code, error.status, error.retryable) == ('timeout', None, True)
    assert 'got no complete response in time' in str(error)
    assert TIMEOUT * 0.9 < seconds < PATIENCE


@pytest.mark.usefixtures('urllib3_1_26')
def test_a_body_that_drips_costs_the_timeout_with_urllib3_1_26_too(serve: Callable[..., t.Any]) -> None:
    def talk(connection: socket.socket, request: bytes) -> None:
        connection.sendall(HEAD + b'\r\n')
        drip(connection, LONG)

    error, seconds = timed_failure(serve(talk).url)
    assert error.code == 'timeout'
    assert seconds < PATIENCE


@pytest.mark.parametrize('tls', [False, True], ids=['http', 'https'])
@pytest.mark.parametrize('fault', [Fault(delay=30), Fault(body=LONG, drip=0.05)], ids=['delay', 'drip'])
def test_over_tls_as_well(tls: bool, fault: Fault) -> None:
    with FakeFirefly(tls=tls) as firefly:
        firefly.fail(fault)
        error, seconds = timed_failure(firefly.url, ca_path=firefly.ca_path)
    assert error.code == 'timeout'
    assert seconds < PATIENCE


def test_a_handshake_that_stalls(serve: Callable[..., t.Any]) -> None:
    # the ClientHello is taken for a request that never ends
    url = serve(lambda connection, request: None).url.replace('http:', 'https:')
    error, seconds = timed_failure(url)
    assert (error.code, error.retryable) == ('timeout', True)
    assert seconds < PATIENCE


def test_each_attempt_has_its_own_time(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30), times=None)
    error, seconds = timed_failure(firefly.url, retries=1)
    assert (error.code, error.attempts) == ('timeout', 2)
    assert 2 * TIMEOUT * 0.9 < seconds < 2 * PATIENCE


def test_the_body_of_an_error_may_be_slow(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body=LONG, drip=0.05))
    error, seconds = timed_failure(firefly.url, timeout=2)
    assert (error.code, error.status) == ('unauthorized', 401)
    assert seconds < PATIENCE


@pytest.mark.parametrize('addresses', [1, 60])
def test_a_server_that_does_not_accept(monkeypatch: pytest.MonkeyPatch, addresses: int) -> None:
    # a backlog that is full: Linux drops what comes then, so connecting hangs
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _unused in range(4)]
        try:
            for connection in waiting:
                connection.setblocking(False)
                connection.connect_ex(address)
            found = [(socket.AF_INET, socket.SOCK_STREAM, 0, '', address)] * addresses
            monkeypatch.setattr(socket, 'getaddrinfo', lambda *_unused, **_more: found)
            error, seconds = timed_failure('https://firefly.invalid')
        finally:
            for connection in waiting:
                connection.close()
    assert (error.code, error.retryable) == ('timeout', True)
    assert seconds < PATIENCE


# in the middle of the headers, TLS makes it an end that http.client takes for theirs: a login then lacks its body
@pytest.mark.parametrize(
    'tls,reset', [(False, 'before'), (False, 'headers'), (False, 'body'), (True, 'before'), (True, 'body')]
)
def test_a_reset_is_noticed_at_once(tls: bool, reset: t.Any) -> None:
    with FakeFirefly(tls=tls) as firefly:
        firefly.fail(Fault(reset=reset))
        error, seconds = timed_failure(firefly.url, ca_path=firefly.ca_path, timeout=60)
    assert (error.code, error.status, error.retryable) == ('connect', None, True)
    assert seconds < PATIENCE


def test_an_end_in_the_handshake_may_pass() -> None:
    with socket.create_server(('127.0.0.1', 0)) as listener:

        def hang_up() -> None:
            connection, _unused = listener.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error, _unused = timed_failure(f'https://127.0.0.1:{listener.getsockname()[1]}', timeout=10)
        thread.join()
    assert (error.code, error.retryable) == ('tls', True)
