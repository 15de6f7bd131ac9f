# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the API is."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ._errors import FireflyError

# a scheme, and what would end the path, leave it, or hide in it
_NEVER_IN_A_PATH = re.compile(r'^[A-Za-z][A-Za-z0-9+.-]*:|^/|//|[\\?#%]|\s|(^|/)\.{1,2}(/|$)')
_NEVER_IN_A_URL = re.compile(r'[\x00-\x20\x7f\\]')


def base_url(api_url: str) -> str:
    """The address below which the endpoints (``/v2/login``) are, like ``https://api.firefly.ai``.

    Takes ``api_url`` with or without a trailing slash, with or without ``/v2``, and with the path prefix of a reverse
    proxy.

    :raises FireflyError: ``invalid_option``, it is not such an address; ``insecure_url``, it is ``http://`` to another
        host. The message does not repeat ``api_url``, which may hold a password.
    """
    api_url = api_url.strip()
    try:
        parts = urlsplit(api_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _invalid('api_url', 'is not a valid URL') from None
    if parts.scheme not in ('http', 'https'):
        raise _invalid('api_url', 'does not begin with https://')
    if '@' in parts.netloc:
        raise _invalid('api_url', 'holds a user name or a password')
    if not host or port == 0 or _NEVER_IN_A_URL.search(api_url):
        raise _invalid('api_url', 'is not a valid URL')
    if parts.query or parts.fragment:
        raise _invalid('api_url', 'has a query or a fragment')
    if parts.scheme == 'http' and not _is_loopback(host):
        message = 'The option api_url is http:// to another host: the secret key would travel in clear.'
        raise FireflyError('insecure_url', message)
    path = parts.path.rstrip('/')
    if path.lower().endswith('/v2'):
        path = path[: -len('/v2')].rstrip('/')
    return f'{parts.scheme}://{parts.netloc.lower()}{path}'


def endpoint_path(path: str) -> str:
    """The path below ``/v2`` of an endpoint, like ``workspaces/search``, with or without ``/`` or ``/v2/`` before it.

    :raises FireflyError: ``invalid_option``, it is not such a path.
    """
    below = path.removeprefix('/').removeprefix('v2/')
    if not below or not below.isprintable() or _NEVER_IN_A_PATH.search(below):
        raise _invalid('path', 'is not the path of an endpoint')
    if re.match(r'login([;/]|$)|api/v1', below, re.IGNORECASE):
        raise _invalid('path', 'is the login, which returns a token, or one of v1, which is deprecated')
    return below


def _is_loopback(host: str) -> bool:
    """Whether the host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _invalid(option: str, what: str) -> FireflyError:
    like = {'api_url': 'an address like https://api.firefly.ai', 'path': 'one below /v2, like workspaces/search'}
    return FireflyError('invalid_option', f'The option {option} {what}: give {like[option]}.')
