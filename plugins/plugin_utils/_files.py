# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that options name. No message holds a path: a key may stand where its file was wanted."""

from __future__ import annotations

import os
import typing as t

from ._errors import FireflyError
from ._options import OPTIONS


def absolute(option: str, path: str, find: t.Callable[[str], str]) -> str:
    """The absolute path that ``option`` means. ``find`` says where a relative one is.

    :raises FireflyError: ``invalid_option``, it is PEM text, it cannot be a path, or there is no such relative path.
    """
    if '-----BEGIN' in path:
        raise FireflyError('invalid_option', f'The option {option} holds PEM text: give a path.')
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
    """What the file holds, without white space around it.

    :raises FireflyError: ``invalid_option``, it cannot be read.
    """
    try:
        # as Python reads the environment: bytes that are not UTF-8 survive
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        raise unreadable(option, error) from None


def unreadable(option: str, error: Exception) -> FireflyError:
    """The error that a file cannot be read, with the system's reason."""
    return file_error(option, f'cannot be read: {getattr(error, "strerror", None) or "it is not a valid path"}')


def file_error(option: str, what: str) -> FireflyError:
    """The error that something is wrong with the file of an option, or of the environment variables in its place."""
    others = ''.join(f' or of {name}' for name in OPTIONS[option].environment)
    return FireflyError('invalid_option', f'The file of the option {option}{others} {what}.')
