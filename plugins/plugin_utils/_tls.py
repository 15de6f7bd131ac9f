# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates to trust and to send."""

from __future__ import annotations

import os
import ssl

from ._errors import FireflyError
from ._files import file_error, unreadable


def trusted(validate_certs: bool, ca_path: str | None) -> bool | str:
    """The value of ``verify`` for requests. ``openssl rehash`` must have prepared ``ca_path`` if it is a folder.

    :raises FireflyError: ``invalid_option`` if the file cannot be used.
    """
    if ca_path is not None:
        kind = 'capath' if os.path.isdir(ca_path) else 'cafile'
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**{kind: ca_path})
        except (OSError, ValueError) as error:
            raise _file_error('ca_path', error) from None
    return validate_certs and (ca_path or True)


def client_certificate(cert: str | None, key: str | None) -> str | tuple[str, str] | None:
    """The value of ``cert`` for requests.

    :raises FireflyError: ``invalid_option`` if a file cannot be used, or there is a key without a certificate.
    """
    if cert is None:
        if key is not None:
            raise FireflyError('invalid_option', 'The option client_key is set, but client_cert is not.')
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    name = 'client_cert'
    try:
        context.load_verify_locations(cert)
        if key is not None:
            name = 'client_key'
        # without the empty password, OpenSSL would ask for one at the terminal
        context.load_cert_chain(cert, key, password='')
    except (OSError, ValueError) as error:
        raise _file_error(name, error) from None
    return cert if key is None else (cert, key)


def _file_error(name: str, error: OSError | ValueError) -> FireflyError:
    if isinstance(error, ssl.SSLError):  # an OSError too, but its text does not help a user
        return file_error(name, 'is not a valid PEM file')
    return unreadable(name, error)
