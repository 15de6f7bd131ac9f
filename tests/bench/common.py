# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Firefly beside this process, and tables for people."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any


@contextlib.contextmanager
def firefly(workspaces: int = 0, **options: Any) -> Iterator[dict[str, str]]:
    """Serve an embedded Firefly with so many workspaces, in another process, which shares no memory and no waiting.

    The value is the address and the keys, as options.
    """
    multiprocess = multiprocessing.get_context('spawn')
    here, there = multiprocess.Pipe()
    process = multiprocess.Process(target=_serve, args=(there, workspaces, options))
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        process.join()


def _serve(pipe: Connection, workspaces: int, options: dict[str, Any]) -> None:
    from fake_firefly import FakeFirefly, make_workspaces  # in this process only: it is large

    with FakeFirefly(**options) as server:
        server.data['workspaces'] = make_workspaces(workspaces)
        pipe.send(server.options)
        with contextlib.suppress(EOFError):
            pipe.recv()


def say(what: str) -> None:
    """Show what is being measured, until the next line."""
    print(f'  {what:<78}', end='\r', file=sys.stderr, flush=True)


def verdict(reached: bool) -> str:
    """Tell whether a goal is reached."""
    return 'reached' if reached else 'MISSED'


def show(title: str, rows: Sequence[tuple[str, ...]]) -> bool:
    """Print a table and return whether a goal in it is missed."""
    print(f'\n{title}')
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print('  '.join(cells))
    return any(verdict(False) in row for row in rows)
