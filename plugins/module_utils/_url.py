# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the API is."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ._errors import OptionError

_NEVER_IN_A_URL = re.compile(r'[\x00-\x20\x7f\\]')


def base_url(api_url: str) -> str:
    """The address below which the endpoints (``/v2/login``) are, like ``https://api.firefly.ai``.

    Takes ``api_url`` with or without a trailing slash, with or without ``/v2``, and with the path prefix of a reverse
    proxy.

    :raises OptionError: it is no such address, or ``http://`` to another host. The text never repeats ``api_url``,
        which may hold a password.
    """
    api_url = api_url.strip()
    try:
        parts = urlsplit(api_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_url('is no valid URL') from None
    if parts.scheme not in ('http', 'https'):
        raise _no_url('does not begin with https://')
    if '@' in parts.netloc:
        raise OptionError('The option api_url holds a user name or a password: use access_key and secret_key.')
    if not host or port == 0 or _NEVER_IN_A_URL.search(api_url):
        raise _no_url('is no valid URL')
    if parts.query or parts.fragment:
        raise _no_url('has a query or a fragment')
    if parts.scheme == 'http' and not is_loopback(host):
        raise OptionError(
            f'The option api_url is http:// to {host}: the secret key would go there in clear.', 'insecure_url'
        )
    path = parts.path.rstrip('/')
    if path.endswith('/v2'):
        path = path[: -len('/v2')].rstrip('/')
    return f'{parts.scheme}://{parts.netloc}{path}'


def is_loopback(host: str) -> bool:
    """Whether the host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _no_url(what: str) -> OptionError:
    return OptionError(f'The option api_url {what}: give an address like https://api.firefly.ai.')
