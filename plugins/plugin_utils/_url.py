# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address of the API, and the paths of its endpoints."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ._errors import FireflyError

# a scheme, and what would end the path, leave it or hide in it
_NEVER_IN_A_PATH = re.compile(r'^[A-Za-z][A-Za-z0-9+.-]*:|^/|//|[\\?#%]|\s|(^|/)\.{1,2}(/|$)')
_NEVER_IN_A_URL = re.compile(r'[\x00-\x20\x7f\\]')


def base_url(api_url: str) -> str:
    """The address of the API without ``/v2``, such as ``https://api.firefly.ai``.

    ``api_url`` may have a trailing slash, ``/v2`` and the path prefix of a reverse proxy.

    :raises FireflyError: ``invalid_option`` if it is not such an address, ``insecure_url`` if it is ``http://`` to
        another host. The message does not repeat ``api_url``, which may hold a password.
    """
    api_url = api_url.strip()
    try:
        parts = urlsplit(api_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _invalid('api_url', 'is not a valid URL') from None
    if parts.scheme not in ('http', 'https'):
        raise _invalid('api_url', 'does not start with https://')
    if '@' in parts.netloc:
        raise _invalid('api_url', 'contains a user name or a password')
    if not host or port == 0 or _NEVER_IN_A_URL.search(api_url):
        raise _invalid('api_url', 'is not a valid URL')
    if parts.query or parts.fragment:
        raise _invalid('api_url', 'contains a query or a fragment')
    if parts.scheme == 'http' and not _is_loopback(host):
        message = 'The option api_url starts with http://, which would send the secret key in clear text.'
        raise FireflyError('insecure_url', message)
    path = parts.path.rstrip('/')
    if path.lower().endswith('/v2'):
        path = path[: -len('/v2')].rstrip('/')
    return f'{parts.scheme}://{parts.netloc.lower()}{path}'


def endpoint_path(path: str) -> str:
    """The path of an endpoint below ``/v2``, such as ``workspaces/search``. ``path`` may start with ``/`` or ``/v2/``.

    :raises FireflyError: ``invalid_option`` if it is not such a path.
    """
    below = path.removeprefix('/').removeprefix('v2/')
    if not below or not below.isprintable() or _NEVER_IN_A_PATH.search(below):
        raise _invalid('path', 'is not the path of an endpoint')
    if re.match(r'login([;/]|$)|api/v1', below, re.IGNORECASE):
        raise _invalid('path', 'is not accepted: login would return a token, and v1 is deprecated')
    return below


def _is_loopback(host: str) -> bool:
    """Whether the host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _invalid(option: str, what: str) -> FireflyError:
    like = {'api_url': 'an address such as https://api.firefly.ai', 'path': 'a path such as workspaces/search'}
    return FireflyError('invalid_option', f'The option {option} {what}. Use {like[option]}.')
