# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a network and a server can do wrong, and the code that a login must give for it.

The tests run each row, and the documentation's page on troubleshooting lists them.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

Handle = Callable[[socket.socket], None]

TOKEN = 'eyJhbGciOiJIUzI1NiJ9.RklSRUZMWS1GQVVMVC1UT0tFTg.bmVlZGxl'  # noqa: S105, it is invented
SECRET_KEY = 'FAULT-SECRET-KEY-NEEDLE-55a1c3'
ACCESS_KEY = 'FAULT-ACCESS-KEY-77'


@dataclass(frozen=True)
class Fault:
    """A row: what happens, and the code that comes of it.

    ``handle`` answers a connection from which a request was read, ``early`` one from which its headers were read, and
    ``raw`` one from which nothing was read. ``tls`` is the kind of certificate that the server has. ``url`` takes the
    place of a server, and ``proxy`` makes the server a proxy for it, which is that server too where it has ``tls``.
    ``seconds`` is how long the login may take, as the documentation of ``timeout`` and ``retries`` says for these
    options.
    """

    name: str
    code: str
    handle: Handle | None = None
    early: Handle | None = None
    raw: Handle | None = None
    tls: str = ''
    url: str = ''
    proxy: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    seconds: float = 5


def http(status: int | str = 200, body: bytes | str = b'', *headers: str, length: int | None = None) -> Handle:
    """A response that is sent at once."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f'HTTP/1.1 {status} X', f'Content-Length: {len(content) if length is None else length}', *headers]
    return send('\r\n'.join([*lines, '', '']).encode() + content)


def send(data: bytes) -> Handle:
    return lambda connection: connection.sendall(data)


def login_body(**replaced: Any) -> str:
    """The body of a usual login, with some keys replaced; ``...`` takes a key away."""
    body = {'accessToken': TOKEN, 'expiresAt': int(time.time()) + 3600, 'tokenType': 'Bearer', **replaced}
    return json.dumps({key: value for key, value in body.items() if value is not ...})


def reset(before: bytes = b'') -> Handle:
    """A TCP reset, after some bytes."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(before)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        connection.close()

    return handle


def drip(data: bytes, pause: float = 0.1) -> Handle:
    """One byte every ``pause`` seconds."""

    def handle(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return handle


def without_tls(data: bytes) -> Handle:
    """What comes below a TLS connection, as if something on the way had sent it."""
    return lambda connection: socket.socket.sendall(connection, data)


def soon(connection: socket.socket) -> None:
    """A login whose token lives for ten seconds from now on."""
    http(200, login_body(expiresAt=int(time.time()) + 10))(connection)


def hang(connection: socket.socket) -> None:
    """Say nothing until the client has gone."""
    connection.settimeout(20)
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


GOOD = http(200, login_body())
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
CHUNKED = HEAD + b'Transfer-Encoding: chunked\r\n\r\n'


def junk_after_the_headers(connection: socket.socket) -> None:
    """Begin a response, and go on without TLS."""
    send(HEAD)(connection)
    without_tls(b'junk' * 9)(connection)


def _body(name: str, body: bytes | str, code: str = 'invalid_response') -> Fault:
    return Fault(f'a 200 {name}', code, http(200, body))


def _status(status: int) -> Fault:
    codes = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 407: 'proxy', 429: 'rate_limited'}
    code = codes.get(status) or {3: 'redirect', 5: 'server_error'}.get(status // 100, 'unexpected_status')
    headers = ['Location: https://elsewhere.example/login'] if code == 'redirect' else []
    phrase = next((known.phrase for known in HTTPStatus if known == status), 'not a known status')
    body = '' if status in (204, 304) else f'{{"message": "{SECRET_KEY} no"}}'
    return Fault(f'{status} ({phrase})', code, http(status, body, *headers))


def _retry_after(name: str, value: str, **more: Any) -> Fault:
    options = {'retries': 1}
    return Fault(
        f'503 with Retry-After {name}', 'server_error', http(503, '', f'Retry-After: {value}'), options=options, **more
    )


STATUSES = (
    201, 202, 203, 204, 206, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
    410, 411, 413, 414, 415, 418, 421, 422, 423, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508,
    511, 520, 521, 522, 523, 524, 525, 526, 530, 599, 600, 999,
)  # fmt: skip

HTML = '<!doctype html><title>Sign in to the hotel network</title>'

FAULTS = [
    # the network
    Fault('a host name that does not exist', 'dns', url='https://firefly.invalid', seconds=30),
    Fault('nobody listens', 'connect', url='http://127.0.0.1:9'),
    Fault('a network that cannot be reached', 'connect', url='http://127.255.255.255:9'),
    Fault('a server that accepts no connection', 'timeout', url='full backlog', options={'timeout': 1}),
    Fault('a server that never responds', 'timeout', hang, options={'timeout': 1}),
    Fault('a server that closes at once', 'connect', raw=lambda connection: None),
    Fault('a server that closes after the request', 'connect', lambda connection: None),
    Fault('a reset before the request', 'connect', raw=reset()),
    Fault('a close in the body of the request', 'connect', early=lambda connection: None),
    Fault('a reset in the body of the request', 'connect', early=reset()),
    Fault('a reset after the request', 'connect', reset()),
    Fault('a reset in the headers', 'connect', reset(b'HTTP/1.1 200 OK\r\nConte')),
    Fault('a reset after the headers', 'connect', reset(HEAD + b'Content-Length: 500\r\n\r\n')),
    Fault('a reset in the body', 'connect', reset(HEAD + b'Content-Length: 500\r\n\r\n{"accessTo')),
    Fault(
        'a body that drips',
        'timeout',
        lambda connection: (send(HEAD + b'Content-Length: 500\r\n\r\n')(connection), drip(b' ' * 500)(connection))[0],
        options={'timeout': 1},
    ),
    Fault('headers that take longer than timeout', 'timeout', drip(HEAD + b'Content-Length: 5\r\n\r\nhello', 0.03), options={'timeout': 1}),
    Fault('a failure that passes', 'ok', url='second time good', options={'retries': 1}),
    # TLS
    Fault('a certificate of a CA that is not trusted', 'tls', GOOD, tls='untrusted'),
    Fault('a certificate that has expired', 'tls', GOOD, tls='expired'),
    Fault('a certificate for another name', 'tls', GOOD, tls='wrong name'),
    Fault('a server that demands a client certificate', 'tls', GOOD, tls='client'),
    Fault('a server that demands a client certificate, which it gets', 'ok', GOOD, tls='client with'),
    Fault('a certificate that is trusted', 'ok', GOOD, tls='good'),
    Fault('http:// to a server that speaks TLS', 'connect', GOOD, tls='plain client'),
    Fault('https:// to a server without TLS', 'tls', raw=send(b'HTTP/1.1 400 Bad Request\r\n\r\n'), tls='junk'),
    Fault('a TLS handshake that is junk', 'tls', raw=send(b'\x16\x03\x01' + b'\xff' * 300), tls='junk'),
    Fault('a TLS handshake that hangs', 'timeout', raw=hang, tls='junk', options={'timeout': 1}),
    Fault('a TLS record that is junk, after the request', 'tls', without_tls(b'\x17\x03\x03\x00\x20' + b'\xff' * 32), tls='good'),
    Fault('a TLS record that is junk, after the headers', 'tls', junk_after_the_headers, tls='good'),
    Fault('a TLS connection that is reset after the request', 'connect', reset(), tls='good'),
    # proxies
    Fault('a proxy where nobody listens', 'proxy', url='https://firefly.example', proxy=True),
    Fault('a proxy that wants a password', 'proxy', http(407), url='https://firefly.example', proxy=True),
    Fault('a proxy that says no', 'proxy', http(403, HTML), url='https://firefly.example', proxy=True),
    Fault('a proxy that responds with a page', 'tls', http(200, HTML), url='https://firefly.example', proxy=True),
    Fault('a proxy that is junk', 'connect', send(b'\x00\xff' * 99), url='https://firefly.example', proxy=True),
    Fault('a proxy that closes', 'connect', lambda connection: None, url='https://firefly.example', proxy=True),
    Fault('a proxy that hangs', 'timeout', hang, url='https://firefly.example', proxy=True, options={'timeout': 1}),
    Fault('a proxy that lets through', 'ok', GOOD, url='https://firefly.example', proxy=True, tls='good'),
    Fault('a proxy that closes after the connection', 'tls', send(b'HTTP/1.1 200 OK\r\n\r\n'), url='https://firefly.example', proxy=True),
    Fault('a proxy that closes after the request', 'proxy', lambda connection: None, url='https://firefly.example', proxy=True, tls='good'),
    Fault('a proxy that resets after the request', 'proxy', reset(), url='https://firefly.example', proxy=True, tls='good'),
    Fault('a proxy that is junk after the request', 'tls', without_tls(b'HTTP/1.1 502 Bad\r\n\r\n'), url='https://firefly.example', proxy=True, tls='good'),
    # statuses
    *(_status(status) for status in STATUSES),
    # Retry-After
    _retry_after('of a second', '1'),
    _retry_after('of no time', '0'),
    _retry_after('that is a date in the past', 'Wed, 21 Oct 2015 07:28:00 GMT'),
    _retry_after('that is a date far ahead', 'Wed, 21 Oct 2099 07:28:00 GMT', seconds=75),
    _retry_after('that is negative', '-5'),
    _retry_after('that is absurd', '9' * 5000, seconds=75),
    _retry_after('that is junk', 'soon \xe9'),
    # bodies
    _body('without a body', ''),
    _body('with a page', HTML),
    _body('with text', 'welcome'),
    _body('with half of the JSON', login_body()[:60]),
    _body('with an array', '[]'),
    _body('with a string', '"token"'),
    _body('with a number', '1'),
    _body('with null', 'null'),
    _body('with an empty object', '{}'),
    _body('with two objects', login_body() * 2),
    _body('with arrays in arrays in arrays', '[' * 100_000),
    _body('with objects in objects in objects', '{"a":' * 100_000),
    _body('with bytes that are not UTF-8', b'{"accessToken": "\xff\xfe\xfd"}'),
    _body('with a byte order mark', b'\xef\xbb\xbf' + login_body().encode(), 'ok'),
    _body('with UTF-16', login_body().encode('utf-16'), 'ok'),
    _body('with a key twice', login_body()[:-1] + ', "tokenType": "bearer"}', 'ok'),
    _body('with keys that are not known', login_body(refreshToken='x', scope=[1]), 'ok'),
    _body('without accessToken', login_body(accessToken=...)),
    _body('with accessToken null', login_body(accessToken=None)),
    _body('with an empty accessToken', login_body(accessToken='')),
    _body('with a number as accessToken', login_body(accessToken=7)),
    _body('with a line break in accessToken', login_body(accessToken='a\r\nX-Evil: 1')),
    _body('with a space in accessToken', login_body(accessToken='a b')),
    _body('with an accessToken that is not ASCII', login_body(accessToken='t\u00f6ken')),
    _body('without expiresAt', login_body(expiresAt=...)),
    _body('with expiresAt null', login_body(expiresAt=None)),
    _body('with a string as expiresAt', login_body(expiresAt='1795478400')),
    _body('with true as expiresAt', login_body(expiresAt=True)),
    _body('with expiresAt NaN', login_body(expiresAt=float('nan'))),
    _body('with expiresAt infinite', login_body(expiresAt=float('inf'))),
    _body('with a negative expiresAt', login_body(expiresAt=-1)),
    _body('with an absurd expiresAt', login_body(expiresAt=10**30)),
    _body('with an expiresAt of 400 digits', '{"accessToken": "a.b.c", "expiresAt": 1' + '0' * 400 + '}'),
    _body('with an expiresAt of 5,000 digits', '{"accessToken": "a.b.c", "expiresAt": 1' + '0' * 5000 + '}'),
    _body('with an expiresAt that has passed', login_body(expiresAt=1_500_000_000), 'expires_too_soon'),
    _body('with expiresAt 0', login_body(expiresAt=0), 'expires_too_soon'),
    Fault('a 200 with an expiresAt in ten seconds', 'expires_too_soon', soon),
    _body('with expiresAt in seconds from now', login_body(expiresAt=3600), 'ok'),
    _body('with expiresAt in milliseconds', login_body(expiresAt=(int(time.time()) + 3600) * 1000), 'ok'),
    _body('with a fraction in expiresAt', login_body(expiresAt=time.time() + 3600.5), 'ok'),
    _body('with tokenType in lower case', login_body(tokenType='bearer'), 'ok'),
    _body('without tokenType', login_body(tokenType=...), 'ok'),
    _body('with a number as tokenType', login_body(tokenType=1)),
    _body('with a line break in tokenType', login_body(tokenType='Bearer\n')),
    _body('of 50 MB', b' ' * 50_000_000, 'response_too_large'),
    # framing
    Fault('a body that is shorter than Content-Length', 'connect', http(200, login_body(), length=5000)),
    Fault('a body that is longer than Content-Length', 'invalid_response', http(200, login_body(), length=20)),
    Fault('a Content-Length that is junk', 'ok', send(HEAD + b'Content-Length: soon\r\n\r\n' + login_body().encode())),
    Fault('two Content-Lengths that differ', 'connect', send(HEAD + b'Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello')),
    Fault('a body in chunks', 'ok', send(CHUNKED + b'%x\r\n%s\r\n0\r\n\r\n' % (len(login_body()), login_body().encode()))),
    Fault('a chunk whose size is junk', 'connect', send(CHUNKED + b'zz\r\nhello\r\n0\r\n\r\n')),
    Fault('chunks that break off', 'connect', send(CHUNKED + b'fff\r\n{"accessToken"')),
    Fault('a body without an end', 'ok', send(b'HTTP/1.0 200 OK\r\n\r\n' + login_body().encode())),
    Fault('a body that is packed though nobody asked', 'invalid_response', http(200, gzip.compress(login_body().encode()), 'Content-Encoding: gzip')),
    Fault('a gzip bomb', 'invalid_response', http(200, gzip.compress(b' ' * 200_000_000, 9)[:500_000], 'Content-Encoding: gzip')),
    Fault('an encoding that does not exist', 'ok', http(200, login_body(), 'Content-Encoding: zippy')),
    Fault('a status line that is junk', 'connect', send(b'hello\r\n\r\n')),
    Fault('a status that is not a number', 'connect', http('abc')),
    Fault('a status of two digits', 'connect', http(20)),
    Fault('an SSH server', 'connect', raw=send(b'SSH-2.0-OpenSSH_9.2\r\n')),
    Fault('a flood of headers', 'connect', http(200, login_body(), *(f'X-{number}: y' for number in range(500)))),
    Fault('a header of a megabyte', 'connect', http(200, login_body(), 'X: ' + 'y' * 1_000_000)),
    Fault('a header without a colon', 'ok', http(200, login_body(), 'hello')),
    Fault('a header that is not ASCII', 'ok', http(200, login_body(), 'X: \xe9\xff')),
    Fault('a Date that is junk', 'ok', http(200, login_body(), 'Date: yesterday')),
    Fault('a Date in a year that cannot be', 'ok', http(200, login_body(), 'Date: Wed, 21 Oct 99999 07:28:00 GMT')),
    Fault('a Location that is junk', 'redirect', http(302, '', 'Location: https://[\x01')),
    Fault('a Location that never ends', 'redirect', http(302, '', 'Location: /' + 'a' * 60_000)),
    Fault('a Location with a secret', 'redirect', http(302, '', f'Location: https://u:{SECRET_KEY}@x.example/?k={SECRET_KEY}')),
    Fault('a 100 before the response', 'ok', send(b'HTTP/1.1 100 Continue\r\n\r\n' + HEAD + b'\r\n' + login_body().encode())),
    Fault('a 103 before the response', 'unexpected_status', send(b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' + HEAD + b'\r\n' + login_body().encode())),
]  # fmt: skip


class Server:
    """Behaves as a fault says, for one connection after the other and several at a time."""

    def __init__(self, fault: Fault, folder: Path) -> None:
        self.fault = fault
        self.options: dict[str, Any] = {'timeout': 10, 'retries': 0, **fault.options}
        self.environment: dict[str, str] = {}
        self.connections = 0
        self.requests: list[bytes] = []  # those that came whole, less what they ask of a proxy
        self._context = self._tls(folder)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{self._socket.getsockname()[1]}'
        secure = fault.tls not in ('', 'plain client')
        self.url = f'{"https" if secure else "http"}://{address}'
        if fault.proxy:
            self.environment = {'https_proxy': f'http://{address}', 'no_proxy': ''}
        if '://' in fault.url:
            self.url = fault.url
        if fault.url == 'full backlog':
            self._socket.listen(0)
            self._waiting = [socket.socket() for _unused in range(4)]
            for client in self._waiting:
                client.setblocking(False)
                client.connect_ex(self._socket.getsockname())
            return
        if fault.proxy and not fault.handle:
            self._socket.close()
            return
        self._socket.listen(100)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _unused = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(20)
            if self.fault.raw:
                self.fault.raw(connection)
                return
            if self._context:
                if self.fault.proxy:
                    _head(connection)
                    connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
                connection = self._context.wrap_socket(connection, server_side=True)
            head, body = _head(connection)
            if self.fault.early:
                self.fault.early(connection)
                return
            length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', head)
            while len(body) < int(length[1] if length else 0):
                body += _receive(connection)
            if not head.startswith(b'CONNECT '):
                self.requests.append(head + body)
            if self.fault.url == 'second time good':
                (GOOD if self.connections > 1 else reset())(connection)
            elif self.fault.handle:
                self.fault.handle(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1)
                while connection.recv(65536):
                    pass

    def _tls(self, folder: Path) -> ssl.SSLContext | None:
        kind = self.fault.tls
        if kind in ('', 'junk'):
            return None
        authority = trustme.CA()
        name = 'elsewhere.example' if kind == 'wrong name' else urlsplit(self.fault.url).hostname or '127.0.0.1'
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        certificate = authority.issue_cert(name, not_after=past if kind == 'expired' else None)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        if kind not in ('untrusted', 'plain client'):
            self.options['ca_path'] = str(folder / f'{id(self)}-ca.pem')
            authority.cert_pem.write_to_path(self.options['ca_path'])
        if kind.startswith('client'):
            authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        if kind == 'client with':
            client = authority.issue_cert('client.example')
            self.options['client_cert'] = str(folder / f'{id(self)}-client.pem')
            client.private_key_and_cert_chain_pem.write_to_path(self.options['client_cert'])
        return context

    def close(self) -> None:
        self._socket.close()


def _receive(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise ConnectionError
    return part


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The headers of a request, and what came of its body with them."""
    data = b''
    while b'\r\n\r\n' not in data:
        data += _receive(connection)
    head, end, body = data.partition(b'\r\n\r\n')
    return head + end, body


@contextlib.contextmanager
def serve(fault: Fault, folder: Path) -> Iterator[Server]:
    """A server that behaves as the fault says."""
    server = Server(fault, folder)
    try:
        yield server
    finally:
        server.close()
