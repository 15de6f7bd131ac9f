# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a lookup's terms to operations and back."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.utils.display import Display

from ._errors import FireflyError
from ._health import HEALTH
from ._login import BASIC_AUTHORIZATION, LOGIN
from ._operation import Context, Operation, Outcome, perform
from ._option_sources import resolve
from ._options import SHARED_OPTIONS, refuse_unknown

#: The operation of each term, and which of its values the term is; all of them without one.
TERMS: dict[str, tuple[Operation, str | None]] = {
    'token': (LOGIN, 'access_token'),
    'authorization': (LOGIN, 'authorization'),
    'basic_authorization': (BASIC_AUTHORIZATION, 'basic_authorization'),
    'expires_at': (LOGIN, 'expires_at'),
    'login': (LOGIN, None),
    'health': (HEALTH, None),
}


def look_up(
    terms: list[t.Any],
    variables: t.Mapping[str, t.Any],
    raw: t.Mapping[str, t.Any],
    template: t.Callable[[t.Any], t.Any],
) -> list[t.Any]:
    """The value of each term, with one request for those that need the same.

    :raises AnsibleLookupError: a term or an option is not valid, or there is no token.
    """
    context = Context(lambda line: Display().display(line, stderr=True), asker='lookup')
    outcomes: dict[str, Outcome] = {}
    try:
        refuse_unknown(raw, SHARED_OPTIONS)
        if any(not isinstance(term, str) or term not in TERMS for term in terms):
            raise FireflyError('invalid_option', f'Each term must be one of {", ".join(TERMS)}.')
        for operation in dict.fromkeys(TERMS[term][0] for term in terms):
            options = resolve(operation.options, raw, variables, os.environ, template)
            outcomes[operation.name] = perform(operation, options, context)
    except FireflyError as error:
        raise AnsibleLookupError(str(error)) from None
    return [_value(outcomes[operation.name].values, key) for operation, key in map(TERMS.__getitem__, terms)]


def _value(values: dict[str, t.Any], key: str | None) -> t.Any:
    return values if key is None else values[key]
