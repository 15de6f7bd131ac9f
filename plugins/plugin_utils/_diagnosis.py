# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exception of requests, urllib3 or the system means."""

from __future__ import annotations

import socket
import ssl
import typing as t
from http.client import HTTPException

try:
    import requests
    from urllib3 import exceptions as errors
except Exception as error:  # whatever a broken dependency of requests raises
    IMPORT_ERROR: Exception | None = error
else:
    IMPORT_ERROR = None
    #: What sending a request or reading its response can raise.
    ERRORS = (requests.RequestException, errors.HTTPError, HTTPException, OSError, UnicodeError)
    # exceptions, code, whether it is temporary; the first row that matches an exception of the chain counts
    _MEANINGS: list[tuple[tuple[type[BaseException], ...], str, bool]] = [
        ((requests.exceptions.ProxyError, errors.ProxyError), 'proxy', False),
        ((requests.exceptions.InvalidSchema, errors.ProxySchemeUnknown), 'proxy', False),
        ((requests.exceptions.InvalidURL, errors.LocationValueError, UnicodeError), 'invalid_option', False),
        # a server ends the handshake like this when it goes down, or when it requires a client certificate; it depends
        # on the version of Python and OpenSSL which of these it is
        ((ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError), 'tls', True),
        ((ssl.SSLError, errors.SSLError, requests.exceptions.SSLError), 'tls', False),
        ((socket.gaierror,), 'dns', True),
        ((ConnectionError, errors.NewConnectionError), 'connect', True),
        ((TimeoutError, requests.Timeout, errors.TimeoutError), 'timeout', True),
        ((BaseException,), 'connect', True),
    ]
    # these mean that there was no connection, so nothing was sent
    _UNSENT = (socket.gaierror, ssl.SSLCertVerificationError, errors.NewConnectionError, errors.ConnectTimeoutError)


class Diagnosis(t.NamedTuple):
    """The code of a failure, whether it is temporary, the reason that the system gives, and whether the request may
    have arrived. The reason holds no address and no secret."""

    code: str
    retryable: bool = False
    reason: str = ''
    arrived: bool = False


def diagnose(error: BaseException) -> Diagnosis:
    """What an exception of :data:`ERRORS` means."""
    if error.__class__ is OSError and error.strerror is None:
        # requests found no CA bundle, https://github.com/psf/requests/blob/main/src/requests/adapters.py
        return Diagnosis('tls', reason='no CA certificates found: install ca-certificates, or certifi for this Python')
    chain = list(_chain(error))
    code, retryable = next(row[1:] for row in _MEANINGS if any(isinstance(link, row[0]) for link in chain))
    # what http.client says if a proxy refuses to connect
    refused = any(str(link).startswith('Tunnel connection failed') for link in chain)
    unsent = refused or code == 'invalid_option' or any(isinstance(link, _UNSENT) for link in chain)
    return Diagnosis(code, retryable, '' if code == 'timeout' else _reason(chain), arrived=not unsent)


def _reason(chain: list[BaseException]) -> str:
    """The reason that the system gives, or an empty string."""
    for link in reversed(chain):
        if isinstance(link, ssl.SSLError):
            reason = getattr(link, 'verify_message', None) or getattr(link, 'reason', None) or ''
            return reason.lower().replace('_', ' ')
        if isinstance(link, OSError) and isinstance(link.strerror, str):
            return link.strerror
    return ''


def _chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """The error and all its causes, outermost first. Libraries keep them in different places."""
    seen: list[BaseException] = []
    links = [error]
    while links:
        link = links.pop(0)
        if isinstance(link, BaseException) and not any(link is known for known in seen):
            seen.append(link)
            yield link
            links += [getattr(link, 'reason', None), *link.args, link.__cause__, link.__context__]
