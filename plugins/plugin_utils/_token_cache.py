# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that holds the outcome of a login for all tasks of a run.

Each task is a process of its own, so nothing in memory outlives it. The file is in the temporary folder of the run,
which Ansible removes at the end. It is encrypted with a key that is derived from the secret key, so it is worthless
without the key pair.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import time
import typing as t
from pathlib import Path

from ansible import constants
from ansible.utils.display import Display

from ._errors import FireflyError
from ._options import Options
from ._progress import REPORT_EVERY, Report
from ._proxy import proxy_address
from ._token import Token

try:
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # ansible-core requires it, but ansible-test imports every plugin without it
    pass

#: The time between two attempts to get the lock, in seconds.
_LOCK_POLL = 0.02

#: These, the secret key and the proxy decide the outcome of a login.
_IDENTITY = ('api_url', 'access_key', 'validate_certs', 'ca_path', 'client_cert', 'client_key')


class Record(t.NamedTuple):
    """The outcome of a login, the time on the monotonic clock when it was stored, and the scope that logged in.

    A login that failed has an ``error``, and the earlier ``token`` if there is one. ``replaces_refused`` is true if the
    token replaced one that an endpoint refused.
    """

    stored_at: float = -float('inf')
    token: Token | None = None
    error: FireflyError | None = None
    scope: str | None = None
    replaces_refused: bool = False

    @property
    def age(self) -> float:
        """The time since it was stored, in seconds. It is infinite if nothing was."""
        return time.monotonic() - self.stored_at

    def as_json(self) -> bytes:
        error = self.error
        fields = {
            'stored_at': self.stored_at,
            'token': self.token,
            'error': None if error is None else {'what': error.what, 'hint': error.hint, **error.failure},
            'scope': self.scope,
            'replaces_refused': self.replaces_refused,
        }
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Record:
        fields = json.loads(text)
        token = fields['token']
        error = fields['error']
        return cls(
            stored_at=fields['stored_at'],
            token=Token(*token) if token else None,
            error=FireflyError(**error) if error else None,
            scope=fields['scope'],
            replaces_refused=fields['replaces_refused'],
        )


class Entry:
    """The record of a key pair, locked against other processes."""

    def __init__(self, file: t.BinaryIO, cipher: Fernet) -> None:
        self._file = file
        self._cipher = cipher
        self.record = self._read()

    def store(self, record: Record) -> None:
        """Replace the record. A file that cannot be written is not an error."""
        try:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(self._cipher.encrypt(record.as_json()))
        except OSError as error:
            _say(f'was not written: {error}')

    def _read(self) -> Record:
        """The record in the file. It is empty if the file is new or damaged."""
        content = self._file.read()
        if not content:
            return Record()
        try:
            return Record.from_json(self._cipher.decrypt(content))
        except InvalidToken:
            _say('is damaged, and will be replaced')
            return Record()


class _NoEntry(Entry):
    """Where this machine has no cipher, nothing is cached."""

    def __init__(self) -> None:
        self.record = Record()

    def store(self, record: Record) -> None:
        pass


@contextlib.contextmanager
def cache_entry(options: Options, report: Report) -> t.Iterator[Entry]:
    """The entry for validated options, locked until the block ends or the process dies.

    While another process holds the lock, ``report`` shows a line of progress.
    """
    try:
        cipher, name = _derive(options)
    except Exception as error:  # a policy of the system may refuse an algorithm
        _say(f'is not used: {error}')
        yield _NoEntry()
        return
    with _locked(Path(constants.DEFAULT_LOCAL_TMP, f'firefly-{name}'), report) as file:
        yield Entry(file, cipher)


def _locked(path: Path, report: Report) -> t.BinaryIO:
    """The file, locked until it is closed. If that fails, a file in memory."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        _say(f'is not used: {error}')
        return io.BytesIO()
    file = os.fdopen(descriptor, 'r+b', buffering=0)
    try:
        _wait_for_lock(file, report)
    except OSError as error:
        file.close()
        _say(f'is not used: {error}')
        return io.BytesIO()
    return file


def _wait_for_lock(file: t.BinaryIO, report: Report) -> None:
    next_report = time.monotonic() + REPORT_EVERY
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_LOCK_POLL)
        if time.monotonic() >= next_report:
            report('Waiting for the login of another task or host of this run.')
            next_report += REPORT_EVERY


def _derive(options: Options) -> tuple[Fernet, str]:
    """The cipher and the name of the file, derived from what decides the outcome of a login."""
    identity: list[t.Any] = [options[name] for name in _IDENTITY]
    identity.append(proxy_address(options))
    secret_key = options['secret_key'].encode(errors='surrogateescape')  # bytes from the environment need not be UTF-8
    info = json.dumps(identity).encode()
    derived = HKDF(SHA256(), 48, salt=b'firefly.platform tokens', info=info).derive(secret_key)
    key = derived[:32]
    name = derived[32:]
    return Fernet(base64.urlsafe_b64encode(key)), name.hex()


def _say(what: str) -> None:
    Display().v(f'The Firefly token cache {what}')


def _initialize_openssl() -> None:
    """OpenSSL initializes itself at first use. In the parent of all workers, it does so once for a run."""
    with contextlib.suppress(Exception):  # cache_entry says why it fails
        HKDF(SHA256(), 48, salt=None, info=b'').derive(b'firefly')
        Fernet(Fernet.generate_key()).encrypt(b'')


_initialize_openssl()
