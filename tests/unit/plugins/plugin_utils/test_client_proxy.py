# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import typing as t
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from fake_firefly import FakeFirefly
from helpers.client import failure, health
from helpers.raw_server import RawServer, Talk

UNKNOWN = 'https://nonexistent.invalid'


@pytest.fixture
def remote() -> Iterator[FakeFirefly]:
    """A Firefly that counts as another host: with a dot at the end, localhost is not loopback to the collection."""
    with FakeFirefly(tls=True) as server:
        server.url = server.url.replace('127.0.0.1', 'localhost.')
        yield server


@pytest.fixture
def proxy(serve: Callable[[Talk], RawServer]) -> RawServer:
    """A proxy that accepts CONNECT. The tests name it in the environment."""
    return serve(tunnel)


def tunnel(connection: socket.socket, request: bytes) -> None:
    port = int(request.split()[1].rpartition(b':')[2])
    with socket.create_connection(('127.0.0.1', port)) as target:
        connection.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
        back = threading.Thread(target=relay, args=(target, connection))
        back.start()
        relay(connection, target)
        back.join()


def relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for data in iter(lambda: source.recv(65536), b''):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def failed(url: str, **options: t.Any) -> FireflyError:
    error = failure(health, url, **options)
    assert 'HUNTER2' not in str(error)
    return error


@pytest.mark.parametrize('name', ['https_proxy', 'HTTPS_PROXY', 'all_proxy'])
def test_the_environment_names_the_proxy(
    remote: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    assert health(remote.url, ca_path=remote.ca_path).status == 204
    (request,) = proxy.requests
    assert request.startswith(b'CONNECT localhost')
    assert b'Proxy-Authorization' not in request


def test_only_the_proxy_gets_its_password(
    remote: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('https_proxy', proxy.url.replace('//', '//user:HUNTER2@'))
    assert health(remote.url, ca_path=remote.ca_path).status == 204
    assert base64.b64encode(b'user:HUNTER2') in proxy.requests[0]
    assert 'proxy-authorization' not in remote.requests[0].headers


def test_a_certificate_is_verified_through_a_proxy(
    remote: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('https_proxy', proxy.url)
    assert failed(remote.url).code == 'tls'
    assert health(remote.url, validate_certs=False).status == 204


# With a proxy, only the proxy looks up the host name. So the code dns shows that the client bypassed it.
@pytest.mark.parametrize(
    'environment',
    [
        {'no_proxy': 'nonexistent.invalid'},
        {'no_proxy': 'a.example, .invalid,b.example'},
        {'no_proxy': '*'},
        {'NO_PROXY': 'nonexistent.invalid'},
        {'https_proxy': '', 'http_proxy': 'URL'},
    ],
    ids=str,
)
def test_no_proxy(proxy: RawServer, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in {'https_proxy': proxy.url, **environment}.items():
        monkeypatch.setenv(name, value.replace('URL', proxy.url))
    assert failed(UNKNOWN).code == 'dns'
    assert proxy.connections == 0


def test_no_proxy_for_another_host(proxy: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', proxy.url)
    monkeypatch.setenv('no_proxy', 'firefly.example')
    assert failed(f'{UNKNOWN}:1').code != 'dns'
    assert proxy.connections == 1


def test_use_proxy_false(proxy: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', proxy.url)
    assert failed(UNKNOWN, use_proxy=False).code == 'dns'
    assert proxy.connections == 0


def test_the_system_is_not_asked_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # these ask macOS where the environment names no proxy, and that can crash a process that was forked
    for name in ('getproxies', 'proxy_bypass'):
        monkeypatch.setattr(f'requests.utils.{name}', pytest.fail)
    assert failed(UNKNOWN).code == 'dns'


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost'])
def test_plain_http_to_loopback_uses_no_proxy(
    firefly: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.setenv(name, proxy.url)
    assert health(firefly.url.replace('127.0.0.1', host)).status == 204
    assert proxy.connections == 0


# the last one is valid, but its name does not exist
@pytest.mark.parametrize(
    'address',
    [
        'http://',
        'http:///HUNTER2',
        'http://[HUNTER2',
        'http://127.0.0.1:HUNTER2',
        'socks5://127.0.0.1:1',
        'ftp://127.0.0.1:1',
        'http://user:HUNTER2@nonexistent.invalid:3128',
    ],
)
def test_the_address_of_a_proxy_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv('https_proxy', address)
    error = failed('https://firefly.example', retries=1)
    assert (error.code, error.attempts) == ('proxy', 1)
    assert 'https_proxy' in str(error)
    assert 'api_url' not in str(error)
