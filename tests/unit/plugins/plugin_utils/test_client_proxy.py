# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
import typing as t
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import LOGIN_OPTIONS, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request
from fake_firefly import FakeFirefly, Fault

Serve = Callable[..., t.Any]


@pytest.fixture
def remote() -> Iterator[FakeFirefly]:
    """A Firefly that counts as another host: with a dot at its end, localhost is not loopback to the collection."""
    with FakeFirefly(tls=True) as server:
        server.url = server.url.replace('127.0.0.1', 'localhost.')
        yield server


def status(url: str, expect: int = 204, **options: t.Any) -> int:
    """The status of a health check."""
    client = FireflyClient(validate(LOGIN_OPTIONS, {'api_url': url, 'retries': 0, 'timeout': 10, **options}), print)
    return client.request(Request('GET', '/v2/health', expect=(expect,))).status


def failure(url: str, **options: t.Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        status(url, **options)
    assert 'HUNTER2' not in str(failed.value)
    return failed.value


def tunnel(received: list[bytes]) -> Callable[[socket.socket, bytes], None]:
    """What a proxy does that takes CONNECT."""

    def talk(connection: socket.socket, request: bytes) -> None:
        received.append(request)
        port = int(request.split()[1].rpartition(b':')[2])
        with socket.create_connection(('127.0.0.1', port)) as target:
            connection.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            back = threading.Thread(target=relay, args=(target, connection))
            back.start()
            relay(connection, target)
            back.join()

    return talk


def relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for data in iter(lambda: source.recv(65536), b''):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize('name', ['https_proxy', 'HTTPS_PROXY', 'all_proxy'])
def test_the_proxy_of_the_environment(
    remote: FakeFirefly, serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    received: list[bytes] = []
    monkeypatch.setenv(name, serve(tunnel(received)).url)
    assert status(remote.url, ca_path=remote.ca_path) == 204
    assert len(received) == 1
    assert received[0].startswith(b'CONNECT localhost')
    assert b'Proxy-Authorization' not in received[0]


def test_the_keys_of_a_proxy(remote: FakeFirefly, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    url = serve(tunnel(received)).url
    monkeypatch.setenv('https_proxy', url.replace('//', '//user:HUNTER2@'))
    assert status(remote.url, ca_path=remote.ca_path) == 204
    assert base64.b64encode(b'user:HUNTER2') in received[0]
    assert 'proxy-authorization' not in remote.requests[0].headers


def test_a_certificate_is_verified_through_a_proxy(
    remote: FakeFirefly, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('https_proxy', serve(tunnel([])).url)
    assert failure(remote.url).code == 'tls'
    assert status(remote.url, validate_certs=False) == 204


# that the name is not found tells that the client went for the host itself: with a proxy, only the proxy looks names up
@pytest.mark.parametrize('name', ['no_proxy', 'NO_PROXY'])
@pytest.mark.parametrize('value', ['nonexistent.invalid', 'a.example, .invalid,b.example', '*'])
def test_no_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    proxy = serve(tunnel([]))
    monkeypatch.setenv('https_proxy', proxy.url)
    monkeypatch.setenv(name, value)
    assert failure('https://nonexistent.invalid').code == 'dns'
    assert proxy.connections == 0


def test_no_proxy_for_another_host(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(tunnel([]))
    monkeypatch.setenv('https_proxy', proxy.url)
    monkeypatch.setenv('no_proxy', 'firefly.example')
    assert failure('https://nonexistent.invalid:1').code != 'dns'
    assert proxy.connections == 1


def test_use_proxy_false(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(tunnel([]))
    monkeypatch.setenv('https_proxy', proxy.url)
    assert failure('https://nonexistent.invalid', use_proxy=False).code == 'dns'
    assert proxy.connections == 0


def test_the_system_is_not_asked_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # macOS would be, by these, where the environment names none, and that can crash a process that was forked
    for name in ('getproxies', 'proxy_bypass'):
        monkeypatch.setattr(f'requests.utils.{name}', pytest.fail)
    assert failure('https://nonexistent.invalid').code == 'dns'


def test_a_proxy_for_http_is_none_for_https(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(tunnel([]))
    monkeypatch.setenv('http_proxy', proxy.url)
    assert failure('https://nonexistent.invalid').code == 'dns'
    assert proxy.connections == 0


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost'])
def test_plain_http_to_loopback_takes_no_proxy(
    firefly: FakeFirefly, serve: Serve, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    proxy = serve(tunnel([]))
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.setenv(name, proxy.url)
    assert status(firefly.url.replace('127.0.0.1', host)) == 204
    assert proxy.connections == 0


def test_a_proxy_that_refuses_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:  # bound and not listening
        held.bind(('127.0.0.1', 0))
        monkeypatch.setenv('https_proxy', f'http://user:HUNTER2@127.0.0.1:{held.getsockname()[1]}')
        error = failure('https://firefly.example', retries=1)
    assert (error.code, error.status) == ('proxy', None)
    assert 'https_proxy' in str(error)


@pytest.mark.parametrize(
    'answer',
    [
        b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
        b'HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>HUNTER2</html>',
        b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n',
        b'HTTP/1.1 302 Found\r\nLocation: https://HUNTER2.example/\r\n\r\n',
    ],
    ids=['407', '403 html', '502', '302'],
)
def test_a_proxy_that_says_no(serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    proxy = serve(lambda connection, request: connection.sendall(answer))
    monkeypatch.setenv('https_proxy', proxy.url.replace('//', '//user:HUNTER2@'))
    error = failure('https://firefly.example')
    assert (error.code, error.status) == ('proxy', None)


@pytest.mark.parametrize(
    'answer',
    [b'', b'<html>HUNTER2</html>\r\n\r\n', b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>HUNTER2</html>'],
    ids=['nothing', 'not http', 'a page'],
)
def test_a_server_that_is_not_a_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setenv('https_proxy', serve(lambda connection, request: connection.sendall(answer)).url)
    error = failure('https://firefly.example')
    assert error.code in ('proxy', 'tls', 'connect')
    assert error.status is None


def test_a_proxy_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', 'http://user:HUNTER2@nonexistent.invalid:3128')
    assert failure('https://firefly.example').code == 'proxy'


def test_a_proxy_that_never_responds(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', serve(lambda connection, request: connection.recv(1)).url)
    assert failure('https://firefly.example', timeout=0.5).code in ('proxy', 'timeout')


def test_a_host_that_drips_behind_a_proxy_costs_the_timeout(
    remote: FakeFirefly, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('https_proxy', serve(tunnel([])).url)
    remote.fail(Fault(status=200, body='x' * 240, drip=0.05))
    started = time.monotonic()
    assert failure(remote.url, ca_path=remote.ca_path, timeout=1, expect=200).code == 'timeout'
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    'proxy',
    [
        'http://',
        'http:///HUNTER2',
        'http://[HUNTER2',
        'http://127.0.0.1:HUNTER2',
        'socks5://127.0.0.1:1',
        'ftp://127.0.0.1:1',
    ],
)
def test_a_proxy_whose_address_is_not_valid(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv('https_proxy', proxy)
    error = failure('https://firefly.example', retries=1)
    assert (error.code, error.attempts) == ('proxy', 1)
    assert 'api_url' not in str(error)
