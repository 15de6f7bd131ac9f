# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where a request to Firefly is made. Importing it imports requests, so do that only to make one."""

from __future__ import annotations

import re
import ssl
import sys
import time
import typing as t
import warnings
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from urllib.parse import urlsplit

from . import _transport
from ._errors import FireflyError, OptionError, RefusedError
from ._secrets import scrub, server_message
from ._url import base_url, is_loopback

#: The collection's version, for the User-Agent; a test holds it against galaxy.yml.
VERSION = '1.0.0'

#: Longest body that is read, in bytes.
BODY_LIMIT = 1024 * 1024

_RETRY_STATUSES = (429, 502, 503, 504)


class Answer(t.NamedTuple):
    """An HTTP answer.

    ``sent`` is when its request left, in Unix seconds of this host's clock, ``date`` its Date header, in Unix seconds
    of the server's clock.
    """

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    sent: float
    date: float | None
    latency_ms: int = 0
    attempts: int = 0


class FireflyClient:
    """Sends requests as the connection options say. A context manager that closes its connections.

    An attempt takes at most ``timeout`` seconds, and as long again where a TLS handshake stalls. There are at most
    ``retries`` more, after pauses of at most 60 seconds (:data:`_transport.PAUSE_MAX`). Looking up a name is up to the
    system's resolver and comes on top.

    :raises OptionError: an option cannot be right.
    :raises FireflyError: ``missing_library``, where this Python has no requests.
    """

    def __init__(self, options: t.Mapping[str, t.Any]) -> None:
        self.url = base_url(options['api_url'])
        if _transport.IMPORT_ERROR is not None:
            raise FireflyError('missing_library', f'{sys.executable} lacks the Python library requests.')
        self._verify = _verify(options['validate_certs'], options['ca_path'])
        self._cert = _client_certificate(options['client_cert'], options['client_key'])
        self._use_proxy: bool = options['use_proxy']
        self._timeout: float = options['timeout']
        self._retries: int = options['retries']
        self._secrets = (options['secret_key'], options['access_key'])
        self._session = _transport.open_session()

    def __enter__(self) -> FireflyClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        expect: int,
        json: dict[str, str] | None = None,
        retries: int | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """The answer of an endpoint (``/v2/login``), which has the status ``expect``.

        ``retries`` and ``timeout`` (in seconds) take the place of the options.

        :raises FireflyError: another status, or no answer.
        """
        policy = _transport.Retries(self._retries if retries is None else retries)
        attempts = 0
        while True:
            attempts += 1
            started = time.monotonic()
            answer = None
            try:
                answer = self._attempt(method, path, json, self._timeout if timeout is None else timeout)
                answer = answer._replace(attempts=attempts, latency_ms=int((time.monotonic() - started) * 1000))
                if answer.status != expect:
                    raise self._status_error(f'{method} {self.url}{path}', answer)
                if len(answer.body) > BODY_LIMIT:
                    what = f'{method} {self.url}{path} was answered with more than {BODY_LIMIT} bytes.'
                    raise FireflyError('response_too_large', what, status=answer.status)
                return answer
            except FireflyError as error:
                error.attempts = attempts
                error.latency_ms = answer.latency_ms if answer else None
                if not error.retryable or policy.total == 0:
                    raise
            policy = policy.increment()
            policy.sleep(t.cast('t.Any', answer))  # of which it reads the headers

    def _attempt(self, method: str, path: str, json: dict[str, str] | None, timeout: float) -> Answer:
        url = self.url + path
        sent = time.time()
        try:
            with warnings.catch_warnings():
                if self._verify is False:
                    warnings.simplefilter('ignore')  # urllib3's, on each request: validate_certs says it already
                response = self._session.request(
                    method,
                    url,
                    json=json,
                    headers={
                        'Accept': 'application/json',
                        'Accept-Encoding': 'identity',
                        'Connection': 'close',
                        'User-Agent': f'firefly.platform/{VERSION} (Ansible collection)',
                    },
                    timeout=_transport.total_timeout(timeout),
                    proxies=self._proxies(),
                    verify=self._verify,
                    cert=self._cert,
                    allow_redirects=False,
                    stream=True,
                )
            with response:
                body = self._read(response)
            # the next attempt gets a connection of its own: a server may close this one and not say so
            self._session.close()
        except _transport.ERRORS as error:
            # its text and its traceback's frames can hold the keys
            raise self._transport_error(f'{method} {url}', timeout, _transport.diagnose(error)) from None
        return Answer(response.status_code, response.headers, body, sent, _date(response.headers.get('Date')))

    @staticmethod
    def _read(response: t.Any) -> bytes:
        """The body, of one above the limit a byte more than that. An error's body may fail: its status says enough."""
        try:
            return _transport.read(response, BODY_LIMIT + 1)
        except _transport.ERRORS:
            if response.status_code == HTTPStatus.OK:
                raise
            return b''

    def _proxies(self) -> dict[str, str]:
        # http:// goes to loopback only, and must not take the way over a proxy
        if not self._use_proxy or is_loopback(urlsplit(self.url).hostname or ''):
            return {}
        return _transport.environment_proxies(self.url)

    def _transport_error(self, where: str, timeout: float, diagnosis: _transport.Diagnosis) -> FireflyError:
        code, reason, retryable = diagnosis
        if code in ('connect', 'timeout', 'tls') and self._proxies():
            where += ' through the proxy of the environment'
        what = {
            'invalid_option': 'could not be sent: the option api_url has no usable host name',
            'dns': 'could not be sent: its host name was not found',
            'connect': 'got no answer: the connection failed',
            'timeout': f'got no whole answer within {timeout:g} s',
            'tls': 'could not be sent: TLS failed',
            'proxy': 'could not be sent: the proxy failed',
        }[code]
        return FireflyError(code, f'{where} {what}{f" ({reason})" if reason else ""}.', retryable=retryable)

    def _status_error(self, where: str, answer: Answer) -> FireflyError:
        status = answer.status
        code = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 407: 'proxy', 429: 'rate_limited'}.get(status)
        if code is None:
            code = {3: 'redirect', 5: 'server_error'}.get(status // 100, 'unexpected_status')
        said = server_message(answer.body, self._secrets)
        if code == 'redirect':
            said = self._address(answer.headers.get('Location', ''))
        what = f'{where} was answered with {status}{_phrase(status)}{f": {said}" if said else ""}.'
        kind = RefusedError if code in ('unauthorized', 'forbidden') else FireflyError
        return kind(code, what, status=status, retryable=status in _RETRY_STATUSES)

    def _address(self, location: str) -> str:
        """Where a redirect points, without its query and a user name."""
        try:
            parts = urlsplit(location)
            address = f'{parts.scheme}://{parts.hostname}{parts.path}' if parts.hostname else parts.path
        except ValueError:
            return ''
        return re.sub(r'[^\x21-\x7e]', '', scrub(address, self._secrets))[:200]


def _phrase(status: int) -> str:
    try:
        return f' {HTTPStatus(status).phrase}'
    except ValueError:
        return ''


def _date(value: str | None) -> float | None:
    try:
        parsed = parsedate_tz(value) if value else None
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _verify(validate_certs: bool, ca_path: str | None) -> bool | str:
    """What requests calls ``verify``."""
    if ca_path is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_path)
        except (OSError, ValueError) as error:
            raise _file_error('ca_path', ca_path, error) from None
    return validate_certs and (ca_path or True)


def _client_certificate(cert: str | None, key: str | None) -> str | tuple[str, str] | None:
    """What requests calls ``cert``."""
    if cert is None:
        if key is not None:
            raise OptionError('The option client_key is given without client_cert.')
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    name, path = 'client_cert', cert
    try:
        context.load_verify_locations(cert)
        if key is not None:
            name, path = 'client_key', key
        # the empty password keeps OpenSSL from asking for one at the terminal
        context.load_cert_chain(cert, key, password='')
    except (OSError, ValueError) as error:
        raise _file_error(name, path, error) from None
    return cert if key is None else (cert, key)


def _file_error(name: str, path: str, error: OSError | ValueError) -> OptionError:
    # OpenSSL's own errors are OSErrors too; their text says nothing to a user
    reason = '' if isinstance(error, ssl.SSLError) else getattr(error, 'strerror', None)
    wrong = f'cannot be read: {reason}' if reason else 'is no PEM file of that kind'
    return OptionError(f'The option {name} is {path!r}, which {wrong}.')
