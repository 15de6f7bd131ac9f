# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A herd at the rate limit: clients that start together behind one address, and together ask for twice the limit.

Each case has a Firefly of its own, and a thread for each client, with one operation of the collection. All must
succeed, whatever Firefly does at its limit.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

# an operation imports the client, which must not take time of the herd's
from ansible_collections.firefly.platform.plugins.plugin_utils import (  # pylint: disable=unused-import
    _client,  # noqa: F401
    _retry,
)
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import Health
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation
from helpers.operations import perform

from .common import firefly, say, show, verdict

CLIENTS = 100
LIMIT = 50
#: The rate limit's window in seconds here, and how many times as fast as Firefly's that is.
WINDOW = 5
FACTOR = 60 / WINDOW
#: All clients start within so many seconds of Firefly's time.
START = 2


def ask(operation: Operation, raw: dict[str, Any]) -> str:
    """Return the code that one client ends with."""
    time.sleep(random.uniform(0, START / FACTOR))
    try:
        error = perform(operation, raw, Context(lambda line: None)).error
    except FireflyError as raised:
        error = raised
    return error.code if error else 'ok'


def main(quick: bool) -> bool:
    """Play all cases, print how they ended, and return whether a client failed."""
    _retry.WINDOW = WINDOW
    rows = []
    cases = list(product((Health(), Login()), (False, True), (None, WINDOW)))
    for operation, counts_refused, retry_after in cases[:1] if quick else cases:
        counted = f'refused requests {"count" if counts_refused else "do not count"}'
        case = f'{operation.name}, {counted}, {"with" if retry_after else "without"} Retry-After'
        say(case)
        limit = {'rate_limit': LIMIT, 'rate_window': WINDOW, 'rate_counts_refused': counts_refused}
        with firefly(**limit, retry_after=retry_after) as keys, ThreadPoolExecutor(CLIENTS) as pool:
            began = time.monotonic()
            asked = [pool.submit(ask, operation, {**keys, 'token_cache': False}) for _unused in range(CLIENTS)]
            codes = Counter(each.result() for each in asked)
            last = (time.monotonic() - began) * FACTOR
        ended = ', '.join(f'{count} {code}' for code, count in codes.items())
        rows.append((case, ended, f'last after {last:.0f} s', f'goal {CLIENTS} ok', verdict(codes['ok'] == CLIENTS)))
    return show(
        f'A herd: {CLIENTS} clients behind one address, {LIMIT} requests in {WINDOW} s, '
        f'{FACTOR:g} times as fast as with Firefly; seconds are those with Firefly',
        rows,
    )
