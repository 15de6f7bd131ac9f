# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login for a run.

Nothing in memory outlives a task, which is a process of its own, so the outcome of a login is kept in a file, in the
folder that Ansible makes for a run and removes at its end. It is encrypted with a key made from the secret key, and so
is worthless to anybody without the key pair.
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
except ImportError:  # ansible-core brings it; ansible-test imports every plugin where it is not
    pass
else:
    # OpenSSL sets itself up at first use: once here, in the parent of all workers, not in each. Without it a login of
    # this run costs 1.23 x debug in place of 1.13 x, and a lookup after it 1.36 x the lookup env in place of 1.12 x.
    HKDF(SHA256(), 48, salt=None, info=b'').derive(b'')
    Fernet(Fernet.generate_key()).encrypt(b'')

#: How long a failure is told again to the same asker, in seconds.
TELL_AGAIN = 60

#: With the secret key and the proxies of the environment, all that decides the outcome of a login.
_IDENTITY = ('api_url', 'access_key', 'validate_certs', 'ca_path', 'client_cert', 'client_key', 'use_proxy')

Login = t.Callable[[], tuple[Token, int]]


def token_of_run(options: Options, asker: str | None, log_in: Login, refused: str | None = None) -> tuple[Token, int]:
    """The token of this run, or that of ``log_in``, and how many requests it took.

    Of all processes that need the same token, one logs in; the others wait, and share its outcome. A token serves all
    that it lives long enough for. A failure is told again to the same ``asker`` for :data:`TELL_AGAIN` seconds.

    A token that an endpoint ``refused`` is replaced, unless it took the place of another such one in the last
    :data:`TELL_AGAIN` seconds: the endpoint refuses whatever there is, and gets the same token again.

    :raises FireflyError: what ``log_in`` raises.
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
                what = f'{kept["what"]} This run made the request a moment ago; it was not sent again.'
                raise FireflyError(what=what, **kept['failure'])
            # one that was too short when it was new is told again too, since the next one would not be longer
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
    """The file, which nobody else has until it is closed, by its holder's death too; else one in memory."""
    try:
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), 'r+b', buffering=0)  # noqa: SIM115, its user closes it
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        _say(f'not used: {error}')
        return io.BytesIO()
    return t.cast('t.BinaryIO', file)


def _read(file: t.BinaryIO, cipher: Fernet) -> dict[str, t.Any]:
    """What was written; nothing where nothing was, or it is damaged."""
    content = file.read()
    try:
        return json.loads(cipher.decrypt(content)) if content else {}
    except InvalidToken:
        _say('damaged, and will be replaced')
        return {}


def _write(file: t.BinaryIO, cipher: Fernet, asker: str | None, **outcome: t.Any) -> None:
    record = {'at': time.monotonic(), 'asker': asker, **outcome}
    try:
        file.seek(0)
        file.truncate()
        file.write(cipher.encrypt(json.dumps(record).encode()))
    except OSError as error:
        _say(f'not written: {error}')


def _derive(options: Options) -> tuple[Fernet, str]:
    """The cipher and the file's name that belong to what decides the outcome of a login."""
    identity = [*(options[name] for name in _IDENTITY), sorted(getproxies_environment().items())]
    key = options['secret_key'].encode(errors='surrogateescape')  # the environment's bytes, which need not be UTF-8
    derived = HKDF(SHA256(), 48, salt=b'firefly.platform tokens', info=json.dumps(identity).encode()).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived[:32])), derived[32:].hex()


def _say(what: str) -> None:
    Display().v(f'Firefly token cache: {what}')
