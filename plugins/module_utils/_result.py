# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns."""

from __future__ import annotations

import typing as t

from ._errors import FireflyError


def succeeded(name: str, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """The return values of a task of the module ``name``: an operation's result, and the same as a fact."""
    return {'changed': False, **result, 'ansible_facts': {name: _fact(result)}}


def failed(name: str, error: FireflyError) -> dict[str, t.Any]:
    """The return values of a task of the module ``name`` that failed."""
    values = error.as_result()
    if error.result:
        values['ansible_facts'] = {name: _fact(error.result)}
    return values


def _fact(result: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in result.items() if key != 'warnings'}
