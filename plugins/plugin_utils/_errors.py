# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, by code, and what to do about it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

#: What to do next, by code. These and ``ok`` are all the codes that a result can have.
HINTS: dict[str, str] = {
    'invalid_option': 'Nothing was sent.',
    'missing_credentials': (
        'Give access_key and secret_key, or files with them as access_key_file and secret_key_file: in the task or as '
        'module defaults, as variables with firefly_ before these names, or in the environment as FIREFLY_ACCESS_KEY, '
        'FIREFLY_SECRET_KEY and so on.'
    ),
    'insecure_url': 'Use https:// in api_url.',
    'missing_library': 'Install or repair it for that Python. Only the controller needs it.',
    'dns': "Check the host name in api_url and the controller's name servers.",
    'connect': 'Check api_url, and that no firewall keeps the controller from it.',
    'timeout': 'Check the network, or raise the option timeout.',
    'tls': 'Give the CA of a private server or of an inspecting proxy as ca_path, a client certificate as client_cert.',
    'proxy': 'Check http_proxy, https_proxy and no_proxy in the environment, or set use_proxy to false.',
    'redirect': "Set api_url to Firefly's own address. Redirects are not followed: they could carry the keys away.",
    'unauthorized': (
        'Check both halves of the key pair, that it has not expired, and what it may do. A pair that was created a '
        'moment ago may need a minute; a new one is made in Firefly under Settings > Users > Create Key Pair.'
    ),
    'forbidden': 'Check what the key pair may do, and that no firewall in front of Firefly blocks the controller.',
    'not_found': 'Check the path, and api_url: the address without the path of an endpoint, like https://api.firefly.ai.',
    'rate_limited': (
        'Firefly takes 500 requests a minute from one address, and every host of a task asks from the controller: '
        'use "run_once: true", or try again later.'
    ),
    'server_error': 'Try again later; firefly_health with "wait: true" waits until Firefly is up.',
    'unexpected_status': 'Check what was asked, api_url and the proxy: the response may not come from Firefly.',
    'invalid_response': 'Check api_url and the proxy: the response may not come from Firefly.',
    'response_too_large': 'Ask for less. If that does not help, the response may not come from Firefly: check api_url.',
    'expires_too_soon': 'Lower min_ttl, or check the clock of the controller.',
}


@dataclass(eq=False, repr=False, kw_only=True)
class FireflyError(Exception):
    """An operation failed. ``str()`` of it says what happened, where, and what to do next, and holds no secret.

    ``what`` is that text without what to do next. ``status``, ``latency_ms`` and ``body`` are the last response's, if
    there was one; ``attempts`` is how many requests were made, and ``changed`` whether they can have changed anything.
    ``retryable`` tells whether the same request may succeed later, and ``retry_after`` how many seconds the server asks
    to wait.
    """

    code: str = field(kw_only=False)
    what: str = field(kw_only=False)
    status: int | None = None
    retryable: bool = False
    attempts: int = 0
    latency_ms: int | None = None
    retry_after: float = 0
    changed: bool = False
    body: bytes = b''

    def __str__(self) -> str:
        return f'{self.what} {HINTS[self.code]}'

    @property
    def failure(self) -> dict[str, t.Any]:
        """The failure for a program to read."""
        return {'code': self.code, 'status': self.status, 'retryable': self.retryable}
