# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation and the action group agree with the tables of options, codes and endpoints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader, lookup_loader, module_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import ENDPOINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._health import Health
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._lookup import TERMS
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from fake_firefly import FakeFirefly
from helpers.operations import perform

ROOT = Path(__file__).parents[2]
MODULES = {operation.name: operation for operation in (Login(), Health(), Api())}
PLUGINS = [*(('module', name) for name in MODULES), ('lookup', 'firefly')]
#: One request, and all pages of a list.
REQUESTS = ({'path': 'runners/projects/project-1'}, {'path': 'runners/projects/list', 'all_pages': True})
NEVER_OF_HEALTH = {'missing_credentials', 'invalid_response', 'response_too_large', 'expires_too_soon'}


def documentation(kind: str, name: str) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """What ansible-doc reads: options, examples and return values."""
    loader = {'module': module_loader, 'lookup': lookup_loader}[kind]
    path = loader.find_plugin(f'firefly.platform.{name}')
    doc, examples, returns, _unused = get_docstring(
        path, fragment_loader, collection_name='firefly.platform', plugin_type=kind
    )
    returns = returns if isinstance(returns, dict) else yaml.safe_load(returns)
    return doc['options'], yaml.safe_load(examples), returns


@pytest.mark.parametrize('kind,name', PLUGINS)
def test_options_and_examples(kind: str, name: str) -> None:
    documented, examples, _returns = documentation(kind, name)
    documented.pop('_terms', None)
    used = MODULES[name].options if kind == 'module' else SHARED_OPTIONS
    assert documented.keys() == {*SHARED_OPTIONS, *used}
    for option, text in documented.items():
        row = OPTIONS[option]
        assert (text['type'], text.get('default')) == (row.type, row.default), option
        assert text.get('choices', []) == list(row.choices)
        assert text.get('elements') == ('int' if row.type == 'list' else None)
        assert text.get('required', False) == (option == 'path')
        assert ' '.join(text['description']).startswith('Not used.') == (option not in used)
    for task in examples:
        for module, operation in MODULES.items():
            assert set(task.get(f'firefly.platform.{module}') or {}) <= set(operation.options)


def test_sources_and_terms_of_the_lookup() -> None:
    documented = documentation('lookup', 'firefly')[0]
    assert sorted(documented.pop('_terms')['choices']) == sorted(TERMS)
    for option, text in documented.items():
        assert [source['name'] for source in text['env']] == list(environment_names(option))
        assert [source['name'] for source in text['vars']] == [variable_name(option)]
        assert 'ini' not in text


@pytest.mark.parametrize('name', MODULES)
def test_return_values(name: str, firefly: FakeFirefly) -> None:
    returns = documentation('module', name)[2]
    values: dict[str, Any] = {}
    for request in REQUESTS if name == 'firefly_api' else ({},):
        values |= perform(
            MODULES[name], {**firefly.options, **request, 'token_cache': False}, Context(pytest.fail)
        ).values
    assert values.pop('changed', False) is False  # ansible-core documents it
    assert returns.keys() - {'ansible_facts', 'failure', 'msg'} == values.keys() - {'msg'}
    types = {'str': str, 'int': int, 'float': float, 'bool': bool, 'list': list, 'raw': dict}
    for key, value in values.items():
        assert value.__class__ is types[returns[key]['type']], key
    codes = set(re.findall(r'V\((\w+)\)', ' '.join(returns['failure']['contains']['code']['description'])))
    assert codes == set(HINTS) - (NEVER_OF_HEALTH if name == 'firefly_health' else set())


def test_lists_in_pages() -> None:
    text = ' '.join(documentation('module', 'firefly_api')[0]['all_pages']['description'])
    named = [value.replace('<id>', '[^/]+') for value in re.findall(r'\bV\(([^)]+)\)', text) if value not in HINTS]
    assert sorted(named) == sorted(endpoint.path for endpoint in ENDPOINTS if endpoint.paging)


def test_the_action_group() -> None:
    group = yaml.safe_load((ROOT / 'meta/runtime.yml').read_text())['action_groups']['firefly']
    modules = sorted(path.stem for path in (ROOT / 'plugins/modules').glob('*.py'))
    actions = sorted(path.stem for path in (ROOT / 'plugins/action').glob('*.py'))
    assert group == modules == actions == sorted(MODULES)
