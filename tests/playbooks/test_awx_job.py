# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job template as AWX runs it: a credential is injected, ansible-runner runs the playbook, facts are stored."""

from __future__ import annotations

import base64
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from fake_controller import inject
from fake_firefly import TOKEN_NEEDLE, FakeFirefly

PROJECT = [
    {'name': 'As it stands', 'ansible.builtin.import_playbook': 'firefly.platform.preflight'},
    {
        'name': 'Before a deployment',
        'hosts': 'web',
        'gather_facts': False,
        'roles': [{'role': 'firefly.platform.preflight', 'run_once': True}],
        'tasks': [{'ansible.builtin.debug': {'msg': 'Deployed, with {{ preflight_login.expires_in }} s left.'}}],
    },
]


@dataclass
class Job:
    """A job that has ended. ``kept`` is all that AWX keeps of it: events and artifacts."""

    status: str
    output: str
    kept: str
    facts: dict[str, dict[str, Any]]


def run_job(folder: Path, inputs: dict[str, Any], *, verbosity: int = 0) -> Job:
    """Run the project's playbook with a credential, as ``awx.main.tasks.jobs`` does."""
    environment = inject(inputs, folder).environment
    for name in ('project', 'inventory'):
        (folder / name).mkdir()
    (folder / 'project/site.yml').write_text(yaml.safe_dump(PROJECT, sort_keys=False))
    variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
    hosts = {'ungrouped': {'hosts': {'localhost': None}}, 'web': {'hosts': {'web1': None, 'web2': None}}}
    inventory = {'all': {'vars': variables, 'children': hosts}}
    (folder / 'inventory/hosts.yml').write_text(yaml.safe_dump(inventory))
    events: list[dict[str, Any]] = []

    def handle(event: dict[str, Any]) -> bool:
        events.append(event)
        return False

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
        cmdline=f'-u root -{"v" * verbosity}' if verbosity else '-u root',
        suppress_env_files=True,
        fact_cache_type='jsonfile',
        settings={'job_timeout': 0, 'suppress_ansible_output': True, 'suppress_output_file': True},
        event_handler=handle,
    )
    artifacts = folder / 'artifacts/1'
    # `command` holds the environment, whatever a job does; AWX does not keep it
    files = [path for path in artifacts.rglob('*') if path.is_file() and path.name != 'command']
    return Job(
        status=runner.status,
        output='\n'.join(event['stdout'] for event in events),
        kept='\n'.join([json.dumps(events, default=str), *(path.read_text() for path in files)]),
        facts={path.name.removeprefix('s1_'): stored(path) for path in (artifacts / 'fact_cache').iterdir()},
    )


def stored(path: Path) -> dict[str, Any]:
    """The facts in a file. Since 2.19, ansible-core writes them as a string in a dict, and names the file s1_<host>."""
    values: dict[str, Any] = json.loads(path.read_text())
    return json.loads(values['__payload__']) if '__payload__' in values else values


def inputs_of(firefly: FakeFirefly) -> dict[str, Any]:
    """A credential as somebody fills it in who has nothing to say beyond keys and address."""
    keys = {'access_key': firefly.access_key, 'secret_key': firefly.secret_key, 'api_url': firefly.url}
    return {**keys, 'ca_pem': '', 'client_cert_pem': '', 'client_key_pem': ''}


def assert_no_secret(job: Job, inputs: dict[str, Any]) -> None:
    pair = f'{inputs["access_key"]}:{inputs["secret_key"]}'
    for secret in (inputs['access_key'], inputs['secret_key'], base64.b64encode(pair.encode()).decode(), TOKEN_NEEDLE):
        assert secret not in job.kept


@pytest.mark.parametrize('verbosity', [0, 4])
def test_a_job(firefly: FakeFirefly, tmp_path: Path, verbosity: int) -> None:
    job = run_job(tmp_path, inputs_of(firefly), verbosity=verbosity)
    assert job.status == 'successful', job.output
    assert 'The key pair works: its token is good until ' in job.output
    assert ' s left.' in job.output
    assert firefly.count('POST', '/v2/login') == 1
    assert_no_secret(job, inputs_of(firefly))
    assert job.facts.keys() == {'localhost', 'web1', 'web2'}
    for facts in job.facts.values():
        assert facts['firefly_health']['healthy']
        assert isinstance(facts['firefly_login']['expires_at'], int)
        assert not {'access_token', 'authorization'} & facts['firefly_login'].keys()


def test_a_job_with_certificates(tmp_path: Path) -> None:
    with FakeFirefly(client_ca=True) as firefly:
        files = {
            'ca_pem': firefly.ca_path,
            'client_cert_pem': firefly.client_cert,
            'client_key_pem': firefly.client_key,
        }
        pem = {name: Path(str(path)).read_text() for name, path in files.items()}
        job = run_job(tmp_path, {**inputs_of(firefly), **pem})
        assert job.status == 'successful', job.output
        assert firefly.url.startswith('https://')
        assert_no_secret(job, inputs_of(firefly))
        assert pem['client_key_pem'].splitlines()[1] not in job.kept


def test_a_job_with_a_wrong_secret(firefly: FakeFirefly, tmp_path: Path) -> None:
    inputs = {**inputs_of(firefly), 'secret_key': 'WRONG-SECRET-NEEDLE-41b2'}
    job = run_job(tmp_path, inputs, verbosity=4)
    assert job.status == 'failed'
    assert 'was answered with 401 Unauthorized: The key pair is not valid. Check both halves' in job.output
    assert 'Deployed' not in job.output
    assert_no_secret(job, inputs)
