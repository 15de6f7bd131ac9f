# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest
import urllib3
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._pauses import Progress

Talk = Callable[[socket.socket, bytes], None]


class RawServer(socketserver.ThreadingTCPServer):
    """Reads a request from each connection on loopback, and hands both to ``talk``, which answers as it likes."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(('127.0.0.1', 0), socketserver.BaseRequestHandler)
        self.talk = talk
        self.connections = 0
        self.port: int = self.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}'

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        self.connections += 1
        with contextlib.suppress(OSError):  # the client has gone
            self.talk(request, _receive(request))


def _receive(connection: socket.socket) -> bytes:
    received = b''
    while True:
        head, end, body = received.partition(b'\r\n\r\n')
        length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', head)
        if end and len(body) >= int(length[1] if length else 0):
            return received
        part = connection.recv(65536)
        if not part:
            return received
        received += part


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], RawServer]]:
    """Starts servers that talk as the test says, down to the byte."""
    with contextlib.ExitStack() as stack:

        def start(talk: Talk) -> RawServer:
            server = stack.enter_context(RawServer(talk))
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            stack.callback(server.shutdown)
            return server

        yield start


@pytest.fixture
def urllib3_1_26(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what urllib3 1.26 does not have. Its ``read`` waits for all the bytes that it is asked for."""
    for kind in urllib3.HTTPResponse.__mro__:
        monkeypatch.delattr(kind, 'read1', raising=False)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which are not made but collected here."""
    collected: list[float] = []

    def sleep(self: Progress, seconds: float, error: FireflyError, deadline: float | None = None) -> None:
        if seconds:
            collected.append(seconds)

    monkeypatch.setattr(Progress, 'sleep', sleep)
    return collected
