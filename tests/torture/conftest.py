# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from typing import Any

KINDS = {
    'test_faults': 'faults, each through the operation, both actions and the lookup',
    'test_properties': 'properties of what comes from outside, with hundreds of examples each',
    'test_channels': 'ways of writing, failing, crashing and being killed, searched for secrets',
    'test_writes': 'writes and reads with all faults, and of writes with series of them',
    'test_kill': 'series of kills at random moments, of 400 workers and of plays and servers',
    'test_load': 'loads, of 5,000, of 1,000 and of 100 hosts',
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was tried, for people."""
    counts: dict[str, Counter[str]] = {outcome: Counter() for outcome in ('passed', 'failed', 'error')}
    for outcome, counter in counts.items():
        for report in terminalreporter.stats.get(outcome, []):
            counter[report.nodeid.split('::')[0].rsplit('/', 1)[-1].removesuffix('.py')] += 1
    terminalreporter.section('what was tried')
    for name, what in KINDS.items():
        failed = counts['failed'][name] + counts['error'][name]
        tried = counts['passed'][name] + failed
        if name == 'test_faults' and tried:
            from torture.wire_faults import FAULTS

            what = f'{len(FAULTS)} {what}'
        if tried:
            verdict = f'{failed} FAILED' if failed else 'none lost or leaked anything'
            terminalreporter.line(f'{tried} checks of {what}: {verdict}')
