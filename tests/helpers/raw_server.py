# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on loopback that sends whatever a test wants, byte by byte, and ways in which it can behave."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

#: Answers a connection, given the request that was read from it.
Talk = Callable[[socket.socket, bytes], None]


class RawServer(socketserver.ThreadingTCPServer):
    """Reads a request from each connection, or less, and lets ``talk`` do the rest.

    ``requests`` holds the requests that arrived whole. With ``tls`` the server speaks TLS. As a ``proxy`` it first
    accepts a CONNECT, and then plays the host behind it.
    """

    daemon_threads = True
    request_queue_size = 100

    def __init__(
        self,
        talk: Talk,
        *,
        reads: Literal['request', 'headers', 'nothing'] = 'request',
        tls: ssl.SSLContext | None = None,
        proxy: bool = False,
    ) -> None:
        super().__init__(('127.0.0.1', 0), socketserver.BaseRequestHandler)
        self.talk = talk
        self.connections = 0
        self.requests: list[bytes] = []
        self.port: int = self.server_address[1]
        self.url = f'{"https" if tls else "http"}://127.0.0.1:{self.port}'
        self._reads, self._tls, self._proxy = reads, tls, proxy

    def __enter__(self) -> RawServer:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()

    def finish_request(self, request: Any, client_address: object) -> None:
        self.connections += 1
        request.settimeout(20)
        with contextlib.suppress(OSError):  # the client closed the connection
            if self._proxy:
                _receive(request)
                request.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            with self._tls.wrap_socket(request, server_side=True) if self._tls else request as connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._reads != 'request':
            self.talk(connection, _receive(connection, body=False) if self._reads == 'headers' else b'')
            return
        received = _receive(connection)
        self.requests.append(received)
        self.talk(connection, received)
        # closing at once would turn bytes that are on their way into a reset, which can overtake the response
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        while connection.recv(65536):
            pass


def _receive(connection: socket.socket, body: bool = True) -> bytes:
    received = bytearray()
    while b'\r\n\r\n' not in received:
        received += _part(connection)
    head = received.partition(b'\r\n\r\n')[0]
    length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', head)
    while body and len(received) < len(head) + 4 + int(length[1] if length else 0):
        received += _part(connection)
    return bytes(received)


def _part(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise ConnectionError
    return part


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and which no other program can take."""
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that never accepts a connection: Linux drops what comes once the backlog is full."""
    with contextlib.ExitStack() as stack:
        listener, *clients = (stack.enter_context(socket.socket()) for _unused in range(5))
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def send(data: bytes) -> Talk:
    """Send the bytes as they are."""
    return lambda connection, request: connection.sendall(data)


def http(status: int | str = 200, body: bytes | str = b'', *headers: str, length: int | None = None) -> Talk:
    """Send a response. ``length`` replaces its Content-Length."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f'HTTP/1.1 {status} X', f'Content-Length: {len(content) if length is None else length}', *headers]
    return send('\r\n'.join([*lines, '', '']).encode('latin-1') + content)


def close(connection: socket.socket, request: bytes) -> None:
    """Say nothing and close the connection."""


def reset(before: bytes = b'') -> Talk:
    """Send some bytes, then a TCP reset."""

    def talk(connection: socket.socket, request: bytes) -> None:
        connection.sendall(before)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        connection.close()

    return talk


def hang(before: bytes = b'') -> Talk:
    """Send some bytes, then nothing until the client closes the connection."""

    def talk(connection: socket.socket, request: bytes) -> None:
        connection.sendall(before)
        while connection.recv(65536):
            pass

    return talk


def drip(data: bytes, before: bytes = b'', pause: float = 0.05) -> Talk:
    """Send some bytes, then others one by one, with a pause after each."""

    def talk(connection: socket.socket, request: bytes) -> None:
        connection.sendall(before)
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return talk
