# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._sources import resolve


def resolved(given: Any = None, variables: Any = None, environment: Any = None) -> dict[str, Any]:
    names = ('api_url', 'timeout', 'wait')
    return resolve(names, given or {}, variables or {}, environment or {}, lambda value: f'templated {value}')


def test_a_given_option_comes_first() -> None:
    assert resolved({'api_url': 'a'}, {'firefly_api_url': 'b'}, {'FIREFLY_API_URL': 'c'}) == {'api_url': 'a'}


def test_then_a_templated_variable() -> None:
    assert resolved({}, {'firefly_api_url': 'b'}, {'FIREFLY_API_URL': 'c'}) == {'api_url': 'templated b'}


def test_then_the_environment() -> None:
    assert resolved({}, {}, {'FIREFLY_API_URL': 'c'}) == {'api_url': 'c'}


def test_a_default_is_left_to_others() -> None:
    assert resolved() == {}


@pytest.mark.parametrize('unset', ['', ' ', None])
def test_an_empty_string_is_unset_everywhere(unset: str | None) -> None:
    environment = {'FIREFLY_API_URL': 'c'}
    assert resolved({'api_url': unset}, {'firefly_api_url': unset}, environment) == {'api_url': 'c'}
    assert resolved({}, {}, {'FIREFLY_API_URL': unset}) == {}


def test_a_template_that_gives_nothing_is_unset() -> None:
    options = resolve(('api_url',), {}, {'firefly_api_url': '{{ x }}'}, {'FIREFLY_API_URL': 'c'}, lambda value: '')
    assert options == {'api_url': 'c'}


def test_what_is_not_ambient_has_no_such_sources() -> None:
    assert resolved({'wait': True}) == {'wait': True}
    assert resolved({}, {'firefly_wait': True}, {'FIREFLY_WAIT': 'true'}) == {}


def test_an_unknown_option_is_kept_for_validation() -> None:
    assert resolved({'api_ulr': 'a'}) == {'api_ulr': 'a'}
