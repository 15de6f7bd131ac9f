# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation, the argument specs and the action group say what the table of options says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader, lookup_loader, module_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.firefly.platform.plugins.module_utils import _errors, _health, _token
from ansible_collections.firefly.platform.plugins.module_utils._options import (
    HEALTH,
    LOGIN,
    OPTIONS,
    argument_spec,
    environment_name,
    variable_name,
)

ROOT = Path(__file__).parents[2]
PLUGINS = 'ansible_collections.firefly.platform.plugins'

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


DOCUMENTED = [('module', 'firefly_login', LOGIN), ('module', 'firefly_health', HEALTH), ('lookup', 'firefly', LOGIN)]


@pytest.mark.parametrize('kind,name,names', DOCUMENTED)
def test_options(kind: str, name: str, names: tuple[str, ...]) -> None:
    documented = documentation(kind, name)[0]['options']
    documented.pop('_terms', None)
    assert set(documented) == set(names)
    for option, text in documented.items():
        row = OPTIONS[option]
        assert text['type'] == row.type
        assert text.get('default') == row.default
        assert text.get('choices') == (list(row.choices) if row.choices else None)


def test_sources_of_the_lookup() -> None:
    for option, text in documentation('lookup', 'firefly')[0]['options'].items():
        if option != '_terms':
            assert [source['name'] for source in text['env']] == [environment_name(option)]
            assert [source['name'] for source in text['vars']] == [variable_name(option)]
            assert 'ini' not in text


def test_terms_of_the_lookup() -> None:
    terms = documentation('lookup', 'firefly')[0]['options']['_terms']
    lookup = importlib.import_module(f'{PLUGINS}.lookup.firefly')
    assert tuple(terms['choices']) == lookup.TERMS


@pytest.mark.parametrize('name', ['firefly_login', 'firefly_health'])
def test_return_values(name: str) -> None:
    returns = documentation('module', name)[2]
    if name == 'firefly_login':
        result = _token.token_result('t', 'Bearer', 0, clock_offset=0, api_url='', reused=False, attempts=0)
    else:
        result = _health._unknown()
    assert set(returns) - {'ansible_facts', 'failure', 'msg'} == set(result) - {'msg'}
    types = {'str': str, 'int': int, 'float': float, 'bool': bool}
    for key, value in result.items():
        assert value is None or value.__class__ is types[returns[key]['type']], key


@pytest.mark.parametrize('name', ['firefly_login', 'firefly_health'])
def test_every_code_is_documented(name: str) -> None:
    text = ' '.join(documentation('module', name)[2]['failure']['contains']['code']['description'])
    named = set(re.findall(r'V\((\w+)\)', text))
    never_of_health = {'missing_credentials', 'invalid_response', 'response_too_large', 'expires_too_soon'}
    assert named == CODES - {'ok'} - (never_of_health if name == 'firefly_health' else set())


def test_every_code_has_a_hint() -> None:
    assert set(_errors.HINTS) == CODES - {'ok'}


@pytest.mark.parametrize('kind,name,names', DOCUMENTED)
def test_examples_use_what_there_is(kind: str, name: str, names: tuple[str, ...]) -> None:
    for task in documentation(kind, name)[1]:
        for module, options in (('firefly_login', LOGIN), ('firefly_health', HEALTH)):
            assert set(task.get(f'firefly.platform.{module}') or {}) <= set(options)


@pytest.mark.parametrize('name,names', [('firefly_login', LOGIN), ('firefly_health', HEALTH)])
def test_argument_specs(name: str, names: tuple[str, ...]) -> None:
    spec = argument_spec(names)
    assert {option for option, row in spec.items() if row['no_log']} == {'access_key', 'secret_key'}


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
        assert cells[3:5] == ([f'`{environment_name(name)}`', f'`{variable_name(name)}`'] if row.ambient else ['', ''])
    for code in CODES - {'ok'}:
        assert f'| `{code}` |' in readme
