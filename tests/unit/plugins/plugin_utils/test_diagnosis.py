# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine

import pytest
import requests
from ansible_collections.firefly.platform.plugins.plugin_utils._diagnosis import _chain, diagnose
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from urllib3 import exceptions as urllib3_errors


def wrapped(cause: BaseException) -> requests.ConnectionError:
    """As requests raises it: its argument is urllib3's error, whose reason is the system's error."""
    return requests.ConnectionError(urllib3_errors.MaxRetryError(None, '/v2/login', cause))  # type: ignore[arg-type]


CERTIFICATE = ssl.SSLCertVerificationError('HUNTER2')
CERTIFICATE.verify_message = 'self-signed certificate'


NO_CONNECTION = urllib3_errors.NewConnectionError(None, 'HUNTER2')  # type: ignore[arg-type]
NO_CA = 'no CA certificates found: install ca-certificates, or certifi for this Python'


# the last column says whether the request can have arrived
@pytest.mark.parametrize(
    'error,code,reason,arrived',
    [
        (requests.exceptions.InvalidURL('HUNTER2'), 'invalid_option', '', False),
        (UnicodeError('HUNTER2'), 'invalid_option', '', False),
        (wrapped(urllib3_errors.LocationParseError('HUNTER2')), 'invalid_option', '', False),
        # a server behind the proxy closes the connection, or sends what http.client says of a proxy
        (wrapped(urllib3_errors.ProxyError('HUNTER2', ConnectionResetError(104, 'reset'))), 'connect', 'reset', True),
        (wrapped(BadStatusLine('Tunnel connection failed: 403')), 'connect', '', True),
        (wrapped(urllib3_errors.ProxyError('x', BadStatusLine('Tunnel connection failed'))), 'connect', '', True),
        (wrapped(urllib3_errors.ProxyError('HUNTER2', OSError('Tunnel connection failed: 403'))), 'proxy', '', False),
        (requests.exceptions.ProxyError(urllib3_errors.ProxyError('HUNTER2', NO_CONNECTION)), 'proxy', '', False),
        (wrapped(ssl.SSLEOFError(8, 'HUNTER2')), 'tls', '', True),
        (wrapped(ssl.SSLZeroReturnError(6, 'HUNTER2')), 'tls', '', True),
        (wrapped(ssl.SSLSyscallError(5, 'HUNTER2')), 'tls', '', True),
        (wrapped(ssl.SSLError(1, 'HUNTER2')), 'tls', '', True),
        (wrapped(CERTIFICATE), 'tls', 'self-signed certificate', False),
        (requests.exceptions.SSLError('HUNTER2'), 'tls', '', True),
        (OSError('HUNTER2'), 'tls', NO_CA, False),
        (wrapped(socket.gaierror(-2, 'Name not known')), 'dns', 'Name not known', False),
        (wrapped(NO_CONNECTION), 'connect', '', False),
        (wrapped(ConnectionResetError(104, 'reset')), 'connect', 'reset', True),
        (wrapped(urllib3_errors.ProtocolError('HUNTER2', BrokenPipeError(32, 'pipe'))), 'connect', 'pipe', True),
        (OSError(113, 'No route'), 'connect', 'No route', True),
        (urllib3_errors.IncompleteRead(1, 2), 'connect', '', True),
        (requests.ConnectionError('HUNTER2'), 'connect', '', True),
        (requests.exceptions.ReadTimeout('HUNTER2'), 'timeout', '', True),
        (requests.exceptions.ConnectTimeout(urllib3_errors.ConnectTimeoutError('HUNTER2')), 'timeout', '', False),
        (urllib3_errors.ReadTimeoutError(None, '', 'HUNTER2'), 'timeout', '', True),  # type: ignore[arg-type]
        (TimeoutError(110, 'HUNTER2'), 'timeout', '', True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_an_exception_means(error: BaseException, code: str, reason: str, arrived: bool) -> None:
    ended = ('SSLEOFError', 'SSLZeroReturnError', 'SSLSyscallError')
    temporary = code in ('dns', 'connect', 'timeout') or any(name in repr(error) for name in ended)
    found = diagnose(error)
    assert (found.code, found.retryable, found.reason, found.arrived) == (code, temporary, reason, arrived)
    assert found.final == (code == 'invalid_option' or (code == 'tls' and not temporary))


def test_a_chain_has_each_error_once_outermost_first() -> None:
    inner, middle, outer = OSError('inner'), FireflyError('dns', 'middle'), wrapped(OSError('reason'))
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer  # a cycle
    chain = list(_chain(outer))
    assert chain[0] is outer
    assert len(chain) == len({id(error) for error in chain}) == 5
    assert {inner, middle} < set(chain)


def test_a_hidden_error_means_nothing() -> None:
    hidden = ConnectionResetError(104, 'reset')
    error = TimeoutError()
    error.__context__ = hidden
    assert diagnose(error).code == 'connect'
    error.__suppress_context__ = True
    assert diagnose(error).code == 'timeout'


def test_the_reason_is_that_of_the_innermost_error() -> None:
    outer = OSError(5, 'outer')
    outer.__cause__ = ConnectionRefusedError(111, 'inner')
    assert diagnose(wrapped(outer)).reason == 'inner'
