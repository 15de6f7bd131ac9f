# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failure codes with what to do next, and the exception that has one."""

from __future__ import annotations

import copy
import typing as t

from ._request import Response

#: What to do next, by code, where an error has nothing better. The code of a result is one of these or ``ok``.
HINTS: dict[str, str] = {
    'invalid_option': 'Nothing was sent.',
    'missing_credentials': (
        'Set access_key and secret_key, or access_key_file and secret_key_file, in the task or in module_defaults. '
        'Or set variables such as firefly_access_key and firefly_secret_key, or environment variables such as '
        'FIREFLY_ACCESS_KEY and FIREFLY_SECRET_KEY.'
    ),
    'insecure_url': 'Use https:// in api_url.',
    'missing_library': 'Only the controller needs it.',
    'dns': "Check the host name in api_url and the controller's name servers.",
    'connect': 'Check api_url, and that no firewall blocks the controller.',
    'timeout': 'Check the network, or raise the option timeout.',
    'tls': 'If the server or a proxy has its own CA, set ca_path. If it needs a client certificate, set client_cert.',
    'proxy': 'Check https_proxy, all_proxy and no_proxy in the environment, or set use_proxy to false.',
    'redirect': "Set api_url to Firefly's own address. Redirects are not followed, since they could leak the keys.",
    'unauthorized': (
        'Check both halves of the key pair, its expiration date and its role. A new key pair may need a minute before '
        'it works. To create one, open Settings > Users > Create Key Pair in Firefly.'
    ),
    'forbidden': 'Check the role of the key pair, and that no firewall in front of Firefly blocks the controller.',
    'not_found': 'Check the path, and that api_url includes no endpoint: it looks like https://api.firefly.ai.',
    'rate_limited': (
        'Firefly accepts 500 requests a minute from one address. A task for many hosts makes one for each of them: '
        'add "run_once: true", or try again later.'
    ),
    'server_error': 'Try again later, or use firefly_health with "wait: true" to wait until Firefly is up.',
    'unexpected_status': 'Check the request, api_url and the proxy. The response may not come from Firefly.',
    'invalid_response': 'Check api_url and the proxy. The response may not come from Firefly.',
    'response_too_large': 'Request less data, or check api_url: the response may not come from Firefly.',
    'expires_too_soon': 'Lower min_ttl, or check the clock of the controller.',
}


class FireflyError(Exception):
    """An operation failed. ``str()`` says what happened, where, and what to do next. It holds no secret.

    ``what`` is that text without what to do next, and ``hint`` is the rest. ``response`` is the last response, if there
    was one, and ``status`` its status, or that of a proxy. ``retryable`` is true if the same request may succeed later.
    ``final`` is true if nothing can be sent until somebody changes something, so waiting does not help. ``changed`` is
    true if the request may have changed something.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        hint: str | None = None,
        response: Response | None = None,
        status: int | None = None,
        retryable: bool = False,
        final: bool = False,
        changed: bool = False,
    ) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what
        self.hint = hint or HINTS[code]
        self.response = response
        self.status = response.status if response else status
        self.retryable = retryable
        self.final = final
        self.changed = changed

    def __str__(self) -> str:
        return f'{self.what} {self.hint}'

    def reworded(self, what: str) -> FireflyError:
        """The same error, with another text about what happened."""
        error = copy.copy(self)
        error.args = (self.code, what)
        error.what = what
        return error

    @property
    def failure(self) -> dict[str, t.Any]:
        """The failure in a form that a playbook can test."""
        return {'code': self.code, 'status': self.status, 'retryable': self.retryable}
