# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates in HTTP headers."""

from __future__ import annotations

from email.utils import mktime_tz, parsedate_tz


def unix_time(date: str) -> float | None:
    """The date in Unix seconds, or ``None`` if it is not a valid date."""
    try:
        parsed = parsedate_tz(date)
        return None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
