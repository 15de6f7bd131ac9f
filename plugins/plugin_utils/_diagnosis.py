# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exception of requests, urllib3 or the system means."""

from __future__ import annotations

import re
import socket
import ssl
import typing as t
from dataclasses import dataclass
from http.client import HTTPException

try:
    import requests
    from urllib3 import exceptions as urllib3_errors
except Exception as error:  # whatever a broken dependency of requests raises
    IMPORT_ERROR: Exception | None = error
else:
    IMPORT_ERROR = None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The code of a failure, and the reason that the system gives, which holds no address and no secret.

    ``retryable`` is true if the failure is temporary, and ``final`` if waiting cannot help. ``is_local`` is true if
    nothing was sent to anybody. ``arrived`` is true if the server may have got the request. ``proxy_status`` is the
    HTTP status with which a proxy refused to connect. It comes from a text, so it decides nothing.
    """

    code: str
    reason: str = ''
    retryable: bool = False
    final: bool = False
    is_local: bool = False
    arrived: bool = False
    proxy_status: int | None = None


class _Meaning(t.NamedTuple):
    """What some exceptions mean."""

    exceptions: tuple[type[BaseException], ...]
    code: str
    retryable: bool = False
    final: bool = False
    is_local: bool = False


_OTHERWISE = _Meaning((), 'connect', retryable=True)


def network_errors() -> tuple[type[Exception], ...]:
    """What sending a request or reading its response can raise."""
    return (requests.RequestException, urllib3_errors.HTTPError, HTTPException, OSError, UnicodeError)


def diagnose(error: BaseException) -> Diagnosis:
    """What one of the :func:`network_errors` means."""
    if error.__class__ is OSError and error.strerror is None:
        # requests found no CA bundle, https://github.com/psf/requests/blob/main/src/requests/adapters.py
        reason = 'no CA certificates found: install ca-certificates, or certifi for this Python'
        return Diagnosis(code='tls', reason=reason, final=True, is_local=True)
    chain = list(_chain(error))
    if _is_failure_of_proxy(chain):
        return Diagnosis(code='proxy', reason=_reason(chain), proxy_status=_proxy_status(chain))
    meaning = _meaning(chain)
    return Diagnosis(
        code=meaning.code,
        reason='' if meaning.code == 'timeout' else _reason(chain),
        retryable=meaning.retryable,
        final=meaning.final,
        is_local=meaning.is_local,
        arrived=not meaning.is_local and not _lacks_connection(chain),
    )


def _meaning(chain: list[BaseException]) -> _Meaning:
    for meaning in _meanings():
        if any(isinstance(link, meaning.exceptions) for link in chain):
            return meaning
    return _OTHERWISE


def _meanings() -> tuple[_Meaning, ...]:
    """The first row that has the class of an exception in the chain counts, since an exception may have several."""
    invalid_proxy = (
        requests.exceptions.InvalidProxyURL,
        requests.exceptions.InvalidSchema,  # such as an address for SOCKS, without the library for it
        urllib3_errors.ProxySchemeUnknown,
    )
    invalid_host = (requests.exceptions.InvalidURL, urllib3_errors.LocationValueError, UnicodeError)
    return (
        _Meaning(invalid_proxy, 'proxy', final=True, is_local=True),
        _Meaning(invalid_host, 'invalid_option', final=True, is_local=True),
        # a server ends the handshake like this when it goes down, or when it requires a client certificate; it depends
        # on the version of Python and OpenSSL which of these it is
        _Meaning((ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError), 'tls', retryable=True),
        _Meaning((ssl.SSLError, urllib3_errors.SSLError, requests.exceptions.SSLError), 'tls', final=True),
        _Meaning((socket.gaierror,), 'dns', retryable=True),
        _Meaning((ConnectionError, urllib3_errors.NewConnectionError), 'connect', retryable=True),
        _Meaning((TimeoutError, requests.Timeout, urllib3_errors.TimeoutError), 'timeout', retryable=True),
    )


def _is_failure_of_proxy(chain: list[BaseException]) -> bool:
    """Whether the proxy was not reached, or refused the connection.

    urllib3 has the same exception for a server behind the proxy that closes the connection. Types tell them apart,
    never a text: a server can send any text.
    """
    for link in chain:
        if isinstance(link, urllib3_errors.ProxyError):
            return _lacks_connection(chain) or _is_refusal_to_connect(link)
    return False


def _is_refusal_to_connect(error: urllib3_errors.ProxyError) -> bool:
    """Whether the proxy refused to connect. http.client raises a plain OSError without a number then."""
    cause = error.original_error
    return cause.__class__ is OSError and cause.errno is None


def _lacks_connection(chain: list[BaseException]) -> bool:
    """Whether there was no connection to send the request over."""
    no_connection = (
        socket.gaierror,
        ssl.SSLCertVerificationError,
        urllib3_errors.ConnectTimeoutError,
        urllib3_errors.NewConnectionError,
    )
    return any(isinstance(link, no_connection) for link in chain)


def _proxy_status(chain: list[BaseException]) -> int | None:
    """The status with which a proxy refused to connect. http.client has it in a text only."""
    for link in chain:
        if link.__class__ is OSError:
            match = re.match(r'Tunnel connection failed: ([1-5]\d\d)\b', str(link))
            if match:
                return int(match[1])
    return None


def _reason(chain: list[BaseException]) -> str:
    """The reason that the system gives, or an empty string."""
    for link in reversed(chain):
        if isinstance(link, ssl.SSLError):
            reason = getattr(link, 'verify_message', None) or getattr(link, 'reason', None) or ''
            return reason.lower().replace('_', ' ')
        if isinstance(link, OSError) and isinstance(link.strerror, str):
            return link.strerror
    return ''


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """The error and all its causes, outermost first. Libraries keep them in different places.

    An error that is raised ``from None`` hides what it replaced.
    """
    earlier: list[BaseException] = []
    links: list[t.Any] = [error]
    while links:
        link = links.pop(0)
        if isinstance(link, BaseException) and not any(link is other for other in earlier):
            earlier.append(link)
            yield link
            context = None if link.__suppress_context__ else link.__context__
            links += [getattr(link, 'reason', None), *link.args, link.__cause__, context]
