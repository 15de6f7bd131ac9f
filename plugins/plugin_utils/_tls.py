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

#: As much of a file is searched for a private key, in bytes.
_PEM_LIMIT = 1024 * 1024

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
        raise FireflyError('invalid_option', f'The {options.origin("client_key")} is set, but client_cert is not.')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cert)
    except (OSError, ValueError) as error:
        raise _unusable(options.origin('client_cert'), error) from None
    try:
        # without the empty password, OpenSSL would ask for one at the terminal
        context.load_cert_chain(cert, key, password='')
    except ssl.SSLError as error:
        raise _unusable_key(options, error) from None
    except (OSError, ValueError) as error:
        raise unreadable(options.origin('client_cert' if key is None else 'client_key'), error) from None
    return str(cert) if key is None else (cert, key)


def check_key_log() -> None:
    """Refuse a key log that cannot be written. Python writes to it at each TLS connection if the variable is set.

    :raises FireflyError: ``invalid_option`` if it cannot be written.
    """
    path = os.environ.get('SSLKEYLOGFILE')
    if not path:
        return
    try:
        open(path, 'ab').close()
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or 'it is not a valid path'
        raise file_error('environment variable SSLKEYLOGFILE', f'cannot be written: {reason}') from None


def _unusable(origin: str, error: OSError | ValueError) -> FireflyError:
    if isinstance(error, ssl.SSLError):  # an OSError too, but its text does not help a user
        return file_error(origin, 'is not a valid PEM file')
    return unreadable(origin, error)


def _unusable_key(options: Options, error: ssl.SSLError) -> FireflyError:
    """The error for a private key that does not work with ``client_cert``, which is fine itself."""
    holder = 'client_cert' if options['client_key'] is None else 'client_key'
    origin = options.origin(holder)
    if error.reason == 'KEY_VALUES_MISMATCH':
        return file_error(origin, 'holds the private key of another certificate')
    # OpenSSL has no reason for these
    with open(options[holder], 'rb') as file:
        content = file.read(_PEM_LIMIT)
    if b'ENCRYPTED' in content:
        return file_error(origin, 'holds a private key with a passphrase. Remove it with "openssl pkey"')
    if b'PRIVATE KEY-----' in content:
        return file_error(origin, 'holds a private key that is not valid')
    if holder == 'client_cert':
        return file_error(origin, 'holds a certificate without its private key. Set client_key')
    return file_error(origin, 'holds no private key in PEM format')
