# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads JSON from outside."""

from __future__ import annotations

import json
import math
import typing as t

#: A callback of ansible-core cannot show 300 levels.
_MAX_DEPTH = 100


def parse(text: str | bytes) -> t.Any:
    """The value of the JSON text.

    :raises ValueError: if it is not JSON, or would break a callback: a number that is not finite or has thousands of
        digits, or too many levels. The error repeats nothing of the text.
    """
    try:
        value = json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_float)
    except (ValueError, RecursionError):
        raise ValueError('not valid JSON') from None
    _check_depth(value, _MAX_DEPTH)
    return value


def _check_depth(value: t.Any, levels: int) -> None:
    if levels == 0:
        raise ValueError(f'nested more than {_MAX_DEPTH} levels deep')
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    for part in value:
        _check_depth(part, levels - 1)


def _int(digits: str) -> int:
    _float(digits)
    return int(digits)


def _float(text: str) -> float:
    number = float(text)  # infinite if there are hundreds of digits
    if not math.isfinite(number):
        raise ValueError
    return number
