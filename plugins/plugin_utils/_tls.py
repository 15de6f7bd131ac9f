# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates to trust and to send."""

from __future__ import annotations

import os
import ssl

from ansible.utils.display import Display

from ._errors import FireflyError
from ._files import file_error, unreadable
from ._options import Options

_DISPLAY = Display()

# without a name or an address, so that ansible-core shows it once
_NOT_VALIDATED = (
    'validate_certs is false, so anyone between the controller and Firefly can read the keys and the token.'
)


def trusted(options: Options) -> bool | str:
    """The value of ``verify`` for requests. ``openssl rehash`` must have prepared ``ca_path`` if it is a folder.

    :raises FireflyError: ``invalid_option`` if ``ca_path`` cannot be used.
    """
    ca_path = options['ca_path']
    if ca_path is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if os.path.isdir(ca_path):
                context.load_verify_locations(capath=ca_path)
            else:
                context.load_verify_locations(cafile=ca_path)
        except (OSError, ValueError) as error:
            raise _unusable(options.origin('ca_path'), error) from None
    if not options['validate_certs']:
        _DISPLAY.warning(_NOT_VALIDATED)
        return False
    return ca_path or True


def client_certificate(options: Options) -> str | tuple[str, str] | None:
    """The value of ``cert`` for requests.

    :raises FireflyError: ``invalid_option`` if a file cannot be used, or there is a key without a certificate.
    """
    cert = options['client_cert']
    key = options['client_key']
    if cert is None and key is None:
        return None
    if cert is None:
        raise FireflyError('invalid_option', 'The option client_key is set, but client_cert is not.')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cert)
    except (OSError, ValueError) as error:
        raise _unusable(options.origin('client_cert'), error) from None
    try:
        # without the empty password, OpenSSL would ask for one at the terminal
        context.load_cert_chain(cert, key, password='')
    except (OSError, ValueError) as error:
        holder = 'client_cert' if key is None else 'client_key'
        raise _unusable(options.origin(holder), error) from None
    return str(cert) if key is None else (cert, key)


def _unusable(origin: str, error: OSError | ValueError) -> FireflyError:
    if isinstance(error, ssl.SSLError):  # an OSError too, but its text does not help a user
        return file_error(origin, 'is not a valid PEM file')
    return unreadable(origin, error)
