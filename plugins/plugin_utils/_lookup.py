# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the terms of a lookup into operations, and their outcomes into values."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.utils.display import Display

from ._errors import FireflyError
from ._login import BASIC_AUTHORIZATION, LOGIN
from ._operation import Context, Operation, Outcome, perform
from ._option_sources import Sources, is_omitted, resolve
from ._options import SHARED_OPTIONS, refuse_unknown

#: The value of its operation that each term returns. ``None`` stands for all values.
TERMS: dict[str, str | None] = {
    'token': 'access_token',
    'authorization': 'authorization',
    'basic_authorization': 'basic_authorization',
    'expires_at': 'expires_at',
    'login': None,
    'health': None,
}


def look_up(terms: list[t.Any], sources: Sources) -> list[t.Any]:
    """The value of each term. Terms that need the same request share it.

    :raises AnsibleLookupError: if a term or an option is not valid, or there is no token.
    """
    context = Context(lambda line: Display().display(line, stderr=True), asker='lookup')
    outcomes: dict[Operation, Outcome] = {}
    terms = [term for term in terms if not is_omitted(term, sources)] or ['token']
    try:
        refuse_unknown(sources.arguments, SHARED_OPTIONS)
        if any(not isinstance(term, str) or term not in TERMS for term in terms):
            raise FireflyError('invalid_option', f'Each term must be one of {", ".join(TERMS)}.')
        for operation in dict.fromkeys(map(_operation, terms)):
            outcomes[operation] = perform(operation, resolve(operation.options, sources), context)
    except FireflyError as error:
        raise AnsibleLookupError(str(error)) from None
    found = [(outcomes[_operation(term)].values, TERMS[term]) for term in terms]
    return [values if key is None else values[key] for values, key in found]


def _operation(term: str) -> Operation:
    if term == 'health':
        # at the top, each worker would compile it, and a lookup of the token would cost 8 % more
        from ._health import HEALTH

        return HEALTH
    return BASIC_AUTHORIZATION if term == 'basic_authorization' else LOGIN
