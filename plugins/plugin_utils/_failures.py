# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error for a request that failed: what happened and where."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

from ._diagnosis import Diagnosis
from ._errors import FireflyError
from ._options import Options
from ._request import Request, Response
from ._secrets import masked_line, server_message

_CODES = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 407: 'proxy', 429: 'rate_limited'}
_CODES_OF_CLASSES = {3: 'redirect', 5: 'server_error'}
_REFUSED_WITHOUT_KEYS = (
    'This request sends no keys, so the key pair is not the reason. Check api_url, and that no proxy or firewall in '
    'front of Firefly blocks the controller.'
)
_RETRYABLE = (429, 502, 503, 504)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}

_NETWORK = {
    'dns': 'could not be sent: the host name was not found',
    'connect': 'got no response: the connection failed',
    'timeout': 'timed out before the response was complete',
    'tls': 'got no response: TLS failed',
    'proxy': 'got no response: the proxy failed',
}


def network_failure(request: Request, options: Options, diagnosis: Diagnosis, proxy: str | None) -> FireflyError:
    """The error for a request that got no response. ``proxy`` is the address of the proxy on the way, if any."""
    if diagnosis.code == 'invalid_option':
        what = f'The {options.origin("api_url")} has no valid host name.'
        return FireflyError('invalid_option', what, final=True)
    where = f'{request.method} {options["api_url"]}{request.path}'
    if proxy and diagnosis.code in ('connect', 'timeout', 'tls'):
        where = f'{where} through the proxy from the environment'
    what = f'{where} {_NETWORK[diagnosis.code]}'
    if diagnosis.reason:
        what = f'{what} ({diagnosis.reason})'
    return FireflyError(
        diagnosis.code,
        f'{what}.',
        retryable=diagnosis.retryable,
        final=diagnosis.final,
        changed=diagnosis.arrived and not request.read_only,
    )


def unexpected_response(request: Request, options: Options, response: Response) -> FireflyError:
    """The error for a response whose status or size the request does not expect."""
    status = response.status
    where = f'{request.method} {options["api_url"]}{request.path}'
    if status in request.expect:
        code = 'response_too_large'
        what = f'{where} returned a response that is too large'
    else:
        code = _CODES.get(status) or _CODES_OF_CLASSES.get(status // 100, 'unexpected_status')
        what = f'{where} returned {status}'
        if status in _PHRASES:
            what = f'{what} {_PHRASES[status]}'
        message = _message(code, request, options, response)
        if message:
            what = f'{what}: {message}'
        if status in _RETRYABLE and response.retry_after:
            what = f'{what}. It asks for a pause of {response.retry_after:.0f} s'
    if request.is_login:
        response = replace(response, body=b'')  # it can hold a token
    refused_without_keys = code in ('unauthorized', 'forbidden') and not request.has_credentials
    return FireflyError(
        code,
        f'{what}.',
        hint=_REFUSED_WITHOUT_KEYS if refused_without_keys else None,
        response=response,
        retryable=status in _RETRYABLE,
        changed=not request.read_only and not _is_refusal(status),
    )


def _is_refusal(status: int) -> bool:
    """Whether the status means that the server did nothing. After a 408 it may still do it."""
    return 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT


def _message(code: str, request: Request, options: Options, response: Response) -> str:
    """What the server says, with secrets masked."""
    secrets = [request.token, options.get('secret_key'), options.get('access_key')]
    if code == 'redirect':
        return _address(response.headers.get('Location', ''), secrets)
    return server_message(response.body, secrets)


def _address(location: str, secrets: list[str | None]) -> str:
    """The address that a redirect points to, without query and user name."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ''
    host = parts.netloc.rpartition('@')[2]
    address = f'{parts.scheme}://{host}{parts.path}' if host else parts.path
    return masked_line(address, secrets)
