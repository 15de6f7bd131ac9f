# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a network and a server can do wrong, and the code that a login must report for it."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import trustme
from helpers.raw_server import RawServer, Talk, close, drip, full_backlog, hang, http, nobody, reset, send

TOKEN = 'eyJhbGciOiJIUzI1NiJ9.RklSRUZMWS1GQVVMVC1UT0tFTg.bmVlZGxl'  # not a real token
SECRET_KEY = 'FAULT-SECRET-KEY-NEEDLE-55a1c3'
ACCESS_KEY = 'FAULT-ACCESS-KEY-77'
PROXY_PASSWORD = 'FAULT-PROXY-PASSWORD-0c9d'


@dataclass(frozen=True)
class Fault:
    """A row: what happens, and the code that comes of it.

    ``talk`` is what the server does, and ``first`` what it does to the first connection. Without ``talk`` nobody
    listens. ``tls`` is the kind of certificate that the server has. ``url`` is an address in place of the server's;
    with ``proxy`` the server is the proxy on the way to it.
    """

    name: str
    code: str
    talk: Talk | None = None
    first: Talk | None = None
    reads: Literal['request', 'headers', 'nothing'] = 'request'
    tls: str = ''
    url: str = ''
    proxy: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def login_body(**replaced: Any) -> str:
    """The body of a good login, with some keys replaced."""
    body = {'accessToken': TOKEN, 'expiresAt': int(time.time()) + 3600, 'tokenType': 'Bearer', **replaced}
    return json.dumps(body)


def without_tls(data: bytes, before: bytes = b'') -> Talk:
    """Send bytes as usual, and others below the TLS connection, as if something on the way had sent them."""

    def talk(connection: socket.socket, request: bytes) -> None:
        connection.sendall(before)
        socket.socket.sendall(connection, data)

    return talk


def echo(status: int) -> Talk:
    """Refuse a request with a message that repeats the end of it, which holds the keys or the token."""

    def talk(connection: socket.socket, request: bytes) -> None:
        message = json.dumps({'message': request[-150:].decode()})
        http(status, '' if status in (204, 304) else message)(connection, request)

    return talk


LOGIN = login_body().encode()
GOOD = http(200, LOGIN)
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
BEGUN = HEAD + b'Content-Length: 500\r\n\r\n{"accessTo'
SLOW = HEAD + b'Content-Length: 5\r\n\r\nhello'
CHUNKED = HEAD + b'Transfer-Encoding: chunked\r\n\r\n'
ELSEWHERE = f'Location: https://u:{SECRET_KEY}@elsewhere.example/login?k={SECRET_KEY}'
HTML = '<!doctype html><title>Sign in to the hotel network</title>'
SOON: dict[str, Any] = {'timeout': 0.5}


def _body(what: str, body: bytes | str, code: str = 'invalid_response') -> Fault:
    return Fault(f'a 200 with {what}', code, http(200, body))


def _proxy(what: str, code: str, talk: Talk | None, tls: str = '', **options: Any) -> Fault:
    return Fault(f'a proxy {what}', code, talk, url='https://firefly.example', proxy=True, tls=tls, options=options)


def _raw(name: str, code: str, talk: Talk, **more: Any) -> Fault:
    return Fault(name, code, talk, reads='nothing', **more)


FAULTS = [
    # the network
    Fault('a host name that does not exist', 'dns', url='https://firefly.invalid'),
    Fault('nobody listens', 'connect'),
    Fault('a network that cannot be reached', 'connect', url='http://127.255.255.255:9'),
    Fault('a server that accepts no connection', 'timeout', url='full backlog', options=SOON),
    Fault('a server that never responds', 'timeout', hang(), options=SOON),
    Fault('a body that stops', 'timeout', hang(BEGUN), options=SOON),
    Fault('a body that drips', 'timeout', drip(b' ' * 500, BEGUN), options=SOON),
    Fault('a body without a length that drips', 'timeout', drip(b' ' * 500, HEAD + b'\r\n'), options=SOON),
    Fault('chunks that drip', 'timeout', drip(b'1\r\nx\r\n' * 80, CHUNKED), options=SOON),
    Fault('a line before a chunk that drips', 'timeout', drip(b'1' * 500, CHUNKED), options=SOON),
    Fault('lines after the chunks that drip', 'timeout', drip(b'x: y\r\n' * 80, CHUNKED + b'0\r\n'), options=SOON),
    Fault('headers that stop', 'timeout', hang(HEAD), options=SOON),
    Fault('headers that drip', 'invalid_response', drip(SLOW, pause=0.01), options=SOON),
    Fault('a failure that passes', 'ok', GOOD, first=reset(), options={'retries': 1}),
    _raw('a server that closes at once', 'connect', close),
    Fault('a server that closes after the request', 'connect', close),
    _raw('a reset before the request', 'connect', reset()),
    Fault('a close in the body of the request', 'connect', close, reads='headers'),
    Fault('a reset in the body of the request', 'connect', reset(), reads='headers'),
    Fault('a reset after the request', 'connect', reset()),
    Fault('a reset in the headers', 'connect', reset(HEAD[:20])),
    Fault('a reset after the headers', 'connect', reset(HEAD + b'Content-Length: 500\r\n\r\n')),
    Fault('a reset in the body', 'connect', reset(BEGUN)),
    # TLS
    Fault('a certificate of a CA that is not trusted', 'tls', GOOD, tls='untrusted'),
    Fault('a certificate that has expired', 'tls', GOOD, tls='expired'),
    Fault('a certificate for another name', 'tls', GOOD, tls='wrong name'),
    Fault('a server that demands a client certificate', 'tls', GOOD, tls='client'),
    Fault('a server that gets the client certificate that it demands', 'ok', GOOD, tls='client with'),
    Fault('a certificate that is trusted', 'ok', GOOD, tls='good'),
    Fault('http:// to a server that speaks TLS', 'connect', GOOD, tls='plain client'),
    _raw('https:// to a server without TLS', 'tls', send(b'HTTP/1.1 400 Bad Request\r\n\r\n'), tls='junk'),
    _raw('a TLS handshake that is junk', 'tls', send(b'\x16\x03\x01' + b'\xff' * 300), tls='junk'),
    _raw('a TLS handshake that hangs', 'timeout', hang(), tls='junk', options=SOON),
    Fault('a TLS record that is junk', 'tls', without_tls(b'\x17\x03\x03\x00\x20' + b'\xff' * 32), tls='good'),
    Fault('a TLS record that is junk, after headers', 'tls', without_tls(b'junk' * 9, HEAD), tls='good'),
    Fault('a TLS connection that is reset after the request', 'connect', reset(), tls='good'),
    Fault('a TLS connection that is reset in the body', 'connect', reset(BEGUN), tls='good'),
    Fault('a TLS connection without a response', 'timeout', hang(), tls='good', options=SOON),
    Fault('a TLS connection whose chunks drip', 'timeout', drip(b'1' * 500, CHUNKED), tls='good', options=SOON),
    Fault('a TLS connection whose body drips', 'timeout', drip(b' ' * 500, BEGUN), tls='good', options=SOON),
    # proxies
    _proxy('where nobody listens', 'proxy', None),
    _proxy('that wants a password', 'proxy', http(407, '', 'Proxy-Authenticate: Basic')),
    _proxy('that says no', 'proxy', http(403, HTML)),
    _proxy('that redirects', 'proxy', http(302, '', ELSEWHERE)),
    _proxy('that responds with a page', 'tls', http(200, HTML)),
    _proxy('that is junk', 'connect', send(b'\x00\xff' * 99)),
    _proxy('that closes', 'connect', close),
    _proxy('that hangs', 'timeout', hang(), **SOON),
    _proxy('that lets through', 'ok', GOOD, 'good'),
    _proxy('that closes after the connection', 'tls', send(b'HTTP/1.1 200 OK\r\n\r\n')),
    _proxy('that closes after the request', 'connect', close, 'good'),
    _proxy('that resets after the request', 'connect', reset(), 'good'),
    _proxy('that is junk after the request', 'tls', without_tls(b'HTTP/1.1 502 Bad\r\n\r\n'), 'good'),
    _proxy('that drips chunks', 'timeout', drip(b'1' * 500, CHUNKED), 'good', **SOON),
    _proxy('that drips a body', 'timeout', drip(b' ' * 500, BEGUN), 'good', **SOON),
    # statuses; test_client.py has all of them
    *(Fault(f'a {status}', 'unexpected_status', echo(status)) for status in (201, 204, 400, 600, 999)),
    *(Fault(f'a {status}', 'server_error', echo(status)) for status in (500, 502, 503, 504)),
    Fault('a 401', 'unauthorized', echo(401)),
    Fault('a 403', 'forbidden', echo(403)),
    Fault('a 404', 'not_found', echo(404)),
    Fault('a 407', 'proxy', echo(407)),
    Fault('a 429', 'rate_limited', echo(429)),
    Fault('a 302', 'redirect', http(302, '', ELSEWHERE)),
    Fault('a 304', 'redirect', echo(304)),
    Fault('a Location that is junk', 'redirect', http(302, '', 'Location: https://[\x01')),
    Fault('a 100 before the response', 'ok', send(b'HTTP/1.1 100 Continue\r\n\r\n' + HEAD + b'\r\n' + LOGIN)),
    Fault('a 103 before the response', 'unexpected_status', send(b'HTTP/1.1 103 Early Hints\r\n\r\n' + HEAD + b'\r\n')),
    # bodies; test_token.py and test_api.py have all of them
    _body('no body', ''),
    _body('a page', HTML),
    _body('a byte order mark', b'\xef\xbb\xbf' + LOGIN, 'ok'),
    _body('UTF-16', LOGIN.decode().encode('utf-16'), 'ok'),
    _body('an expiresAt that has passed', login_body(expiresAt=1_500_000_000), 'expires_too_soon'),
    _body('50 MB', b' ' * 50_000_000, 'response_too_large'),
    # framing
    Fault('a body that is shorter than Content-Length', 'connect', http(200, LOGIN, length=5000)),
    Fault('a body that is longer than Content-Length', 'invalid_response', http(200, LOGIN, length=20)),
    Fault('a Content-Length that is junk', 'ok', send(HEAD + b'Content-Length: soon\r\n\r\n' + LOGIN)),
    Fault('two lengths', 'connect', send(HEAD + b'Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello')),
    Fault('two lengths in one header', 'connect', send(HEAD + b'Content-Length: 5, 6\r\n\r\nhello')),
    Fault('a body in chunks', 'ok', send(CHUNKED + b'%x\r\n%s\r\n0\r\n\r\n' % (len(LOGIN), LOGIN))),
    Fault('a chunk whose size is junk', 'connect', send(CHUNKED + b'zz\r\nhello\r\n0\r\n\r\n')),
    Fault('chunks that break off', 'connect', send(CHUNKED + b'fff\r\n{"accessToken"')),
    Fault('a body without an end', 'ok', send(b'HTTP/1.0 200 OK\r\n\r\n' + LOGIN)),
    Fault('a packed body', 'invalid_response', http(200, gzip.compress(LOGIN), 'Content-Encoding: gzip')),
    Fault('a body that is not packed as it says', 'ok', http(200, LOGIN, 'Content-Encoding: gzip')),
    Fault('a status line that is junk', 'connect', send(b'hello\r\n\r\n')),
    Fault('an empty line', 'connect', send(b'\n')),
    Fault('a hundred thousand zeros', 'connect', send(b'\0' * 100_000)),
    Fault('a status that is not a number', 'connect', http('abc')),
    Fault('a status of two digits', 'connect', http(20)),
    Fault('a status of four digits', 'connect', http(2000)),
    _raw('an SSH server', 'connect', send(b'SSH-2.0-OpenSSH_9.2\r\n')),
    Fault('a flood of headers', 'connect', http(200, LOGIN, *(f'X-{number}: y' for number in range(500)))),
    Fault('a header of a megabyte', 'connect', http(200, LOGIN, 'X: ' + 'y' * 1_000_000)),
    Fault('a header without a colon', 'ok', http(200, LOGIN, 'hello')),
    Fault('a header that is not ASCII', 'ok', http(200, LOGIN, 'X: \xe9\xff')),
]
BY_NAME = {fault.name: fault for fault in FAULTS}
#: A fault for each code.
ONE_A_CODE = list({fault.code: fault.name for fault in reversed(FAULTS)}.values())


class Scene(NamedTuple):
    """Where a fault happens: the options and the environment that lead there, and the server."""

    options: dict[str, Any]
    environment: dict[str, str]
    server: RawServer


@contextlib.contextmanager
def stage(fault: Fault, folder: Path) -> Iterator[Scene]:
    """Make the fault happen."""

    def talk(connection: socket.socket, request: bytes) -> None:
        (fault.first if fault.first and server.connections == 1 else fault.talk or close)(connection, request)

    tls, options = _certificates(fault, folder)
    with contextlib.ExitStack() as stack:
        server = RawServer(talk, reads=fault.reads, tls=tls, proxy=bool(tls and fault.proxy))
        stack.enter_context(server)
        port = server.port if fault.talk else stack.enter_context(nobody())
        if fault.url == 'full backlog':
            port = stack.enter_context(full_backlog())
        scheme = 'https' if fault.tls not in ('', 'plain client') else 'http'
        url = fault.url if '://' in fault.url else f'{scheme}://127.0.0.1:{port}'
        proxy = {'https_proxy': f'http://user:{PROXY_PASSWORD}@127.0.0.1:{port}', 'no_proxy': ''}
        keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}
        given = {'api_url': url, **keys, 'timeout': 10, 'retries': 0, **options, **fault.options}
        yield Scene(given, proxy if fault.proxy else {}, server)


def _certificates(fault: Fault, folder: Path) -> tuple[ssl.SSLContext | None, dict[str, str]]:
    """The server's side of TLS, and the client's options."""
    kind, options = fault.tls, {}
    if kind in ('', 'junk'):
        return None, {}
    authority = trustme.CA()
    name = 'elsewhere.example' if kind == 'wrong name' else urlsplit(fault.url).hostname or '127.0.0.1'
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, not_after=past if kind == 'expired' else None).configure_cert(context)
    if kind not in ('untrusted', 'plain client'):
        options['ca_path'] = str(folder / f'{id(context)}-ca.pem')
        authority.cert_pem.write_to_path(options['ca_path'])
    if kind.startswith('client'):
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    if kind == 'client with':
        options['client_cert'] = str(folder / f'{id(context)}-client.pem')
        authority.issue_cert('client.example').private_key_and_cert_chain_pem.write_to_path(options['client_cert'])
    return context, options
