# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that options name. No message repeats a path, because it may be a key that was given by mistake.

``origin`` says in a message where the path comes from, such as ``variable firefly_ca_path``.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ._errors import FireflyError


def absolute_path(origin: str, path: str, resolve: t.Callable[[str], str]) -> str:
    """The absolute path. ``resolve`` makes a relative one absolute.

    :raises FireflyError: ``invalid_option`` if it is PEM text or not a valid path, or if a relative path is not found.
    """
    if '-----BEGIN' in path:
        raise FireflyError('invalid_option', f'The {origin} must be a path, not PEM text.')
    try:
        path = os.path.expanduser(os.path.expandvars(path.strip()))
        if os.path.isabs(path):
            return path
        resolved = resolve(path)
        exists = os.path.exists(resolved)
    except ValueError as error:
        raise unreadable(origin, error) from None
    if not exists:
        raise file_error(origin, f'was not found in {resolve(".")}')
    return resolved


def check_file(origin: str, path: str) -> None:
    """Check that a file or a folder can be read.

    :raises FireflyError: ``invalid_option`` if not. What may never end, such as a pipe, is refused too.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise unreadable(origin, error) from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise file_error(origin, 'is not a regular file')
    if not os.access(path, os.R_OK):
        raise file_error(origin, 'cannot be read: Permission denied')


def read_key(origin: str, path: str) -> str:
    """The content of the file, without white space around it.

    :raises FireflyError: ``invalid_option`` if it cannot be read.
    """
    try:
        # Python reads the environment like this: bytes that are not UTF-8 survive
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        raise unreadable(origin, error) from None


def unreadable(origin: str, error: OSError | ValueError) -> FireflyError:
    """The error for a file that cannot be read, with the reason that the system gives."""
    reason = getattr(error, 'strerror', None) or 'it is not a valid path'
    return file_error(origin, f'cannot be read: {reason}')


def file_error(origin: str, problem: str) -> FireflyError:
    """The error for a file that cannot be used."""
    return FireflyError('invalid_option', f'The file of the {origin} {problem}.')
