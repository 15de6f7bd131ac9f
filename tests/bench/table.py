# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence


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
