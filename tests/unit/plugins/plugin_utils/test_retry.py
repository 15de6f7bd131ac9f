# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Response
from ansible_collections.firefly.platform.plugins.plugin_utils._retry import RetryBudget, rate_limit_pause


def failure(code: str, status: int, retry_after: float = 0, retryable: bool = True) -> FireflyError:
    response = Response(status=status, headers={}, body=b'', latency_ms=1, retry_after=retry_after)
    return FireflyError(code, f'{status}.', response=response, retryable=retryable)


REFUSED = failure('rate_limited', 429)
DOWN = failure('server_error', 503)


def pauses(budget: RetryBudget, error: FireflyError) -> list[float]:
    """All pauses, if each attempt ends in this error."""
    return list(iter(lambda: budget.pause_after(error), None))


@pytest.mark.parametrize('retry_after', [0, 60])
@pytest.mark.parametrize('retries', [0, 1, 3, 100])
def test_refusals_get_a_minute_for_each_retry(retries: int, retry_after: int) -> None:
    refused = failure('rate_limited', 429, retry_after)
    for _unused in range(20):
        made = pauses(RetryBudget(retries), refused)
        assert sum(made) == pytest.approx(60 * retries)
        assert all(0 < pause <= 60 * retries for pause in made)


@pytest.mark.parametrize('retries', [0, 1, 20])
def test_pauses_after_failures_grow_up_to_a_minute(retries: int) -> None:
    expected = [0, *(2.0**number for number in range(19))][:retries]
    for _unused in range(20):
        made = pauses(RetryBudget(retries), DOWN)
        for pause, mean in zip(made, expected, strict=True):
            assert min(60, mean / 2) <= pause <= min(60, mean * 1.5)


def test_refusals_and_final_errors_do_not_count_as_retries() -> None:
    budget = RetryBudget(2)
    assert budget.pause_after(REFUSED)
    assert [budget.pause_after(DOWN) is None for _unused in range(3)] == [False, False, True]
    assert RetryBudget(3).pause_after(failure('unauthorized', 401, retryable=False)) is None


@pytest.mark.parametrize(
    'refusals,retry_after,low,high',
    [(1, 0, 0, 60), (2, 0, 0, 120), (3, 0, 0, 240), (4, 0, 0, 240), (1000, 0, 0, 240)]
    + [(1, 7, 7, 67), (2, 86400, 60, 180)],
)
def test_the_pause_after_a_refusal_is_random(refusals: int, retry_after: float, low: float, high: float) -> None:
    made = [rate_limit_pause(refusals, failure('rate_limited', 429, retry_after)) for _unused in range(5000)]
    assert low <= min(made) < low + (high - low) * 0.01
    assert high - (high - low) * 0.01 < max(made) <= high


@pytest.mark.parametrize('retry_after,made', [(7, [7, 7]), (60, [60, 60]), (61, [])])
def test_a_pause_that_the_server_asks_for_is_made_or_the_request_fails(retry_after: float, made: list[float]) -> None:
    assert pauses(RetryBudget(2), failure('server_error', 503, retry_after)) == made
