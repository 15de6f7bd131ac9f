# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from ansible_collections.firefly.platform.plugins.plugin_utils._diagnosis import _chain, diagnose
from urllib3 import exceptions as urllib3_errors


def wrapped(cause: BaseException) -> requests.ConnectionError:
    """As requests raises it: its argument is urllib3's error, whose reason is the system's error."""
    return requests.ConnectionError(urllib3_errors.MaxRetryError(None, '/v2/login', cause))  # type: ignore[arg-type]


CERTIFICATE = ssl.SSLCertVerificationError('HUNTER2')
CERTIFICATE.verify_message = 'self-signed certificate'


@pytest.mark.parametrize(
    'error,code,reason',
    [
        (requests.exceptions.InvalidURL('HUNTER2'), 'invalid_option', ''),
        (UnicodeError('HUNTER2'), 'invalid_option', ''),
        (wrapped(urllib3_errors.LocationParseError('HUNTER2')), 'invalid_option', ''),
        (requests.exceptions.ProxyError(OSError('Tunnel HUNTER2')), 'proxy', ''),
        (wrapped(urllib3_errors.ProxyError('HUNTER2', ConnectionRefusedError(111, 'refused'))), 'proxy', 'refused'),
        (wrapped(ssl.SSLEOFError(8, 'HUNTER2')), 'tls', ''),
        (wrapped(CERTIFICATE), 'tls', 'self-signed certificate'),
        (requests.exceptions.SSLError('HUNTER2'), 'tls', ''),
        (wrapped(socket.gaierror(-2, 'Name not known')), 'dns', 'Name not known'),
        (wrapped(ConnectionResetError(104, 'reset')), 'connect', 'reset'),
        (requests.exceptions.ReadTimeout('HUNTER2'), 'timeout', ''),
        (requests.exceptions.ConnectTimeout('HUNTER2'), 'timeout', ''),
        (urllib3_errors.ReadTimeoutError(None, '', 'HUNTER2'), 'timeout', ''),  # type: ignore[arg-type]
        (TimeoutError(110, 'HUNTER2'), 'timeout', ''),
        (OSError(113, 'No route'), 'connect', 'No route'),
        (OSError('HUNTER2'), 'tls', 'no CA certificates found: install ca-certificates, or certifi for this Python'),
        (requests.ConnectionError('HUNTER2'), 'connect', ''),
        (urllib3_errors.ProtocolError('HUNTER2'), 'connect', ''),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_exception_has_a_code_and_a_reason(error: BaseException, code: str, reason: str) -> None:
    temporary = code in ('dns', 'connect', 'timeout') or 'SSLEOFError' in repr(error)
    assert diagnose(error)[:3] == (code, temporary, reason)


def test_a_chain_has_each_error_once_outermost_first() -> None:
    inner, middle, outer = OSError('inner'), ValueError('middle'), wrapped(OSError('reason'))
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer  # a cycle
    chain = list(_chain(outer))
    assert chain[0] is outer
    assert len(chain) == len({id(error) for error in chain}) == 5
    assert {inner, middle} < set(chain)
    assert list(_chain(None)) == []


def test_the_reason_is_that_of_the_innermost_error() -> None:
    outer = OSError(5, 'outer')
    outer.__cause__ = ConnectionRefusedError(111, 'inner')
    assert diagnose(wrapped(outer)).reason == 'inner'


UNSENT: list[BaseException] = [
    wrapped(urllib3_errors.NewConnectionError(None, 'no')),  # type: ignore[arg-type]
    wrapped(socket.gaierror(-2, 'Name not known')),
    requests.exceptions.ConnectTimeout(urllib3_errors.ConnectTimeoutError('late')),
    requests.exceptions.ProxyError(
        urllib3_errors.ProxyError('no', urllib3_errors.NewConnectionError(None, 'no'))  # type: ignore[arg-type]
    ),
    wrapped(urllib3_errors.ProxyError('no', OSError('Tunnel connection failed: 403 Forbidden'))),
    requests.exceptions.InvalidURL('no'),
    OSError('no CA certificates'),
]
SENT: list[BaseException] = [
    wrapped(ConnectionResetError(104, 'reset')),
    wrapped(urllib3_errors.ProtocolError('cut', BrokenPipeError(32, 'pipe'))),
    requests.exceptions.ReadTimeout(urllib3_errors.ReadTimeoutError(None, '', 'late')),  # type: ignore[arg-type]
    wrapped(ssl.SSLEOFError(8, 'cut')),
    wrapped(ssl.SSLError(1, 'bad record')),
    urllib3_errors.IncompleteRead(1, 2),
    requests.ConnectionError('?'),
    TimeoutError('?'),
]


@pytest.mark.parametrize('error', [*UNSENT, *SENT], ids=str)
def test_a_request_can_have_arrived_unless_there_was_no_connection(error: BaseException) -> None:
    assert diagnose(error).arrived == (error in SENT)
