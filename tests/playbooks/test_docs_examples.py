# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the documentation runs, and shows no secret."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import fragment_loader, lookup_loader, module_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, run_ansible
from helpers.needles import leaks

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / 'docs/docsite/rst'
PAGES = {
    'README': ROOT / 'README.md',
    **{path.parent.name: path for path in sorted(ROOT.glob('roles/*/README.md'))},
    **{path.stem: path for path in [*sorted(GUIDES.glob('*.rst')), *sorted(ROOT.glob('docs/site/*.rst'))]},
}

PAIR = ('EXAMPLE-ACCESS-KEY-a1', 'EXAMPLE-SECRET-KEY-51c07f9d')
PAIR_IN_HASHI_VAULT = ('EXAMPLE-ACCESS-KEY-b2', 'EXAMPLE-SECRET-KEY-e6d20b84')
LIST = 'https://api.firefly.ai/v2/runners/projects/list'
SECRETS = (*PAIR, *PAIR_IN_HASHI_VAULT)
VAULT_PASSWORD = 'correct horse'

#: What cannot run here, by page and how it begins, and why.
NOT_RUN = {
    ('README', 'ansible-galaxy collection install firefly.platform'): 'installs from Galaxy and PyPI',
    ('README', 'make preflight'): 'the targets that run these tests',
    ('guide_getting_started', '$ ansible-galaxy collection install firefly.platform'): 'installs from Galaxy and PyPI',
    ('guide_awx', 'version: 3'): '`make certify` gives docs/examples/execution-environment.yml to ansible-builder',
    ('guide_awx', '$ ansible-builder build -f execution-environment.yml -t firefly-ee'): 'needs a container engine',
    ('guide_awx', 'collections:'): 'AWX installs from Galaxy',
    ('guide_awx', '$ ansible-galaxy collection install awx.awx'): (
        'needs Galaxy and a controller; test_awx_credential_type has the role with both'
    ),
    ('awx_credential_type', '$ ansible-galaxy collection install awx.awx'): 'as in guide_awx',
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A block of code on a page. ``name`` is its caption, which is the name of its file."""

    page: str
    number: int
    language: str
    name: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        return self.page, re.split(r'\s{2}|\n', self.text)[0]

    @property
    def file(self) -> str:
        return self.name or f'example{self.number}.yml'

    @property
    def content(self) -> Any:
        return yaml.safe_load(self.text) if self.language == 'yaml' else None

    @property
    def is_support(self) -> bool:
        """Whether it is a file with variables, which the other examples of its page use."""
        return self.name.startswith('group_vars/')

    def __str__(self) -> str:
        return f'{self.page}-{self.number}-{self.name or self.language}'


def blocks(path: Path) -> Iterator[tuple[str, str, str]]:
    """Language, caption and text of each block of code on a page."""
    text = path.read_text()
    if path.suffix == '.md':
        for language, body in re.findall(r'^```(\w*)\n(.*?)^```$', text, re.MULTILINE | re.DOTALL):
            yield language, '', body
        return
    pattern = r'^\.\. code-block:: (\S+)\n((?:   :.*\n)*)\n((?:(?:   .*)?\n)+)'
    for language, options, body in re.findall(pattern, text, re.MULTILINE):
        caption = re.search(r':caption: (\S+)', options)
        yield language, caption[1] if caption else '', textwrap.dedent(body).strip() + '\n'
    others = re.findall(r'code-block::|literalinclude::|^(?!\.\. ).*::$', text, re.MULTILINE)
    assert len(re.findall(pattern, text, re.MULTILINE)) == len(others)


def plugin_examples() -> Iterator[tuple[str, str]]:
    for loader, name in (
        (module_loader, 'firefly_api'),
        (module_loader, 'firefly_login'),
        (module_loader, 'firefly_health'),
        (lookup_loader, 'firefly'),
    ):
        kind = 'lookup' if loader is lookup_loader else 'module'
        path = loader.find_plugin(f'firefly.platform.{name}')
        documentation = get_docstring(path, fragment_loader, collection_name='firefly.platform', plugin_type=kind)
        yield f'{name}_{kind}', documentation[1].strip() + '\n'


def examples() -> list[Example]:
    return [
        *(Example(page, number, *block) for page in PAGES for number, block in enumerate(blocks(PAGES[page]), 1)),
        *(Example(page, 1, 'yaml', '', text) for page, text in plugin_examples()),
    ]


EXAMPLES = examples()
RUN = [example for example in EXAMPLES if example.key not in NOT_RUN and not example.is_support]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def as_playbook(example: Example) -> list[Any]:
    """The plays of the example, which may be tasks, or a part of one.

    Its hosts have names of their own, so that no example finds what another one has registered.
    """
    content = example.content
    if isinstance(content, dict):
        assert set(content) == {'headers'}, f'{example} is neither a playbook nor tasks'
        content = [{'ansible.builtin.uri': {'url': LIST, **content}, 'no_log': True}]
    if not any({'hosts', 'ansible.builtin.import_playbook'} & set(item) for item in content):
        roles = [{'role': 'firefly.platform.preflight', 'run_once': True}] if 'preflight_login' in example.text else []
        content = [{'hosts': 'localhost', 'roles': roles, 'tasks': content}]
    return [{**play, 'hosts': f'{play["hosts"]}{example.number}'} if 'hosts' in play else play for play in content]


def real(text: str) -> str:
    """The text with keys in the place of those that it leaves to the reader."""
    for key, name in zip(PAIR, ('access', 'secret'), strict=True):
        text = text.replace(f'your-{name}-key', key).replace(f'{name.upper()}_KEY=...', f'{name.upper()}_KEY={key}')
    return text


def prepare(folder: Path, page: str, url: str) -> dict[str, str]:
    """Write all that a reader of the page has at this point, and return the environment."""
    for example in EXAMPLES:
        if example.page == page and example.language == 'yaml' and example.key not in NOT_RUN:
            text = example.text if example.is_support else yaml.safe_dump(as_playbook(example), sort_keys=False)
            text = real(text).replace('https://api.firefly.ai', url)
            if example.name.endswith('/vault.yml'):
                text = VaultLib([('default', VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(text).decode()
            write(folder / example.file, text)
    write(folder / 'password', VAULT_PASSWORD)
    write(
        folder / 'roles/deploy/tasks/main.yml', '- ansible.builtin.debug: {msg: "deployed on {{ inventory_hostname }}"}'
    )
    local = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
    numbers = [example.number for example in EXAMPLES if example.page == page]
    groups = {f'web{number}': {'hosts': {f'web{number}-{name}': None for name in 'ab'}} for number in numbers}
    hosts = {f'localhost{number}': None for number in numbers}
    write(folder / 'inventory.yml', yaml.safe_dump({'all': {'vars': local, 'hosts': hosts, 'children': groups}}))
    own: dict[str, str] = {}
    if page != 'guide_keys':  # which has these in a vault
        own |= {'vault_firefly_access_key': PAIR[0], 'vault_firefly_secret_key': PAIR[1]}
        own |= {'my_access_key': PAIR[0], 'my_secret_key': PAIR[1]}
    write(folder / 'own.yml', yaml.safe_dump(own))
    write(folder / 'stubs/ansible_collections/community/hashi_vault/plugins/lookup/vault_kv2_get.py', HASHI_VAULT)
    keys = {'FIREFLY_ACCESS_KEY': PAIR[0], 'FIREFLY_SECRET_KEY': PAIR[1]} if page != 'guide_keys' else {}
    return {
        'ANSIBLE_COLLECTIONS_PATH': f'{os.environ["ANSIBLE_COLLECTIONS_PATH"]}:{folder}/stubs',
        'ANSIBLE_GATHERING': 'explicit',  # nothing of it is about facts of hosts
        'ANSIBLE_INVENTORY': str(folder / 'inventory.yml'),
        'ANSIBLE_VAULT_PASSWORD_FILE': str(folder / 'password'),
        'FIREFLY_API_URL': url,
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        **keys,
    }


# what community.hashi_vault.vault_kv2_get gives of a KV secret
HASHI_VAULT = f"""
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        assert (list(terms), kwargs) == (['firefly'], {{'engine_mount_point': 'secret'}})
        secret = {json.dumps(dict(zip(('access_key', 'secret_key'), PAIR_IN_HASHI_VAULT, strict=True)))}
        return [{{'raw': {{}}, 'data': {{'data': secret, 'metadata': {{}}}}, 'metadata': {{}}, 'secret': secret}}]
"""


def run_playbooks(folder: Path, found: list[Example], url: str, environment: dict[str, str] | None = None) -> Run:
    """Run the examples, which are of one page."""
    environment = {**prepare(folder, found[0].page, url), **(environment or {})}
    files = [example.file for example in found]
    return run_ansible(folder, ['ansible-playbook', '-vv', '-e', '@own.yml', *files], environment=environment)


def run_console(folder: Path, example: Example, url: str) -> Run:
    environment = prepare(folder, example.page, url)
    script = real(re.sub(r'^\$ ', '', example.text, flags=re.MULTILINE))
    assert '...' not in script
    script = script.replace('--ask-vault-pass ', '')  # there is nobody to ask; the password is in a file
    if 'ansible-vault encrypt' in script:
        (vault,) = (other for other in EXAMPLES if other.page == example.page and other.name.endswith('/vault.yml'))
        write(folder / vault.name, vault.text)
        script += f'head -n1 {vault.name}'
    write(folder / 'typed', f'{PAIR[0]}\n{PAIR[1]}\n')
    return run_ansible(folder, ['/bin/bash', '-euc', f'exec < typed\n{script}'], environment=environment)


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly(keys=dict([PAIR, PAIR_IN_HASHI_VAULT])) as server:
        yield server


PLAYBOOKS = {
    page: [item for item in RUN if item.page == page and item.language == 'yaml']
    for page in dict.fromkeys(example.page for example in RUN)
}


@pytest.mark.parametrize('page', [page for page, found in PLAYBOOKS.items() if found])
def test_playbooks(firefly: FakeFirefly, tmp_path: Path, page: str) -> None:
    found = PLAYBOOKS[page]
    run = run_playbooks(tmp_path, found, firefly.url)
    assert run.status == 0, run.output
    assert list(leaks([*SECRETS, *firefly.tokens], [run.output])) == []
    assert re.findall(r'^PLAYBOOK: (\S+)', run.output, re.MULTILINE) == [example.file for example in found]
    use = [example for example in found if "'authorization'" in example.text or 'firefly_api:' in example.text]
    asked = [request for request in firefly.requests if request.path not in ('/v2/login', '/v2/health')]
    assert len(asked) >= len(use)
    statuses = {request.status for request in firefly.requests if not request.path.endswith('/no-such-project')}
    assert statuses <= {200, 201, 204}
    if page == 'guide_keys':
        used = {json.loads(request.body)['secretKey'] for request in firefly.requests if request.method == 'POST'}
        assert used == {PAIR[1], PAIR_IN_HASHI_VAULT[1]}


@pytest.mark.parametrize('example', [example for example in RUN if example.language != 'yaml'], ids=str)
def test_console(firefly: FakeFirefly, tmp_path: Path, example: Example) -> None:
    run = run_console(tmp_path, example, firefly.url)
    assert run.status == 0, run.output
    assert list(leaks([*SECRETS, *firefly.tokens], [run.output])) == []
    if 'ansible-vault encrypt' in example.text:
        assert '$ANSIBLE_VAULT;' in run.output
    else:
        assert firefly.requests


def only(page: str, having: str) -> Example:
    (example,) = (item for item in RUN if item.page == page and having in item.text)
    return example


UNREACHABLE = {'FIREFLY_API_URL': 'http://127.0.0.1:9', 'FIREFLY_RETRIES': '0'}
WRONG = {'FIREFLY_SECRET_KEY': 'wrong'}
MISSPELT = {'FIREFLY_API_URL': 'htps://api.firefly.ai'}


@pytest.mark.parametrize(
    'page,having,environment,succeeds,says',
    [
        ('guide_preflight', 'No report today', UNREACHABLE, True, 'No report today: '),
        ('guide_preflight', 'No report today', MISSPELT, False, 'does not begin with https://'),
        ('guide_preflight', 'Going on without it', UNREACHABLE, True, 'Firefly cannot be reached (connect). Going on'),
        ('guide_preflight', 'Going on without it', WRONG, False, '401 Unauthorized'),
        ('guide_troubleshooting', 'rescue:', UNREACHABLE, True, 'connect: POST '),
        ('guide_troubleshooting', 'rescue:', WRONG, False, 'unauthorized: POST '),
    ],
)  # fmt: skip
def test_what_an_example_does_when_firefly_fails(
    firefly: FakeFirefly, tmp_path: Path, page: str, having: str, environment: dict[str, str], succeeds: bool, says: str
) -> None:
    run = run_playbooks(tmp_path, [only(page, having)], firefly.url, environment)
    assert (run.status == 0) == succeeds, run.output
    assert says in ' '.join(run.output.split())
    assert list(leaks(SECRETS, [run.output])) == []


class Recipe:
    """An example that is run several times against the same Firefly."""

    def __init__(self, firefly: FakeFirefly, folder: Path, name: str) -> None:
        (example,) = (item for item in RUN if item.name == name)
        self._firefly, self._folder, self._file = firefly, folder, example.file
        self._environment = prepare(folder, example.page, firefly.url)

    def run(self, *arguments: str) -> tuple[bool, int, list[str], str]:
        """Whether it succeeded, how many tasks changed something, the requests that were no search, and the output."""
        before = len(self._firefly.requests)
        command = ['ansible-playbook', *arguments, self._file]
        run = run_ansible(self._folder, command, environment=self._environment)
        assert list(leaks([*SECRETS, *self._firefly.tokens], [run.output])) == []
        new = [f'{request.method} {request.path}' for request in self._firefly.requests[before:]]
        writes = [each for each in new if not re.search(r'^GET|/login$|/search$|/insights$', each)]
        (changed,) = re.findall(r'changed=(\d+)', run.output)
        return run.status == 0, int(changed), writes, ' '.join(run.output.split())


@pytest.mark.parametrize('status', ['plan_error', {'description': 'apply_error'}])
def test_the_last_run_of_a_workspace(firefly: FakeFirefly, tmp_path: Path, status: Any) -> None:
    recipe = Recipe(firefly, tmp_path, 'check_last_run.yml')
    workspace = firefly.data['workspaces'][1]
    workspace['lastRunStatus'] = status
    said = status if isinstance(status, str) else status['description']
    succeeded, _changed, _writes, output = recipe.run()
    assert not succeeded
    assert f'The last run of name-2 ended with {said}.' in output
    for passes in ({'description': 'apply_success'}, None):
        workspace['lastRunStatus'] = passes
        if passes is None:
            del workspace['lastRunStatus']
        assert recipe.run()[0]


@pytest.mark.parametrize('name', ['check_last_run.yml', 'label_workspace.yml'])
def test_a_workspace_that_is_not_there(firefly: FakeFirefly, tmp_path: Path, name: str) -> None:
    del firefly.data['workspaces'][1]['workspaceName']
    succeeded, _changed, writes, output = Recipe(firefly, tmp_path, name).run()
    assert (succeeded, writes) == (False, [])
    assert 'There are 0 workspaces named name-2.' in output


def test_violated_policies(firefly: FakeFirefly, tmp_path: Path) -> None:
    recipe = Recipe(firefly, tmp_path, 'check_policies.yml')
    succeeded, changed, writes, output = recipe.run()
    assert (succeeded, changed, writes) == (True, 0, [])
    assert 'Policy 3, severity 3' in output
    firefly.data['governance/insights'] = [{'_id': f'policy-{number}'} for number in range(11)]
    firefly.page_limit = 4
    succeeded, changed, writes, output = recipe.run()
    assert (succeeded, changed, writes) == (False, 0, [])
    assert 'policy-10, severity not given' in output
    assert '11 policies are violated, 10 are accepted.' in output


def test_a_label_is_added_once(firefly: FakeFirefly, tmp_path: Path) -> None:
    recipe = Recipe(firefly, tmp_path, 'label_workspace.yml')
    assert recipe.run('--check')[:3] == (True, 1, [])
    assert recipe.run()[:3] == (True, 1, ['PUT /v2/workspaces/workspace-2/labels'])
    assert firefly.data['workspaces'][1]['labels'] == ['label-0', 'deployed-by-ansible']
    assert recipe.run()[:3] == (True, 0, [])


def test_a_project_is_made_changed_and_deleted(firefly: FakeFirefly, tmp_path: Path) -> None:
    firefly.page_limit = 2
    there, gone = Recipe(firefly, tmp_path, 'project.yml'), Recipe(firefly, tmp_path, 'no_project.yml')
    assert there.run('--check')[:3] == (True, 1, [])
    assert there.run()[:3] == (True, 1, ['POST /v2/runners/projects'])
    assert there.run()[:3] == (True, 0, [])
    project = firefly.data['runners/projects'][-1]
    project['description'] = 'Made by hand'
    path = f'/v2/runners/projects/{project["id"]}'
    assert there.run('--check')[:3] == (True, 1, [])
    assert there.run()[:3] == (True, 1, [f'PATCH {path}'])
    assert project['description'] == 'Made by Ansible'
    assert gone.run('--check')[:3] == (True, 1, [])
    firefly.fail(Fault(status=404, path=path))  # somebody else was faster
    assert gone.run()[:3] == (True, 0, [f'DELETE {path}'])
    assert gone.run()[:3] == (True, 1, [f'DELETE {path}'])
    assert gone.run()[:3] == (True, 0, [])


def test_a_project_whose_response_got_lost_is_not_made_twice(firefly: FakeFirefly, tmp_path: Path) -> None:
    recipe = Recipe(firefly, tmp_path, 'project.yml')
    firefly.fail(Fault(reset='headers', path='/v2/runners/projects'))
    succeeded, _changed, writes, output = recipe.run()
    assert (succeeded, writes) == (False, ['POST /v2/runners/projects'])
    assert '"changed": true' in output
    assert recipe.run()[0]
    assert sum(project['name'] == 'web' for project in firefly.data['runners/projects']) == 1


def test_a_new_pair_is_tried_again(firefly: FakeFirefly, tmp_path: Path) -> None:
    example = only('guide_tokens', 'Log in with a new key pair')
    environment = prepare(tmp_path, example.page, firefly.url)
    path = tmp_path / example.file
    path.write_text(path.read_text().replace('delay: 10', 'delay: 1'))
    firefly.keys.pop(PAIR[0])
    timer = threading.Timer(3, firefly.keys.update, (dict([PAIR]),))
    timer.start()
    run = run_ansible(tmp_path, ['ansible-playbook', example.file], environment=environment)
    timer.join()
    assert run.status == 0, run.output
    assert [request.status for request in firefly.requests][0] == 401
    assert len(firefly.tokens) == 1


# What is not run, and what has to be complete


def test_what_is_not_run_is_there() -> None:
    assert NOT_RUN.keys() <= {example.key for example in EXAMPLES}


def test_every_block_is_of_a_known_language() -> None:
    assert {example.language for example in EXAMPLES} <= {'yaml', 'console', 'shell'}


def test_what_is_not_run_is_yaml_at_least() -> None:
    for example in EXAMPLES:
        assert example.language != 'yaml' or example.content


def test_the_execution_environment_is_the_one_of_the_guide() -> None:
    (example,) = (example for example in EXAMPLES if example.name == 'execution-environment.yml')
    assert example.content == yaml.safe_load((ROOT / 'docs/examples/execution-environment.yml').read_text())


def test_every_code_has_its_section() -> None:
    text = (GUIDES / 'guide_troubleshooting.rst').read_text()
    assert re.findall(r'^(\w+)\n~+$', text, re.MULTILINE) == list(HINTS)
    assert text.count('\n.. firefly-hints\n') == 1


def test_every_guide_is_in_the_tables_of_contents() -> None:
    guides = sorted(path.stem for path in GUIDES.glob('*.rst'))
    sections = yaml.safe_load((ROOT / 'docs/docsite/extra-docs.yml').read_text())['sections']
    assert sorted(name for section in sections for name in section['toctree']) == guides
    assert sorted(re.findall(r'collection/docsite/(\w+)', (ROOT / 'docs/site/index.rst').read_text())) == guides
