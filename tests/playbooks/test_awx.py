# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``awx_setup`` makes what a controller takes, and a job runs as AWX runs it.

For a job, AWX's code injects the credential, ansible-runner runs the playbook, and facts are stored.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ansible_runner
import pytest
import yaml
from fake_firefly import TOKEN_NEEDLE, FakeFirefly
from helpers.ansible_run import Run, run_ansible, write_inventory
from helpers.awx import TOKEN, FakeController, credential_type, inject
from helpers.needles import leaks

KEYS_GUIDE = Path(__file__).parents[2] / 'docs/docsite/rst/guide_keys.rst'
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
    run = run_ansible(folder, command, environment=environment)
    assert not list(leaks([*PAIR.values(), TOKEN], [run.output]))
    run.output = run.output.replace('\\', '')
    return run


def test_what_is_made_and_updated(controller: FakeController, environment: dict[str, str], tmp_path: Path) -> None:
    run = set_up(tmp_path, environment, '--check')
    assert 'changed=1 ' in run.output
    assert not controller.changes

    run = set_up(tmp_path, environment, '-vvvv', **ALL)
    assert run.status == 0, run.output
    (made,) = controller.items['credential_types']
    assert (made['name'], made['kind']) == ('Firefly', 'cloud')
    # the templates reach AWX as they are
    assert (made['inputs'], made['injectors']) == credential_type()
    (credential,) = controller.items['credentials']
    keys = {name.removeprefix('FIREFLY_').lower(): key for name, key in PAIR.items()}
    assert credential['inputs'] == {**keys, 'api_url': ''}
    (template,) = controller.items['job_templates']
    assert (template['name'], template['playbook'], template['inventory']) == ('Preflight', 'preflight.yml', 1)
    assert template['credentials'] == [credential['id']]

    # other injectors are updated, and the next run finds all as it should be
    made['injectors'] = {}
    for changed in (1, 0):
        controller.changes.clear()
        run = set_up(tmp_path, environment)
        assert f'changed={changed} ' in run.output
        assert controller.changes == ['PATCH credential_types'] * changed
    assert made['injectors'] == credential_type()[1]

    # a type in use takes no other fields
    made['inputs'] = {'fields': made['inputs']['fields'][:2]}
    run = set_up(tmp_path, environment)
    assert run.status != 0
    assert '-e "awx_setup_credential_type=Firefly 2"' in run.output
    controller.changes.clear()
    assert set_up(tmp_path, environment, awx_setup_credential_type='Firefly 2').status == 0
    assert controller.changes == ['POST credential_types']


@pytest.mark.parametrize(
    'missing, variables, told',
    [
        ('ANSIBLE_COLLECTIONS_PATH', {}, 'ansible-galaxy collection install awx.awx'),
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
    assert told in run.output
    assert not controller.changes


@pytest.mark.parametrize('place', ['TOWER_*', 'tower_cli.cfg'])
def test_awx_is_found_as_awx_awx_finds_it(
    controller: FakeController, environment: dict[str, str], tmp_path: Path, place: str
) -> None:
    login = {name: environment.pop(name) for name in controller.environment}
    if place == 'TOWER_*':
        environment |= {name.replace('CONTROLLER', 'TOWER'): value for name, value in login.items()}
    else:
        host, token = login.values()
        (tmp_path / '.tower_cli.cfg').write_text(f'[general]\nhost = {host}\noauth_token = {token}\n')
    run = set_up(tmp_path, environment)
    assert run.status == 0, run.output
    assert controller.changes == ['POST credential_types']


(GUIDE,) = re.findall(r'(?m)^   :caption: preflight.yml\n\n((?:(?:   .*)?\n)+)', KEYS_GUIDE.read_text())
PROJECT = [
    *yaml.safe_load(GUIDE),
    {
        'name': 'Before a deployment',
        'hosts': 'web',
        'gather_facts': False,
        'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}],
        'tasks': [
            {'ansible.builtin.debug': {'msg': 'Deployed, with {{ preflight_login.expires_in }} s left.'}},
            # the facts of localhost have the environment of the job
            {'ansible.builtin.setup': None, 'delegate_to': 'localhost', 'delegate_facts': True, 'run_once': True},
        ],
    },
]


class Job(NamedTuple):
    """A job that has ended. No secret is in what it leaves: events, artifacts and all files but the credential's."""

    status: str
    output: str
    facts: dict[str, dict[str, Any]]


def run_job(folder: Path, firefly: FakeFirefly, arguments: str, **inputs: Any) -> Job:
    """Run the project's playbook with a credential, as ``awx.main.tasks.jobs`` does. Unused fields are blank."""
    keys = {'access_key': firefly.access_key, 'secret_key': firefly.secret_key, 'api_url': firefly.url}
    inputs = {**keys, 'ca_pem': '', 'client_cert_pem': '', 'client_key_pem': '', **inputs}
    environment, stored = inject(inputs, folder)
    for name in ('project', 'inventory'):
        (folder / name).mkdir()
    (folder / 'project/site.yml').write_text(yaml.safe_dump(PROJECT, sort_keys=False))
    variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
    inventory = {'all': {'vars': variables, 'children': {'web': {'hosts': {'web1': None, 'web2': None}}}}}
    (folder / 'inventory/hosts.yml').write_text(yaml.safe_dump(inventory))
    events: list[dict[str, Any]] = []
    runner = ansible_runner.run(
        ident='1',
        private_data_dir=str(folder),
        playbook='site.yml',
        inventory=str(folder / 'inventory/hosts.yml'),
        envvars={
            **environment,
            'ANSIBLE_COLLECTIONS_PATH': os.environ['ANSIBLE_COLLECTIONS_PATH'],
            'ANSIBLE_RETRY_FILES_ENABLED': 'False',
            'AWX_PRIVATE_DATA_DIR': str(folder),
            'HOME': str(folder),
            'JOB_ID': '1',
            'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        },
        cmdline=f'-u root {arguments}',
        suppress_env_files=True,
        fact_cache_type='jsonfile',
        settings={'job_timeout': 0, 'suppress_ansible_output': True, 'suppress_output_file': True},
        event_handler=events.append,  # what it returns is false: ansible-runner keeps no files of events
    )
    pair = base64.b64encode(f'{inputs["access_key"]}:{inputs["secret_key"]}'.encode()).decode()
    secrets = [inputs['access_key'], inputs['secret_key'], pair, TOKEN_NEEDLE]
    secrets += inputs['client_key_pem'].splitlines()[1:-1]
    shown = [yaml.safe_dump([events, stored], allow_unicode=True), json.dumps(events, default=str)]
    assert not list(leaks(secrets, [*shown, *(path for path in folder.iterdir() if path.name != 'env')]))
    facts = {}
    for path in (folder / 'artifacts/1/fact_cache').iterdir():
        # since 2.19, ansible-core writes them as a string in a dict, and names the file s1_<host>
        values = json.loads(path.read_text())
        facts[path.name.removeprefix('s1_')] = json.loads(values.get('__payload__', 'null')) or values
    return Job(runner.status, '\n'.join(event['stdout'] for event in events), facts)


@pytest.mark.parametrize('arguments', ['-vvvv', '-l web1'])
def test_a_job(firefly: FakeFirefly, tmp_path: Path, arguments: str) -> None:
    job = run_job(tmp_path, firefly, arguments)
    assert job.status == 'successful', job.output
    # the playbook of the guide, and the role in the deployment; one login for both
    assert job.output.count('OK. Firefly at ') == 2
    assert firefly.count('POST', '/v2/login') == 1
    assert ' s left.' in job.output
    assert 'FIREFLY_SECRET_KEY_FILE' in job.facts['localhost']['ansible_env']
    assert 'web1' in job.facts
    for facts in (facts for facts in job.facts.values() if 'firefly_health' in facts):
        assert facts['firefly_health']['healthy']
        assert isinstance(facts['firefly_login']['expires_at'], int)
        assert not {'access_token', 'authorization'} & facts['firefly_login'].keys()


def test_all_fields_and_an_unusual_key(tmp_path: Path) -> None:
    secret_key = "ключ-{{ lookup('env', 'HOME') }}-{% raw %}-%s-%(x)s-$HOME-NEEDLE-9a04"
    with FakeFirefly(client_ca=True, keys={'ACCESS-NEEDLE-77ab': secret_key}) as firefly:
        files = {name: getattr(firefly, name.removesuffix('_pem')) for name in ('client_cert_pem', 'client_key_pem')}
        pem = {name: Path(path).read_text() for name, path in {**files, 'ca_pem': firefly.ca_path}.items()}
        job = run_job(tmp_path, firefly, '-vvvv', **pem, skip_tls_verify=False)
    assert job.status == 'successful', job.output


def test_a_job_with_a_wrong_secret(firefly: FakeFirefly, tmp_path: Path) -> None:
    job = run_job(tmp_path, firefly, '-vvvv -l web1', secret_key='WRONG-SECRET-NEEDLE-41b2')
    assert job.status == 'failed'
    assert 'FAILED. POST ' in job.output
    assert 'Deployed' not in job.output
