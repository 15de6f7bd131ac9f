# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the body of a response, in a limited time."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import typing as t
from http.client import HTTPResponse, IncompleteRead

from ._diagnosis import network_errors
from ._request import Request

if t.TYPE_CHECKING:
    import requests

_PART = 64 * 1024


def read_body(response: requests.Response, request: Request, timeout: float) -> bytes:
    """The body as it was sent, but at most one byte more than the limit. The body of an error may be incomplete.

    :raises TimeoutError: if it takes longer than ``timeout``, in seconds.
    :raises network_errors: if it is not complete.
    """
    body = bytearray()
    try:
        with _time_limit(response, timeout):
            is_whole = _read_into(body, response, request.limit)
        if is_whole:
            response.raw.release_conn()  # the next request can use the connection
    except network_errors():
        if response.status_code in request.expect:
            raise
    return bytes(body[: request.limit + 1])


def _read_into(body: bytearray, response: requests.Response, limit: int) -> bool:
    """Read until the end, or until there is more than the limit. Return whether it was the end."""
    # requests reads cookies from it too; urllib3 1.26 has no read that returns what is there
    source = t.cast(HTTPResponse, response.raw._original_response)
    while len(body) <= limit:
        part = source.read1(_PART)
        if not part:
            if source.length:
                raise IncompleteRead(bytes(body), source.length)
            source.close()
            return True
        body += part
    return False


@contextlib.contextmanager
def _time_limit(response: requests.Response, timeout: float) -> t.Iterator[None]:
    """End the connection if the block takes longer than ``timeout``, in seconds.

    The time-out of a socket starts again with each byte, and http.client reads whole lines before and after a chunk.

    :raises TimeoutError: if the block took longer.
    """
    if response.raw.closed:  # there is no body
        yield
        return
    has_expired = threading.Event()
    with socket.socket(fileno=os.dup(response.raw.fileno())) as connection:
        timer = threading.Timer(timeout, _end, [connection, has_expired])
        timer.start()
        try:
            yield
        except network_errors():
            if not has_expired.is_set():
                raise
        finally:
            timer.cancel()
            timer.join()
    if has_expired.is_set():
        raise TimeoutError from None  # what reading raises then depends on the server


def _end(connection: socket.socket, has_expired: threading.Event) -> None:
    has_expired.set()
    with contextlib.suppress(OSError):  # the server has ended it
        connection.shutdown(socket.SHUT_RDWR)
