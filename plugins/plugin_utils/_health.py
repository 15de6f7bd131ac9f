# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that Firefly is up, or wait until it is."""

from __future__ import annotations

import itertools
import time
import typing as t
from dataclasses import replace
from datetime import datetime, timezone

from ._errors import FireflyError
from ._operation import Context, Operation, Outcome
from ._options import HEALTH_OPTIONS, Options, validate
from ._pauses import REPORT_EVERY, Progress, pause_after_refusal
from ._request import Request, Response

_Ask = t.Callable[..., Response]

# waiting cannot fix a host name that is not valid, or a certificate that is not trusted
_FINAL = ('invalid_option', 'tls')


def validate_health(raw: t.Mapping[str, t.Any]) -> Options:
    """The options of a health check.

    :raises FireflyError: if an option has an invalid value.
    """
    return validate(HEALTH_OPTIONS, raw)


def health(options: Options, context: Context) -> Outcome:
    """Check the health. The values are what the module ``firefly_health`` returns, on success and on failure.

    ``GET /v2/health`` is documented at https://docs.firefly.ai. Firefly is up only if the status is 204. With ``wait``
    the request is repeated until then, for at most ``wait_timeout`` seconds.

    :raises FireflyError: if nothing was sent.
    """
    from ._client import FireflyClient  # imports requests, which a lookup of a token does not need

    ask = FireflyClient(options, context.report).request
    return _wait(ask, options, context.report) if options['wait'] else _ask(ask, options['api_url'])


def _wait(ask: _Ask, options: Options, report: t.Callable[[str], None]) -> Outcome:
    """Repeat the request until Firefly is up, and report the progress."""
    started = time.monotonic()
    deadline = started + options['wait_timeout']
    progress = Progress(report)
    refusals = 0
    for attempt in itertools.count():
        asked = time.monotonic()
        waited = round(asked - started, 1)
        # half of the time that is left, because a response that starts in time may stall for as long again
        timeout = min(options['timeout'], REPORT_EVERY, (deadline - asked) / 2)
        outcome = _ask(ask, options['api_url'], attempt, waited, retries=0, timeout=timeout)
        error = outcome.error
        if error is None or (error.code in _FINAL and not error.retryable):
            break
        left = deadline - time.monotonic()
        if left <= 1:  # too short for another request
            late = replace(error, what=f'Firefly was not up within wait_timeout: {error.what}')
            return Outcome({**outcome.values, 'msg': str(late)}, late)
        refusals = refusals + 1 if error.code == 'rate_limited' else 0
        pause = pause_after_refusal(refusals, error.retry_after) if refusals else options['wait_sleep']
        progress.sleep(min(pause, left - 1), error, deadline)
    if attempt and error is None:
        report(f'{outcome.values["msg"]} It took {waited:.0f} s.')
    return outcome


def _ask(ask: _Ask, api_url: str, earlier: int = 0, waited: float = 0.0, **limits: t.Any) -> Outcome:
    checked_at, error = _now(), None
    try:
        ended: Response | FireflyError = ask(Request('GET', '/v2/health', expect=(204,)), **limits)
    except FireflyError as failed:
        ended = error = failed
    return Outcome({**_values(ended, api_url, earlier), 'waited': waited, 'checked_at': checked_at}, error)


def _values(ended: Response | FireflyError, api_url: str | None = None, earlier: int = 0) -> dict[str, t.Any]:
    """The return values of a health check, after a number of ``earlier`` requests."""
    error = ended if isinstance(ended, FireflyError) else None
    return {
        'healthy': error is None,
        'reachable': ended.status is not None,
        'status': ended.status,
        'code': error.code if error else 'ok',
        'latency_ms': ended.latency_ms,
        'attempts': earlier + ended.attempts,
        'waited': 0.0,
        'checked_at': _now(),
        'api_url': api_url,
        'msg': str(error) if error else f'Firefly at {api_url} is up, seen from the controller.',
    }


def _now() -> str:
    return datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


HEALTH = Operation('firefly_health', HEALTH_OPTIONS, validate_health, health, failed=_values)
