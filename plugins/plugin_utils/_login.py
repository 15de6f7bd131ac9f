# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange a key pair for a token."""

from __future__ import annotations

import time
import typing as t

from ._credentials import validate_with_keys
from ._errors import FireflyError
from ._operation import Context, Operation, Outcome
from ._options import SHARED_OPTIONS, Options
from ._request import Request
from ._secrets import register
from ._token import Token, read_token
from ._token_cache import Record, cache_entry

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
        return validate_with_keys(self.options, raw)

    def run(self, options: Options, context: Context) -> Outcome:
        grant = token_of_run(options, context)
        values = grant.token.as_result()
        values['api_url'] = options['api_url']
        values['reused'] = grant.is_from_cache
        values['requests'] = grant.requests
        return Outcome(values)


class Grant(t.NamedTuple):
    """A token, and the number of requests that it took."""

    token: Token
    requests: int

    @property
    def is_from_cache(self) -> bool:
        return self.requests == 0


def token_of_run(options: Options, context: Context, refused: Token | None = None) -> Grant:
    """The token of this run: a cached one, or that of a login.

    Of all processes that need the same token, one logs in. The others wait, and share its token or its failure. A token
    that an endpoint ``refused`` is replaced, unless it has itself replaced one during the :data:`RENEWAL_PAUSE`.

    :raises FireflyError: if there is no token, or it lives for less than ``min_ttl`` seconds.
    """
    if not options['token_cache']:
        client = _client(options, context)
        new_token = _log_in(client, options)
        _check_lifetime(new_token, options)
        return Grant(new_token, client.requests)
    started = time.monotonic()
    with cache_entry(options, context.report) as entry:
        record = entry.record
        token = record.token
        if token and _must_be_replaced(record, refused):
            token = None
        if token and token.expires_in >= _required_lifetime(options):
            register(token.access_token)
            return Grant(token, requests=0)
        failure = _failure_in(record, options)
        if failure and _is_shared(record, context, started):
            raise failure
        client = _client(options, context)
        try:
            new_token = _log_in(client, options)
        except FireflyError as error:
            if client.requests:  # only what was sent is shared
                entry.store(Record(stored_at=time.monotonic(), token=token, error=error, scope=context.scope))
            raise
        entry.store(
            Record(
                stored_at=time.monotonic(), token=new_token, scope=context.scope, replaces_refused=refused is not None
            )
        )
    _check_lifetime(new_token, options)
    return Grant(new_token, client.requests)


def _must_be_replaced(record: Record, refused: Token | None) -> bool:
    """Whether an endpoint refused the token of the record, and it has not just replaced another one."""
    if record.token is None or refused is None or record.token.access_token != refused.access_token:
        return False
    return not record.replaces_refused or record.age >= RENEWAL_PAUSE


def _failure_in(record: Record, options: Options) -> FireflyError | None:
    """The failure of the login that the record is about, for another task. ``None`` if it did not fail."""
    error = record.error
    if error is None and record.token and record.token.lifetime_at(record.stored_at) < _required_lifetime(options):
        error = _lifetime_error(record.token, options)  # the next token would not live longer
    if error is None:
        return None
    return error.reworded(f'{error.what} This run tried it a moment ago, so it was not tried again.')


def _is_shared(record: Record, context: Context, started: float) -> bool:
    """Whether the record is about this task too, which ``started`` on the monotonic clock."""
    if record.stored_at > started:  # this task waited for it
        return True
    return context.scope is not None and context.scope == record.scope and record.age < SHARED_FOR


def _client(options: Options, context: Context) -> FireflyClient:
    from ._client import FireflyClient  # imports requests, which a cached token does not need

    return FireflyClient(options, context.report)


def _log_in(client: FireflyClient, options: Options) -> Token:
    """A new token from ``POST /v2/login``, which is documented at https://docs.firefly.ai.

    :raises FireflyError: if there is none.
    """
    keys = {'accessKey': options['access_key'], 'secretKey': options['secret_key']}
    response = client.request(Request(method='POST', path='/v2/login', expect=(200,), json=keys, is_login=True))
    try:
        token = read_token(response.body, response.headers.get('Date'))
    except ValueError as error:
        what = f'POST {options["api_url"]}/v2/login returned 200, but {error}.'
        raise FireflyError('invalid_response', what, status=200) from None
    register(token.access_token)
    return token


def _check_lifetime(token: Token, options: Options) -> None:
    if token.expires_in < _required_lifetime(options):
        raise _lifetime_error(token, options)


def _lifetime_error(token: Token, options: Options) -> FireflyError:
    too_short = f'lives for less than the {options.origin("min_ttl")} says'
    problem = too_short if token.expires_in > 0 else 'has expired'
    what = f'POST {options["api_url"]}/v2/login returned a token that {problem}.'
    return FireflyError('expires_too_soon', what, status=200)


def _required_lifetime(options: Options) -> int:
    """The lifetime that a token must have, in seconds."""
    min_ttl: int = options['min_ttl']
    return max(min_ttl, 1)
