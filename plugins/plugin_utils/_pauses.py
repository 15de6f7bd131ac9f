# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many times to retry, how long to pause, and what to show meanwhile."""

from __future__ import annotations

import random
import time
import typing as t

from ._errors import FireflyError

#: The window of the rate limit, in seconds. https://docs.firefly.ai documents the limit: 500 requests in a window.
WINDOW = 60

#: The time between two reports if nothing changes, in seconds. AWX can end a job that prints nothing.
REPORT_EVERY = 30


class Patience:
    """Limits the retries of a request: ``retries`` after failures, and as many minutes of pauses after refusals.

    A refusal is a 429. The pauses take minutes because the window of the rate limit is a minute. They are random
    because requests that were refused together would otherwise come back together.
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._left: float = retries * WINDOW
        self._failures = self._refusals = 0

    def pause(self, error: FireflyError) -> float | None:
        """The pause before the next attempt, in seconds. ``None`` if there is no next attempt."""
        if error.code == 'rate_limited':
            self._refusals += 1
            pause = min(self._left, pause_after_refusal(self._refusals, error.retry_after))
            self._left -= pause
            return pause or None
        self._failures += 1
        if not error.retryable or self._failures > self._retries:
            return None
        return _pause_after_failure(self._failures, error.retry_after)


def pause_after_refusal(refusals: int, retry_after: float) -> float:
    """The pause after this number of refusals, in seconds: at least as long as the server asks for."""
    return min(WINDOW, retry_after) + random.uniform(0, min(4 * WINDOW, WINDOW * 2 ** (refusals - 1)))


def _pause_after_failure(failures: int, retry_after: float) -> float:
    """The pause after this number of failures, in seconds: as long as the server asks for, or longer each time."""
    if retry_after:
        return min(WINDOW, retry_after)
    return 0 if failures == 1 else min(WINDOW, 2.0 ** (failures - 2) * random.uniform(0.5, 1.5))


class Progress:
    """Waits, and reports why: at once if the reason is new, then every :data:`REPORT_EVERY` seconds."""

    def __init__(self, report: t.Callable[[str], None]) -> None:
        self._report = report
        self._code = ''
        self._reported_at = -float('inf')

    def sleep(self, seconds: float, error: FireflyError, deadline: float | None = None) -> None:
        """Wait because of ``error``. The report counts down to ``deadline``, if there is one."""
        ends = time.monotonic() + seconds
        while (now := time.monotonic()) < ends:
            if error.code != self._code or now >= self._reported_at + REPORT_EVERY:
                left = f'{deadline - now:.0f} s left' if deadline else f'next attempt in {ends - now:.0f} s'
                self._report(f'Waiting for Firefly, {left}: {error}')
                self._code, self._reported_at = error.code, now
            time.sleep(min(ends, self._reported_at + REPORT_EVERY) - now)
