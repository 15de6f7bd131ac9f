# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A herd at the rate limit: clients that start together behind one address, and together ask for twice what it may.

A case is a Firefly of its own and as many threads as there are clients, each with one operation of the collection. All
must succeed, whatever Firefly does at its limit.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

# an operation imports the client, and that is not to take time of the herd's
from ansible_collections.firefly.platform.plugins.plugin_utils import (  # pylint: disable=unused-import
    _client,  # noqa: F401
    _pauses,
)
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import HEALTH
from ansible_collections.firefly.platform.plugins.plugin_utils._login import LOGIN
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation, perform
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly

from .table import table

CLIENTS = 100
LIMIT = 50
#: The rate limit's window here, in seconds, and how many times as fast as Firefly's own that is.
WINDOW = 5
FACTOR = 60 / WINDOW
#: All clients start within so many seconds of Firefly's time.
START = 2


class Case(NamedTuple):
    """What all clients ask for, and what Firefly does at its limit."""

    operation: Operation
    counts_refused: bool
    sends_retry_after: bool

    def __str__(self) -> str:
        counts = 'count' if self.counts_refused else 'do not count'
        sends = 'with' if self.sends_retry_after else 'without'
        return f'{self.operation.name}, refused requests {counts}, {sends} Retry-After'


class Ended(NamedTuple):
    """How a case ended: how many clients failed, by code, and when the last one ended, in seconds of Firefly's time."""

    failed: Counter[str]
    last: float


def play(case: Case) -> Ended:
    """Let all clients ask a new Firefly."""
    with serving(case) as url, ThreadPoolExecutor(CLIENTS) as pool:
        raw = {'api_url': url, 'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, 'token_cache': False}
        began = time.monotonic()
        codes = Counter(pool.map(lambda _unused: ask(case.operation, raw), range(CLIENTS)))
        last = (time.monotonic() - began) * FACTOR
    del codes['ok']
    return Ended(codes, last)


def ask(operation: Operation, raw: dict[str, Any]) -> str:
    """The code that one client ends with."""
    time.sleep(random.uniform(0, START / FACTOR))
    try:
        error = perform(operation, raw, Context(lambda line: None)).error
    except FireflyError as raised:
        error = raised
    return error.code if error else 'ok'


@contextlib.contextmanager
def serving(case: Case) -> Iterator[str]:
    """The address of a Firefly for the case. It is a process of its own, so that it does not wait for the clients."""
    multiprocess = multiprocessing.get_context('spawn')
    here, there = multiprocess.Pipe()
    process = multiprocess.Process(target=serve, args=(there, case.counts_refused, case.sends_retry_after))
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        process.join()
    if process.exitcode:
        sys.exit('The embedded Firefly failed.')


def serve(pipe: Connection, counts_refused: bool, sends_retry_after: bool) -> None:
    """Be a Firefly until the other end of the pipe is closed."""
    retry_after = WINDOW if sends_retry_after else None
    with FakeFirefly(
        rate_limit=LIMIT, rate_window=WINDOW, rate_counts_refused=counts_refused, retry_after=retry_after
    ) as firefly:
        pipe.send(firefly.url)
        with contextlib.suppress(EOFError):
            pipe.recv()


def main() -> int:
    """Play all cases, print how they ended, and return the exit code."""
    _pauses.WINDOW = WINDOW
    print(
        f'\nA herd: {CLIENTS} clients behind one address, {LIMIT} requests in {WINDOW} s, '
        f'{FACTOR:g} times as fast as with Firefly; seconds are those with Firefly'
    )
    rows: list[tuple[str, ...]] = []
    failed: Counter[str] = Counter()
    for case in itertools.starmap(Case, itertools.product((HEALTH, LOGIN), (False, True), (False, True))):
        print(f'  {str(case):<78}', end='\r', file=sys.stderr, flush=True)
        ended = play(case)
        failed += ended.failed
        failures = ended.failed.total()
        verdict = 'MISSED' if failures else 'reached'
        rows.append((str(case), f'{failures} of {CLIENTS}', f'last after {ended.last:.0f} s', 'goal 0', verdict))
    print(*table(rows), sep='\n')
    if failed:
        codes = ', '.join(f'{code} {count} times' for code, count in failed.items())
        print(f'Failed: {codes}', file=sys.stderr)
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
