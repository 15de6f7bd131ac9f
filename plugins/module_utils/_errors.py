# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, by code. An edge turns the one exception into its own idiom."""

from __future__ import annotations

import typing as t

#: What to do next, by code. These and ``ok`` are all codes that a result can have.
HINTS: dict[str, str] = {
    'invalid_option': 'Nothing was sent.',
    'missing_credentials': (
        'Give access_key and secret_key in the task or as module defaults, as the variables firefly_access_key and '
        'firefly_secret_key, or as FIREFLY_ACCESS_KEY and FIREFLY_SECRET_KEY in the environment.'
    ),
    'insecure_url': 'Use https:// in api_url.',
    'missing_library': (
        'Install it for that Python, or add "delegate_to: localhost" to the task: then only the controller needs it.'
    ),
    'dns': 'Check the host name in api_url and the name servers of this host.',
    'connect': 'Check api_url, and that no firewall keeps this host from it.',
    'timeout': 'Check the network, or raise the option timeout.',
    'tls': (
        'If a private CA or an inspecting proxy signed the certificate, give that CA as ca_path; if the server demands '
        'a client certificate, give client_cert and client_key.'
    ),
    'proxy': 'Check http_proxy, https_proxy and no_proxy in the environment, or set use_proxy to false.',
    'redirect': 'Set api_url to where Firefly itself answers: redirects are not followed, they could carry keys away.',
    'unauthorized': (
        'Check both halves of the key pair and that it has not expired. A pair that was created a moment ago may need '
        'a minute; a new one is made in Firefly under Settings > Users > Create Key Pair.'
    ),
    'forbidden': 'Check what the key pair may do, and that no firewall in front of Firefly blocks this host.',
    'not_found': 'Check api_url: it is the address without the path of an endpoint, like https://api.firefly.ai.',
    'rate_limited': (
        'Firefly takes 500 requests a minute from one address: run the task once with "run_once: true", or later.'
    ),
    'server_error': 'Try again later; firefly_health with "wait: true" waits until Firefly is up.',
    'unexpected_status': 'Check api_url and the proxy: this may not be Firefly that answers.',
    'invalid_response': 'Check api_url and the proxy: this may not be Firefly that answers.',
    'response_too_large': 'Check api_url and the proxy: this may not be Firefly that answers.',
    'expires_too_soon': 'Lower min_ttl, or check the clocks of this host and of the server.',
}


class FireflyError(Exception):
    """An operation failed. ``str()`` of it says what happened, where, and what to do next, and holds no secret.

    ``status`` is the HTTP status where an answer came; ``retryable`` tells whether the same request may succeed later.
    The client fills in ``attempts`` and ``latency_ms`` (of the last attempt), an operation ``result``: what a failed
    task returns beside the failure.
    """

    def __init__(self, code: str, what: str, *, status: int | None = None, retryable: bool = False) -> None:
        super().__init__(f'{what} {HINTS[code]}')
        self.code = code
        self.status = status
        self.retryable = retryable
        self.attempts = 0
        self.latency_ms: int | None = None
        self.result: dict[str, t.Any] = {}

    @staticmethod
    def from_result(result: dict[str, t.Any]) -> FireflyError:
        """The error that :meth:`as_result` was made from, less its ``result``."""
        failure = result['failure']
        kind = RefusedError if failure['code'] in ('unauthorized', 'forbidden') else FireflyError
        error = kind(failure['code'], '', status=failure['status'], retryable=failure['retryable'])
        error.args = (result['msg'],)
        return error

    def as_result(self) -> dict[str, t.Any]:
        """What a failed task returns."""
        failure = {'code': self.code, 'status': self.status, 'retryable': self.retryable}
        return {**self.result, 'changed': False, 'failed': True, 'msg': str(self), 'failure': failure}


class OptionError(FireflyError):
    """An option cannot be right; nothing was sent."""

    def __init__(self, what: str, code: str = 'invalid_option') -> None:
        super().__init__(code, what)


class RefusedError(FireflyError):
    """Firefly knows the request and says no (401, 403): asking again with the same keys is pointless."""
