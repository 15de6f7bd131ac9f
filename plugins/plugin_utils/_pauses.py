# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often to try again, how long to pause before it, and what is shown meanwhile."""

from __future__ import annotations

import random
import time
import typing as t

from ._errors import FireflyError

#: The window of the rate limit, in seconds. The limit is documented at https://docs.firefly.ai: 500 requests in it.
WINDOW = 60

#: How often a wait is reported where nothing changes, in seconds: AWX can end a job that prints nothing.
REPORT_EVERY = 30


class Patience:
    """What one caller may spend on a request: ``retries`` attempts after failures, and as many minutes after refusals.

    A refusal is a 429. Its pauses are minutes because the limit's window is one, and random because all that was
    refused at once would come back at once.
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._left: float = retries * WINDOW
        self._failures = self._refusals = 0

    def pause(self, error: FireflyError) -> float | None:
        """How many seconds to wait before the next attempt; ``None`` where there is none."""
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
    """How many seconds to wait after the last of so many refusals: as long as the server asks for and longer."""
    return min(WINDOW, retry_after) + random.uniform(0, min(4 * WINDOW, WINDOW * 2 ** (refusals - 1)))


def _pause_after_failure(failures: int, retry_after: float) -> float:
    """How many seconds to wait after the last of so many failures: as long as the server asks for, else ever longer."""
    if retry_after:
        return min(WINDOW, retry_after)
    return 0 if failures == 1 else min(WINDOW, 2.0 ** (failures - 2) * random.uniform(0.5, 1.5))


class Progress:
    """Waits, and reports it: what is new at once, what goes on every :data:`REPORT_EVERY` seconds."""

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
