# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key pair, and the options of all that need it."""

from __future__ import annotations

import base64
import typing as t

from ._errors import FireflyError
from ._files import read_key
from ._options import KEY_FILES, Options, validate
from ._secrets import register


def validate_with_keys(names: t.Sequence[str], raw: Options) -> Options:
    """The options ``names``, with the keys read from their files. From here on, all output masks the secret key.

    :raises FireflyError: if an option has an invalid value, a file cannot be read, or half of the key pair is missing.
    """
    options = validate(names, raw)
    keys = {}
    missing = []
    for name, file in KEY_FILES.items():
        keys[name] = options[name] or _key_in_file(file, options)
        if keys[name]:
            continue
        if options[file]:
            missing.append(f'{name} (the file of the {options.origin(file)} is empty)')
        else:
            missing.append(name)
    if missing:
        verb = 'is' if len(missing) == 1 else 'are'
        raise FireflyError('missing_credentials', f'{" and ".join(missing)} {verb} missing.')
    register(keys['secret_key'])
    return options.replace(**keys)


def basic_authorization(options: Options) -> str:
    """The value of an ``Authorization`` header with the key pair, as RFC 7617 has it."""
    key_pair = f'{options["access_key"]}:{options["secret_key"]}'.encode(errors='surrogateescape')
    credentials = base64.b64encode(key_pair).decode()
    register(credentials)
    return f'Basic {credentials}'


def _key_in_file(file: str, options: Options) -> str:
    """The key in the file that an option names, or an empty string."""
    if not options[file]:
        return ''
    return read_key(options.origin(file), options[file])
