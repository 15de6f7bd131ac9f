# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange a key pair for a token."""

from __future__ import annotations

import base64
import types
import typing as t

from ._errors import FireflyError
from ._files import read_key
from ._operation import Context, Operation, Outcome
from ._options import KEY_FILES, LOGIN_OPTIONS, Options, validate
from ._request import Request
from ._secrets import mask
from ._token import Token, read_token
from ._token_cache import token_of_run


def validate_login(raw: t.Mapping[str, t.Any], names: t.Sequence[str] = LOGIN_OPTIONS) -> Options:
    """The options ``names``, with the keys read from their files. The secret key is masked from here on.

    :raises FireflyError: if an option has an invalid value, or half of the key pair is missing.
    """
    options = validate(names, raw)
    keys: dict[str, t.Any] = {}
    missing = []
    for name, file in KEY_FILES.items():
        path = options[file]
        keys[name] = options[name] or (read_key(file, path) if path else None)
        if not keys[name]:
            missing.append(f'{name} ({file} is empty)' if path else name)
    if missing:
        verb = 'is' if len(missing) == 1 else 'are'
        raise FireflyError('missing_credentials', f'{" and ".join(missing)} {verb} missing.')
    mask(keys['secret_key'])
    return types.MappingProxyType({**options, **keys})


def login(options: Options, context: Context) -> Outcome:
    """Log in, or use the token of this run. The values are what the module ``firefly_login`` returns.

    :raises FireflyError: if there is no token, or it lives for less than ``min_ttl`` seconds.
    """
    token, attempts = token_for(options, context)
    return Outcome({**token.as_result(), 'api_url': options['api_url'], 'reused': attempts == 0, 'attempts': attempts})


def token_for(options: Options, context: Context, refused: str | None = None) -> tuple[Token, int]:
    """The token of this run, or a new one, and the number of requests that it took.

    :func:`token_of_run` explains ``refused``.

    :raises FireflyError: if there is no token, or it lives for less than ``min_ttl`` seconds.
    """

    def log_in() -> tuple[Token, int]:
        return request_token(options, context.report)

    token, attempts = token_of_run(options, context.asker, log_in, refused) if options['token_cache'] else log_in()
    mask(token.access_token)
    if token.expires_in < max(options['min_ttl'], 1):
        lives = 'lives for less than min_ttl' if token.expires_in > 0 else 'has expired'
        what = f'POST {options["api_url"]}/v2/login returned a token that {lives}.'
        raise FireflyError('expires_too_soon', what, status=200, attempts=attempts)
    return token, attempts


class RunToken:
    """The token of this run, for requests.

    :raises FireflyError: if there is none.
    """

    def __init__(self, options: Options, context: Context) -> None:
        self._options, self._context = options, context
        self._token, logins = token_for(options, context)
        self._is_new = logins > 0

    def __str__(self) -> str:
        return self._token.access_token

    def renew(self) -> bool:
        """Replace the refused token, unless it is new, and return whether it is another one now.

        :raises FireflyError: if the login failed.
        """
        refused = str(self)
        if not self._is_new:
            self._token, self._is_new = token_for(self._options, self._context, refused)[0], True
        return str(self) != refused


def request_token(options: Options, report: t.Callable[[str], None]) -> tuple[Token, int]:
    """A new token, and the number of requests that it took.

    ``POST /v2/login`` is documented at https://docs.firefly.ai.

    :raises FireflyError: if there is none.
    """
    from ._client import FireflyClient  # imports requests, which a cached token does not need

    keys = {'accessKey': options['access_key'], 'secretKey': options['secret_key']}
    response = FireflyClient(options, report).request(Request('POST', '/v2/login', expect=(200,), json=keys))
    try:
        return read_token(response.body, response.headers.get('Date')), response.attempts
    except ValueError as error:
        what = f'POST {options["api_url"]}/v2/login returned 200, but {error}.'
        raise FireflyError('invalid_response', what, status=200, attempts=response.attempts) from None


def _basic_authorization(options: Options, context: Context) -> Outcome:
    """The header of RFC 7617. It needs no request."""
    pair = f'{options["access_key"]}:{options["secret_key"]}'.encode(errors='surrogateescape')
    credentials = base64.b64encode(pair).decode()
    mask(credentials)
    return Outcome({'basic_authorization': f'Basic {credentials}'})


LOGIN = Operation('firefly_login', LOGIN_OPTIONS, validate_login, login, secrets=('access_token', 'authorization'))
BASIC_AUTHORIZATION = Operation('basic_authorization', LOGIN_OPTIONS, validate_login, _basic_authorization)
