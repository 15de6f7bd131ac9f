# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates to trust and to show."""

from __future__ import annotations

import os
import ssl

from ._errors import FireflyError
from ._files import file_error, unreadable


def trusted(validate_certs: bool, ca_path: str | None) -> bool | str:
    """What requests calls ``verify``. A folder is one as ``openssl rehash`` makes it.

    :raises FireflyError: ``invalid_option``, the file cannot be used.
    """
    if ca_path is not None:
        kind = 'capath' if os.path.isdir(ca_path) else 'cafile'
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**{kind: ca_path})
        except (OSError, ValueError) as error:
            raise _file_error('ca_path', error) from None
    return validate_certs and (ca_path or True)


def client_certificate(cert: str | None, key: str | None) -> str | tuple[str, str] | None:
    """What requests calls ``cert``.

    :raises FireflyError: ``invalid_option``, a file cannot be used, or there is a key without a certificate.
    """
    if cert is None:
        if key is not None:
            raise FireflyError('invalid_option', 'The option client_key is given without client_cert.')
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    name = 'client_cert'
    try:
        context.load_verify_locations(cert)
        if key is not None:
            name = 'client_key'
        # the empty password keeps OpenSSL from asking for one at the terminal
        context.load_cert_chain(cert, key, password='')
    except (OSError, ValueError) as error:
        raise _file_error(name, error) from None
    return cert if key is None else (cert, key)


def _file_error(name: str, error: OSError | ValueError) -> FireflyError:
    if isinstance(error, ssl.SSLError):  # an OSError too, whose text says nothing to a user
        return file_error(name, 'is not a valid PEM file')
    return unreadable(name, error)
