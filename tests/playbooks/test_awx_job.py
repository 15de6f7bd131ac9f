# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job as AWX runs it: AWX's code injects a credential, ansible-runner runs the playbook, facts are stored."""

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
from fake_firefly import TOKEN_NEEDLE, FakeFirefly
from helpers.awx import inject
from helpers.needles import leaks

PROJECT = [
    {'name': 'As it stands', 'ansible.builtin.import_playbook': 'firefly.platform.preflight'},
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
UNICODE = 'ключ-NEEDLE-2f9a'
BRACES = "{{ lookup('env', 'HOME') }}-{% raw %}-%s-%(x)s-$HOME-NEEDLE-9a04"


@dataclass
class Job:
    """A job that has ended."""

    status: str
    output: str
    facts: dict[str, dict[str, Any]]
    leaks: list[str]
    """Where a secret stands in what the job leaves: events, artifacts and all files but those of the credential."""


def run_job(folder: Path, inputs: dict[str, Any], arguments: str = '') -> Job:
    """Run the project's playbook with a credential, as ``awx.main.tasks.jobs`` does."""
    environment, stored = inject(inputs, folder)
    for name in ('project', 'inventory'):
        (folder / name).mkdir()
    (folder / 'project/site.yml').write_text(yaml.safe_dump(PROJECT, sort_keys=False))
    variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
    inventory = {'all': {'vars': variables, 'children': {'web': {'hosts': {'web1': None, 'web2': None}}}}}
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
        cmdline=f'-u root {arguments}',
        suppress_env_files=True,
        fact_cache_type='jsonfile',
        settings={'job_timeout': 0, 'suppress_ansible_output': True, 'suppress_output_file': True},
        event_handler=handle,
    )
    pair = f'{inputs["access_key"]}:{inputs["secret_key"]}'
    secrets = [inputs['access_key'], inputs['secret_key'], base64.b64encode(pair.encode()).decode(), TOKEN_NEEDLE]
    secrets += inputs['client_key_pem'].splitlines()[1:-1]
    shown = [yaml.safe_dump([events, stored], allow_unicode=True), json.dumps(events, default=str)]
    facts = (folder / 'artifacts/1/fact_cache').iterdir()
    return Job(
        status=runner.status,
        output='\n'.join(event['stdout'] for event in events),
        facts={path.name.removeprefix('s1_'): read_facts(path) for path in facts},
        leaks=list(leaks(secrets, [*shown, *(path for path in folder.iterdir() if path.name != 'env')])),
    )


def read_facts(path: Path) -> dict[str, Any]:
    """The facts in a file. Since 2.19, ansible-core writes them as a string in a dict, and names the file s1_<host>."""
    values: dict[str, Any] = json.loads(path.read_text())
    return json.loads(values['__payload__']) if '__payload__' in values else values


def inputs_of(firefly: FakeFirefly) -> dict[str, Any]:
    """The credential of somebody who fills in keys and address, and leaves the rest blank."""
    keys = {'access_key': firefly.access_key, 'secret_key': firefly.secret_key, 'api_url': firefly.url}
    return {**keys, 'ca_pem': '', 'client_cert_pem': '', 'client_key_pem': ''}


@pytest.mark.parametrize('arguments', ['', '-vvvv', '-l web1'])
def test_a_job(firefly: FakeFirefly, tmp_path: Path, arguments: str) -> None:
    job = run_job(tmp_path, inputs_of(firefly), arguments)
    assert job.status == 'successful', job.output
    assert not job.leaks
    # the playbook as it stands, and the role in the deployment; one login for both
    assert job.output.count('OK. Firefly at ') == 2
    assert firefly.count('POST', '/v2/login') == 1
    assert ' s left.' in job.output
    assert 'FIREFLY_SECRET_KEY_FILE' in job.facts['localhost']['ansible_env']
    assert 'web1' in job.facts
    for facts in (facts for facts in job.facts.values() if 'firefly_health' in facts):
        assert facts['firefly_health']['healthy']
        assert isinstance(facts['firefly_login']['expires_at'], int)
        assert not {'access_token', 'authorization'} & facts['firefly_login'].keys()


@pytest.mark.parametrize('secret_key', [UNICODE, BRACES], ids=['unicode', 'braces'])
def test_all_fields_and_unusual_keys(tmp_path: Path, secret_key: str) -> None:
    with FakeFirefly(client_ca=True, keys={'ACCESS-NEEDLE-77ab': secret_key}) as firefly:
        files = {
            'ca_pem': firefly.ca_path,
            'client_cert_pem': firefly.client_cert,
            'client_key_pem': firefly.client_key,
        }
        pem = {name: Path(str(path)).read_text() for name, path in files.items()}
        job = run_job(tmp_path, {**inputs_of(firefly), **pem, 'skip_tls_verify': False}, '-vvvv')
    assert job.status == 'successful', job.output
    assert not job.leaks


@pytest.mark.parametrize('arguments', ['-vvvv', '-l web1'])
def test_a_job_with_a_wrong_secret(firefly: FakeFirefly, tmp_path: Path, arguments: str) -> None:
    job = run_job(tmp_path, {**inputs_of(firefly), 'secret_key': 'WRONG-SECRET-NEEDLE-41b2'}, arguments)
    assert job.status == 'failed'
    assert 'FAILED. POST ' in job.output
    assert 'Deployed' not in job.output
    assert not job.leaks
