# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is Firefly up."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timezone

from ._errors import FireflyError
from ._options import HEALTH, validate

if t.TYPE_CHECKING:
    from ._client import FireflyClient

# what waiting does not mend: a host name that cannot be, a certificate that is not trusted
_FINAL = ('invalid_option', 'tls')


def health_options(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of a health check as :func:`health` takes them.

    :raises OptionError: one cannot be right. Its ``result`` has all keys of a health check's.
    """
    try:
        return validate(HEALTH, given)
    except FireflyError as error:
        raise _with_result(error, _unknown()) from None


def health(options: t.Mapping[str, t.Any], report: t.Callable[[str], None] = lambda line: None) -> dict[str, t.Any]:
    """Ask for the health. The result is what the module ``firefly_health`` returns.

    ``GET /v2/health``, documented at https://docs.firefly.ai: up is exactly a 204. With ``wait`` it asks again until
    Firefly is up, for at most ``wait_timeout`` seconds and the second that the last request gets; ``report`` then takes
    a line each time that the state changes.

    :raises FireflyError: Firefly is not up, and ``fail_when_unhealthy`` is set; or nothing could be sent. Its
        ``result`` has all keys of the result.
    """
    from ._client import FireflyClient  # requests takes longer to import than everything else here takes to run

    result = _unknown()
    try:
        client = FireflyClient(options)
    except FireflyError as nothing_sent:
        raise _with_result(nothing_sent, result) from None
    result['api_url'] = client.url
    with client:
        error = _poll(client, options, result, report) if options['wait'] else _ask(client, result)
    if error and options['fail_when_unhealthy']:
        raise _with_result(error, result)
    return result


def _unknown() -> dict[str, t.Any]:
    return {
        'healthy': False,
        'reachable': False,
        'status_code': None,
        'code': 'ok',
        'latency_ms': None,
        'attempts': 0,
        'waited': 0.0,
        'checked_at': _now(),
        'api_url': None,
        'msg': '',
    }


def _with_result(error: FireflyError, result: dict[str, t.Any]) -> FireflyError:
    error.result = {**result, 'code': error.code, 'msg': str(error)}
    return error


def _poll(
    client: FireflyClient, options: t.Mapping[str, t.Any], result: dict[str, t.Any], report: t.Callable[[str], None]
) -> FireflyError | None:
    started = time.monotonic()
    deadline = started + options['wait_timeout']
    reported = 'ok'
    while True:
        result['waited'] = round(time.monotonic() - started, 1)
        timeout = min(options['timeout'], max(deadline - time.monotonic(), 1))
        error = _ask(client, result, retries=0, timeout=timeout)
        left = deadline - time.monotonic()
        if error is None or (error.code in _FINAL and not error.retryable) or left <= 0:
            break
        if error.code != reported:
            report(f'Waiting up to {left:.0f} s more for Firefly: {error}')
            reported = error.code
        time.sleep(min(options['wait_sleep'], left))
    if error and left <= 0:
        error.args = (f'Firefly was not up within {options["wait_timeout"]} s: {error}',)
        result['msg'] = str(error)
    elif error is None and reported != 'ok':
        report(f'{result["msg"]} It took {result["waited"]:.0f} s.')
    return error


def _ask(client: FireflyClient, result: dict[str, t.Any], **limits: t.Any) -> FireflyError | None:
    """Ask once and write the outcome into the result."""
    result['checked_at'] = _now()
    try:
        answer = client.request('GET', '/v2/health', expect=204, **limits)
    except FireflyError as error:
        result.update(
            reachable=error.status is not None,
            status_code=error.status,
            code=error.code,
            latency_ms=error.latency_ms,
            attempts=result['attempts'] + error.attempts,
            msg=str(error),
        )
        return error
    result.update(
        healthy=True,
        reachable=True,
        status_code=answer.status,
        code='ok',
        latency_ms=answer.latency_ms,
        attempts=result['attempts'] + answer.attempts,
        msg=f'Firefly at {client.url} is up.',
    )
    return None


def _now() -> str:
    return datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
