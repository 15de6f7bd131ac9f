# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses that go wrong on demand."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.wrappers import Response


@dataclass(frozen=True)
class Fault:
    """How one response goes wrong. The rest of it is as usual, and the fields can be combined.

    `delay` is in seconds. `status`, `headers` and `body` are sent as they are. `reset` sends a TCP RST before the first
    byte, in the middle of the headers or of the body. `replace` replaces keys of the usual body, which is an object.
    `path` is the only path with this fault, and does not include the prefix.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | str | None = None
    delay: float = 0.0
    reset: Literal['before', 'headers', 'body'] | None = None
    replace: dict[str, Any] = field(default_factory=dict)
    path: str | None = None

    @property
    def replaces_response(self) -> bool:
        """Whether response() is sent, and the request is not processed."""
        return self.status is not None or self.body is not None or self.reset == 'before'

    def response(self) -> Response:
        """Make the response in place of the usual one."""
        return Response(self.body, self.status or 200, mimetype='application/json')

    def change(self, response: Response) -> None:
        """Apply to `response` what this fault changes in it."""
        if self.replace and response.status_code == 200:
            response.set_data(json.dumps({**json.loads(response.get_data()), **self.replace}))
        response.headers.update(self.headers)

    def send(self, response: Response, connection: socket.socket) -> None:
        """Send `response`, or as much of it as this fault lets through."""
        body = response.get_data()
        head = f'HTTP/1.1 {response.status}\r\n{response.headers}'.encode('latin-1')
        if not self.reset:
            connection.sendall(head + body)
            return
        parts = {'before': b'', 'headers': head[: len(head) // 2], 'body': head + body[: len(body) // 2]}
        connection.sendall(parts[self.reset])
        # lingering for 0 s is a RST; detached, because http.server would end the connection in order
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        socket.close(connection.detach())
