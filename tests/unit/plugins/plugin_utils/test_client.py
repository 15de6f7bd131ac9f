# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._library import install_command
from ansible_collections.firefly.platform.plugins.plugin_utils._request import BODY_LIMIT, Request
from fake_firefly import SECRET_KEY, FakeFirefly, Fault
from helpers.client import client, failure, health, login
from helpers.raw_server import RawServer, Talk, drip, http, nobody, send

Serve = Callable[[Talk], RawServer]
UNKNOWN = 'https://nonexistent.invalid'


def test_latency_is_that_of_the_last_attempt(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503, delay=0.5))
    firefly.fail(Fault(delay=0.1))
    assert 100 <= health(firefly.url, retries=1).latency_ms < 500


STATUSES = {
    'unexpected_status': [200, 201, 202, 226, 400, 402, 406, 408, 409, 410, 413, 418, 422, 451, 499, 600, 999],
    'redirect': [300, 301, 302, 303, 304, 305, 307, 308],
    'unauthorized': [401],
    'forbidden': [403],
    'not_found': [404],
    'proxy': [407],
    'rate_limited': [429],
    'server_error': [500, 501, 502, 503, 504, 505, 511, 520, 526, 599],
}


@pytest.mark.parametrize('status,code', [(status, code) for code, group in STATUSES.items() for status in group])
def test_a_status_has_a_code_and_some_are_retried(
    firefly: FakeFirefly, pauses: list[float], status: int, code: str
) -> None:
    firefly.fail(Fault(status=status), times=None)
    error = failure(health, firefly.url, retries=1)
    assert (error.code, error.status, error.retryable) == (code, status, status in (429, 502, 503, 504))
    assert (firefly.count('GET', '/v2/health') > 1) == error.retryable
    assert pauses == [] or status == 429  # nothing waits after the last attempt
    assert str(error).startswith(f'GET {firefly.url}/v2/health returned {status}')
    assert error.response
    assert error.response.latency_ms.__class__ is int


def test_after_a_failure_the_next_attempt_has_a_new_connection(serve: Serve) -> None:
    def talk(connection: socket.socket, request: bytes) -> None:
        # the connection seems to stay open, but no second request on it gets a response
        http(503, '', 'Retry-After: 0')(connection, request)
        connection.recv(65536)

    server = serve(talk)
    assert failure(health, server.url, retries=2).code == 'server_error'
    assert server.connections == 3


RETRY_AFTER = {
    7: ['7', ' 7 '],
    60: ['60'],
    None: ['0', '-5', '1.5', '', 'soon', 'soon \xe9', 'nan', 'Fri, 99 Foo 2026']
    + ['Thu, 01 Jan 1970 00:00:00 GMT']
    + [f'Fri, 31 Dec {year} 23:59:59 GMT' for year in (99999, 99999999999)],
}


@pytest.mark.parametrize(
    'value,pause',
    [(value, pause) for pause, group in RETRY_AFTER.items() for value in group],
    ids=lambda each: str(each)[:32],
)
def test_retry_after(firefly: FakeFirefly, pauses: list[float], value: str, pause: float | None) -> None:
    firefly.fail(Fault(status=503, headers={'Retry-After': value}))
    assert health(firefly.url, retries=1).status == 204
    assert pauses == ([] if pause is None else [pause])  # without it there is no pause before the first retry


@pytest.mark.parametrize(
    'value', ['61', '86400', '9' * 9, 'Tue, 10 Nov 2099 12:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT']
)
def test_a_pause_of_more_than_a_minute_is_not_made_but_told(
    firefly: FakeFirefly, pauses: list[float], value: str
) -> None:
    firefly.fail(Fault(status=503, headers={'Retry-After': value}))
    error = failure(health, firefly.url, retries=3)
    assert (firefly.count('GET', '/v2/health'), pauses, error.retryable) == (1, [], True)
    assert 'returned 503 Service Unavailable. It asks for a pause of ' in error.what
    assert not value.isdigit() or f'a pause of {value} s.' in error.what


def test_retry_after_as_a_date(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503, headers={'Retry-After': formatdate(time.time() + 30, usegmt=True)}))
    health(firefly.url, retries=1)
    (pause,) = pauses
    assert 1 < pause <= 30


def test_a_redirect_is_reported_and_not_followed(firefly: FakeFirefly) -> None:
    with FakeFirefly() as other:
        firefly.fail(Fault(status=307, headers={'Location': f'{other.url}/v2/login?token=HUNTER2#HUNTER2'}))
        error = failure(login, firefly.url, retries=1)
        assert other.requests == []
    assert error.code == 'redirect'
    assert f': {other.url}/v2/login. ' in str(error)


@pytest.mark.parametrize(
    'location,shown',
    [
        (None, ''),
        ('', ''),
        ('/v2/login/', ': /v2/login/'),
        ('data:text/html,x', ': text/html,x'),
        ('https://user:HUNTER2@other.example/', ': https://other.example/'),
        (f'https://other.example/{SECRET_KEY}', ': https://other.example/********'),
        (f'https://other.example/?{SECRET_KEY}', ': https://other.example/'),
        (f'/a {base64.b64encode(SECRET_KEY.encode()).decode()}', ': /a ********'),
        ('https://other.example/\x1b[31m', ': https://other.example/ [31m'),
        (f'https://{SECRET_KEY}.example/', ': https://********.example/'),
        (f'https://{SECRET_KEY.lower()}.example/', ': https://********.example/'),
        (f'https://other.example/{SECRET_KEY[:9]}\r\n {SECRET_KEY[9:]}', ': ********'),
        (f'https://other.example/{SECRET_KEY[:9]}\x01{SECRET_KEY[9:]}', ': ********'),
        ('https://other.example/' + 'x' * 5000, ': https://other.example/' + 'x' * 178),
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_redirect_shows_a_short_address_without_secrets(serve: Serve, location: str | None, shown: str) -> None:
    headers = [] if location is None else [f'Location: {location}']
    error = failure(login, serve(http(302, '', *headers)).url)
    assert error.code == 'redirect'
    assert f'returned 302 Found{shown}. Set' in str(error)


def test_a_reason_phrase_that_repeats_the_keys(serve: Serve) -> None:
    error = failure(login, serve(http(f'401 {SECRET_KEY}', '', f'X-Key: {SECRET_KEY}')).url)
    assert error.code == 'unauthorized'
    assert SECRET_KEY not in str(error)


@pytest.mark.parametrize('is_error', [False, True])
def test_libraries_log_nothing_while_a_request_is_made(
    serve: Serve, caplog: pytest.LogCaptureFixture, is_error: bool
) -> None:
    elsewhere = logging.getLogger('elsewhere')

    def talk(connection: socket.socket, request: bytes) -> None:
        elsewhere.warning('in another thread')
        http('401' if is_error else '200', '{}', 'no header', f'X-Key: {SECRET_KEY}')(connection, request)

    with caplog.at_level(logging.DEBUG):
        server = serve(talk)
        if is_error:
            assert failure(login, server.url).code == 'unauthorized'
        else:
            login(server.url)
        elsewhere.warning('after the request')
        logging.getLogger('urllib3.connection').warning('of a library after it')
    assert caplog.messages == ['in another thread', 'after the request', 'of a library after it']


@pytest.mark.parametrize('status', [401, 403])
def test_a_refused_request_without_keys_is_not_blamed_on_them(firefly: FakeFirefly, status: int) -> None:
    firefly.fail(Fault(status=status), times=None)
    error = failure(health, firefly.url)
    assert str(error).endswith(
        '. This request sends no keys, so the key pair is not the reason. Check api_url, and that no proxy or firewall '
        'in front of Firefly blocks the controller.'
    )
    assert 'sends no keys' not in str(failure(login, firefly.url))


def test_a_body_has_a_limit(firefly: FakeFirefly) -> None:
    body = b'{"a": "' + b'x' * (BODY_LIMIT - 9) + b'"}'
    assert len(body) == BODY_LIMIT == 1024 * 1024
    firefly.fail(Fault(body=body))
    assert login(firefly.url).body == body
    firefly.fail(Fault(body=body + b' '))
    error = failure(login, firefly.url, retries=1)
    assert (error.code, error.status, error.retryable) == ('response_too_large', 200, False)
    assert firefly.count('POST', '/v2/login') == 2


def test_the_status_of_an_error_matters_more_than_its_body(firefly: FakeFirefly, serve: Serve) -> None:
    firefly.fail(Fault(status=401, body=b' ' * (BODY_LIMIT + 1)))
    assert failure(login, firefly.url).code == 'unauthorized'
    server = serve(drip(b'x' * 600, b'HTTP/1.1 401 X\r\nContent-Length: 600\r\n\r\n'))
    assert failure(login, server.url, timeout=1).code == 'unauthorized'


def test_an_endless_body_is_not_read_to_the_end(serve: Serve) -> None:
    sent = 0

    def flood(connection: socket.socket, request: bytes) -> None:
        nonlocal sent
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n')
        for _unused in range(1000):
            connection.sendall(b' ' * 65536)
            sent += 65536

    assert failure(login, serve(flood).url).code == 'response_too_large'
    assert sent < 32 * BODY_LIMIT  # the rest is in the buffers of the system


def test_each_attempt_takes_up_to_the_timeout(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30), times=None)
    started = time.monotonic()
    error = failure(login, firefly.url, retries=1, timeout=0.5)
    assert (error.code, firefly.count('POST', '/v2/login')) == ('timeout', 2)
    assert 'timed out before the response was complete' in str(error)
    assert 0.9 < time.monotonic() - started < 15


DRIPS = {
    'a body': drip(b' ' * 500, b'HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n'),
    'a body without a length': drip(b' ' * 500, b'HTTP/1.0 200 X\r\n\r\n'),
    'a line before a chunk': drip(b'1' * 500, b'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n'),
    'a line after the chunks': drip(b'x' * 500, b'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'),
}


@pytest.mark.parametrize('what', DRIPS)
def test_a_body_has_the_timeout_whatever_drips_in_it(serve: Serve, what: str) -> None:
    server = serve(DRIPS[what])
    threads = threading.active_count()
    started = time.monotonic()
    assert failure(login, server.url, timeout=0.5).code == 'timeout'
    assert 0.4 < time.monotonic() - started < 5
    assert threading.active_count() <= threads + 1  # that of the server


def test_a_body_that_stalls_has_the_timeout_too(serve: Serve) -> None:
    def stall(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n')
        time.sleep(1.5)
        connection.sendall(b' ')
        time.sleep(5)

    started = time.monotonic()
    assert failure(login, serve(stall).url, timeout=2).code == 'timeout'
    assert time.monotonic() - started < 3.2


def test_a_connection_outlives_the_timeout_of_a_body(serve: Serve) -> None:
    def talk(connection: socket.socket, request: bytes) -> None:
        while request:
            http(200, '{}')(connection, request)
            request = connection.recv(65536)

    server = serve(talk)
    sender = client(server.url, timeout=0.5)
    request = Request(method='GET', path='/v2/x', expect=(200,))
    for _unused in range(3):
        assert sender.request(request).body == b'{}'
        time.sleep(0.6)
    assert server.connections == 1


def addresses(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Gives the name firefly.invalid an address on loopback for each port."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, '', ('127.0.0.1', port)) for port in ports]
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *_unused, **_more: found)


def test_a_handshake_has_the_whole_timeout_whatever_the_number_of_addresses(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_up_late(connection: socket.socket, request: bytes) -> None:
        time.sleep(1.5)

    with RawServer(hang_up_late, reads='nothing') as server:
        addresses(monkeypatch, *[server.port] * 4)
        assert failure(health, 'https://firefly.invalid', timeout=4).code in ('tls', 'connect')


def test_a_host_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    names: list[str] = []

    def count(host: str, *arguments: Any, **more: Any) -> Any:
        names.append(host)
        return look_up(host, *arguments, **more)

    monkeypatch.setattr(socket, 'getaddrinfo', count)
    assert failure(health, UNKNOWN).code == 'dns'
    assert names == ['nonexistent.invalid']


def test_a_request_that_was_not_sent_says_why() -> None:
    error = failure(health, 'https://nonexistent.invalid', retries=1)
    assert (error.code, error.response) == ('dns', None)
    assert str(error).startswith('GET https://nonexistent.invalid/v2/health could not be sent: the host name was not')
    with nobody() as port:
        error = failure(health, f'http://127.0.0.1:{port}')
    assert 'got no response: the connection failed (Connection refused). Check' in str(error)


@pytest.mark.parametrize('host', ['firefly..invalid', '.firefly.invalid', '*.firefly.invalid', 'x' * 64 + '.invalid'])
def test_a_host_name_that_is_not_valid(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    if host.startswith('*'):
        monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')  # which is not to blame
    error = failure(health, f'https://{host}', retries=1)
    assert (error.code, error.retryable, error.final) == ('invalid_option', False, True)
    assert 'api_url' in str(error)


@pytest.mark.parametrize('variable', ['no_proxy', 'http_proxy'])
def test_a_proxy_that_is_not_used_is_not_blamed(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, 'http://127.0.0.1:9')
    assert failure(health, 'https://firefly..invalid').code == 'invalid_option'
    with nobody() as port:
        assert 'proxy' not in failure(health, f'https://127.0.0.1:{port}').what


@pytest.mark.parametrize(
    'library,broken,reason',
    [
        ('requests', 'raise ModuleNotFoundError("No module named \'x\'")', "No module named 'x'"),
        ('urllib3', 'raise ImportError("urllib3 v2 only supports OpenSSL 1.1.1+")', 'only supports OpenSSL 1.1.1+'),
        ('requests', '1 / 0', 'division by zero'),
        ('urllib3', 'raise SyntaxError("invalid syntax")', 'invalid syntax'),
    ],
)
def test_a_library_that_cannot_be_imported(tmp_path: Path, library: str, broken: str, reason: str) -> None:
    (tmp_path / f'{library}.py').write_text(broken)
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, *{sys.path!r}]
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
try:
    FireflyClient({{}}, print)
except FireflyError as error:
    print(error.code, error.retryable, error)
"""
    collections = os.environ['ANSIBLE_COLLECTIONS_PATH'].split(':')[0]
    environment = {**os.environ, 'PYTHONPATH': collections}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith(f'missing_library False {sys.executable} cannot import the Python library requests: ')
    assert reason in done.stdout
    assert f'To install it, run: {install_command()}. Only the controller needs it.' in done.stdout


def test_no_ca_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('requests.adapters.DEFAULT_CA_BUNDLE_PATH', '/nonexistent/bundle.pem')
    error = failure(health, 'https://127.0.0.1:1', retries=3)
    assert (error.code, error.retryable, error.final) == ('tls', False, True)
    assert 'install ca-certificates, or certifi' in str(error)
    assert 'firewall' not in str(error)


# Connections


def count_connections(serve: Serve, *methods: str) -> int:
    """The number of connections over which a client makes these requests."""

    def talk(connection: socket.socket, request: bytes) -> None:
        while request:
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
            request = connection.recv(65536)

    server = serve(talk)
    sender = client(server.url)
    for method in methods:
        request = Request(method=method, path='/v2/x', expect=(200,), read_only=method == 'GET')
        assert sender.request(request).body == b'{}'
    return server.connections


@pytest.mark.parametrize('retries', [0, 1])
def test_a_kept_connection_that_the_server_drops_behind_a_proxy(
    remote: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    monkeypatch.setenv('https_proxy', proxy.url)
    sender = client(remote.url, ca_path=remote.ca_path, retries=retries, timeout=3)
    request = Request(method='GET', path='/v2/health', expect=(204,))
    sender.request(request)
    remote.fail(Fault(reset='before'))
    if retries:
        assert sender.request(request).status == 204
        assert sender.requests == 3
    else:
        error = failure(sender.request, request)
        assert (error.code in ('connect', 'timeout'), error.retryable) == (
            True,
            True,
        )  # the proxy may keep its side open
        assert 'through the proxy from the environment' in str(error)


def test_a_client_keeps_its_connection_and_a_write_has_its_own(serve: Serve) -> None:
    assert count_connections(serve, 'GET', 'GET', 'GET') == 1
    assert count_connections(serve, 'GET', 'POST', 'GET', 'POST') == 3


# Proxies


@pytest.fixture
def remote() -> Iterator[FakeFirefly]:
    """A Firefly under the name of another host, to which only a proxy leads."""
    with FakeFirefly(tls=True) as server:
        server.url = server.url.replace('127.0.0.1', 'firefly.example')
        yield server


@pytest.fixture
def proxy(serve: Serve) -> RawServer:
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


@pytest.mark.parametrize('name', ['https_proxy', 'HTTPS_PROXY', 'all_proxy'])
def test_the_environment_names_the_proxy(
    remote: FakeFirefly, proxy: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    assert health(remote.url, ca_path=remote.ca_path).status == 204
    assert failure(health, remote.url).code == 'tls'  # the certificate is verified through a proxy too
    assert health(remote.url, validate_certs=False).status == 204
    assert all(request.startswith(b'CONNECT firefly.example') for request in proxy.requests)
    assert b'Proxy-Authorization' not in proxy.requests[0]
    monkeypatch.setenv(name, proxy.url.replace('//', '//user:HUNTER2@'))
    assert health(remote.url, ca_path=remote.ca_path).status == 204
    assert base64.b64encode(b'user:HUNTER2') in proxy.requests[-1]
    assert 'proxy-authorization' not in remote.requests[-1].headers


# With a proxy, only the proxy looks up the host name. So the code dns shows that the client bypassed it.
@pytest.mark.parametrize(
    'environment',
    [{name: value} for name in ('no_proxy', 'NO_PROXY') for value in ('Nonexistent.invalid', '*', 'a, .invalid,b')]
    + [{'https_proxy': '', 'http_proxy': 'URL'}],
    ids=str,
)
def test_no_proxy(proxy: RawServer, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in {'https_proxy': proxy.url, **environment}.items():
        monkeypatch.setenv(name, value.replace('URL', proxy.url))
    assert failure(health, UNKNOWN).code == 'dns'
    assert proxy.connections == 0


def test_no_proxy_for_another_host_and_use_proxy(proxy: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', proxy.url)
    monkeypatch.setenv('no_proxy', 'firefly.example')
    assert failure(health, UNKNOWN, use_proxy=False).code == 'dns'
    assert proxy.connections == 0
    assert failure(health, f'{UNKNOWN}:1').code != 'dns'
    assert proxy.connections == 1


def test_the_system_is_not_asked_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # these ask macOS where the environment names no proxy, and that can crash a process that was forked
    for name in ('getproxies', 'proxy_bypass'):
        monkeypatch.setattr(f'requests.utils.{name}', pytest.fail)
        monkeypatch.setattr(f'urllib.request.{name}', pytest.fail)
    assert failure(health, UNKNOWN).code == 'dns'
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    assert failure(health, UNKNOWN).code == 'proxy'


@pytest.mark.parametrize(
    'host,no_proxy',
    [
        ('firefly.example', 'firefly.example'),
        ('api.firefly.example', 'firefly.example'),
        ('API.firefly.example:8443', '.Firefly.example'),
        ('firefly.example:8443', 'other.example, firefly.example:8443'),
        ('192.0.2.1', '192.0.2.1'),
        ('[2001:db8::1]', '2001:db8::1'),
        ('[2001:db8::1]:8443', '[2001:db8::1]'),
    ],
)
def test_a_host_in_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str, no_proxy: str) -> None:
    monkeypatch.setenv('all_proxy', 'http://proxy.example')
    assert client(f'https://{host}').proxy == 'http://proxy.example'
    monkeypatch.setenv('no_proxy', 'x.firefly.example,example.com,9')
    assert client(f'https://{host}').proxy == 'http://proxy.example'
    monkeypatch.setenv('no_proxy', no_proxy)
    assert client(f'https://{host}').proxy is None


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
    ['http://', 'http:///HUNTER2', 'http://[HUNTER2', 'http://127.0.0.1:HUNTER2', 'socks5://127.0.0.1:1']
    + ['ftp://127.0.0.1:1', 'http://user:HUNTER2@nonexistent.invalid:3128'],
)
def test_the_address_of_a_proxy_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv('https_proxy', address)
    error = failure(health, 'https://firefly.example', retries=1)
    assert (error.code, error.retryable) == ('proxy', False)
    assert error.final == (not address.endswith('3128'))
    assert 'no_proxy' in str(error)
    assert 'api_url' not in str(error)


@pytest.mark.parametrize(
    'status,shown,hint',
    [
        (407, '407 Proxy Authentication Required', 'Put a user name and a password that the proxy accepts into '),
        (403, '403 Forbidden', 'Check '),
        (502, '502 Bad Gateway', 'Check '),
        (599, '599', 'Check '),
    ],
)
@pytest.mark.parametrize('variable', ['https_proxy', 'all_proxy'])
def test_a_proxy_that_refuses_to_connect(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str, status: int, shown: str, hint: str
) -> None:
    monkeypatch.setenv(variable.upper(), serve(http(status, '')).url)
    error = failure(health, UNKNOWN)
    assert (error.code, error.status, error.retryable) == ('proxy', status, False)
    assert error.what == f'GET {UNKNOWN}/v2/health got no response: the proxy failed ({shown}).'
    assert error.hint.startswith(f'{hint}{variable}')


def test_a_status_line_that_looks_like_the_text_of_http_client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', serve(send(b'Tunnel connection failed: 407 x\r\n\r\n')).url)
    assert failure(health, UNKNOWN).status is None


def test_a_proxy_for_socks_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ALL_PROXY', 'socks5h://127.0.0.1:1080')
    error = failure(health, UNKNOWN)
    assert '(its address is for SOCKS, and the Python library PySocks is missing).' in error.what
    assert error.hint.startswith('Check all_proxy ')


@pytest.fixture
def without_tls() -> Iterator[str]:
    """An https:// address at which a server answers in clear text."""
    with RawServer(http(400), reads='nothing') as server:
        yield server.url.replace('http:', 'https:')


def test_https_to_a_proxy_without_tls(without_tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', without_tls)
    error = failure(health, UNKNOWN)
    assert error.code in ('proxy', 'tls')  # the oldest urllib3 does not blame the proxy
    assert 'https_proxy' in error.hint
    assert 'does not seem to speak TLS' in error.hint


def test_https_to_a_port_without_tls(without_tls: str) -> None:
    error = failure(health, without_tls)
    assert error.code == 'tls'
    assert error.hint == 'Check the port in api_url: the server does not seem to speak TLS there.'


def test_the_failure_of_a_retried_request_says_how_many_attempts_there_were(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503), times=None)
    assert 'attempts' not in failure(health, firefly.url).what
    error = failure(health, firefly.url, retries=1)
    assert error.what.endswith('returned 503 Service Unavailable. There were 2 attempts.')
    assert (error.code, error.status, error.retryable) == ('server_error', 503, True)


@pytest.mark.parametrize(
    'method,path,body,hint',
    [
        ('GET', 'workspaces/search', '{}', 'This endpoint is documented as a POST: set the option method.'),
        ('POST', 'runners/projects/list', '', 'This endpoint is documented as a GET: set the option method.'),
        ('POST', 'workspaces/search', '{}', 'Check path, method, query and body.'),
        ('PUT', 'runners/projects', '[]', 'Check path, method, query and body.'),
        ('PUT', 'runners/projects', '<html>', HINTS['unexpected_status']),
    ],
)
@pytest.mark.parametrize('status', [400, 405])
def test_what_to_do_next_depends_on_who_refused_the_request(
    serve: Serve, status: int, method: str, path: str, body: str, hint: str
) -> None:
    request = Request(method=method, path=f'/v2/{path}', expect=(200,), token='token')  # noqa: S106
    assert failure(client(serve(http(status, body)).url).request, request).hint == hint
