# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``awx_setup`` makes what a controller takes, with awx.awx."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ansible_run import Run, run_ansible, write_inventory
from helpers.awx import TOKEN, FakeController, credential_type
from helpers.needles import leaks

PAIR = {'FIREFLY_ACCESS_KEY': 'ACCESS-NEEDLE-5e0d', 'FIREFLY_SECRET_KEY': 'SECRET-{{ NEEDLE }}-\'"%s-c81b'}
ALL = {
    'awx_setup_credential': 'Firefly production',
    'awx_setup_job_template': 'Preflight',
    'awx_setup_project': 'Deployments',
    'awx_setup_inventory': 'Production',
}


@pytest.fixture
def controller() -> Iterator[FakeController]:
    with FakeController() as server:
        yield server


@pytest.fixture
def environment(controller: FakeController, bundled_collections: Path) -> dict[str, str]:
    collections = f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{bundled_collections}'
    return {**controller.environment, **PAIR, 'ANSIBLE_COLLECTIONS_PATH': collections}


def set_up(folder: Path, environment: dict[str, str], *arguments: str, **variables: str) -> Run:
    """Run the playbook with an inventory that has localhost somewhere else."""
    inventory = write_inventory(folder, ['localhost'], connection='ssh')
    extra = [f'-e{name}="{value}"' for name, value in variables.items()]
    command = ['ansible-playbook', 'firefly.platform.awx_setup', '-i', str(inventory), *extra, *arguments]
    return run_ansible(folder, command, environment=environment)


def test_a_credential_type_alone(controller: FakeController, environment: dict[str, str], tmp_path: Path) -> None:
    run = set_up(tmp_path, environment, '--check')
    assert 'changed=1 ' in run.output
    assert not controller.changes
    # the second run finds all as it should be
    for changed in (1, 0):
        run = set_up(tmp_path, environment)
        assert run.status == 0, run.output
        assert f'changed={changed} ' in run.output
    assert controller.changes == ['POST credential_types']
    (made,) = controller.items['credential_types']
    assert (made['name'], made['kind']) == ('Firefly', 'cloud')
    # the templates reach AWX as they are
    assert (made['inputs'], made['injectors']) == credential_type()


def test_all_of_it(controller: FakeController, environment: dict[str, str], tmp_path: Path) -> None:
    run = set_up(tmp_path, environment, '-vvvv', **ALL)
    assert run.status == 0, run.output
    (credential,) = controller.items['credentials']
    assert credential['inputs'] == {
        **{name.removeprefix('FIREFLY_').lower(): key for name, key in PAIR.items()},
        'api_url': '',
    }
    (template,) = controller.items['job_templates']
    assert (template['name'], template['playbook'], template['inventory']) == ('Preflight', 'preflight.yml', 1)
    assert controller.credentials_of(template['id']) == [credential]
    assert not list(leaks([*PAIR.values(), TOKEN], [run.output]))


def test_a_type_in_use_gets_another_name(
    controller: FakeController, environment: dict[str, str], tmp_path: Path
) -> None:
    assert set_up(tmp_path, environment, **ALL).status == 0
    (made,) = controller.items['credential_types']
    # other injectors are no trouble
    made['injectors'] = {}
    assert set_up(tmp_path, environment).status == 0
    assert made['injectors']
    made['inputs'] = {'fields': made['inputs']['fields'][:2]}
    run = set_up(tmp_path, environment)
    assert run.status != 0
    assert '-e "awx_setup_credential_type=Firefly 2"' in run.output.replace('\\', '')
    assert set_up(tmp_path, environment, awx_setup_credential_type='Firefly 2').status == 0


@pytest.mark.parametrize(
    'missing, variables, told',
    [
        ('ANSIBLE_COLLECTIONS_PATH', {}, 'ansible-galaxy collection install awx.awx'),
        ('CONTROLLER_HOST', {}, 'Set CONTROLLER_HOST'),
        ('CONTROLLER_OAUTH_TOKEN', {}, 'CONTROLLER_OAUTH_TOKEN or'),
        ('FIREFLY_SECRET_KEY', {'awx_setup_credential': 'Firefly'}, 'FIREFLY_SECRET_KEY in the environment'),
        ('', {'awx_setup_job_template': 'Preflight'}, 'awx_setup_project and awx_setup_inventory'),
    ],
)
def test_what_is_missing_is_named_first(
    controller: FakeController,
    environment: dict[str, str],
    tmp_path: Path,
    missing: str,
    variables: dict[str, str],
    told: str,
) -> None:
    environment.pop(missing, None)
    run = set_up(tmp_path, environment, **variables)
    assert run.status != 0
    assert told in run.output.replace('\\', '')
    assert not controller.changes
