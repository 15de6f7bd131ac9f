# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential type that the playbook ``awx_setup`` makes, filled in by AWX's own code."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import OPTIONS, SHARED_OPTIONS, validate
from helpers.awx import check_type, credential_type, inject

GUIDES = Path(__file__).parents[2] / 'docs/docsite/rst'
KEYS = {'access_key': 'the-access-key', 'secret_key': 'the-secret-key'}
PEM = {'ca_pem': 'the-ca\n', 'client_cert_pem': 'the-cert\n', 'client_key_pem': 'the-key\n'}
FULL = {**KEYS, **PEM, 'api_url': 'https://gw.example/firefly', 'skip_tls_verify': True}
BLANK = {**dict.fromkeys(FULL, ''), **KEYS, 'skip_tls_verify': False}


def options_of(environment: dict[str, str]) -> dict[str, Any]:
    """The options of a task that has none of its own, with this environment, and with the keys out of their files."""
    sources = Sources(
        arguments={},
        variables={},
        environment=environment,
        template=lambda values: values,
        resolve_path=os.path.abspath,
    )
    options = dict(validate(SHARED_OPTIONS, resolve(SHARED_OPTIONS, sources)))
    keys = {name: Path(options.pop(f'{name}_file')).read_text() for name in KEYS}
    return {**options, **keys}


def test_the_fields_stay_as_they_are() -> None:
    # AWX refuses other fields once a credential uses the type, so a change here needs a type with a new name
    inputs, injectors = credential_type()
    check_type(inputs, injectors)
    assert [(field['id'], field['type'], field.get('secret', False)) for field in inputs['fields']] == [
        ('access_key', 'string', True),
        ('secret_key', 'string', True),
        ('api_url', 'string', False),
        ('ca_pem', 'string', False),
        ('client_cert_pem', 'string', False),
        ('client_key_pem', 'string', True),
        ('skip_tls_verify', 'boolean', False),
    ]
    assert inputs['required'] == ['access_key', 'secret_key']


def test_all_fields(tmp_path: Path) -> None:
    environment, stored = inject(FULL, tmp_path)
    options = options_of(environment)
    for option, field in (('ca_path', 'ca_pem'), ('client_cert', 'client_cert_pem'), ('client_key', 'client_key_pem')):
        path = Path(options.pop(option))
        assert path.read_text() == FULL[field]
        assert path.stat().st_mode & 0o077 == 0
    rest = {name: OPTIONS[name].default for name in options.keys() - FULL.keys()}
    assert options == {**rest, **KEYS, 'api_url': FULL['api_url'], 'validate_certs': False}
    for shown in (environment, stored):
        assert not [value for value in shown.values() for key in (*KEYS.values(), 'the-key') if key in value]


@pytest.mark.parametrize(
    'inputs',
    [KEYS, BLANK, {**BLANK, 'skip_tls_verify': ''}, {**dict.fromkeys(FULL), **KEYS}],
    ids=['absent', 'blank', 'blank boolean', 'null'],
)
def test_blank_fields_have_their_defaults(inputs: dict[str, Any], tmp_path: Path) -> None:
    environment, _stored = inject(inputs, tmp_path)
    defaults = {name: OPTIONS[name].default for name in SHARED_OPTIONS if not name.endswith('_key_file')}
    assert options_of(environment) == {**defaults, **KEYS}


def test_the_guide_has_the_same() -> None:
    pages = '\n'.join(path.read_text() for path in GUIDES.glob('*.rst'))
    inputs, injectors = (
        yaml.safe_load(re.findall(rf':caption: {name} configuration\n\n(( +).*\n(?:(?:\2.*)?\n)*)', pages)[0][0])
        for name in ('Input', 'Injector')
    )
    playbooks_inputs, playbooks_injectors = credential_type()
    assert injectors == playbooks_injectors
    assert inputs['required'] == playbooks_inputs['required']
    without_help = [{**field, 'help_text': None} for field in inputs['fields']]
    assert without_help == [{**field, 'help_text': None} for field in playbooks_inputs['fields']]


FIELD = {'id': 'a', 'label': 'A'}


@pytest.mark.parametrize(
    'inputs, injectors',
    [
        *(({'fields': [{**FIELD, 'id': name}]}, {}) for name in ('1a', 'a-b', 'tower')),
        *(({'fields': [{**FIELD, **more}]}, {}) for more in ({'type': 'int'}, {'hint': 'B'}, {'default': True})),
        ({'fields': [{**FIELD, 'type': 'boolean', 'secret': True}]}, {}),
        ({'fields': [{'id': 'a'}]}, {}),
        ({'fields': [FIELD, FIELD]}, {}),
        ({'fields': [FIELD], 'dependencies': {}}, {}),
        ({}, {'args': {}}),
        *(({}, {'env': {name: 'x'}}) for name in ('PATH', 'JOB_ID', 'ANSIBLE_FORKS')),
        *(({}, {'env': {'A': x}}) for x in ('ä', '{{ a }}', '{{ tower }}', '{{ tower.filename.x }}')),
        ({}, {'env': {'A': '{{ tower.filename }}'}, 'file': {'template.x': ''}}),
        ({}, {'file': {'ca': ''}}),
        ({}, {'file': {'template': '', 'template.x': ''}}),
    ],
)
def test_credential_types_that_awx_refuses(inputs: dict[str, Any], injectors: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='.'):
        check_type(inputs, injectors)
