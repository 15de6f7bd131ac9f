# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy on the way to the API."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

from ._options import Options


def proxy_address(options: Options) -> str | None:
    """The address of the proxy that the environment names, or ``None`` if none is used.

    The environment alone is read: asking macOS for its proxies can crash a forked process.
    """
    url = urlsplit(options['api_url'])
    # http:// is for loopback only
    if not options['use_proxy'] or url.scheme == 'http':
        return None
    proxies = getproxies_environment()
    # with its port, and without the brackets of IPv6
    if any(proxy_bypass_environment(host, proxies) for host in (url.netloc, url.hostname or '')):
        return None
    return proxies.get('https') or proxies.get('all')
