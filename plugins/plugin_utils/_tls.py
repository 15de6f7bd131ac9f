# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates to trust and to show."""

from __future__ import annotations

import ssl

from ._errors import FireflyError


def trusted(validate_certs: bool, ca_path: str | None) -> bool | str:
    """What requests calls ``verify``.

    :raises FireflyError: ``invalid_option``, the file cannot be used.
    """
    if ca_path is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_path)
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
    # OpenSSL's own errors are OSErrors too; their text says nothing to a user
    reason = '' if isinstance(error, ssl.SSLError) else getattr(error, 'strerror', None)
    wrong = f'cannot be read: {reason}' if reason else 'is not a valid PEM file'
    return FireflyError('invalid_option', f'The file of the option {name} {wrong}.')
