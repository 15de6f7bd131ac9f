# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation and the action group say what the table of options says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader, lookup_loader, module_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.firefly.platform.plugins.plugin_utils._api import API
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import ENDPOINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._health import HEALTH
from ansible_collections.firefly.platform.plugins.plugin_utils._login import LOGIN
from ansible_collections.firefly.platform.plugins.plugin_utils._lookup import TERMS
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation, perform
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from fake_firefly import FakeFirefly

ROOT = Path(__file__).parents[2]

CODES = {
    'ok', 'invalid_option', 'missing_credentials', 'insecure_url', 'missing_library', 'dns', 'connect', 'timeout',
    'tls', 'proxy', 'redirect', 'unauthorized', 'forbidden', 'not_found', 'rate_limited', 'server_error',
    'unexpected_status', 'invalid_response', 'response_too_large', 'expires_too_soon',
}  # fmt: skip


def documentation(kind: str, name: str) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """What ansible-doc reads: documentation, examples and return values."""
    loader = {'module': module_loader, 'lookup': lookup_loader}[kind]
    path = loader.find_plugin(f'firefly.platform.{name}')
    doc, examples, returns, _unused = get_docstring(
        path, fragment_loader, collection_name='firefly.platform', plugin_type=kind
    )
    return doc, yaml.safe_load(examples), returns if isinstance(returns, dict) else yaml.safe_load(returns)


MODULES = {'firefly_login': LOGIN, 'firefly_health': HEALTH, 'firefly_api': API}
PLUGINS = [*(('module', name) for name in MODULES), ('lookup', 'firefly')]


@pytest.mark.parametrize('kind,name', PLUGINS)
def test_every_option_is_documented_as_it_is(kind: str, name: str) -> None:
    documented = documentation(kind, name)[0]['options']
    documented.pop('_terms', None)
    taken = {*SHARED_OPTIONS, *(MODULES[name].options if kind == 'module' else ())}
    assert documented.keys() == taken
    for option, text in documented.items():
        row = OPTIONS[option]
        assert (text['type'], text.get('default')) == (row.type, row.default), option
        assert text.get('choices', []) == list(row.choices)
        assert text.get('elements') == ('int' if row.type == 'list' else None)
        assert text.get('required', False) == (option == 'path')


@pytest.mark.parametrize('name', MODULES)
def test_an_option_that_is_not_used_says_so(name: str) -> None:
    documented = documentation('module', name)[0]['options']
    said = {option for option, text in documented.items() if ' '.join(text['description']).startswith('Not used.')}
    assert said == set(documented) - set(MODULES[name].options)


def test_sources_of_the_lookup() -> None:
    for option, text in documentation('lookup', 'firefly')[0]['options'].items():
        if option != '_terms':
            assert [source['name'] for source in text['env']] == list(environment_names(option))
            assert [source['name'] for source in text['vars']] == [variable_name(option)]
            assert 'ini' not in text


def test_terms_of_the_lookup() -> None:
    terms = documentation('lookup', 'firefly')[0]['options']['_terms']
    assert terms['choices'] == list(TERMS)


#: One request, and all pages of a list.
REQUESTS = ({'path': 'runners/projects/project-1'}, {'path': 'runners/projects/list', 'all_pages': True})


@pytest.mark.parametrize('name,operation', MODULES.items())
def test_return_values(name: str, operation: Operation, firefly: FakeFirefly) -> None:
    raw = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
    returns = documentation('module', name)[2]
    values: dict[str, Any] = {}
    for request in REQUESTS if name == 'firefly_api' else ({},):
        values |= perform(operation, {**raw, **request, 'token_cache': False}, Context(pytest.fail)).values
    changed = values.pop('changed', False)  # ansible-core documents it
    assert changed is False
    assert returns.keys() - {'ansible_facts', 'failure', 'msg'} == values.keys() - {'msg'}
    types = {'str': str, 'int': int, 'float': float, 'bool': bool, 'list': list, 'raw': dict}
    for key, value in values.items():
        assert value.__class__ is types[returns[key]['type']], key


@pytest.mark.parametrize('name', MODULES)
def test_every_code_is_documented(name: str) -> None:
    text = ' '.join(documentation('module', name)[2]['failure']['contains']['code']['description'])
    named = set(re.findall(r'V\((\w+)\)', text))
    never_of_health = {'missing_credentials', 'invalid_response', 'response_too_large', 'expires_too_soon'}
    assert named == CODES - {'ok'} - (never_of_health if name == 'firefly_health' else set())


def test_every_code_has_a_hint() -> None:
    assert set(HINTS) == CODES - {'ok'}


@pytest.mark.parametrize('kind,name', PLUGINS)
def test_examples_use_what_there_is(kind: str, name: str) -> None:
    for task in documentation(kind, name)[1]:
        for module, operation in MODULES.items():
            assert set(task.get(f'firefly.platform.{module}') or {}) <= set(operation.options)


def test_every_list_in_pages_is_named() -> None:
    text = ' '.join(documentation('module', 'firefly_api')[0]['options']['all_pages']['description'])
    named = [path.replace('<id>', '[^/]+') for path in re.findall(r'V\(([\w/<>-]+/[\w/<>-]+)\)', text)]
    assert sorted(named) == sorted(endpoint.path for endpoint in ENDPOINTS if endpoint.paging)


def test_everything_in_the_action_group_exists() -> None:
    group = yaml.safe_load((ROOT / 'meta/runtime.yml').read_text())['action_groups']['firefly']
    modules = sorted(path.stem for path in (ROOT / 'plugins/modules').glob('*.py'))
    actions = sorted(path.stem for path in (ROOT / 'plugins/action').glob('*.py'))
    assert group == modules == actions


def test_the_readme_has_the_table() -> None:
    readme = (ROOT / 'README.md').read_text()
    options = readme[readme.index('## Options') : readme.index('## Failures')]
    for name, row in OPTIONS.items():
        (line,) = re.findall(rf'^\| `{name}` .*$', options, re.MULTILINE)
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        assert cells[1] == f'`{row.type}`'
        default = '' if row.default is None else f'`{str(row.default).lower() if row.type == "bool" else row.default:}`'
        assert cells[2].replace(' s', '') == default.replace('.0`', '`')
        assert cells[3:5] == (
            [f'`{environment_names(name)[0]}`', f'`{variable_name(name)}`'] if row.fallback else ['', '']
        )
    for code in CODES - {'ok'}:
        assert f'| `{code}` |' in readme
