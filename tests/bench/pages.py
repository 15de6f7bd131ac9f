# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all pages of a long list take over TLS.

The CPU time is compared to that of the same pages by requests, each over a connection of its own. The collection keeps
its connection, and has as much time left for its checks. The memory is compared to the JSON. It is the peak of what
Python allocates, by tracemalloc, which slows the list down: the times are those of other lists.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import requests
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from helpers.operations import perform

from .common import firefly, say, show, verdict

ENTRIES = 10_000
PAGES = 100
ROUNDS = 5
#: The highest ratio of the CPU time, which is 1.6 with a new connection for each page, and of the memory to the JSON.
CPU_GOAL = 1.2
MEMORY_GOAL = 3
PATH = 'workspaces/search'
LIST = {'path': PATH, 'method': 'POST', 'query': {'pageSize': ENTRIES // PAGES}, 'all_pages': True}


def get_list(keys: dict[str, str]) -> list[Any]:
    """Get the list with the collection."""
    values = perform(Api(), {**keys, **LIST, 'token_cache': False}).values
    # the list has an empty page at its end
    if (len(values['entries']), values['pages']) != (ENTRIES, PAGES + 1):
        sys.exit('The list is not whole.')
    entries: list[Any] = values['entries']
    return entries


def get_pages(keys: dict[str, str]) -> list[Any]:
    """Get the same pages one by one, as a script with requests does."""
    login = perform(Login(), {**keys, 'token_cache': False}).values
    entries: list[Any] = []
    for page in range(PAGES + 1):
        response = requests.post(
            f'{keys["api_url"]}/v2/{PATH}',
            params={'page': page, 'pageSize': ENTRIES // PAGES},
            headers={'Authorization': login['authorization']},
            verify=keys['ca_path'],
            timeout=30,
        )
        entries += response.json()
    return entries


def cpu_time(get: Callable[[dict[str, str]], list[Any]], keys: dict[str, str]) -> float:
    """Return the CPU seconds of this process alone: Firefly is another."""
    began = time.process_time()
    get(keys)
    return time.process_time() - began


def main(quick: bool) -> bool:
    """Print what the list takes, and return whether that is too much."""
    with firefly(ENTRIES, tls=True, rate_limit=0) as keys:
        say(f'{ENTRIES:,} entries in {PAGES} pages')
        # what the first list sets up is not a later one's
        if get_list(keys) != get_pages(keys):
            sys.exit('The pages are not the list.')
        times = [(cpu_time(get_list, keys), cpu_time(get_pages, keys)) for _unused in range(1 if quick else ROUNDS)]
        tracemalloc.start()
        entries = get_list(keys)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    size = len(json.dumps(entries))
    seconds, others = (median(column) for column in zip(*times, strict=True))
    cpu, memory = seconds / others, peak / size
    return show(
        f'{ENTRIES:,} entries in {PAGES} pages over TLS, {size / 2**20:.1f} MiB of JSON',
        [
            ('CPU time', f'{seconds:.2f} s', f'{cpu:.2f} x requests', f'goal {CPU_GOAL}', verdict(cpu <= CPU_GOAL)),
            (
                'allocated at the peak',
                f'{peak / 2**20:.1f} MiB',
                f'{memory:.2f} x the JSON',
                f'goal {MEMORY_GOAL}',
                verdict(memory <= MEMORY_GOAL),
            ),
        ],
    )
