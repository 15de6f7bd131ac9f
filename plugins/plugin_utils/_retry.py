# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a request is retried, and how long the pauses are."""

from __future__ import annotations

import random

from ._errors import FireflyError

#: The window of the rate limit, in seconds. https://docs.firefly.ai documents the limit: 500 requests in a window.
WINDOW = 60


class RetryBudget:
    """The retries of a request: ``retries`` after failures, and as many minutes of pauses after a 429.

    Those pauses are measured in minutes because the window of the rate limit is a minute. They are random because
    clients that were refused together would otherwise come back together.
    """

    def __init__(self, retries: int) -> None:
        self._retries_left = retries
        self._seconds_left: float = retries * WINDOW
        self._failures = 0
        self._refusals = 0

    def pause_after(self, error: FireflyError) -> float | None:
        """The pause before the next attempt, in seconds.

        It is ``None`` if there is no next attempt: the request may have changed something, or the budget is spent.
        """
        if error.changed:
            return None
        if error.code == 'rate_limited':
            return self._pause_after_refusal(error)
        return self._pause_after_failure(error)

    def _pause_after_refusal(self, error: FireflyError) -> float | None:
        if self._seconds_left <= 0:
            return None
        self._refusals += 1
        pause = min(self._seconds_left, rate_limit_pause(self._refusals, error))
        self._seconds_left -= pause
        return pause

    def _pause_after_failure(self, error: FireflyError) -> float | None:
        retry_after = _retry_after(error)
        if not error.retryable or self._retries_left == 0 or retry_after > WINDOW:
            return None
        self._retries_left -= 1
        self._failures += 1
        if retry_after:
            return retry_after
        if self._failures == 1:
            return 0.0
        return min(WINDOW, 2.0 ** (self._failures - 2) * random.uniform(0.5, 1.5))


def rate_limit_pause(refusals: int, error: FireflyError) -> float:
    """The pause after this number of responses with 429, in seconds: what Firefly asks for, and a random part."""
    longest_random_part = min(4 * WINDOW, WINDOW * 2 ** (refusals - 1))
    return min(WINDOW, _retry_after(error)) + random.uniform(0, longest_random_part)


def _retry_after(error: FireflyError) -> float:
    return error.response.retry_after if error.response else 0.0
