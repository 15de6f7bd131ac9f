# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address of the API, and the paths of its endpoints."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ._errors import FireflyError

_NEVER_IN_A_URL = re.compile(r'[\x00-\x20\x7f\\]')

#: What would end the path, leave it or hide in it, and what to say about it. The first match counts.
_MISTAKES_IN_A_PATH = (
    (r'[a-z][a-z0-9+.-]*:', 'contains a whole address. Leave out everything up to /v2/'),
    (r'/|.*//', 'contains // or an empty segment'),
    (r'.*\\', 'contains a backslash'),
    (r'.*\?', 'contains a "?". Parameters belong in the option query'),
    (r'.*#', 'contains a "#", which cannot be sent'),
    (r'.*%', 'contains a "%". An id with a space, a slash or a "%" cannot be sent'),
    (r'.*;', 'contains a ";", which some servers cut off with what follows'),
    (r'.*\s', 'contains white space. An id with a space, a slash or a "%" cannot be sent'),
    (r'(.*/)?\.{1,2}(/|$)', 'contains the segment "." or ".."'),
    (r'login(/|$)', 'is the login, which would return a token. Use firefly_login'),
    (r'api/v1', 'is an endpoint of v1, which is deprecated'),
)


def base_url(api_url: str, origin: str = 'option api_url') -> str:
    """The address of the API without ``/v2``, such as ``https://api.firefly.ai``.

    ``api_url`` may have a trailing slash, ``/v2`` and the path prefix of a reverse proxy. ``origin`` says in a message
    where it comes from.

    :raises FireflyError: ``invalid_option`` if it is not such an address, ``insecure_url`` if it is ``http://`` to
        another host. The message does not repeat ``api_url``, which may hold a password.
    """
    api_url = api_url.strip()
    try:
        parts = urlsplit(api_url)
        host = parts.hostname
        port = parts.port
    except ValueError:
        raise _invalid_address(origin, 'is not a valid URL') from None
    if parts.scheme not in ('http', 'https'):
        raise _invalid_address(origin, 'does not start with https://')
    if '@' in parts.netloc:
        raise _invalid_address(origin, 'contains a user name or a password')
    if not host or port == 0 or _NEVER_IN_A_URL.search(api_url) or ('[' in parts.netloc and not _is_address(host)):
        raise _invalid_address(origin, 'is not a valid URL')
    if parts.query or parts.fragment:
        raise _invalid_address(origin, 'contains a query or a fragment')
    if parts.scheme == 'http' and not _is_loopback(host):
        what = f'The {origin} starts with http://, which would send the secret key in clear text.'
        raise FireflyError('insecure_url', what)
    path = parts.path.rstrip('/')
    if path.lower().endswith('/v2'):
        path = path[: -len('/v2')].rstrip('/')
    return f'{parts.scheme}://{parts.netloc.lower()}{path}'


def endpoint_path(path: str) -> str:
    """The path of an endpoint below ``/v2``, such as ``workspaces/search``. ``path`` may start with ``/`` or ``/v2/``.

    :raises FireflyError: ``invalid_option`` if it is not such a path.
    """
    below = path.removeprefix('/').removeprefix('v2/')
    if not below:
        raise _invalid_path('is empty')
    for pattern, mistake in _MISTAKES_IN_A_PATH:
        if re.match(pattern, below, re.IGNORECASE | re.DOTALL):
            raise _invalid_path(mistake)
    if not below.isprintable():
        raise _invalid_path('contains a control character')
    return below


def _is_address(host: str) -> bool:
    """Whether the host is an IP address. Brackets hold nothing else, but Python before 3.11 does not check that."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    """Whether the host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _invalid_address(origin: str, mistake: str) -> FireflyError:
    return FireflyError('invalid_option', f'The {origin} {mistake}. Use an address such as https://api.firefly.ai.')


def _invalid_path(mistake: str) -> FireflyError:
    return FireflyError('invalid_option', f'The option path {mistake}. Use a path such as workspaces/search.')
