# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows why a task waits."""

from __future__ import annotations

import time
import typing as t

from ._errors import FireflyError

#: The time between two reports if nothing changes, in seconds. AWX can end a job that prints nothing.
REPORT_EVERY = 30

Report = t.Callable[[str], None]


class Progress:
    """Waits, and reports why: at once if the reason is new, then every :data:`REPORT_EVERY` seconds."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._code = ''
        self._next_report = 0.0

    def sleep(self, seconds: float, error: FireflyError, deadline: float | None = None) -> None:
        """Wait because of ``error``. The report counts down to ``deadline``, if there is one."""
        ends = time.monotonic() + seconds
        now = time.monotonic()
        while now < ends:
            if error.code != self._code or now >= self._next_report:
                left = f'{deadline - now:.0f} s left' if deadline else f'next attempt in {ends - now:.0f} s'
                cause = 'because of the rate limit' if error.code == 'rate_limited' else 'for Firefly'
                self._report(f'Waiting {cause}, {left}: {error}')
                self._code = error.code
                self._next_report = now + REPORT_EVERY
            time.sleep(min(ends, self._next_report) - now)
            now = time.monotonic()
