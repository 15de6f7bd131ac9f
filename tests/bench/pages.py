# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all pages of a long list take: time, and memory in proportion to their JSON.

The memory is the peak of what Python allocates, by tracemalloc, which slows the list down: the time is that of another.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc

from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from helpers.operations import perform

from .common import firefly, show, verdict

ENTRIES = 10_000
PAGES = 100
#: The highest ratio of the memory to the JSON.
GOAL = 3
LIST = {'path': 'workspaces/search', 'method': 'POST', 'query': {'pageSize': ENTRIES // PAGES}, 'all_pages': True}


def get_list(keys: dict[str, str]) -> tuple[int, int, float]:
    """Get the list twice. Return the peak in bytes, the bytes of its JSON, and the seconds."""
    raw = {**keys, **LIST, 'token_cache': False}
    # what the first request sets up is not the list's
    perform(Api(), {**raw, 'query': {'pageSize': 1}, 'all_pages': False}, Context(print))
    tracemalloc.start()
    values = perform(Api(), raw, Context(print)).values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the list has an empty page at its end
    if (len(values['entries']), values['pages']) != (ENTRIES, PAGES + 1):
        sys.exit('The list is not whole.')
    began = time.monotonic()
    perform(Api(), raw, Context(print))
    seconds = time.monotonic() - began
    return peak, len(json.dumps(values['entries'])), seconds


def main(quick: bool) -> bool:
    """Print what the list takes, and return whether that is too much."""
    with firefly(ENTRIES, rate_limit=0) as keys:
        peak, size, seconds = get_list(keys)
    ratio = peak / size
    row = (f'{peak / 2**20:.1f} MiB', f'{ratio:.2f} x the JSON', f'goal {GOAL}', verdict(ratio <= GOAL))
    title = f'{ENTRIES:,} entries in {PAGES} pages: {seconds:.1f} s, {size / 2**20:.1f} MiB of JSON'
    return show(title, [('allocated at the peak', *row)])
