# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all pages of a long list take: time, and memory in proportion to the JSON that comes.

The memory is what Python has allocated at its peak, as tracemalloc counts it, less what it had before the list was
asked for. The growth of the process is printed beside it, measured in another process, without tracemalloc.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

# an operation imports it, and that is not to be counted
from ansible_collections.firefly.platform.plugins.plugin_utils import _client  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.firefly.platform.plugins.plugin_utils._api import API
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, perform
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, make_workspaces

from .table import table

ENTRIES = 10_000
PAGES = 100
#: The highest ratio of the memory to the JSON.
GOAL = 3
LIST = {'path': 'workspaces/search', 'method': 'POST', 'query': {'pageSize': ENTRIES // PAGES}, 'all_pages': True}


class Measured(NamedTuple):
    """Seconds, and bytes: the traced peak, 0 where it was not traced, and the growth of the process."""

    seconds: float
    traced: int
    grown: int


def measure(pipe: Connection, traced: bool) -> None:
    """Get the list from the address that comes through the pipe, and send what it took."""
    raw = {'api_url': pipe.recv(), 'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, 'token_cache': False}
    # what the first request sets up is not the list's
    perform(API, {**raw, **LIST, 'query': {'pageSize': 1}, 'all_pages': False}, Context(print))
    before = _resident()
    if traced:
        tracemalloc.start()
    began = time.monotonic()
    values = perform(API, {**raw, **LIST}, Context(print)).values
    seconds = time.monotonic() - began
    peak = tracemalloc.get_traced_memory()[1]
    # the list has an empty page at its end
    if (len(values['entries']), values['pages']) != (ENTRIES, PAGES + 1):
        sys.exit('The list is not whole.')
    pipe.send(Measured(seconds, peak, _resident() - before))


def _resident() -> int:
    """The largest memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(pipe: Connection) -> None:
    """Be a Firefly with that many workspaces until the other end of the pipe is closed."""
    with FakeFirefly(rate_limit=0) as firefly:
        firefly.data['workspaces'] = make_workspaces(ENTRIES)
        pipe.send(firefly.url)
        with contextlib.suppress(EOFError):
            pipe.recv()


@contextlib.contextmanager
def beside(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """A process of its own, and a pipe to it."""
    multiprocess = multiprocessing.get_context('spawn')
    here, there = multiprocess.Pipe()
    process = multiprocess.Process(target=target, args=(there, *arguments))
    process.start()
    there.close()
    with here:
        yield here
    process.join()


def main() -> int:
    """Print what the list takes, and return the exit code."""
    with beside(serve) as firefly:
        url = firefly.recv()
        measured = []
        for traced in (False, True):
            with beside(measure, traced) as pipe:
                pipe.send(url)
                measured.append(pipe.recv())
    plain, traced = measured
    size = len(json.dumps(make_workspaces(ENTRIES)))
    ratio = traced.traced / size
    verdict = 'reached' if ratio <= GOAL else 'MISSED'
    print(f'\n{ENTRIES:,} entries in {PAGES} pages: {plain.seconds:.1f} s, {size / 2**20:.1f} MiB of JSON')
    rows: list[tuple[str, ...]] = [
        (
            'allocated at the peak',
            f'{traced.traced / 2**20:.1f} MiB',
            f'{ratio:.2f} x the JSON',
            f'goal {GOAL}',
            verdict,
        ),
        ('growth of the process', f'{plain.grown / 2**20:.1f} MiB', f'{plain.grown / size:.2f} x the JSON', '', ''),
    ]
    print(*table(rows), sep='\n')
    return int(ratio > GOAL)


if __name__ == '__main__':
    sys.exit(main())
