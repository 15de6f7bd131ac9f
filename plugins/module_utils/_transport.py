# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection adds to requests: a time limit for a whole answer, a retry policy, names for what went wrong."""

from __future__ import annotations

import io
import random
import socket
import ssl
import time
import typing as t
from http.client import HTTPException, HTTPResponse, parse_headers
from http.cookiejar import DefaultCookiePolicy

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import exceptions as urllib3_errors
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.util.retry import Retry
    from urllib3.util.timeout import Timeout
    from urllib3.util.url import parse_url
except ImportError as error:
    IMPORT_ERROR: ImportError | None = error
    if not t.TYPE_CHECKING:
        HTTPAdapter = HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = Retry = object
else:
    IMPORT_ERROR = None
    #: What a request or reading its answer can raise.
    ERRORS = (requests.RequestException, urllib3_errors.HTTPError, HTTPException, OSError, UnicodeError)

#: The longest pause between two attempts, in seconds, whatever Retry-After says: the rate limit's window is 60 s.
PAUSE_MAX = 60


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until its time-out has passed as a whole.

    A socket's own time-out starts anew with each byte, so a server that drips would never meet it.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise socket.timeout('timed out')
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        # http.client itself takes any 1xx but 100 for the answer
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while status in (102, 103):
            parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Adapter(HTTPAdapter):
    """The adapter of requests with connections that limit the time of a whole answer."""

    _POOLS: t.ClassVar = {'http': _Pool, 'https': _TLSPool}

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._POOLS

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._POOLS
        return manager


class Retries(Retry):
    """urllib3's policy with jitter and a limit on Retry-After, which urllib3 1.26 lacks; junk there is no error."""

    def __init__(self, total: int, **kwargs: t.Any) -> None:
        super().__init__(total, **{'backoff_factor': 0.5, **kwargs})

    def get_backoff_time(self) -> float:
        return min(PAUSE_MAX, super().get_backoff_time() * random.uniform(0.5, 1.5))

    def get_retry_after(self, response: t.Any) -> float | None:
        value = response.headers.get('Retry-After')
        try:
            return None if value is None else min(PAUSE_MAX, self.parse_retry_after(value))
        except (urllib3_errors.InvalidHeader, ValueError, OverflowError):
            return None


def open_session() -> requests.Session:
    """A session that takes nothing from the environment (proxies are handed to each request), above all no netrc."""
    session = requests.Session()
    session.trust_env = False
    # requests looks where a redirect points even where it is not to follow it, and trips over what is no address
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    session.cookies.set_policy(
        DefaultCookiePolicy(allowed_domains=[])
    )  # a balancer's would bind a retry to a bad server
    session.mount('https://', Adapter())
    session.mount('http://', Adapter())
    return session


def total_timeout(seconds: float) -> t.Any:
    """A time-out for connecting and the answer together."""
    return Timeout(total=seconds)


def environment_proxies(url: str) -> dict[str, str]:
    """The proxies that the environment names for the URL, by scheme.

    :raises requests.exceptions.ProxyError: the one for this URL is no address.
    """
    proxies = requests.utils.get_environ_proxies(url)
    proxy = requests.utils.select_proxy(url, proxies)
    if proxy:
        try:
            host = parse_url(requests.utils.prepend_scheme_if_needed(proxy, 'http')).host  # type: ignore[no-untyped-call]
        except urllib3_errors.LocationParseError:
            host = None
        if not host:
            raise requests.exceptions.ProxyError from None  # its text could hold a password
    return proxies


def read(response: requests.Response, limit: int) -> bytes:
    """The body as it was sent, or its first ``limit`` bytes.

    :raises urllib3.exceptions.IncompleteRead: it is shorter than Content-Length says.
    """
    body: bytes = response.raw.read(limit, decode_content=False)
    if response.raw.length_remaining and len(body) < limit:
        raise urllib3_errors.IncompleteRead(len(body), response.raw.length_remaining)
    return body


class Diagnosis(t.NamedTuple):
    """What an exception means: its code, a reason in the system's words (without address or secret), and whether it
    may pass."""

    code: str
    reason: str = ''
    retryable: bool = False


def diagnose(error: BaseException) -> Diagnosis:
    """What an exception of :data:`ERRORS` means."""
    chain = list(_chain(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    reasons = [link.strerror for link in chain if isinstance(link, OSError) and isinstance(link.strerror, str)]
    reason = reasons[-1] if reasons else ''
    if has(requests.exceptions.ProxyError, urllib3_errors.ProxyError):
        return Diagnosis('proxy', reason)
    if has(requests.exceptions.InvalidSchema, urllib3_errors.ProxySchemeUnknown):
        return Diagnosis('proxy', 'its kind is not supported')
    if has(requests.exceptions.InvalidURL, urllib3_errors.LocationValueError, UnicodeError):
        return Diagnosis('invalid_option')
    if has(ssl.SSLEOFError):
        # as it does when it demands a client certificate, or when it goes down
        return Diagnosis('tls', 'the server ended the connection', retryable=True)
    if has(ssl.SSLError, urllib3_errors.SSLError, requests.exceptions.SSLError):
        return Diagnosis('tls', next((_tls_reason(link) for link in chain if isinstance(link, ssl.SSLError)), ''))
    if has(socket.gaierror):
        return Diagnosis('dns', reason, retryable=True)
    if has(ConnectionError, urllib3_errors.NewConnectionError):
        return Diagnosis('connect', reason, retryable=True)
    if has(socket.timeout, requests.exceptions.Timeout, urllib3_errors.TimeoutError):
        return Diagnosis('timeout', retryable=True)
    return Diagnosis('connect', reason, retryable=True)


def _tls_reason(error: ssl.SSLError) -> str:
    return getattr(error, 'verify_message', '') or (error.reason or '').lower().replace('_', ' ')


def _chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """The error and all that it was made from, outermost first: libraries keep it in different places."""
    seen: list[BaseException] = []
    links = [error]
    while links:
        link = links.pop(0)
        if isinstance(link, BaseException) and not any(link is known for known in seen):
            seen.append(link)
            yield link
            links += [getattr(link, 'reason', None), *link.args, link.__cause__, link.__context__]
