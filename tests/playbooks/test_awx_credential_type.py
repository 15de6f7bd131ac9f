# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    KEY_FILES,
    LOGIN_OPTIONS,
    OPTIONS,
    validate,
)
from fake_controller import FakeController, inject
from fake_controller.credential import load
from fake_controller.server import problems
from helpers.ansible_run import Run, run_ansible

ROLE = 'firefly.platform.awx_credential_type'

CREATE = {'awx_credential_type_create': True}
REMOVE = {**CREATE, 'awx_credential_type_state': 'absent'}

MINIMAL = {'access_key': 'the-access-key', 'secret_key': 'the-secret-key'}
FULL = {
    **MINIMAL,
    'api_url': 'https://gw.example/firefly',
    'ca_pem': 'the-ca\n',
    'client_cert_pem': 'the-cert\n',
    'client_key_pem': 'the-key\n',
    'skip_tls_verify': True,
}
BLANK = {**dict.fromkeys(FULL, ''), **MINIMAL, 'skip_tls_verify': False}


def run_role(
    folder: Path, *times: dict[str, Any], environment: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> Run:
    """Run the role once for each of ``times``, with these variables."""
    tasks = [{'ansible.builtin.include_role': {'name': ROLE}, 'vars': variables} for variables in times]
    play = {'hosts': 'localhost', 'gather_facts': False, 'tasks': tasks}
    (folder / 'playbook.yml').write_text(yaml.safe_dump([play]))
    return run_ansible(folder, ['ansible-playbook', 'playbook.yml', *arguments], environment=environment)


# Data


def understood(environment: dict[str, str]) -> dict[str, Any]:
    """What a task without options has with this environment."""
    sources = Sources({}, {}, environment, lambda values: values, os.path.abspath)
    return dict(validate(LOGIN_OPTIONS, resolve(LOGIN_OPTIONS, sources)))


def test_full_input(tmp_path: Path) -> None:
    injected = inject(FULL, tmp_path)
    options = understood(injected.environment)
    for option, field in (('ca_path', 'ca_pem'), ('client_cert', 'client_cert_pem'), ('client_key', 'client_key_pem')):
        path = Path(options.pop(option))
        assert path.read_text() == FULL[field]
        assert path.stat().st_mode & 0o077 == 0
    rest = {name: OPTIONS[name].default for name in options.keys() - FULL.keys()}
    assert options == {**rest, **MINIMAL, 'api_url': FULL['api_url'], 'validate_certs': False}
    assert not injected.arguments


@pytest.mark.parametrize(
    'inputs',
    [MINIMAL, BLANK, {**BLANK, 'skip_tls_verify': ''}, {**dict.fromkeys(FULL), **MINIMAL}],
    ids=['minimal', 'blank', 'blank boolean', 'null'],
)
def test_what_is_left_blank_has_its_default(inputs: dict[str, Any], tmp_path: Path) -> None:
    environment = inject(inputs, tmp_path).environment
    assert environment == {
        'FIREFLY_ACCESS_KEY': 'the-access-key',
        'FIREFLY_SECRET_KEY': 'the-secret-key',
        'FIREFLY_API_URL': OPTIONS['api_url'].default,
        'FIREFLY_VALIDATE_CERTS': 'true',
        'FIREFLY_CA_PATH': '',
        'FIREFLY_CLIENT_CERT': '',
        'FIREFLY_CLIENT_KEY': '',
    }
    assert understood(environment) == {**{name: OPTIONS[name].default for name in LOGIN_OPTIONS}, **MINIMAL}


def test_awx_shows_no_secret_with_a_job(tmp_path: Path) -> None:
    injected = inject(FULL, tmp_path)
    shown = ' '.join(injected.shown.values())
    assert injected.shown.keys() == injected.environment.keys()
    for field in ('access_key', 'secret_key', 'client_key_pem'):
        assert str(FULL[field]).strip() not in shown


def test_every_secret_option_is_a_secret_field() -> None:
    fields = {field['id']: field for field in load('inputs')['fields']}
    assert fields.keys() == FULL.keys()
    for name in OPTIONS:
        assert bool(fields.get(name, {}).get('secret')) == (name in KEY_FILES), name
    assert fields['client_key_pem']['secret']


def test_what_the_fake_controller_refuses() -> None:
    inputs, injectors = load('inputs'), load('injectors')
    assert not problems(inputs, injectors)
    inputs['fields'][-1]['secret'] = True
    inputs['required'].append('nothing')
    injectors['env'] = {'ANSIBLE_FORKS': '{{ acces_key }}'}
    assert len(problems(inputs, injectors)) == 4


# Without awx.awx


def test_it_shows_what_to_paste(tmp_path: Path) -> None:
    run = run_role(tmp_path, {})
    assert run.status == 0, run.output
    for title, name in (('Input', 'inputs'), ('Injector', 'injectors')):
        shown = re.search(rf'{title} configuration:\n\n(.+?)\n\n', run.output, re.DOTALL)
        assert shown
        assert yaml.safe_load(shown[1]) == load(name)


def test_without_awx_awx_it_says_how_to_get_it(tmp_path: Path) -> None:
    run = run_role(tmp_path, CREATE)
    assert run.status != 0
    assert 'ansible-galaxy collection install awx.awx' in run.output
    assert 'Input configuration' not in run.output


# With awx.awx


@pytest.fixture
def controller() -> Iterator[FakeController]:
    with FakeController() as server:
        yield server


@pytest.fixture
def environment(controller: FakeController, bundled_collections: Path) -> dict[str, str]:
    collections = f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{bundled_collections}'
    return {**controller.environment, 'ANSIBLE_COLLECTIONS_PATH': collections}


def test_make_change_and_remove(controller: FakeController, environment: dict[str, str], tmp_path: Path) -> None:
    run = run_role(tmp_path, CREATE, environment=environment, arguments=('--check',))
    assert 'changed=1 ' in run.output
    assert not controller.changes

    run = run_role(tmp_path, CREATE, CREATE, environment=environment)
    assert 'changed=1 ' in run.output
    assert controller.changes == ['POST']
    made = controller.types[1]
    assert (made['name'], made['kind']) == ('Firefly', 'cloud')
    # word for word: nothing in them was a template for Ansible
    assert made['inputs'] == load('inputs')
    assert made['injectors'] == load('injectors')

    made['injectors'] = {'env': {'FIREFLY_ACCESS_KEY': '{{ access_key }}'}}
    run = run_role(tmp_path, CREATE, REMOVE, REMOVE, environment=environment)
    assert 'changed=2 ' in run.output
    assert controller.changes == ['POST', 'PATCH', 'DELETE']
    assert made['injectors'] == load('injectors')
    assert not controller.types


def test_another_name(controller: FakeController, environment: dict[str, str], tmp_path: Path) -> None:
    names = {'awx_credential_type_name': 'Firefly (EU)', 'awx_credential_type_description': 'Of the team in Berlin'}
    # on the command line every value is a string
    arguments = ('-e', 'awx_credential_type_create=true')
    run = run_role(tmp_path, names, environment=environment, arguments=arguments)
    assert run.status == 0, run.output
    assert (controller.types[1]['name'], controller.types[1]['description']) == tuple(names.values())
