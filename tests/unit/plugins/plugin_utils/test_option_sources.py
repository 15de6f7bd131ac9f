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


def sources(given: Any = None, variables: Any = None, environment: Any = None) -> Sources:
    def template(values: list[Any]) -> list[Any]:
        return [f'templated {value}' if isinstance(value, str) else value for value in values if value is not OMIT]

    return Sources(given or {}, variables or {}, environment or {}, template, lambda path: f'/playbook/{path}')


def resolved(given: Any = None, variables: Any = None, environment: Any = None) -> dict[str, Any]:
    names = ('api_url', 'timeout', 'wait')
    return resolve(names, sources(given, variables, environment))


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
    assert resolved({'api_url': unset}, {}, environment) == {'api_url': 'c'}
    given = sources({}, {'firefly_api_url': unset}, environment)._replace(template=list)
    assert resolve(('api_url',), given) == {'api_url': 'c'}
    assert resolved({}, {}, {'FIREFLY_API_URL': unset}) == {}


def test_a_template_that_gives_nothing_is_unset() -> None:
    given = sources({}, {'firefly_api_url': '{{ x }}'}, {'FIREFLY_API_URL': 'c'})
    options = resolve(('api_url',), given._replace(template=lambda values: ['']))
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
        resolve(SHARED_OPTIONS, sources({}, variables))
    assert refused.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refused.value)


def test_a_fact_does_no_harm_where_the_task_gives_the_option() -> None:
    assert resolved({'api_url': 'a'}, {'ansible_facts': {'firefly_api_url': 'b'}}) == {'api_url': 'a'}


def test_other_facts_do_no_harm() -> None:
    variables = {'ansible_facts': {'firefly_login': {'api_url': 'a'}, 'firefly_wait': True}, 'firefly_api_url': 'b'}
    assert resolved({}, variables) == {'api_url': 'templated b'}


@pytest.mark.parametrize(
    'argument,variable,environment,name',
    [
        ('access_key', None, 'access_key', 'argument'),
        ('access_key_file', 'access_key', None, 'argument'),
        (None, 'access_key_file', 'access_key', 'variable'),
        (None, 'access_key', 'access_key_file', 'variable'),
        (None, None, 'access_key_file', 'environment'),
    ],
)
def test_a_nearer_source_goes_before_a_farther_one(
    argument: str | None, variable: str | None, environment: str | None, name: str
) -> None:
    given = Sources(
        {argument: '/argument'} if argument else {},
        {f'firefly_{variable}': '/variable'} if variable else {},
        {f'FIREFLY_{environment.upper()}': '/environment'} if environment else {},
        list,
        str,
    )
    assert resolve(('access_key', 'access_key_file'), given) == {argument or variable or environment: f'/{name}'}


def test_in_one_source_the_key_goes_before_its_file() -> None:
    for given in (
        sources({'access_key': 'a', 'access_key_file': '/f'}),
        sources({}, {'firefly_access_key': 'a', 'firefly_access_key_file': '/f'})._replace(template=list),
        sources({}, {}, {'FIREFLY_ACCESS_KEY': 'a', 'FIREFLY_ACCESS_KEY_FILE': '/f'}),
    ):
        assert resolve(('access_key', 'access_key_file'), given) == {'access_key': 'a'}


def test_a_relative_path_is_found_where_its_source_means_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ('playbook', 'shell'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'ca.pem').touch()
    monkeypatch.chdir(tmp_path / 'shell')
    find = sources()._replace(template=list, find=lambda path: str(tmp_path / 'playbook' / path))
    for given, folder in (
        (find._replace(arguments={'ca_path': 'ca.pem'}), 'playbook'),
        (find._replace(variables={'firefly_ca_path': 'ca.pem'}), 'playbook'),
        (find._replace(environment={'FIREFLY_CA_PATH': 'ca.pem'}), 'shell'),
        (find._replace(environment={'SSL_CERT_FILE': 'ca.pem'}), 'shell'),
    ):
        assert resolve(('ca_path',), given) == {'ca_path': str(tmp_path / folder / 'ca.pem')}


def test_the_bundles_of_other_programs() -> None:
    bundles = {'SSL_CERT_FILE': '/ssl', 'REQUESTS_CA_BUNDLE': '/requests', 'FIREFLY_CA_PATH': '/firefly'}
    for path in ('/firefly', '/requests', '/ssl'):
        assert resolve(('ca_path',), sources({}, {}, bundles)) == {'ca_path': path}
        bundles.popitem()


@pytest.mark.parametrize('placeholder', [OMIT, '__omit_place_holder__1234'], ids=['object', 'string'])
def test_what_is_omitted_is_unset(placeholder: Any) -> None:
    environment = {'FIREFLY_API_URL': 'c'}
    variables = {'omit': placeholder} if isinstance(placeholder, str) else {}
    for given in (
        sources({'api_url': placeholder}, variables, environment),
        sources({}, {**variables, 'firefly_api_url': placeholder}, environment),
    ):
        drop = given._replace(template=lambda values: [value for value in values if value is not OMIT])
        assert resolve(('api_url',), drop) == {'api_url': 'c'}


def test_a_variable_that_cannot_be_templated_is_named() -> None:
    def template(values: list[Any]) -> list[Any]:
        raise RuntimeError(values)

    with pytest.raises(FireflyError, match='The variable firefly_secret_key cannot be templated') as refused:
        resolve(('secret_key',), sources({}, {'firefly_secret_key': '{{ HUNTER2'})._replace(template=template))
    assert refused.value.code == 'invalid_option'
    assert '"{{"' in str(refused.value)
    assert 'HUNTER2' not in str(refused.value)
