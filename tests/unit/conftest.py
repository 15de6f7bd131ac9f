# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._progress import Progress
from helpers.raw_server import RawServer, Talk


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a run, in which the token cache is. Each test has its own."""
    folder = tmp_path / 'run'
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(folder))
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], RawServer]]:
    """Starts servers that send what the test says, byte by byte."""
    with contextlib.ExitStack() as stack:
        yield lambda talk: stack.enter_context(RawServer(talk))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between requests, which are collected here instead of made."""
    collected: list[float] = []

    def sleep(self: Progress, seconds: float, error: FireflyError, deadline: float | None = None) -> None:
        if seconds:
            collected.append(seconds)

    monkeypatch.setattr(Progress, 'sleep', sleep)
    return collected
