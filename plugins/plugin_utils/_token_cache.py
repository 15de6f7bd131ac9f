# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token cache: one login for a run.

Each task is a process of its own, so nothing in memory outlives it. The outcome of a login is kept in a file instead,
in the temporary folder of the run. Ansible removes that folder at the end. The file is encrypted with a key that is
derived from the secret key, so it is worthless without the key pair.
"""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import time
import typing as t
from pathlib import Path
from urllib.request import getproxies_environment

from ansible import constants
from ansible.utils.display import Display

from ._errors import FireflyError
from ._options import Options
from ._token import Token

try:
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # ansible-core requires it, but ansible-test imports every plugin without it
    pass
else:
    # OpenSSL initializes itself at first use. Do it once here, in the parent of all workers, not in each of them.
    # Otherwise a login from the cache costs 1.23 x debug instead of 1.13 x. A lookup after it costs 1.36 x the lookup
    # env instead of 1.12 x.
    HKDF(SHA256(), 48, salt=None, info=b'').derive(b'')
    Fernet(Fernet.generate_key()).encrypt(b'')

#: How long a failure is shared with the same asker, in seconds.
TELL_AGAIN = 60

#: These, the secret key and the proxies from the environment decide the outcome of a login.
_IDENTITY = ('api_url', 'access_key', 'validate_certs', 'ca_path', 'client_cert', 'client_key', 'use_proxy')

Login = t.Callable[[], tuple[Token, int]]


def token_of_run(options: Options, asker: str | None, log_in: Login, refused: str | None = None) -> tuple[Token, int]:
    """The token of this run, or the one that ``log_in`` returns, and the number of requests that it took.

    Of all processes that need the same token, one logs in. The others wait, and share the outcome. A token is reused
    while it lives for at least ``min_ttl`` seconds more. A failure is shared with the same ``asker`` for
    :data:`TELL_AGAIN` seconds.

    A token that an endpoint ``refused`` is replaced. One that has itself replaced a refused token in the last
    :data:`TELL_AGAIN` seconds is returned again, because that endpoint refuses every token.

    :raises FireflyError: if ``log_in`` does.
    """
    began = time.monotonic()
    cipher, name = _derive(options)
    with _locked(Path(constants.DEFAULT_LOCAL_TMP, f'firefly-{name}')) as file:
        kept = _read(file, cipher)
        known, needed = Token(*kept['token']) if kept.get('token') else None, max(options['min_ttl'], 1)
        replaced = kept.get('replaced') and began - kept['at'] < TELL_AGAIN
        if known and known.access_token == refused and not replaced:
            known = None
        if known and known.expires_in >= needed:
            return known, 0
        waited = kept.get('at', 0) > began
        if waited or (asker is not None and kept.get('asker') == asker and began - kept['at'] < TELL_AGAIN):
            if 'failure' in kept:
                what = f'{kept["what"]} This run made the request a moment ago, so it was not sent again.'
                raise FireflyError(what=what, **kept['failure'])
            # a token that was too short when it was new is shared too, because the next one would not live longer
            if known and known.ends - kept['at'] < needed:
                return known, 0
        try:
            token, attempts = log_in()
        except FireflyError as error:
            _write(file, cipher, asker, token=known, failure=error.failure, what=error.what)
            raise
        _write(file, cipher, asker, token=token, replaced=refused is not None)
        return token, attempts


def _locked(path: Path) -> t.BinaryIO:
    """The file, locked until it is closed or the process dies. If that fails, a file in memory."""
    try:
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), 'r+b', buffering=0)  # noqa: SIM115, callers close it
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        _say(f'is not used: {error}')
        return io.BytesIO()
    return t.cast('t.BinaryIO', file)


def _read(file: t.BinaryIO, cipher: Fernet) -> dict[str, t.Any]:
    """The record in the file. It is empty if the file is new or damaged."""
    content = file.read()
    try:
        return json.loads(cipher.decrypt(content)) if content else {}
    except InvalidToken:
        _say('is damaged, and will be replaced')
        return {}


def _write(file: t.BinaryIO, cipher: Fernet, asker: str | None, **outcome: t.Any) -> None:
    record = {'at': time.monotonic(), 'asker': asker, **outcome}
    try:
        file.seek(0)
        file.truncate()
        file.write(cipher.encrypt(json.dumps(record).encode()))
    except OSError as error:
        _say(f'was not written: {error}')


def _derive(options: Options) -> tuple[Fernet, str]:
    """The cipher and the name of the file, derived from what decides the outcome of a login."""
    identity = [*(options[name] for name in _IDENTITY), sorted(getproxies_environment().items())]
    key = options['secret_key'].encode(errors='surrogateescape')  # bytes from the environment need not be UTF-8
    derived = HKDF(SHA256(), 48, salt=b'firefly.platform tokens', info=json.dumps(identity).encode()).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived[:32])), derived[32:].hex()


def _say(what: str) -> None:
    Display().v(f'The Firefly token cache {what}')
