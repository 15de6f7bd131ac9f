# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes beside this one, and tables for people."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any


@contextlib.contextmanager
def beside(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `target` in another process, which shares no memory and no waiting. Its first argument is a pipe to here."""
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
