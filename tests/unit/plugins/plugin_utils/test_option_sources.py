# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import SHARED_OPTIONS, variable_name

#: What ``omit`` is from ansible-core 2.19 on: an object that templating drops.
OMIT = object()
OMIT_TEXT = '__omit_place_holder__1234'
KEYS = ('access_key', 'access_key_file')


def sources(given: Any = None, variables: Any = None, environment: Any = None) -> Sources:
    def template(values: list[Any]) -> list[Any]:
        return [str(value).replace('{{ nothing }}', '') for value in values if value is not OMIT]

    return Sources(given or {}, variables or {}, environment or {}, template, lambda path: f'/playbook/{path}')


@pytest.mark.parametrize('nothing', [None, '', ' ', OMIT, OMIT_TEXT])
def test_the_nearest_source_that_has_a_value_gives_it(nothing: Any) -> None:
    def resolved(given: Any, variable: Any, environment: str) -> dict[str, Any]:
        variables = {'firefly_api_url': variable, 'omit': OMIT_TEXT}
        return resolve(('api_url',), sources({'api_url': given}, variables, {'FIREFLY_API_URL': environment}))

    assert resolved('a', 'b', 'c') == {'api_url': 'a'}
    assert resolved(nothing, 'b{{ nothing }}', 'c') == {'api_url': 'b'}
    assert resolved(nothing, nothing, 'c') == {'api_url': 'c'}
    assert resolved(nothing, '{{ nothing }}', ' ') == {}


def test_only_a_task_gives_the_options_for_waiting() -> None:
    assert resolve(('wait',), sources({'wait': True})) == {'wait': True}
    assert resolve(('wait',), sources({}, {'firefly_wait': True}, {'FIREFLY_WAIT': 'true'})) == {}


def test_what_is_not_valid_is_left_to_validation() -> None:
    invalid = {'api_ulr': 'a', 'timeout': b'5'}
    assert resolve(('api_url', 'timeout'), sources(invalid)) == invalid


@pytest.mark.parametrize('name', SHARED_OPTIONS)
def test_a_fact_with_the_name_of_a_variable_is_refused(name: str) -> None:
    variables = {'ansible_facts': {variable_name(name): 'HUNTER2'}, variable_name(name): 'HUNTER2'}
    with pytest.raises(FireflyError, match=f'The fact {variable_name(name)} is refused') as refused:
        resolve(SHARED_OPTIONS, sources({}, variables))
    assert refused.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refused.value)


def test_other_facts_are_not_refused() -> None:
    assert resolve(('api_url',), sources({'api_url': 'a'}, {'ansible_facts': {'firefly_api_url': 'b'}})) == {
        'api_url': 'a'
    }
    variables = {'ansible_facts': {'firefly_login': {'api_url': 'a'}, 'firefly_wait': True}, 'firefly_api_url': 'b'}
    assert resolve(('api_url', 'wait'), sources({}, variables)) == {'api_url': 'b'}


# the values are '/argument', '/variable' and '/environment'
@pytest.mark.parametrize(
    'argument,variable,environment,name,value',
    [
        (['access_key'], [], ['access_key'], 'access_key', '/argument'),
        (['access_key_file'], ['access_key'], [], 'access_key_file', '/argument'),
        ([], ['access_key_file'], ['access_key'], 'access_key_file', '/variable'),
        ([], ['access_key'], ['access_key_file'], 'access_key', '/variable'),
        ([], [], ['access_key_file'], 'access_key_file', '/environment'),
        (KEYS, [], [], 'access_key', '/argument'),
        ([], KEYS, [], 'access_key', '/variable'),
        ([], [], KEYS, 'access_key', '/environment'),
    ],
)
def test_a_nearer_source_comes_first_and_in_one_source_the_key(
    argument: list[str], variable: list[str], environment: list[str], name: str, value: str
) -> None:
    given = sources(
        dict.fromkeys(argument, '/argument'),
        {variable_name(each): '/variable' for each in variable},
        {f'FIREFLY_{each.upper()}': '/environment' for each in environment},
    )
    assert resolve(KEYS, given) == {name: value}


def test_a_relative_path_starts_where_its_source_means_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ('playbook', 'shell'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'ca.pem').touch()
    monkeypatch.chdir(tmp_path / 'shell')
    for given, folder in (
        (sources({'ca_path': 'ca.pem'}), 'playbook'),
        (sources({}, {'firefly_ca_path': 'ca.pem'}), 'playbook'),
        (sources({}, {}, {'FIREFLY_CA_PATH': 'ca.pem'}), 'shell'),
        (sources({}, {}, {'SSL_CERT_FILE': 'ca.pem'}), 'shell'),
    ):
        given = given._replace(find=lambda path: str(tmp_path / 'playbook' / path))
        assert resolve(('ca_path',), given) == {'ca_path': str(tmp_path / folder / 'ca.pem')}


def test_the_ca_variables_of_other_programs() -> None:
    bundles = {'SSL_CERT_FILE': '/ssl', 'REQUESTS_CA_BUNDLE': '/requests', 'FIREFLY_CA_PATH': '/firefly'}
    for path in ('/firefly', '/requests', '/ssl'):
        assert resolve(('ca_path',), sources({}, {}, bundles)) == {'ca_path': path}
        bundles.popitem()


def test_a_variable_that_cannot_be_templated_is_named() -> None:
    def template(values: list[Any]) -> list[Any]:
        raise RuntimeError(values)

    with pytest.raises(FireflyError, match='firefly_secret_key cannot be templated') as refused:
        resolve(('secret_key',), sources({}, {'firefly_secret_key': '{{ HUNTER2'})._replace(template=template))
    assert refused.value.code == 'invalid_option'
    assert '"{{"' in str(refused.value)
    assert 'HUNTER2' not in str(refused.value)
