# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import SHARED_OPTIONS, variable_name


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


def test_the_options_for_waiting_have_no_such_sources() -> None:
    assert resolved({'wait': True}) == {'wait': True}
    assert resolved({}, {'firefly_wait': True}, {'FIREFLY_WAIT': 'true'}) == {}


def test_an_unknown_option_is_kept_for_validation() -> None:
    assert resolved({'api_ulr': 'a'}) == {'api_ulr': 'a'}


@pytest.mark.parametrize('name', SHARED_OPTIONS)
def test_a_fact_gives_no_option(name: str) -> None:
    variables = {'ansible_facts': {variable_name(name): 'HUNTER2'}, variable_name(name): 'HUNTER2'}
    with pytest.raises(FireflyError, match=f'The fact {variable_name(name)} is refused') as refused:
        resolve(SHARED_OPTIONS, {}, variables, {}, lambda value: value)
    assert refused.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refused.value)


def test_a_fact_does_no_harm_where_the_task_gives_the_option() -> None:
    assert resolved({'api_url': 'a'}, {'ansible_facts': {'firefly_api_url': 'b'}}) == {'api_url': 'a'}


def test_other_facts_do_no_harm() -> None:
    variables = {'ansible_facts': {'firefly_login': {'api_url': 'a'}, 'firefly_wait': True}, 'firefly_api_url': 'b'}
    assert resolved({}, variables) == {'api_url': 'templated b'}
