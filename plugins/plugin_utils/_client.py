# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends requests to Firefly. It imports requests, so import it only to send one."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
import typing as t
import warnings

from ._body import read_body
from ._diagnosis import IMPORT_ERROR, diagnose, network_errors
from ._errors import FireflyError
from ._failures import network_failure, unexpected_response
from ._http_date import unix_time
from ._library import install_command
from ._options import Options
from ._progress import Progress, Report
from ._proxy import proxy_address
from ._request import Request, Response
from ._retry import RetryBudget
from ._tls import check_key_log, client_certificate, trusted

if IMPORT_ERROR is None:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import LocationParseError
    from urllib3.util import Timeout, parse_url

#: The version of the collection, for the User-Agent. A test compares it with galaxy.yml.
VERSION = '1.0.0'

_HEADERS = {
    'Accept': 'application/json',
    'Accept-Encoding': 'identity',
    'User-Agent': f'firefly.platform/{VERSION} (Ansible collection)',
}


class FireflyClient:
    """Sends requests with the connection options, over ``proxy`` if there is one.

    Each of these takes up to ``timeout`` seconds: the connection to each address of the host, the TLS handshake, the
    start of the response, and the arrival of its body. Looking up the host name is not limited, nor are headers that
    arrive byte by byte. :class:`RetryBudget` decides on retries, and ``report`` shows a line of progress. ``requests``
    counts what was sent.

    :raises FireflyError: ``missing_library`` if this Python cannot import requests, ``invalid_option`` if a file of the
        TLS options cannot be used, ``proxy`` if the address of the proxy is not valid.
    """

    def __init__(self, options: Options, report: Report) -> None:
        if IMPORT_ERROR is not None:
            raise FireflyError(
                'missing_library',
                f'{sys.executable} cannot import the Python library requests: {IMPORT_ERROR}. '
                f'To install it, run: {install_command()}.',
            )
        self.requests = 0
        self.proxy = proxy_address(options)
        _check_proxy(self.proxy)
        self._options = options
        self._report = report
        self._verify = trusted(options)
        self._certificate = client_certificate(options)
        if options['api_url'].startswith('https://'):
            check_key_log()
        # an adapter alone: a session would take keys from ~/.netrc, keep cookies and parse redirects
        self._adapter = HTTPAdapter()

    def request(self, request: Request, *, retries: int | None = None, timeout: float | None = None) -> Response:
        """The response to the request. ``retries`` and ``timeout`` (in seconds) override the options.

        :raises FireflyError: if there is no response, or not one that the request expects.
        """
        budget = RetryBudget(self._options['retries'] if retries is None else retries)
        limit = self._options['timeout'] if timeout is None else timeout
        progress = Progress(self._report)
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._attempt(request, limit)
            except FireflyError as error:
                # the next attempt looks up the host again, and may reach another server
                self._adapter.close()
                pause = budget.pause_after(error)
                if pause is None:
                    if attempts == 1:
                        raise
                    raise error.reworded(f'{error.what} There were {attempts} attempts.') from None
                progress.sleep(pause, error)

    def _attempt(self, request: Request, timeout: float) -> Response:
        """The response to a single attempt.

        :raises FireflyError: if there is no response, or not one that the request expects.
        """
        try:
            response = self._send(request, timeout)
        except network_errors() as error:
            diagnosis = diagnose(error)
            if not diagnosis.is_local:
                self.requests += 1
            # its text and the frames of its traceback can hold the keys
            raise network_failure(request, self._options, diagnosis, self.proxy) from None
        self.requests += 1
        if response.status in request.expect and len(response.body) <= request.limit:
            return response
        raise unexpected_response(request, self._options, response)

    def _send(self, request: Request, timeout: float) -> Response:
        headers = dict(_HEADERS)
        if request.token:
            headers['Authorization'] = f'Bearer {request.token}'
        url = f'{self._options["api_url"]}{request.path}'
        message = requests.Request(request.method, url, headers, params=request.query, json=request.json).prepare()
        proxies = {'all': self.proxy} if self.proxy else {}
        limits: t.Any = Timeout(connect=timeout, read=timeout)
        started = time.monotonic()
        with _quiet_libraries(), self._adapter_for(request) as adapter:
            response = adapter.send(
                message, stream=True, timeout=limits, verify=self._verify, cert=self._certificate, proxies=proxies
            )
            with response:
                body = read_body(response, request, timeout)
        return Response(
            status=response.status_code,
            headers=response.headers,
            body=body,
            latency_ms=int((time.monotonic() - started) * 1000),
            retry_after=_retry_after(response.headers),
        )

    @contextlib.contextmanager
    def _adapter_for(self, request: Request) -> t.Iterator[HTTPAdapter]:
        """The adapter for a request. A write gets one of its own.

        The server may close a connection that it kept, just as the next request arrives. Nothing tells whether the
        request was read, so a write never goes over a connection that was used before.
        """
        if request.read_only:
            yield self._adapter
            return
        with contextlib.closing(HTTPAdapter()) as adapter:
            yield adapter


@contextlib.contextmanager
def _quiet_libraries() -> t.Iterator[None]:
    """Drops what libraries log and warn of in this thread. It can hold raw headers, and would be in Ansible's log."""
    thread = threading.get_ident()

    def is_other_thread(record: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    handlers = [handler for handler in (*logging.getLogger().handlers, logging.lastResort) if handler]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for handler in handlers:
            handler.addFilter(is_other_thread)
        try:
            yield
        finally:
            for handler in handlers:
                handler.removeFilter(is_other_thread)


def _check_proxy(proxy: str | None) -> None:
    """Check the address of the proxy.

    :raises FireflyError: ``proxy`` if it is not valid.
    """
    try:
        parse_url(proxy or '')
    except LocationParseError:
        raise FireflyError('proxy', 'The address of the proxy in the environment is not valid.', final=True) from None


def _retry_after(headers: t.Mapping[str, str]) -> float:
    """The pause in seconds that the server asks for, or 0. urllib3 would cut it."""
    value = headers.get('Retry-After', '').strip()
    if re.fullmatch('[0-9]+', value):
        return float(value)
    date = unix_time(value)
    if date is None:
        return 0.0
    return max(0.0, date - time.time())
