# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pytest plugin: measures what each test covers and how long it takes, or runs the tests of a mutant."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

SECONDS: dict[str, float] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--measure', type=Path, help='write the seconds of each test to this file')
    parser.addoption('--only', type=Path, help='run the tests in this file, in its order')
    if not Coverage.current():
        signal.alarm(120)  # nobody handles it, so it ends a mutant that cannot be imported


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption('only'):
        SECONDS.update(json.loads(config.getoption('only').read_text()))
        order = {test: number for number, test in enumerate(SECONDS)}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    if recorder := Coverage.current():
        recorder.switch_context(item.nodeid)
        recorder.set_option('run:context', item.nodeid)  # for the processes that this one forks
    else:
        signal.alarm(30 + round(10 * SECONDS[item.nodeid]))
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    SECONDS[report.nodeid] = SECONDS.get(report.nodeid, 0) + (math.inf if report.failed else report.duration)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if path := session.config.getoption('measure'):
        path.write_text(json.dumps(SECONDS))
