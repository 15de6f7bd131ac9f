# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where a request to Firefly is made. Importing it imports requests, so do that only to make one."""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
import socket
import sys
import time
import typing as t
import warnings
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from ._diagnosis import IMPORT_ERROR, Diagnosis, diagnose
from ._errors import FireflyError
from ._options import Options
from ._pauses import Patience, Progress
from ._secrets import scrub, server_message
from ._tls import client_certificate, trusted

if IMPORT_ERROR is None:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import IncompleteRead, InvalidHeader
    from urllib3.util import Retry, Timeout

    from ._diagnosis import ERRORS

#: The collection's version, for the User-Agent; a test holds it against galaxy.yml.
VERSION = '1.0.0'

#: Longest body that is read, in bytes.
BODY_LIMIT = 1024 * 1024

_CODES = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 407: 'proxy', 429: 'rate_limited'}
_RETRY_STATUSES = (429, 502, 503, 504)


class Response(t.NamedTuple):
    """An HTTP response, how long it took, and how many requests it took to get it."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    latency_ms: int
    attempts: int


class FireflyClient:
    """Sends requests as the connection options say.

    An attempt takes up to ``timeout`` seconds, and as long again where a TLS handshake or the body stalls. A name that
    is looked up and headers that drip have no limit. How often it tries again is up to :class:`Patience`; each attempt
    has a connection of its own, since a server may close one and not say so. ``report`` shows a line of progress.

    :raises FireflyError: ``missing_library``, this Python cannot import requests; ``invalid_option``, a file of the
        TLS options cannot be used.
    """

    def __init__(self, options: Options, report: t.Callable[[str], None]) -> None:
        if IMPORT_ERROR is not None:
            what = f'{sys.executable} cannot import the Python library requests: {IMPORT_ERROR}.'
            raise FireflyError('missing_library', what)
        self._options = options
        self._report = report
        self._verify = trusted(options['validate_certs'], options['ca_path'])
        self._cert = client_certificate(options['client_cert'], options['client_key'])
        self._secrets = (options.get('secret_key'), options.get('access_key'))

    def request(
        self,
        method: str,
        path: str,
        *,
        expect: int,
        json: dict[str, str] | None = None,
        retries: int | None = None,
        timeout: float | None = None,
    ) -> Response:
        """The response of an endpoint (``/v2/login``), which has the status ``expect``.

        ``retries`` and ``timeout`` (in seconds) take the place of the options.

        :raises FireflyError: another status, or no response.
        """
        patience = Patience(self._options['retries'] if retries is None else retries)
        progress = Progress(self._report)
        timeout = self._options['timeout'] if timeout is None else timeout
        for attempts in itertools.count(1):
            try:
                response = self._attempt(method, path, json, timeout, attempts)
                self._check(f'{method} {self._options["api_url"]}{path}', response, expect)
            except FireflyError as error:
                pause = patience.pause(error)
                if pause is None:
                    raise
                progress.sleep(pause, error)
            else:
                break
        return response

    def _attempt(self, method: str, path: str, json: dict[str, str] | None, timeout: float, attempts: int) -> Response:
        url = f'{self._options["api_url"]}{path}'
        headers = {
            'Accept': 'application/json',
            'Accept-Encoding': 'identity',
            'Connection': 'close',
            'User-Agent': f'firefly.platform/{VERSION} (Ansible collection)',
        }
        started = time.monotonic()
        proxies: dict[str, str] = {}
        try:
            request = requests.Request(method, url, headers=headers, json=json).prepare()
            proxies = self._proxies()
            # an adapter alone: a session would take keys from ~/.netrc, keep cookies and read where a redirect points
            with contextlib.closing(HTTPAdapter()) as adapter, warnings.catch_warnings():
                if self._verify is False:
                    warnings.simplefilter('ignore')  # urllib3's, on each request: validate_certs says it already
                limits = Timeout(connect=timeout / _addresses(url, proxies), total=timeout)
                response = adapter.send(
                    request,
                    stream=True,
                    timeout=limits,  # type: ignore[arg-type]  # requests documents it
                    verify=self._verify,
                    cert=self._cert,
                    proxies=proxies,
                )
                with response:
                    body = _read(response, started + timeout)
        except ERRORS as error:
            # its text and its traceback's frames can hold the keys
            raise _network_error(f'{method} {url}', diagnose(error), proxies, attempts) from None
        latency_ms = int((time.monotonic() - started) * 1000)
        return Response(response.status_code, response.headers, body, latency_ms, attempts)

    def _proxies(self) -> dict[str, str]:
        url: str = self._options['api_url']
        # http:// goes to loopback only. Where the environment names no proxy, requests would ask macOS for one, and
        # that can crash a process that was forked.
        if not self._options['use_proxy'] or url.startswith('http://') or not getproxies_environment():
            return {}
        return requests.utils.get_environ_proxies(url)

    def _check(self, where: str, response: Response, expect: int) -> None:
        """Raise the error that the response is, if it is one."""
        status = response.status
        if status == expect and len(response.body) <= BODY_LIMIT:
            return
        if status == expect:
            code, what = 'response_too_large', f'{where} was answered with more than {BODY_LIMIT} bytes.'
        else:
            class_code = {3: 'redirect', 5: 'server_error'}.get(status // 100, 'unexpected_status')
            code = _CODES.get(status, class_code)
            said = server_message(response.body, self._secrets)
            if code == 'redirect':
                said = self._address(response.headers.get('Location', ''))
            what = f'{where} was answered with {status}{_phrase(status)}{f": {said}" if said else ""}.'
        raise FireflyError(
            code,
            what,
            status=status,
            retryable=status in _RETRY_STATUSES,
            attempts=response.attempts,
            latency_ms=response.latency_ms,
            retry_after=_retry_after(response.headers),
        )

    def _address(self, location: str) -> str:
        """Where a redirect points, without its query and a user name."""
        try:
            parts = urlsplit(location)
            address = f'{parts.scheme}://{parts.hostname}{parts.path}' if parts.hostname else parts.path
        except ValueError:
            return ''
        return re.sub(r'[^\x21-\x7e]', '', scrub(address, self._secrets))[:200]


def _addresses(url: str, proxies: dict[str, str]) -> int:
    """How many addresses are tried: urllib3 gives each of them all the time that there is to connect."""
    if requests.utils.select_proxy(url, proxies):
        return 1
    return len(socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM))


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body as it was sent, of one above the limit a byte more than that. The body of an error may fail."""
    raw = response.raw
    # urllib3 1.26 has no read1, and its read waits for all bytes that it is asked for: one at a time cannot drip
    read = functools.partial(raw.read1, 65536) if hasattr(raw, 'read1') else functools.partial(raw.read, 1)
    body = bytearray()
    try:
        while len(body) <= BODY_LIMIT and (part := read(decode_content=False)):
            body += part
            if time.monotonic() > deadline:
                raise requests.Timeout
        if len(body) <= BODY_LIMIT and raw.length_remaining:
            raise IncompleteRead(len(body), raw.length_remaining)
    except ERRORS:
        if response.status_code == HTTPStatus.OK:
            raise
    return bytes(body[: BODY_LIMIT + 1])


def _network_error(where: str, diagnosis: Diagnosis, proxies: dict[str, str], attempts: int) -> FireflyError:
    code, retryable, reason = diagnosis
    if code == 'invalid_option' and proxies:
        code, reason = 'proxy', 'its address is not valid'
    if code in ('connect', 'timeout', 'tls') and proxies:
        where += ' through the proxy of the environment'
    if code == 'invalid_option':
        return FireflyError(code, 'The option api_url has no usable host name.', attempts=attempts)
    what = {
        'dns': 'could not be sent: its host name was not found',
        'connect': 'got no response: the connection failed',
        'timeout': 'got no complete response in time',
        'tls': 'could not be sent: TLS failed',
        'proxy': 'could not be sent: the proxy failed',
    }[code]
    message = f'{where} {what}{f" ({reason})" if reason else ""}.'
    return FireflyError(code, message, retryable=retryable, attempts=attempts)


def _retry_after(headers: t.Mapping[str, str]) -> float:
    """How many seconds the server asks to wait; 0 where it does not."""
    try:
        return max(0, Retry(0).parse_retry_after(headers.get('Retry-After', '0')))
    except (InvalidHeader, ValueError, OverflowError):
        return 0


def _phrase(status: int) -> str:
    try:
        return f' {HTTPStatus(status).phrase}'
    except ValueError:
        return ''
