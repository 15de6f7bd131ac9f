# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error for a request that failed: what happened and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from . import _json
from ._diagnosis import Diagnosis
from ._endpoints import documented
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

#: What OpenSSL says if the other side does not speak TLS. It depends on the version of OpenSSL, and on what the other
#: side sends instead.
_NO_TLS = ('wrong version number', 'record layer failure', 'packet length too long', 'http request')
#: What OpenSSL says if the clock of one side may be wrong.
_CLOCK = ('certificate is not yet valid', 'certificate has expired')


def network_failure(request: Request, options: Options, diagnosis: Diagnosis, proxy: str | None) -> FireflyError:
    """The error for a request that got no response. ``proxy`` is the address of the proxy on the way, if any."""
    code = diagnosis.code
    if code == 'invalid_option':
        return FireflyError(code, f'The {options.origin("api_url")} has no valid host name.', final=True)
    where = f'{request.method} {options["api_url"]}{request.path}'
    if proxy and code in ('connect', 'timeout', 'tls'):
        where = f'{where} through the proxy from the environment'
    what = f'{where} {_NETWORK[code]}'
    reason = _proxy_reason(diagnosis, proxy) if proxy and code == 'proxy' else diagnosis.reason
    return FireflyError(
        code,
        f'{what} ({reason}).' if reason else f'{what}.',
        hint=_hint(diagnosis, proxy),
        status=diagnosis.proxy_status,
        retryable=diagnosis.retryable,
        final=diagnosis.final,
        changed=diagnosis.arrived and not request.read_only,
    )


def _proxy_reason(diagnosis: Diagnosis, proxy: str) -> str:
    """Why the proxy failed, as far as that is known."""
    status = diagnosis.proxy_status
    if status is not None:
        return f'{status} {_PHRASES.get(status, "")}'.strip()
    if not diagnosis.is_local:
        return diagnosis.reason
    if proxy.lower().startswith('socks'):
        return 'its address is for SOCKS, and the Python library PySocks is missing'
    return 'its address has no host, or does not start with http:// or https://'


def _hint(diagnosis: Diagnosis, proxy: str | None) -> str | None:
    """What to do next, if it is more than the hint of the code says."""
    if diagnosis.reason in _NO_TLS:
        return _hint_without_tls(proxy)
    if diagnosis.reason in _CLOCK:
        now = datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M')
        return (
            f'The clock of the controller says {now} UTC. If that is right, the certificate of the server or of a '
            'proxy must be replaced.'
        )
    if not proxy or diagnosis.code != 'proxy':
        return None
    variable = _proxy_variable(proxy)
    if diagnosis.proxy_status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return f'Put a user name and a password that the proxy accepts into {variable}: http://user:password@host:port.'
    return f'Check {variable} and no_proxy in the environment, or set use_proxy to false.'


def _hint_without_tls(proxy: str | None) -> str:
    if proxy is None:
        return 'Check the port in api_url: the server does not seem to speak TLS there.'
    variable = _proxy_variable(proxy)
    if proxy.lower().startswith('https:'):
        return f'Let {variable} start with http://: the proxy does not seem to speak TLS.'
    return f'Check the ports in api_url and {variable}: one of them does not seem to speak TLS.'


def _proxy_variable(proxy: str) -> str:
    """The environment variable that names the proxy."""
    by_scheme = getproxies_environment()
    names = [f'{scheme}_proxy' for scheme in ('https', 'all') if by_scheme.get(scheme) == proxy]
    return names[0] if names else 'https_proxy'


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
    hint = _hint_for_response(code, request, response)
    if request.is_login:
        response = replace(response, body=b'')  # it can hold a token
    return FireflyError(
        code,
        f'{what}.',
        hint=hint,
        response=response,
        retryable=status in _RETRYABLE,
        changed=not request.read_only and not _is_refusal(status),
    )


def _hint_for_response(code: str, request: Request, response: Response) -> str | None:
    """What to do next, if it is more than the hint of the code says."""
    if not request.has_credentials:
        return _REFUSED_WITHOUT_KEYS if code in ('unauthorized', 'forbidden') else None
    if request.is_login or not 400 <= response.status < 500:
        return None
    if code in ('not_found', 'unexpected_status'):
        for method in ('GET', 'POST'):
            if method != request.method and documented(method, request.path.removeprefix('/v2/')):
                return f'This endpoint is documented as a {method}: set the option method.'
    return 'Check path, method, query and body.' if code == 'unexpected_status' and _is_json(response) else None


def _is_json(response: Response) -> bool:
    try:
        _json.parse(response.body)
    except ValueError:
        return False
    return True


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
