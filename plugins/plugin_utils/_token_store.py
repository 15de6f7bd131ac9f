# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login for a run, or for a user until the token expires.

Nothing in memory outlives a task, which is a process of its own, so tokens are kept in files. Each is encrypted with
a key made of the secret key, and so is worthless to anybody without the key pair.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import stat
import tempfile
import time
import typing as t
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ansible import constants
from ansible.utils.display import Display

from ..module_utils._errors import FireflyError
from ..module_utils._token import token_result
from ..module_utils._url import base_url

try:
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # ansible-core brings it; ansible-test imports every plugin where it is not
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

# the same keys will get the same answer: asking again only wears out the rate limit
_DEFINITE = ('unauthorized', 'forbidden', 'expires_too_soon')

_DAY = 86400


def log_in_once(
    options: Mapping[str, t.Any], login: Callable[[], dict[str, t.Any]], *, ask_again: bool = False
) -> dict[str, t.Any]:
    """The result of a login with these validated options: a kept one, or that of ``login``, which then is kept.

    Of all processes that need the same token, one logs in; the others wait, and share its outcome. A definite failure
    is kept for the whole run, unless ``ask_again``.

    :raises FireflyError: what ``login`` raises.
    """
    if options['token_cache'] == 'none':
        return login()
    run = Path(constants.DEFAULT_LOCAL_TMP, 'firefly')
    user = Path(constants.config.get_config_value('ANSIBLE_HOME'), 'firefly', 'tokens')
    try:
        errors = _Slot(run, options)
        tokens = _Slot(user, options) if options['token_cache'] == 'user' else errors
    except OSError as error:
        _say(f'not used: {error}')
        return login()
    began = time.time()

    def kept() -> dict[str, t.Any] | None:
        record = tokens.read()
        if 'token' in record:
            result = token_result(**record['token'], reused=True, attempts=0)
            if result['expires_in'] >= max(options['min_ttl'], 1):
                return result
        if tokens is not errors:
            record = errors.read()
        if 'error' in record:
            code = record['error']['failure']['code']
            if code == 'expires_too_soon' and options['min_ttl'] < record['min_ttl']:
                return None
            if record['at'] >= began or (code in _DEFINITE and not ask_again):
                raise FireflyError.from_result(record['error'])
        return None

    result = kept()
    if result is None:
        with tokens.lock():
            result = kept()
            if result is None:
                try:
                    result = login()
                except FireflyError as error:
                    now = time.time()
                    record = {'error': error.as_result(), 'min_ttl': options['min_ttl'], 'at': now}
                    errors.write(record, until=now + _DAY)
                    raise
                tokens.write({'token': _what_to_keep(result)}, until=result['expires_at'])
    return result


def _what_to_keep(result: dict[str, t.Any]) -> dict[str, t.Any]:
    clock_offset = result['expires_at'] - result['expires_in'] - time.time()
    return {
        'access_token': result['access_token'],
        'token_type': result['token_type'],
        'expires_at': result['expires_at'],
        'api_url': result['api_url'],
        'clock_offset': clock_offset,
    }


class _Slot:
    """The file for one key pair at one API.

    :raises OSError: the folder cannot be made, or is not this user's alone.
    """

    def __init__(self, folder: Path, options: Mapping[str, t.Any]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise PermissionError(f'{folder} is not a folder of this user alone (mode 0700)')
        who = json.dumps([base_url(options['api_url']), options['access_key']])
        self._cipher, name = _derive(options['secret_key'], who)
        self._path = folder / name
        # a lock file is never removed, since somebody may hold it; so there are 256 at most
        self._lock_path = folder / f'{name[:2]}.lock'

    def read(self) -> dict[str, t.Any]:
        """What was written; nothing where there is no such file, or one that is not ours."""
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), 'rb') as file:
                return json.loads(self._cipher.decrypt(file.read()))  # type: ignore[no-any-return]
        except FileNotFoundError:
            pass
        except InvalidToken:
            _say(f'{self._path} is damaged or of somebody else, and will be replaced')
        except (OSError, ValueError) as error:
            _say(f'{self._path} cannot be read: {error}')
        return {}

    def write(self, record: dict[str, t.Any], *, until: float) -> None:
        """Keep the record, and drop the files of this folder whose time (Unix seconds) has passed."""
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                temporary = file.name
                file.write(self._cipher.encrypt(json.dumps(record).encode()))
            os.utime(temporary, (until, until))
            os.replace(temporary, self._path)
            for path in self._path.parent.iterdir():
                # an hour, for a file that another process is just writing
                if path.suffix != '.lock' and path.lstat().st_mtime < time.time() - 3600:
                    path.unlink()
        except OSError as error:
            _say(f'{self._path} cannot be written: {error}')
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of this slot; the system frees it when this process ends, however it ends."""
        descriptor = None
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            _say(f'{self._lock_path} cannot be locked: {error}')
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _derive(secret_key: str, who: str) -> tuple[Fernet, str]:
    """The cipher and the file name that belong to a key pair at an API."""
    key = secret_key.encode(errors='surrogateescape')  # the environment's bytes, which may be no UTF-8
    derived = HKDF(SHA256(), 48, salt=b'firefly.platform tokens', info=who.encode()).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived[:32])), derived[32:].hex()


# OpenSSL sets itself up at its first use, which takes longer than a debug task. This is the parent of all workers where
# an action plugin has been imported, and so once is enough.
if HAS_CRYPTOGRAPHY:
    _warm = _derive('', '')[0]
    _warm.decrypt(_warm.encrypt(b''))


def _say(what: str) -> None:
    Display().v(f'Firefly token cache: {what}')
