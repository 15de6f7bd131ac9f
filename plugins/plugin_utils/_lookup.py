# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the terms of a lookup into values."""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.utils.display import Display

from ._credentials import basic_authorization
from ._errors import FireflyError
from ._login import Login
from ._operation import Context, Operation
from ._option_sources import Sources, is_omitted, resolve
from ._options import SHARED_OPTIONS, Options, refuse_unknown

#: The terms that return a value of the login, and the name of that value.
_LOGIN_VALUES = {'token': 'access_token', 'authorization': 'authorization', 'expires_at': 'expires_at'}

TERMS = (*_LOGIN_VALUES, 'basic_authorization', 'login', 'health')


def look_up(terms: list[t.Any], sources: Sources) -> list[t.Any]:
    """The value of each term, and of those in lists. Terms that need the same request share it.

    :raises AnsibleLookupError: if a term or an option is not valid, or there is no token.
    """
    terms = [term for term in _flat(terms) if not is_omitted(term, sources)] or ['token']
    try:
        refuse_unknown(sources.arguments, SHARED_OPTIONS)
        if any(not isinstance(term, str) or term not in TERMS for term in terms):
            raise FireflyError('invalid_option', f'Each term must be one of {", ".join(TERMS)}.')
        values = _Values(sources)
        return [values.of(term) for term in terms]
    except FireflyError as error:
        raise AnsibleLookupError(str(error)) from None


class _Values:
    """What the terms stand for. A request is made for the first term that needs it."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._context = Context(lambda line: Display().display(line, stderr=True), scope='lookup')

    def of(self, term: str) -> t.Any:
        if term == 'health':
            return self._health
        if term == 'login':
            return self._login
        if term == 'basic_authorization':
            return basic_authorization(self._login_options)
        return self._login[_LOGIN_VALUES[term]]

    @functools.cached_property
    def _login_options(self) -> Options:
        return self._validated(Login())

    @functools.cached_property
    def _login(self) -> dict[str, t.Any]:
        return Login().run(self._login_options, self._context).values

    @functools.cached_property
    def _health(self) -> dict[str, t.Any]:
        from ._health import Health  # imports requests, which a lookup of a cached token does not need

        health = Health()
        return health.run(self._validated(health), self._context).values

    def _validated(self, operation: Operation) -> Options:
        return operation.validate(resolve(operation.options, self._sources))


def _flat(terms: list[t.Any]) -> list[t.Any]:
    flat: list[t.Any] = []
    for term in terms:
        if isinstance(term, (list, tuple)):
            flat += term
        else:
            flat.append(term)
    return flat
