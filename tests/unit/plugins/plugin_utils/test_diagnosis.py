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
    """As requests has it: urllib3's error is the argument of its own, and holds the system's error as its reason."""
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
        (TimeoutError('HUNTER2'), 'timeout', ''),
        (OSError(113, 'No route'), 'connect', 'No route'),
        (OSError('HUNTER2'), 'tls', 'no CA certificates found: install ca-certificates, or certifi for this Python'),
        (requests.ConnectionError('HUNTER2'), 'connect', ''),
        (urllib3_errors.ProtocolError('HUNTER2'), 'connect', ''),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_diagnosis(error: BaseException, code: str, reason: str) -> None:
    diagnosis = diagnose(error)
    assert (diagnosis.code, diagnosis.reason) == (code, reason)


def test_a_chain_has_each_error_once_outermost_first() -> None:
    inner, middle, outer = OSError('inner'), ValueError('middle'), wrapped(OSError('reason'))
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer  # a circle
    chain = list(_chain(outer))
    assert chain[0] is outer
    assert len(chain) == len({id(error) for error in chain}) == 5
    assert {inner, middle} < set(chain)


def test_without_an_error_there_is_no_chain() -> None:
    assert list(_chain(None)) == []
