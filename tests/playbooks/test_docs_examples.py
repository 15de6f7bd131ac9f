# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the documentation runs and shows no secret. New pages and examples are found automatically."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, run_ansible
from helpers.needles import leaks

ROOT = Path(__file__).parents[2]
PAGES = {
    'readmes': [ROOT / 'README.md', *sorted(ROOT.glob('roles/*/README.md'))],
    'guides': sorted(ROOT.glob('docs/docsite/rst/*.rst')),
    'plugins': sorted([*ROOT.glob('plugins/modules/*.py'), *ROOT.glob('plugins/lookup/*.py')]),
}
#: Scripts with one of these need GitHub, Galaxy, PyPI, a container engine or AWX, which test_awx.py has.
NOT_RUN = ('git clone ', 'ansible-galaxy ', 'pip install ', 'ansible-builder ', 'firefly.platform.awx_setup')

#: The key pair that the reader types in place of `your-access-key` and the like, ...
TYPED = ('EXAMPLE-ACCESS-KEY-a1', 'EXAMPLE-SECRET-KEY-51c07f9d')
#: ... those of variables which an example uses but does not set, and that of the other account among them, ...
VARIABLES = ('EXAMPLE-ACCESS-KEY-b2', 'EXAMPLE-SECRET-KEY-0ab3d6e8')
OTHER = ('EXAMPLE-ACCESS-KEY-e5', 'EXAMPLE-SECRET-KEY-7b9c2f18')
#: ... that of the environment, and of HashiCorp Vault.
ENVIRONMENT = ('EXAMPLE-ACCESS-KEY-c3', 'EXAMPLE-SECRET-KEY-9f1e44a7')
HASHI_VAULT = ('EXAMPLE-ACCESS-KEY-d4', 'EXAMPLE-SECRET-KEY-e6d20b84')
PAIRS = (TYPED, VARIABLES, OTHER, ENVIRONMENT, HASHI_VAULT)
ADDRESS = 'https://api.firefly.ai'

# stands for the lookup of community.hashi_vault
VAULT_LOOKUP = f"""
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        assert (list(terms), kwargs) == (['firefly'], {{'engine_mount_point': 'secret'}})
        return [{{'secret': {dict(zip(('access_key', 'secret_key'), HASHI_VAULT, strict=True))}}}]
"""


@dataclass(frozen=True)
class Example:
    """A block of code."""

    page: Path
    number: int
    language: str
    caption: str
    text: str

    @property
    def file(self) -> Path:
        """Where the reader saves it: in a folder for each page."""
        name = self.caption if self.caption.endswith('.yml') else f'example{self.number}.yml'
        return self.page.relative_to(ROOT).with_suffix('') / name

    @property
    def content(self) -> Any:
        return yaml.safe_load(self.text) if self.language.startswith('yaml') else None

    @property
    def is_playbook(self) -> bool:
        """Whether it is plays or tasks. Other YAML is data."""
        return isinstance(self.content, list)

    @property
    def is_list_of_tasks(self) -> bool:
        return self.is_playbook and 'hosts' not in self.content[0]

    @property
    def is_script(self) -> bool:
        return self.language in ('console', 'shell') and not any(part in self.text for part in NOT_RUN)

    def plays(self) -> list[dict[str, Any]]:
        """The plays, on hosts of their own, so that no example finds what another one has registered."""
        plays: list[dict[str, Any]] = self.content
        if self.is_list_of_tasks:
            plays = [{'hosts': 'localhost', 'tasks': plays}]
        for play in plays:
            play['hosts'] = re.sub(r'\w+', rf'\g<0>{self.number}', play['hosts'])
        return plays

    def __str__(self) -> str:
        return str(self.file)


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """The language, the caption and the text of each block of code on a page."""
    text = page.read_text()
    if page.suffix == '.py':
        kind = page.parent.name.removesuffix('s')
        yield 'yaml', '', get_docstring(str(page), fragment_loader, False, False, 'firefly.platform', kind)[1]
    elif page.suffix == '.md':
        yield from ((language, '', body) for language, body in re.findall(r'(?ms)^```(\w*)\n(.*?)^```$', text))
    else:
        found = re.findall(r'(?m)^\.\. code-block:: (\S+)\n(?:   :caption: (.+)\n)?\n((?:(?:   .*)?\n)+)', text)
        yield from ((language, caption, textwrap.dedent(body).strip() + '\n') for language, caption, body in found)
        # no block has another form
        assert len(found) == len(re.findall(r'(?m)code-block::|literalinclude::|^(?! *\.\. ).*::$', text)), page


EVERY_BLOCK = [(page, *block) for pages in PAGES.values() for page in pages for block in blocks(page)]
EXAMPLES = [Example(page, number, *block) for number, (page, *block) in enumerate(EVERY_BLOCK)]
PLAYBOOKS = [example for example in EXAMPLES if example.is_playbook]
SCRIPTS = {example.text: example for example in EXAMPLES if example.is_script}
#: Those on pages that tell an outage from a mistake.
TOLERANT = [each for each in PLAYBOOKS if each.page.suffix != '.py' and re.search(r'\.retryable|\.code not', each.text)]


def real(text: str) -> str:
    """The text with the reader's keys in place of what stands for them."""
    for key, name in zip(TYPED, ('access', 'secret'), strict=True):
        text = text.replace(f'your-{name}-key', key).replace(f'{name.upper()}_KEY=...', f'{name.upper()}_KEY={key}')
    return text


class Reader:
    """Somebody who has saved all examples, and runs them against a Firefly."""

    def __init__(self, folder: Path, firefly: FakeFirefly) -> None:
        self.folder, self.firefly = folder, firefly
        self.keys = dict(zip(('FIREFLY_ACCESS_KEY', 'FIREFLY_SECRET_KEY'), ENVIRONMENT, strict=True))
        self.environment = {
            'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{folder}/stubs',
            'ANSIBLE_GATHERING': 'explicit',  # no example is about a host's own facts
            'ANSIBLE_INVENTORY': str(folder / 'inventory.yml'),
            'ANSIBLE_ROLES_PATH': str(folder / 'roles'),
            'ANSIBLE_VAULT_PASSWORD_FILE': str(folder / 'password'),
            'FIREFLY_API_URL': firefly.url,
            'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        }
        self.save('password', 'correct horse')
        self.save('typed', ''.join(f'{key}\n' for key in TYPED))
        self.save('stubs/ansible_collections/community/hashi_vault/plugins/lookup/vault_kv2_get.py', VAULT_LOOKUP)
        deploy = [{'ansible.builtin.debug': {'msg': 'deployed on {{ inventory_hostname }}'}}]
        self.save('roles/deploy/tasks/main.yml', yaml.safe_dump(deploy))
        variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
        for name, typed, own, other in zip(('access_key', 'secret_key'), TYPED, VARIABLES, OTHER, strict=True):
            self.save(f'firefly_{name}', typed)
            variables |= {f'my_{name}': own, f'vault_firefly_{name}': own, f'vault_other_{name}': other}
        groups: dict[str, Any] = {}
        for example in EXAMPLES:
            text = real(example.text)
            if example.is_playbook:
                plays = example.plays()
                text = yaml.safe_dump(plays, sort_keys=False).replace(ADDRESS, firefly.url)
                for name in re.findall(r'\w+', ' '.join(play['hosts'] for play in plays)):
                    hosts = [name] if name.startswith('localhost') else [f'{name}-a', f'{name}-b']
                    groups[name.replace('localhost', 'local')] = {'hosts': dict.fromkeys(hosts)}
            self.save(example.file, text)
        self.save('inventory.yml', yaml.safe_dump({'all': {'vars': variables, 'children': groups}}))

    def save(self, name: str | Path, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, command: list[str], *, where: Path | str = '', **environment: str) -> Run:
        """Run a command, whose output must show no secret."""
        environment = {**self.environment, **self.keys, **environment}
        run = run_ansible(self.folder, command, environment=environment, shell=self.folder / where)
        assert list(leaks([*dict(PAIRS).values(), *self.firefly.tokens], [run.output])) == []
        return run

    def run_playbooks(self, examples: list[Example], **environment: str) -> Run:
        return self.run(['ansible-playbook', *map(str, examples)], **environment)

    def run_recipes(
        self, *names: str, check: int = 0, **environment: str
    ) -> tuple[list[tuple[bool, int]], list[str], str]:
        """Run recipes by the names of their files, the first ``check`` of them in check mode.

        What follows ``#`` in a name takes the place of ``name-2`` in the recipe. Return whether each recipe succeeded
        and how many tasks changed something; the requests that are not searches; and the output.
        """
        before = len(self.firefly.requests)
        hosts = [f'recipe{number}' for number in range(len(names))]
        plays = []
        for number, (recipe, host) in enumerate(zip(names, hosts, strict=True)):
            name, _hash, workspace = recipe.partition('#')
            ((play,),) = (example.plays() for example in PLAYBOOKS if example.file.name == name)
            # a rescue tells the failure, so that the run goes on
            message = 'RESCUED {{ inventory_hostname }}: changed={{ ansible_failed_result.changed | default(false) }}'
            tasks = [{'block': play['tasks'], 'rescue': [{'ansible.builtin.debug': {'msg': message}}]}]
            play = {**play, 'hosts': host, 'check_mode': number < check, 'tasks': tasks}
            plays.append(yaml.safe_dump([play]).replace('name-2', workspace or 'name-2'))
        self.save('recipes.yml', ''.join(plays))
        run = self.run(['ansible-playbook', '-i', ','.join([*hosts, '']), 'recipes.yml'], **environment)
        assert run.status == 0, run.output
        ends = re.findall(r'(?m)^recipe\d+ .* changed=(\d+) .* rescued=(\d+)', run.output)
        new = [f'{request.method} {request.path}' for request in self.firefly.requests[before:]]
        writes = [each for each in new if not re.search(r'^GET|/login$|/search$|/insights$', each)]
        return [(rescued == '0', int(changed)) for changed, rescued in ends], writes, ' '.join(run.output.split())


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly(keys=dict(PAIRS)) as server:
        yield server


@pytest.fixture
def reader(tmp_path: Path, firefly: FakeFirefly) -> Reader:
    return Reader(tmp_path, firefly)


def secret_keys(firefly: FakeFirefly) -> set[str]:
    """The secret keys that were used."""
    return {json.loads(request.body)['secretKey'] for request in firefly.requests if request.path == '/v2/login'}


@pytest.mark.parametrize('kind', PAGES)
def test_playbooks(reader: Reader, firefly: FakeFirefly, kind: str) -> None:
    found = [example for example in PLAYBOOKS if example.page in PAGES[kind]]
    run = reader.run_playbooks(found, ANSIBLE_VERBOSITY='2')
    assert run.status == 0, run.output
    assert re.findall(r'(?m)^PLAYBOOK: (\S+)', run.output) == [example.file.name for example in found]
    statuses = {request.status for request in firefly.requests if '/no-such-' not in request.path}
    assert statuses <= {200, 201, 204}
    use = [example for example in found if 'Authorization:' in example.text or 'firefly_api:' in example.text]
    asked = [request for request in firefly.requests if request.path not in ('/v2/login', '/v2/health')]
    assert len(asked) >= len(use) > 0
    text = ''.join(example.text for example in EXAMPLES if example.page in PAGES[kind])
    for (_access_key, secret_key), word in (
        (TYPED, 'your-secret-key\n'),
        (OTHER, 'vault_other_secret_key'),
        (HASHI_VAULT, 'vault_kv2_get'),
    ):
        assert (secret_key in secret_keys(firefly)) == (word in text)


@pytest.mark.parametrize('example', SCRIPTS.values(), ids=str)
def test_scripts(reader: Reader, firefly: FakeFirefly, example: Example) -> None:
    # the keys are in files of the reader's
    script = re.sub(r'(?m)^\$ ', '', real(example.text)).replace('/run/secrets', str(reader.folder))
    if 'vault' in script:
        # the password is in a file, and the script that encrypts the keys comes before the play
        encrypt = 'ansible-vault encrypt group_vars/all/vault.yml\n'
        script = encrypt + script.replace(encrypt, '').replace('--ask-vault-pass ', '')
        script += "grep '^$ANSIBLE_VAULT;' group_vars/all/vault.yml"
    types_keys = 'FIREFLY_ACCESS_KEY' in script or 'vault' in script
    if types_keys:
        reader.keys = {}
    run = reader.run(['/bin/bash', '-euc', f'exec < {reader.folder}/typed\n{script}'], where=example.file.parent)
    assert run.status == 0, run.output
    if re.search(r'(?m)^ansible(-playbook)? ', script):
        assert firefly.requests
        assert (secret_keys(firefly) == {TYPED[1]}) == types_keys


def test_an_outage_does_not_end_these_examples(reader: Reader) -> None:
    run = reader.run_playbooks(TOLERANT, FIREFLY_API_URL='http://127.0.0.1:9', FIREFLY_RETRIES='0')
    assert run.status == 0, run.output
    tell = [example for example in TOLERANT if re.search(r'msg: .*\.(msg|failure\.code) ', example.text)]
    assert len(re.findall(r'"msg": ".*connect', run.output)) >= len(tell) > 1


def test_a_mistake_ends_them(reader: Reader) -> None:
    ends, _writes, output = reader.run_recipes(*(example.file.name for example in TOLERANT), FIREFLY_API_URL='htps://x')
    assert ends == [(False, 0)] * len(TOLERANT), output


def test_a_new_key_pair_is_tried_until_it_works(reader: Reader, firefly: FakeFirefly) -> None:
    (patient,) = (example for example in PLAYBOOKS if re.search(r'until: \w+ is succe', example.text))
    reader.save(patient.file, re.sub(r'delay: \d+', 'delay: 1', (reader.folder / patient.file).read_text()))
    firefly.fail(Fault(status=401), times=2)
    run = reader.run_playbooks([patient])
    assert run.status == 0, run.output
    assert [request.status for request in firefly.requests] == [401, 401, 200]


def test_the_last_run_of_a_workspace(reader: Reader, firefly: FakeFirefly) -> None:
    statuses = ['plan_error', {'description': 'apply_error'}, {'description': 'apply_success'}]
    workspaces = firefly.data['workspaces']
    for workspace, status in zip(workspaces[1:], statuses, strict=False):
        workspace['lastRunStatus'] = status
    del workspaces[4]['lastRunStatus']
    del workspaces[5]['workspaceName']
    recipes = [f'check_last_run.yml#name-{number}' for number in (2, 3, 4, 5, 6)]
    ends, writes, output = reader.run_recipes(*recipes, 'label_workspace.yml#name-6')
    assert ends == [(False, 0), (False, 0), (True, 0), (True, 0), (False, 0), (False, 0)], output
    assert writes == []
    assert 'The last run of name-2 ended with plan_error.' in output
    assert 'The last run of name-3 ended with apply_error.' in output
    assert output.count('There are 0 workspaces named name-6.') >= 2


def test_violated_policies(reader: Reader, firefly: FakeFirefly) -> None:
    firefly.data['governance/insights'] += [{'_id': f'policy-{number}'} for number in range(4, 12)]
    firefly.page_limit = 4
    ends, writes, output = reader.run_recipes('check_policies.yml')
    assert (ends, writes) == ([(False, 0)], []), output
    assert 'Policy 3, severity 3' in output
    assert 'policy-11, severity not given' in output
    assert '11 policies are violated, 10 are accepted.' in output


def test_a_label_is_added_once(reader: Reader, firefly: FakeFirefly) -> None:
    ends, writes, output = reader.run_recipes(*['label_workspace.yml'] * 3, check=1)
    assert ends == [(True, 1), (True, 1), (True, 0)], output
    assert writes == ['PUT /v2/workspaces/workspace-2/labels']
    assert firefly.data['workspaces'][1]['labels'] == ['label-0', 'deployed-by-ansible']


def test_a_project_is_created_changed_and_deleted(reader: Reader, firefly: FakeFirefly) -> None:
    firefly.page_limit = 2
    there, gone = 'project.yml', 'no_project.yml'
    ends, writes, output = reader.run_recipes(there, there, there, check=1)
    assert ends == [(True, 1), (True, 1), (True, 0)], output
    assert writes == ['POST /v2/runners/projects']
    project = firefly.data['runners/projects'][-1]
    project['description'] = 'Made by hand'
    path = f'/v2/runners/projects/{project["id"]}'
    ends, writes, output = reader.run_recipes(there, gone, there, check=2)
    assert ends == [(True, 1), (True, 1), (True, 1)], output
    assert writes == [f'PATCH {path}']
    assert project['description'] == 'Made by Ansible'
    firefly.fail(Fault(status=404, path=path))  # somebody else is faster
    ends, writes, output = reader.run_recipes(gone, gone, gone)
    assert ends == [(True, 0), (True, 1), (True, 0)], output
    assert writes == [f'DELETE {path}'] * 2


def test_a_project_whose_response_is_lost_is_not_created_twice(reader: Reader, firefly: FakeFirefly) -> None:
    firefly.fail(Fault(reset='headers', path='/v2/runners/projects'))
    ends, writes, output = reader.run_recipes('project.yml', 'project.yml')
    assert [succeeded for succeeded, _changed in ends] == [False, True], output
    assert writes == ['POST /v2/runners/projects']
    assert 'RESCUED recipe0: changed=True' in output
    assert sum(project['name'] == 'web' for project in firefly.data['runners/projects']) == 1


def test_what_does_not_run_is_output_or_data() -> None:
    assert len({example.file for example in EXAMPLES}) == len(EXAMPLES)
    for example in EXAMPLES:
        assert example.language in ('yaml', 'yaml+jinja', 'console', 'shell', 'text'), example
        if example.language.startswith('yaml') and not example.is_playbook:
            assert isinstance(example.content, dict), example
            assert not re.search(r'(?m)^ *firefly\.platform\.\w+:', example.text), example


def test_a_list_of_tasks_says_that_it_is_one() -> None:
    tasks = [example for example in EXAMPLES if example.is_list_of_tasks and example.page.suffix != '.py']
    assert {example.caption for example in tasks} == {'Tasks for a play'}


def test_a_token_goes_only_where_it_is_from() -> None:
    with_token = [example for example in EXAMPLES if 'Authorization:' in example.text]
    assert with_token
    assert not [example for example in with_token if ADDRESS in example.text or 'api_url' not in example.text]


def test_no_example_imports_a_playbook_of_the_collection() -> None:
    # the variables beside the reader's playbook would not reach it
    assert not [example for example in EXAMPLES if 'import_playbook' in example.text]


def test_the_execution_environment_is_the_one_of_the_guide() -> None:
    (example,) = (example for example in EXAMPLES if example.file.name == 'execution-environment.yml')
    assert example.content == yaml.safe_load((ROOT / 'docs/examples/execution-environment.yml').read_text())


def test_every_code_has_its_section() -> None:
    titles = [re.findall(r'(?m)^(\w+)\n[~^"-]+$', page.read_text()) for page in PAGES['guides']]
    assert list(HINTS) in [[title for title in of_guide if title in HINTS] for of_guide in titles]


def test_every_guide_is_in_the_table_of_contents() -> None:
    sections = yaml.safe_load((ROOT / 'docs/docsite/extra-docs.yml').read_text())['sections']
    listed = sorted(name for section in sections for name in section['toctree'])
    assert listed == [page.stem for page in PAGES['guides']]
