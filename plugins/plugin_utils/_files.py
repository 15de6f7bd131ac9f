# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that options name. No message repeats a path, because it may be a key that was given by mistake.

``origin`` says in a message where the path comes from, such as ``variable firefly_ca_path``.
"""

from __future__ import annotations

import codecs
import os
import stat
import typing as t

from ._errors import FireflyError

#: The size of the largest key file, in bytes.
_KEY_LIMIT = 64 * 1024


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


def read_key(origin: str, path: str) -> str:
    """The content of the file, without white space around it. The file may be what ``<(...)`` gives in a shell.

    :raises FireflyError: ``invalid_option`` if it cannot be read, or cannot hold a key.
    """
    is_pipe = _is_descriptor(path) and stat.S_ISFIFO(_mode(origin, path))
    if not is_pipe:
        _refuse_special(origin, path)
    try:
        with open(path, 'rb', opener=_open_at_once) as file:
            content = file.read(_KEY_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise unreadable(origin, error) from None
    if is_pipe and not content:
        raise file_error(origin, 'is an empty pipe. What <(...) gives can be read only once, by one task')
    problem = _key_problem(content)
    if problem:
        raise file_error(origin, problem)
    # Python reads the environment like this: bytes that are not UTF-8 survive
    return content.removeprefix(codecs.BOM_UTF8).decode(errors='surrogateescape').strip()


def check_file(origin: str, path: str) -> None:
    """Refuse what is not a regular file that can be read, without reading it.

    :raises FireflyError: ``invalid_option`` if it is not.
    """
    _refuse_special(origin, path)
    try:
        open(path, 'rb', opener=_open_at_once).close()
    except (OSError, ValueError) as error:
        raise unreadable(origin, error) from None


def _mode(origin: str, path: str) -> int:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise unreadable(origin, error) from None


def _refuse_special(origin: str, path: str) -> None:
    """Refuse what could be read for ever, such as a named pipe or a device."""
    mode = _mode(origin, path)
    if stat.S_ISDIR(mode):
        raise file_error(origin, 'is a folder')
    if stat.S_ISFIFO(mode):
        raise file_error(origin, 'is a pipe')
    if not stat.S_ISREG(mode):
        raise file_error(origin, 'is a device or a socket')


def _is_descriptor(path: str) -> bool:
    """Whether the path is an open file of this process, such as the pipe that ``<(...)`` gives."""
    return path.startswith(('/dev/fd/', '/proc/self/fd/'))


def _open_at_once(path: str, flags: int) -> int:
    """Open a file. Opening a pipe would wait for somebody who writes to it, which may have ended already."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def _key_problem(content: bytes) -> str:
    """Why the content of a file cannot be a key, or an empty string."""
    if len(content) > _KEY_LIMIT:
        return f'has more than {_KEY_LIMIT // 1024} KiB, so it does not hold a key'
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return 'is UTF-16. Save it as UTF-8'
    if b'\0' in content:
        return 'contains a NUL, so it is not a text in UTF-8'
    if b'-----BEGIN' in content:
        return 'holds PEM text, not a key of Firefly'
    if content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b'$ANSIBLE_VAULT;'):
        return (
            'is encrypted with Ansible Vault, and is not decrypted. In place of the file, set the key to '
            "lookup('ansible.builtin.unvault', ...)"
        )
    return ''


def unreadable(origin: str, error: OSError | ValueError) -> FireflyError:
    """The error for a file that cannot be read, with the reason that the system gives."""
    reason = getattr(error, 'strerror', None) or 'it is not a valid path'
    return file_error(origin, f'cannot be read: {reason}')


def file_error(origin: str, problem: str) -> FireflyError:
    """The error for a file that cannot be used."""
    return FireflyError('invalid_option', f'The file of the {origin} {problem}.')
