# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all pages of a long list take: time, and memory in proportion to their JSON.

The memory is the peak of what Python allocates, by tracemalloc. The growth of the process comes from another process,
without tracemalloc.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc
from multiprocessing.connection import Connection

from .processes import beside, firefly
from .table import show, verdict

ENTRIES = 10_000
PAGES = 100
#: The highest ratio of the memory to the JSON.
GOAL = 3
LIST = {'path': 'workspaces/search', 'method': 'POST', 'query': {'pageSize': ENTRIES // PAGES}, 'all_pages': True}


def get_list(pipe: Connection, keys: dict[str, str], traced: bool) -> None:
    """Get the list. Send the seconds, the peak in bytes, the growth of the process in bytes, and the bytes of JSON."""
    # imported here, so that it is not measured
    from ansible_collections.firefly.platform.plugins.plugin_utils._api import API
    from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, perform

    raw = {**keys, 'token_cache': False}
    # what the first request sets up is not the list's
    perform(API, {**raw, **LIST, 'query': {'pageSize': 1}, 'all_pages': False}, Context(print))
    before = _resident()
    if traced:
        tracemalloc.start()
    began = time.monotonic()
    values = perform(API, {**raw, **LIST}, Context(print)).values
    seconds = time.monotonic() - began
    peak = tracemalloc.get_traced_memory()[1]
    grown = _resident() - before
    # the list has an empty page at its end
    if (len(values['entries']), values['pages']) != (ENTRIES, PAGES + 1):
        sys.exit('The list is not whole.')
    pipe.send((seconds, peak, grown, len(json.dumps(values['entries']))))


def _resident() -> int:
    """The largest memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(quick: bool) -> bool:
    """Print what the list takes, and return whether that is too much."""
    with firefly(ENTRIES, rate_limit=0) as keys:
        with beside(get_list, keys, False) as pipe:
            seconds, _unused, grown, size = pipe.recv()
        with beside(get_list, keys, True) as pipe:
            peak = pipe.recv()[1]
    return show(
        f'{ENTRIES:,} entries in {PAGES} pages: {seconds:.1f} s, {size / 2**20:.1f} MiB of JSON',
        [
            (name, f'{memory / 2**20:.1f} MiB', f'{memory / size:.2f} x the JSON', *goal)
            for name, memory, *goal in (
                ('allocated at the peak', peak, f'goal {GOAL}', verdict(peak / size <= GOAL)),
                ('growth of the process', grown, '', ''),
            )
        ],
    )
