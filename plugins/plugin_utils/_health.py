# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that Firefly is up, or wait until it is."""

from __future__ import annotations

import socket
import time
import typing as t
from datetime import datetime, timezone
from urllib.parse import urlsplit

from ._client import FireflyClient
from ._errors import FireflyError
from ._operation import Context, Operation, Outcome
from ._options import HEALTH_OPTIONS, Options, validate
from ._progress import REPORT_EVERY, Progress
from ._request import Request, Response
from ._retry import rate_limit_pause

# https://docs.firefly.ai documents the endpoint and the status
_REQUEST = Request(method='GET', path='/v2/health', expect=(204,))


class Health(Operation):
    """Check the health. All values are returned on success and on failure.

    Firefly is up only if the status is 204. With ``wait`` the request is repeated until then, for at most
    ``wait_timeout`` seconds.
    """

    name = 'firefly_health'
    options = HEALTH_OPTIONS

    def validate(self, raw: Options) -> Options:
        return validate(self.options, raw)

    def run(self, options: Options, context: Context) -> Outcome:
        client = FireflyClient(options, context.report)
        if options['wait']:
            return _Wait(client, options, context).run()
        check = _Check(api_url=options['api_url'])
        try:
            response = client.request(_REQUEST)
        except FireflyError as error:
            return check.failed(error, client.requests)
        return check.passed(response, client.requests)

    def values_without_response(self, error: FireflyError) -> dict[str, t.Any]:
        return _Check(api_url=None).failed(error, requests=0).values


class _Check:
    """One check, which begins now. ``waited`` is the time since the task began, in seconds."""

    def __init__(self, api_url: str | None, waited: float = 0.0) -> None:
        self._api_url = api_url
        self._waited = waited
        self._checked_at = datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')

    def passed(self, response: Response, requests: int) -> Outcome:
        message = f'Firefly at {self._api_url} is up, seen from the controller.'
        values = self._values(code='ok', message=message, response=response, requests=requests)
        return Outcome({**values, 'status': response.status})

    def failed(self, error: FireflyError, requests: int) -> Outcome:
        values = self._values(code=error.code, message=str(error), response=error.response, requests=requests)
        return Outcome({**values, 'status': error.status}, error)

    def _values(self, *, code: str, message: str, response: Response | None, requests: int) -> dict[str, t.Any]:
        return {
            'healthy': code == 'ok',
            'reachable': response is not None,
            'status': None,
            'code': code,
            'latency_ms': response.latency_ms if response else None,
            'requests': requests,
            'waited': self._waited,
            'checked_at': self._checked_at,
            'api_url': self._api_url,
            'msg': message,
        }


class _Wait:
    """Repeats the request until Firefly is up, and reports the progress."""

    def __init__(self, client: FireflyClient, options: Options, context: Context) -> None:
        self._client = client
        self._options = options
        self._report = context.report
        self._started = time.monotonic()
        self._deadline = self._started + options['wait_timeout']
        # an attempt may take its timeout to connect to each address, and once more for the response
        self._timeouts_of_an_attempt = _count_addresses(options, client) + 1

    def run(self) -> Outcome:
        progress = Progress(self._report)
        refusals = 0
        while True:
            waited = round(time.monotonic() - self._started, 1)
            check = _Check(self._options['api_url'], waited)
            try:
                response = self._client.request(_REQUEST, retries=0, timeout=self._timeout())
            except FireflyError as error:
                left = self._deadline - time.monotonic()
                if error.final:
                    return check.failed(error, self._client.requests)
                if left <= 1:  # too short for another request
                    return check.failed(_too_late(error), self._client.requests)
                if error.code == 'rate_limited':
                    refusals += 1
                    pause = rate_limit_pause(refusals, error)
                else:
                    refusals = 0
                    pause = self._options['wait_sleep']
                progress.sleep(min(pause, left - 1), error, self._deadline)
            else:
                if self._client.requests > 1:
                    self._report(f'Firefly at {self._options["api_url"]} is up. It took {waited:.0f} s.')
                return check.passed(response, self._client.requests)

    def _timeout(self) -> float:
        """The ``timeout`` of an attempt, in seconds, with which it ends in time."""
        left: float = self._deadline - time.monotonic()
        timeout: float = self._options['timeout']
        return min(timeout, REPORT_EVERY, left / self._timeouts_of_an_attempt)


def _too_late(error: FireflyError) -> FireflyError:
    return error.reworded(f'Firefly was not up within wait_timeout: {error.what}')


def _count_addresses(options: Options, client: FireflyClient) -> int:
    """The number of addresses that a request tries. With a proxy or an unknown host name, it is 1."""
    if client.proxy:
        return 1
    try:
        addresses = socket.getaddrinfo(urlsplit(options['api_url']).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return 1
    return len(addresses)
