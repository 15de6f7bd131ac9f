# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that options name. No message repeats a path, because it may be a key that was given by mistake."""

from __future__ import annotations

import os
import typing as t

from ._errors import FireflyError
from ._options import OPTIONS


def absolute(option: str, path: str, find: t.Callable[[str], str]) -> str:
    """The absolute path of ``option``. ``find`` resolves a relative one.

    :raises FireflyError: ``invalid_option`` if it is PEM text or not a valid path, or if a relative path is not found.
    """
    if '-----BEGIN' in path:
        raise FireflyError('invalid_option', f'The option {option} must be a path, not PEM text.')
    try:
        path = os.path.expanduser(os.path.expandvars(path.strip()))
        if os.path.isabs(path):
            return path
        found = find(path)
        there = os.path.exists(found)
    except ValueError as error:
        raise unreadable(option, error) from None
    if not there:
        raise file_error(option, f'was not found in {find(".")}')
    return found


def read_key(option: str, path: str) -> str:
    """The content of the file, without white space around it.

    :raises FireflyError: ``invalid_option`` if it cannot be read.
    """
    try:
        # Python reads the environment like this: bytes that are not UTF-8 survive
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        raise unreadable(option, error) from None


def unreadable(option: str, error: Exception) -> FireflyError:
    """The error for a file that cannot be read, with the reason that the system gives."""
    return file_error(option, f'cannot be read: {getattr(error, "strerror", None) or "it is not a valid path"}')


def file_error(option: str, what: str) -> FireflyError:
    """The error for the file of an option. Environment variables of other programs may name that file too."""
    others = ''.join(f' or {name}' for name in OPTIONS[option].environment)
    return FireflyError('invalid_option', f'The file of the option {option}{others} {what}.')
