# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _pauses
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._pauses import Patience, Progress, pause_after_refusal

REFUSED = FireflyError('rate_limited', '429.', status=429, retryable=True)
DOWN = FireflyError('server_error', '503.', status=503, retryable=True)


def pauses(patience: Patience, error: FireflyError) -> list[float]:
    """All pauses, if each attempt ends in this error."""
    return list(iter(lambda: patience.pause(error), None))


@pytest.mark.parametrize('retry_after', [0, 60])
@pytest.mark.parametrize('retries', [0, 1, 3, 100])
def test_refusals_get_a_minute_for_each_retry(retries: int, retry_after: int) -> None:
    refused = FireflyError('rate_limited', '429.', retryable=True, retry_after=retry_after)
    for _unused in range(20):
        made = pauses(Patience(retries), refused)
        assert sum(made) == pytest.approx(60 * retries)
        assert all(0 < pause <= 60 * retries for pause in made)


@pytest.mark.parametrize('retries', [0, 1, 20])
def test_pauses_after_failures_grow_up_to_a_minute(retries: int) -> None:
    expected = [0, *(2.0**number for number in range(19))][:retries]
    for _unused in range(20):
        made = pauses(Patience(retries), DOWN)
        for pause, mean in zip(made, expected, strict=True):
            assert min(60, mean / 2) <= pause <= min(60, mean * 1.5)


def test_refusals_and_final_errors_do_not_count_as_retries() -> None:
    patience = Patience(2)
    assert patience.pause(REFUSED)
    assert [patience.pause(DOWN) is None for _unused in range(3)] == [False, False, True]
    assert Patience(3).pause(FireflyError('unauthorized', '401.', status=401)) is None


@pytest.mark.parametrize(
    'refusals,retry_after,low,high',
    [(1, 0, 0, 60), (2, 0, 0, 120), (3, 0, 0, 240), (4, 0, 0, 240), (1000, 0, 0, 240)]
    + [(1, 7, 7, 67), (2, 86400, 60, 180)],
)
def test_the_pause_after_a_refusal_is_random(refusals: int, retry_after: float, low: float, high: float) -> None:
    made = [pause_after_refusal(refusals, retry_after) for _unused in range(5000)]
    assert low <= min(made) < low + (high - low) * 0.01
    assert high - (high - low) * 0.01 < max(made) <= high


class Clock:
    """Takes the place of the module ``time``: a clock that runs only during a sleep."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_pauses, 'time', clock)
    return clock


def test_a_wait_is_reported_at_once_and_every_30_seconds(clock: Clock) -> None:
    lines: list[str] = []
    Progress(lines.append).sleep(100, REFUSED)
    assert clock.now == 1100
    assert [line.partition(': ')[0] for line in lines] == [
        f'Waiting for Firefly, next attempt in {left} s' for left in (100, 70, 40, 10)
    ]
    assert lines[0].endswith(str(REFUSED))


def test_the_report_counts_down_to_the_deadline(clock: Clock) -> None:
    lines: list[str] = []
    Progress(lines.append).sleep(40, DOWN, clock.now + 120)
    assert [line.partition(': ')[0] for line in lines] == [f'Waiting for Firefly, {left} s left' for left in (120, 90)]


def test_the_next_pause_continues_the_same_30_seconds(clock: Clock) -> None:
    lines: list[str] = []
    progress = Progress(lines.append)
    for _unused in range(7):
        progress.sleep(10, DOWN)
    assert len(lines) == 3
    progress.sleep(1, REFUSED)
    assert len(lines) == 4
    progress.sleep(0, DOWN)
    assert len(lines) == 4
