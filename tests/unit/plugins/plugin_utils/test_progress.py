# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils import _progress
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._progress import Progress

REFUSED = FireflyError('rate_limited', '429.', status=429, retryable=True)
DOWN = FireflyError('server_error', '503.', status=503, retryable=True)


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
    monkeypatch.setattr(_progress, 'time', clock)
    return clock


def test_a_wait_is_reported_at_once_and_every_30_seconds(clock: Clock) -> None:
    lines: list[str] = []
    Progress(lines.append).sleep(100, REFUSED)
    assert clock.now == 1100
    assert [line.partition(': ')[0] for line in lines] == [
        f'Waiting because of the rate limit, next attempt in {left} s' for left in (100, 70, 40, 10)
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
