# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly starts, serves and stops as a test needs it."""

from __future__ import annotations

import gc
import http.client
import os
import socket
import ssl
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from fake_firefly import FakeFirefly, Fault


def connect(firefly: FakeFirefly) -> socket.socket:
    return socket.create_connection(('127.0.0.1', urlsplit(firefly.url).port or 0), timeout=5)


def test_violations_fail_the_test_at_the_end() -> None:
    with pytest.raises(AssertionError, match='GET /v2/x: There is no such path'), FakeFirefly() as firefly:
        requests.get(f'{firefly.url}/v2/x', timeout=5)


def test_violations_do_not_hide_an_exception() -> None:
    with pytest.raises(requests.HTTPError), FakeFirefly() as firefly:
        requests.get(f'{firefly.url}/v2/x', timeout=5).raise_for_status()


@pytest.mark.parametrize('tls', [False, True])
def test_a_connection_is_kept_alive(tls: bool) -> None:
    with FakeFirefly(tls=tls) as firefly:
        port = urlsplit(firefly.url).port
        if tls:
            context = ssl.create_default_context(cafile=firefly.ca_path)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection('127.0.0.1', port, context=context)
        else:
            connection = http.client.HTTPConnection('127.0.0.1', port)
        connection.connect()
        connection.auto_open = 0
        statuses = []
        for path in ('/v2/health', '/v2/x', '/v2/health'):
            connection.request('GET', path)
            with connection.getresponse() as answer:
                answer.read()
                statuses.append((answer.version, answer.status))
        connection.close()
        assert statuses == [(11, 204), (11, 404), (11, 204)]
        firefly.violations.clear()


def test_a_client_that_closes_is_told_so() -> None:
    with FakeFirefly() as firefly:
        answer = requests.get(f'{firefly.url}/v2/health', headers={'Connection': 'close'}, timeout=5)
        assert answer.headers['Connection'] == 'close'


def test_a_hundred_connections_at_once() -> None:
    with FakeFirefly() as firefly:
        barrier = threading.Barrier(100)

        def ask(_unused: int) -> int:
            barrier.wait()
            return requests.get(f'{firefly.url}/v2/health', timeout=5).status_code

        with ThreadPoolExecutor(100) as pool:
            assert list(pool.map(ask, range(100))) == [204] * 100


@pytest.mark.parametrize('tls', [False, True])
def test_stopping_is_quick_with_idle_connections(tls: bool) -> None:
    with FakeFirefly(tls=tls) as firefly:
        session = requests.Session()
        session.get(f'{firefly.url}/v2/health', timeout=5, verify=firefly.ca_path)
        silent = connect(firefly)
        time.sleep(0.05)
        start = time.monotonic()
    assert time.monotonic() - start < 10
    session.close()
    silent.close()


@pytest.mark.parametrize('fault', [Fault(delay=30), Fault(drip=30)])
def test_stopping_does_not_wait_for_slow_answers(fault: Fault) -> None:
    with FakeFirefly() as firefly:
        firefly.fail(fault)
        connection = connect(firefly)
        connection.sendall(b'GET /v2/x HTTP/1.1\r\nHost: x\r\n\r\n')
        while not firefly.requests:
            time.sleep(0.01)
        firefly.violations.clear()
        start = time.monotonic()
    assert time.monotonic() - start < 10
    connection.close()


@pytest.mark.parametrize('tls', [False, True])
def test_nothing_is_left_behind(tls: bool) -> None:
    gc.collect()
    threads, descriptors = threading.active_count(), len(os.listdir('/dev/fd'))
    with warnings.catch_warnings(), FakeFirefly(tls=tls, client_ca=tls, health_up_after=60) as firefly:
        warnings.simplefilter('error')
        session = requests.Session()
        cert = (firefly.client_cert or '', firefly.client_key or '') if tls else None
        session.get(f'{firefly.url}/v2/health', timeout=5, verify=firefly.ca_path, cert=cert)
        firefly.fail(Fault(reset='before'))
        with pytest.raises(requests.ConnectionError):
            session.get(f'{firefly.url}/v2/health', timeout=5, verify=firefly.ca_path, cert=cert)
        session.close()
        folder = Path(firefly.ca_path).parent if firefly.ca_path else None
    gc.collect()
    assert threading.active_count() == threads
    assert len(os.listdir('/dev/fd')) == descriptors
    assert folder is None or not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        connect(firefly)


def test_the_certificate_is_verified_by_the_ca_only() -> None:
    with FakeFirefly(tls=True) as firefly:
        assert firefly.url.startswith('https://127.0.0.1:')
        assert requests.get(f'{firefly.url}/v2/health', verify=firefly.ca_path, timeout=5).status_code == 204
        by_name = firefly.url.replace('127.0.0.1', 'localhost')
        assert requests.get(f'{by_name}/v2/health', verify=firefly.ca_path, timeout=5).status_code == 204
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f'{firefly.url}/v2/health', timeout=5)


def test_a_client_certificate_is_demanded() -> None:
    with FakeFirefly(client_ca=True) as firefly, FakeFirefly(client_ca=True) as other:
        url = f'{firefly.url}/v2/health'
        cert = (firefly.client_cert or '', firefly.client_key or '')
        assert requests.get(url, verify=firefly.ca_path, cert=cert, timeout=5).status_code == 204
        for wrong in (None, (other.client_cert or '', other.client_key or '')):
            with pytest.raises(requests.ConnectionError):  # SSLError, or a reset by the time that it is sent
                requests.get(url, verify=firefly.ca_path, cert=wrong, timeout=5)
        assert firefly.count('GET', '/v2/health') == 1


def test_a_client_that_is_slow_at_the_handshake_does_not_hold_up_others() -> None:
    with FakeFirefly(tls=True) as firefly, connect(firefly):
        time.sleep(0.05)
        assert requests.get(f'{firefly.url}/v2/health', verify=firefly.ca_path, timeout=5).status_code == 204


def test_a_given_port_is_used() -> None:
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    with FakeFirefly(port=port) as firefly:
        assert firefly.url == f'http://127.0.0.1:{port}'


def test_the_server_is_silent(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with FakeFirefly(tls=True) as firefly:
        requests.get(f'{firefly.url}/v2/health', verify=firefly.ca_path, timeout=5)
        requests.get(f'{firefly.url}/v2/x', verify=firefly.ca_path, timeout=5)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f'{firefly.url}/v2/health', timeout=5)
        with connect(firefly) as connection:
            connection.sendall(b'junk\r\n\r\n')
        firefly.violations.clear()
    with FakeFirefly() as firefly:
        with connect(firefly) as connection:  # leaves in the middle of the body
            connection.sendall(b'POST /v2/login HTTP/1.1\r\nContent-Length: 100\r\n\r\n{')
        with connect(firefly) as connection:
            connection.sendall(b'junk\r\n\r\n')
            connection.recv(1000)
        firefly.fail(Fault(reset='before'))
        with pytest.raises(requests.ConnectionError):
            requests.get(f'{firefly.url}/v2/health', timeout=5)
    assert capfd.readouterr() == ('', '')
    assert not [record for record in caplog.records if not record.name.startswith('urllib3')]
