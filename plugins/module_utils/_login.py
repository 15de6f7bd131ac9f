# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key pair becomes a token."""

from __future__ import annotations

import typing as t

from ._errors import FireflyError, OptionError
from ._options import LOGIN, validate
from ._token import read_token, token_result

#: How far this host's clock may be off the server's before a warning, in seconds.
CLOCK_TOLERANCE = 60


def login_options(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of a login as :func:`login` takes them.

    :raises OptionError: one cannot be right, or half of the key pair is missing.
    """
    options = validate(LOGIN, given)
    missing = [name for name in ('access_key', 'secret_key') if options[name] is None]
    if missing:
        raise OptionError(f'There is no {" and no ".join(missing)}.', 'missing_credentials')
    return options


def login(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Log in. The result is what the module ``firefly_login`` returns.

    ``POST /v2/login``, documented at https://docs.firefly.ai.

    :raises FireflyError: there is no token, or it does not live for ``min_ttl`` seconds.
    """
    from ._client import FireflyClient  # requests takes longer to import than everything else here takes to run

    keys = {'accessKey': options['access_key'], 'secretKey': options['secret_key']}
    with FireflyClient(options) as client:
        answer = client.request('POST', '/v2/login', expect=200, json=keys)
    where = f'POST {client.url}/v2/login'
    issued = answer.sent if answer.date is None else answer.date
    try:
        access_token, token_type, expires_at = read_token(answer.body, issued)
    except ValueError as error:
        failure = FireflyError('invalid_response', f'{where} was answered with 200, but {error}.', status=200)
        failure.attempts = answer.attempts
        raise failure from None
    # Date has whole seconds and was written some time after the request left, so the server's clock may be later than
    # it says by that much; the latest counts for how long a token lives
    clock_offset = 0 if answer.date is None else answer.date + 1 - answer.sent
    result = token_result(
        access_token,
        token_type,
        expires_at,
        clock_offset=clock_offset,
        api_url=client.url,
        reused=False,
        attempts=answer.attempts,
    )
    if result['expires_in'] < max(options['min_ttl'], 1):
        lives = f'for {result["expires_in"]} s' if result['expires_in'] > 0 else 'that has expired'
        what = f'{where} gave a token {lives}, but min_ttl asks for {options["min_ttl"]} s.'
        raise FireflyError('expires_too_soon', what, status=200)
    if abs(clock_offset) > CLOCK_TOLERANCE:
        result['warnings'] = [
            f'The clock of this host is {abs(clock_offset) / 60:.0f} min {"behind" if clock_offset > 0 else "ahead of"}'
            f' that of {client.url}. Token lifetimes are measured against the server, so they are right all the same.'
        ]
    return result
