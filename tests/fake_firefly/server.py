# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly as a running server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme
from werkzeug.http import http_date
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from .app import HANDLER, create_app, create_control
from .faults import Fault
from .service import Service


@dataclass(kw_only=True, eq=False)
class FakeFirefly(Service):
    """An embedded Firefly that serves while its context is entered.

    `tls` makes it HTTPS, with a certificate of the CA in `ca_path`. `client_ca` does too, and demands a
    client certificate: `client_cert` with `client_key`. All three are PEM files that are there while the server is.
    """

    tls: bool = False
    client_ca: bool = False

    url: str = field(init=False, default='')
    ca_path: str | None = field(init=False, default=None)
    client_cert: str | None = field(init=False, default=None)
    client_key: str | None = field(init=False, default=None)

    def __enter__(self) -> FakeFirefly:
        self.start()
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_unused: object) -> None:
        """Stop. Raise AssertionError for violations, unless there is an exception already."""
        self.stop()
        if self.violations and exc_type is None:
            raise AssertionError('Requests that the contract does not allow:\n' + '\n'.join(self.violations))

    @property
    def options(self) -> dict[str, str]:
        """The options with which a task finds this server and logs in."""
        keys = {'api_url': self.url, 'access_key': self.access_key, 'secret_key': self.secret_key}
        return {**keys, 'ca_path': self.ca_path} if self.ca_path else keys

    def start(self) -> None:
        """Listen and serve in the background until stop()."""
        self.stopping.clear()
        with contextlib.ExitStack() as stack:
            tls = None
            if self.tls or self.client_ca:
                tls = self._make_tls_context(Path(stack.enter_context(TemporaryDirectory(prefix='fake-firefly-'))))
            server = _Server(self, tls)
            stack.callback(server.stop)
            self.url = f'{"https" if tls else "http"}://127.0.0.1:{server.port}{self.prefix}'
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Cut all connections. Leave no thread, socket or file behind."""
        self._running.close()

    def _make_tls_context(self, folder: Path) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca = trustme.CA()
        ca.issue_cert('127.0.0.1', 'localhost', 'firefly.example').configure_cert(context)
        self.ca_path = str(folder / 'ca.pem')
        ca.cert_pem.write_to_path(self.ca_path)
        if self.client_ca:
            client_ca = trustme.CA()
            client_ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
            client = client_ca.issue_cert('client.test')
            self.client_cert, self.client_key = str(folder / 'client-cert.pem'), str(folder / 'client-key.pem')
            client.cert_chain_pems[0].write_to_path(self.client_cert)
            client.private_key_pem.write_to_path(self.client_key)
        return context


class _Server(ThreadedWSGIServer):
    daemon_threads = False  # those are not joined

    def __init__(self, firefly: FakeFirefly, tls: ssl.SSLContext | None) -> None:
        app = DispatcherMiddleware(create_app(firefly), {'/_fake': create_control(firefly)})
        super().__init__('127.0.0.1', 0, app, _Handler)
        self.stopping = firefly.stopping
        self._connections: set[socket.socket] = set()
        if tls:
            self.ssl_context = tls
            # the connection's thread does the handshake: a slow client must not hold up others
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.01})
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        self.shutdown()
        self.stopping.set()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # closed meanwhile
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not SSLSocket's, which is for its own thread
        self._thread.join()


class _Handler(WSGIRequestHandler):
    """Sends responses with their fault. A connection is kept for the next request, unless there is a fault."""

    server: _Server
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True  # it delays the end of a response over a kept connection by 40 ms

    def run_wsgi(self) -> None:
        self.path = self.requestline.split()[1]  # as it was sent: http.server reduces several leading slashes to one
        self.fault = Fault()  # the application may set another
        environ = {**self.make_environ(), HANDLER: self}
        length = self.headers.get('Content-Length', '0')
        if length.isdecimal() and 'Transfer-Encoding' not in self.headers:
            # what the application did not read would be the next request
            environ['wsgi.input'] = BytesIO(self.rfile.read(int(length)))
        else:
            self.close_connection = True
        response = Response.from_app(self.server.app, environ)
        response.headers.setdefault('Date', http_date())
        if self.fault != Fault():
            self.close_connection = True
        if self.close_connection:
            response.headers['Connection'] = 'close'
        self.fault.send(response, self.connection)

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Log nothing: the requests are in FakeFirefly.requests."""
