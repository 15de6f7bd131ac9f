# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange a key pair for a token."""

from __future__ import annotations

import base64
import time
import typing as t

from . import _token_cache
from ._errors import FireflyError
from ._files import read_key
from ._operation import Context, Operation, Outcome
from ._options import KEY_FILES, SHARED_OPTIONS, Options, validate
from ._request import Request
from ._secrets import register
from ._token import Token, read_token
from ._token_cache import Record

if t.TYPE_CHECKING:
    from ._client import FireflyClient

#: How long a failure is shared within a scope, in seconds.
SHARED_FOR = 60

#: A token that replaced a refused one is not replaced again for this time, in seconds. Otherwise an endpoint that
#: refuses every token would make a login for each host.
RENEWAL_PAUSE = 60


class Login(Operation):
    """Log in, or use the token of this run."""

    name = 'firefly_login'
    options = SHARED_OPTIONS
    secrets = ('access_token', 'authorization')

    def validate(self, raw: Options) -> Options:
        return with_keys(validate(self.options, raw))

    def run(self, options: Options, context: Context) -> Outcome:
        token, requests = token_of_run(options, context)
        login = {'api_url': options['api_url'], 'reused': requests == 0, 'requests': requests}
        return Outcome({**token.as_result(), **login})


def token_of_run(options: Options, context: Context, refused: Token | None = None) -> tuple[Token, int]:
    """The token of this run, and the number of requests that it took.

    Of all processes that need the same token, one logs in. The others wait, and share its token or its failure. A token
    that an endpoint ``refused`` is replaced, unless it has itself replaced one during the :data:`RENEWAL_PAUSE`.

    :raises FireflyError: if there is no token, or it lives for less than ``min_ttl`` seconds.
    """
    if not options['token_cache']:
        client = _client(options, context)
        return _log_in(client, options), client.requests
    started = time.monotonic()
    with _token_cache.entry(options, context.report) as entry:
        token = _token_unless_refused(entry.record, refused)
        if token and token.expires_in >= _required_lifetime(options):
            register(token.access_token)
            return token, 0
        if entry.record.error and _is_shared(entry.record, context, started):
            raise _told_again(entry.record.error)
        client = _client(options, context)
        try:
            new_token = _log_in(client, options)
        except FireflyError as error:
            if error.code != 'invalid_option':  # which means that nothing was sent
                entry.store(Record(stored_at=time.monotonic(), token=token, error=error, scope=context.scope))
            raise
        entry.store(Record(stored_at=time.monotonic(), token=new_token, replaces_refused=refused is not None))
        return new_token, client.requests


def _token_unless_refused(record: Record, refused: Token | None) -> Token | None:
    """The token of the record. ``None`` if an endpoint refused it, and it has not just replaced another one."""
    if record.token is None or refused is None or record.token.access_token != refused.access_token:
        return record.token
    just_replaced = record.replaces_refused and record.age < RENEWAL_PAUSE
    return record.token if just_replaced else None


def _is_shared(record: Record, context: Context, started: float) -> bool:
    """Whether the failure in the record is that of this task too, which ``started`` on the monotonic clock."""
    if record.stored_at > started:  # this task waited for it
        return True
    return context.scope is not None and context.scope == record.scope and record.age < SHARED_FOR


def _told_again(error: FireflyError) -> FireflyError:
    what = f'{error.what} This run made the request a moment ago, so it was not sent again.'
    return FireflyError(error.code, what, status=error.status, retryable=error.retryable)


def _client(options: Options, context: Context) -> FireflyClient:
    from ._client import FireflyClient  # imports requests, which a cached token does not need

    return FireflyClient(options, context.report)


def _log_in(client: FireflyClient, options: Options) -> Token:
    """A new token from ``POST /v2/login``, which is documented at https://docs.firefly.ai.

    :raises FireflyError: if there is none, or it lives for less than ``min_ttl`` seconds.
    """
    keys = {'accessKey': options['access_key'], 'secretKey': options['secret_key']}
    response = client.request(Request(method='POST', path='/v2/login', expect=(200,), json=keys))
    where = f'POST {options["api_url"]}/v2/login'
    try:
        token = read_token(response.body, response.headers.get('Date'))
    except ValueError as error:
        raise FireflyError('invalid_response', f'{where} returned 200, but {error}.', status=200) from None
    register(token.access_token)
    if token.expires_in < _required_lifetime(options):
        lifetime = 'lives for less than min_ttl' if token.expires_in > 0 else 'has expired'
        raise FireflyError('expires_too_soon', f'{where} returned a token that {lifetime}.', status=200)
    return token


def _required_lifetime(options: Options) -> int:
    """The lifetime that a token must have, in seconds."""
    min_ttl: int = options['min_ttl']
    return max(min_ttl, 1)


def with_keys(options: Options) -> Options:
    """The options with the keys read from their files. From here on, the secret key is masked in all output.

    :raises FireflyError: ``missing_credentials`` if half of the key pair is missing, ``invalid_option`` if its file
        cannot be read.
    """
    keys: dict[str, str] = {}
    missing = []
    for name, file in KEY_FILES.items():
        path = options[file]
        key = options[name]
        if not key and path:
            key = read_key(options.origin(file), path)
        if key:
            keys[name] = key
        else:
            missing.append(f'{name} ({file} is empty)' if path else name)
    if missing:
        verb = 'is' if len(missing) == 1 else 'are'
        raise FireflyError('missing_credentials', f'{" and ".join(missing)} {verb} missing.')
    register(keys['secret_key'])
    return options.replace(**keys)


def basic_authorization(options: Options) -> str:
    """The value of an ``Authorization`` header with the key pair, as RFC 7617 has it."""
    key_pair = f'{options["access_key"]}:{options["secret_key"]}'.encode(errors='surrogateescape')
    credentials = base64.b64encode(key_pair).decode()
    register(credentials)
    return f'Basic {credentials}'
