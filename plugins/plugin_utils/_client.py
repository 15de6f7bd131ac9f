# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends requests to Firefly. It imports requests, so import it only to send one."""

from __future__ import annotations

import contextlib
import functools
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
from ._library import install_command
from ._options import Options
from ._pauses import Patience, Progress
from ._request import Request, Response
from ._secrets import scrub, server_message
from ._tls import client_certificate, trusted

if IMPORT_ERROR is None:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import IncompleteRead, InvalidHeader
    from urllib3.util import Retry, Timeout

    from ._diagnosis import ERRORS

#: The version of the collection, for the User-Agent. A test compares it with galaxy.yml.
VERSION = '1.0.0'

_CODES = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 407: 'proxy', 429: 'rate_limited'}
_PHRASES = {status.value: f' {status.phrase}' for status in HTTPStatus}
_RETRY_STATUSES = (429, 502, 503, 504)


class FireflyClient:
    """Sends requests with the connection options.

    An attempt takes up to ``timeout`` seconds, or twice as long if a TLS handshake or the body stalls. Looking up the
    host name is not limited, nor are headers that arrive byte by byte. :class:`Patience` decides on retries. Each
    attempt opens a new connection, because a server may close one without saying so. ``report`` shows a line of
    progress.

    :raises FireflyError: ``missing_library`` if this Python cannot import requests, ``invalid_option`` if a file of the
        TLS options cannot be used.
    """

    def __init__(self, options: Options, report: t.Callable[[str], None]) -> None:
        if IMPORT_ERROR is not None:
            what = (
                f'{sys.executable} cannot import the Python library requests: {IMPORT_ERROR}. '
                f'To install it, run: {install_command()}.'
            )
            raise FireflyError('missing_library', what)
        self._options = options
        self._report = report
        self._verify = trusted(options['validate_certs'], options['ca_path'])
        self._cert = client_certificate(options['client_cert'], options['client_key'])
        self._secrets = (options.get('secret_key'), options.get('access_key'))

    def request(self, request: Request, *, retries: int | None = None, timeout: float | None = None) -> Response:
        """The response to the request. ``retries`` and ``timeout`` (in seconds) override the options.

        :raises FireflyError: if there is no response, or not one that the request expects.
        """
        patience = Patience(self._options['retries'] if retries is None else retries)
        progress = Progress(self._report)
        timeout = self._options['timeout'] if timeout is None else timeout
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._checked(request, self._attempt(request, timeout, attempts))
            except FireflyError as error:
                if error.status == HTTPStatus.UNAUTHORIZED and request.token and request.token.renew():
                    continue
                pause = None if error.changed else patience.pause(error)
                if pause is None:
                    raise
                progress.sleep(pause, error)

    def _attempt(self, request: Request, timeout: float, attempts: int) -> Response:
        url = f'{self._options["api_url"]}{request.path}'
        headers: t.Mapping[str, str] = {
            'Accept': 'application/json',
            'Accept-Encoding': 'identity',
            'Connection': 'close',
            'User-Agent': f'firefly.platform/{VERSION} (Ansible collection)',
            **({'Authorization': f'Bearer {request.token}'} if request.token else {}),
        }
        started = time.monotonic()
        proxies: dict[str, str] = {}
        try:
            sent = requests.Request(request.method, url, headers, params=request.query, json=request.json).prepare()
            proxies = self._proxies()
            # an adapter alone: a session would take keys from ~/.netrc, keep cookies and parse redirects
            with contextlib.closing(HTTPAdapter()) as adapter, warnings.catch_warnings():
                if self._verify is False:
                    warnings.simplefilter('ignore')  # urllib3 would warn at each request, but the user chose this
                limits: t.Any = Timeout(connect=timeout / _addresses(url, proxies), total=timeout)
                response = adapter.send(
                    sent, stream=True, timeout=limits, verify=self._verify, cert=self._cert, proxies=proxies
                )
                with response:
                    body = _read(response, request, started + timeout)
        except ERRORS as error:
            # its text and the frames of its traceback can hold the keys
            meaning = diagnose(error)
            changed = meaning.arrived and not request.read_only
            raise _network_error(
                f'{request.method} {url}', meaning, proxies, attempts=attempts, changed=changed
            ) from None
        latency_ms = int((time.monotonic() - started) * 1000)
        headers = response.headers
        return Response(response.status_code, headers, body, latency_ms, attempts, _retry_after(headers))

    def _proxies(self) -> dict[str, str]:
        url: str = self._options['api_url']
        # http:// is for loopback only. If the environment names no proxy, requests would ask macOS for one, which can
        # crash a forked process.
        asks = self._options['use_proxy'] and not url.startswith('http://') and getproxies_environment()
        return requests.utils.get_environ_proxies(url) if asks else {}

    def _checked(self, request: Request, response: Response) -> Response:
        """The response, if the request expects its status and size.

        :raises FireflyError: if it does not.
        """
        status = response.status
        where = f'{request.method} {self._options["api_url"]}{request.path}'
        if status in request.expect and len(response.body) <= request.limit:
            return response
        if status in request.expect:
            code, what = 'response_too_large', f'{where} returned a response that is too large.'
        else:
            class_code = {3: 'redirect', 5: 'server_error'}.get(status // 100, 'unexpected_status')
            code = _CODES.get(status, class_code)
            secrets = (*self._secrets, str(request.token) if request.token else None)
            said = server_message(response.body, secrets)
            if code == 'redirect':
                said = _address(response.headers.get('Location', ''), secrets)
            what = f'{where} returned {status}{_PHRASES.get(status, "")}{f": {said}" if said else ""}.'
        told = response._asdict()
        del told['headers']
        told['body'] = response.body if request.token else b''  # the body of a login can hold a token
        # with these two, the server has refused the request
        changed = not request.read_only and status not in (401, 429)
        raise FireflyError(code, what, retryable=status in _RETRY_STATUSES, changed=changed, **told)


def _address(location: str, secrets: t.Iterable[str | None]) -> str:
    """The address that a redirect points to, without query and user name."""
    try:
        parts = urlsplit(location)
        address = f'{parts.scheme}://{parts.hostname}{parts.path}' if parts.hostname else parts.path
    except ValueError:
        return ''
    return re.sub(r'[^\x21-\x7e]', '', scrub(address, secrets))[:200]


def _addresses(url: str, proxies: dict[str, str]) -> int:
    """The number of addresses to try. urllib3 gives each of them the whole time to connect."""
    if requests.utils.select_proxy(url, proxies):
        return 1
    return len(socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM))


def _read(response: requests.Response, request: Request, deadline: float) -> bytes:
    """The body as it was sent, but at most one byte more than the limit. The body of an error may be incomplete."""
    raw = response.raw
    # urllib3 1.26 has no read1, and its read waits for all the bytes: reading one at a time keeps the deadline
    read = functools.partial(raw.read1, 65536) if hasattr(raw, 'read1') else functools.partial(raw.read, 1)
    body = bytearray()
    try:
        while len(body) <= request.limit and (part := read(decode_content=False)):
            body += part
            if time.monotonic() > deadline:
                raise requests.Timeout
        if len(body) <= request.limit and raw.length_remaining:
            raise IncompleteRead(len(body), raw.length_remaining)
    except ERRORS:
        if response.status_code in request.expect:
            raise
    return bytes(body[: request.limit + 1])


def _network_error(where: str, diagnosis: Diagnosis, proxies: dict[str, str], **known: t.Any) -> FireflyError:
    code, retryable, reason, _arrived = diagnosis
    if code == 'invalid_option' and proxies:
        code, reason = 'proxy', 'its address is not valid'
    if code in ('connect', 'timeout', 'tls') and proxies:
        where += ' through the proxy from the environment'
    if code == 'invalid_option':
        return FireflyError(code, 'The option api_url has no valid host name.', **known)
    what = {
        'dns': 'could not be sent: the host name was not found',
        'connect': 'got no response: the connection failed',
        'timeout': 'timed out before the response was complete',
        'tls': 'got no response: TLS failed',
        'proxy': 'got no response: the proxy failed',
    }[code]
    message = f'{where} {what}{f" ({reason})" if reason else ""}.'
    return FireflyError(code, message, retryable=retryable, **known)


def _retry_after(headers: t.Mapping[str, str]) -> float:
    """The pause in seconds that the server asks for, or 0."""
    try:
        return max(0, Retry(0).parse_retry_after(headers.get('Retry-After', '0')))
    except (InvalidHeader, ValueError, OverflowError):
        return 0
