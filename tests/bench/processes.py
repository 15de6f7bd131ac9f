# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes beside this one: an embedded Firefly does not wait for its clients, and measured memory is not shared."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any


@contextlib.contextmanager
def beside(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `target` in another process. Its first argument is a pipe to this one."""
    multiprocess = multiprocessing.get_context('spawn')
    here, there = multiprocess.Pipe()
    process = multiprocess.Process(target=target, args=(there, *arguments))
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join()
    if process.exitcode:
        sys.exit(f'{target.__name__} failed.')


@contextlib.contextmanager
def firefly(workspaces: int = 0, **options: Any) -> Iterator[dict[str, str]]:
    """Serve an embedded Firefly with so many workspaces. The value is the address and the keys, as options."""
    with beside(_serve, workspaces, options) as pipe:
        yield pipe.recv()


def _serve(pipe: Connection, workspaces: int, options: dict[str, Any]) -> None:
    from fake_firefly import FakeFirefly, make_workspaces  # in this process only: it is large

    with FakeFirefly(**options) as server:
        server.data['workspaces'] = make_workspaces(workspaces)
        pipe.send({'api_url': server.url, 'access_key': server.access_key, 'secret_key': server.secret_key})
        with contextlib.suppress(EOFError):
            pipe.recv()
