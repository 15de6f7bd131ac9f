# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-core makes of options before they reach the collection: templates, omit, vaults, defaults and paths.

No message of a run repeats a value that an option was given.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.release import __version__ as core
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    KEY_FILES,
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import API, GROUP, HEALTH, LOGIN, LOOKUP, keys_of, lookup, run_ansible, run_tasks, task
from helpers.needles import leaks
from helpers.wrong_values import (
    KINDS,
    NEEDLE,
    REASONS,
    TEMPLATE_VARIABLES,
    TEMPLATES,
    Place,
    is_refusal,
    make_place,
    names,
    shows,
    without_url,
)

OMITTED = '{{ nope | default(omit) }}'
#: Makes every task and lookup log in.
NO_CACHE = {'FIREFLY_TOKEN_CACHE': 'false'}
#: Keeps a test that loses the address from asking Firefly itself.
NO_WAY_OUT = {'https_proxy': 'http://127.0.0.1:9', 'FIREFLY_RETRIES': '0'}
PAIR = ('access_key', 'secret_key')
HEADER = "'basic_authorization'"


class Unsafe(str):
    """Text that is not a template. In YAML it has the tag !unsafe."""


class Vaulted(str):
    """Text that Ansible Vault has encrypted. In YAML it has the tag !vault."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar('!unsafe', text, style='"'))
yaml.SafeDumper.add_representer(Vaulted, lambda dumper, text: dumper.represent_scalar('!vault', text, style='|'))


def variables(options: Mapping[str, str]) -> dict[str, str]:
    """The variables that give these options."""
    return {variable_name(name): value for name, value in options.items()}


def environment(options: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that give these options."""
    return {environment_names(name)[0]: value for name, value in options.items()}


def arguments(options: Mapping[str, str]) -> str:
    """The arguments that give these options to a lookup."""
    return ''.join(f", {name}='{value}'" for name, value in options.items())


def basic(access_key: str, secret_key: str) -> str:
    """The header of basic authentication."""
    return f'Basic {base64.b64encode(f"{access_key}:{secret_key}".encode()).decode()}'


def all_ok(tasks: list[dict[str, Any]]) -> dict[str, str]:
    """The outcomes of tasks that succeed."""
    return {task['register']: 'ok' for task in tasks if 'register' in task}


#: Secret keys that ansible-core takes for templates.
BRACES = ('open{{brace', 'a{{ closed }}brace', '{% statement', '{# comment')


class Pairs:
    """Key pairs that the Firefly accepts, each made from a word."""

    def __init__(self, firefly: FakeFirefly, folder: Path) -> None:
        self.keys = firefly.keys = {}
        self._folder = folder

    def pair(self, word: str, secret_key: str = '') -> dict[str, str]:
        """The options for a key pair."""
        self.keys[f'access-{word}'] = secret_key or f'secret-{word}'
        return {'access_key': f'access-{word}', 'secret_key': self.keys[f'access-{word}']}

    def files(self, word: str) -> dict[str, str]:
        """The options for files that hold a key pair. What is in a file is never a template."""
        for name, key in self.pair(word, f'secret-{word}{{{{').items():
            (self._folder / f'{word}.{name}').write_text(key)
        return {f'{name}_file': f'{word}.{name}' for name in PAIR}


def tasks_by_pair(pairs: Pairs) -> dict[str, list[dict[str, Any]]]:
    """Tasks by the key pair that they use. The run's environment has the key pair ``run`` and the files of another."""
    near, file, far = pairs.pair('near'), pairs.files('file'), pairs.pair('far')
    both = {**near, **pairs.files('other_file')}
    blank = dict(zip(PAIR, ['', ' '], strict=True))
    braces = [pairs.pair(f'braces-{number}', text) for number, text in enumerate(BRACES)]
    vault = VaultLib([('default', VaultSecret(b'vault-password'))])
    vaulted = {**pairs.pair('vaulted'), 'secret_key': Vaulted(vault.encrypt('secret-vaulted').decode())}
    omitted = dict.fromkeys([*PAIR, 'ca_path', 'timeout', 'min_ttl'], OMITTED)

    def indirect(pair: Mapping[str, str]) -> dict[str, str]:
        return {
            'firefly_access_key': '{{ a }}',
            'firefly_secret_key': '{{ b }}',
            **dict(zip('ab', pair.values(), strict=True)),
        }

    return {
        'run': [
            task('omitted_argument', LOGIN, omitted),
            task('omitted_default', LOGIN, module_defaults={GROUP: omitted}),
            task('omitted_variable', LOGIN, vars=variables({**omitted, 'api_url': OMITTED, 'validate_certs': OMITTED})),
            task('omitted_by_another_variable', LOGIN, vars=indirect(dict.fromkeys(PAIR, OMITTED))),
            task('omitted_environment', LOGIN, environment=environment({**omitted, 'api_url': OMITTED})),
            {'ansible.builtin.set_fact': {'held': [OMITTED, '']}},
            # before ansible-core 2.19 the list keeps the placeholder of omit
            task('omitted_in_a_list', LOGIN, vars={'firefly_access_key': '{{ held | first }}'}),
            lookup('lookup_omitted_argument', f'{HEADER}, access_key=nope | default(omit), secret_key=held | first'),
            lookup('lookup_omitted_variable', HEADER, vars=variables(omitted)),
        ],
        'near': [
            task('task_environment', LOGIN, environment=environment(both)),
            task('of_variable', LOGIN, vars=variables(both)),
            task('templated_variable', LOGIN, vars=indirect(near)),
            task('of_default', LOGIN, module_defaults={GROUP: both}, vars=variables(far)),
            task('of_argument', LOGIN, both, vars=variables(far), module_defaults={GROUP: far}),
            lookup('lookup_variable', HEADER, vars=variables(both)),
            lookup('lookup_argument', HEADER + arguments(both), vars=variables(far)),
        ],
        'file': [
            task('file_of_task_environment', LOGIN, environment=environment({**blank, **file})),
            task('file_of_variable', LOGIN, vars=variables(file), environment=environment(far)),
            lookup('lookup_file_of_variable', HEADER, vars=variables(file)),
        ],
        'vaulted': [
            task('vaulted_argument', LOGIN, vaulted),
            task('vaulted_template', LOGIN, {**vaulted, 'secret_key': '{{ b }}'}, vars={'b': vaulted['secret_key']}),
            task('vaulted_variable', LOGIN, vars=variables(vaulted)),
            task('vaulted_variable_of_a_variable', LOGIN, vars=indirect(vaulted)),
            lookup('lookup_vaulted_variable', HEADER, vars=variables(vaulted)),
        ],
        **{
            pair['access_key'].removeprefix('access-'): [
                task(f'unsafe_variable_{number}', LOGIN, vars={**variables(pair), 'firefly_secret_key': text}),
                lookup(f'lookup_unsafe_{number}', HEADER, vars={**variables(pair), 'firefly_secret_key': text}),
                task(f'unsafe_argument_{number}', LOGIN, {**pair, 'secret_key': text}),
            ]
            for number, (pair, text) in enumerate(zip(braces, map(Unsafe, BRACES), strict=True))
        },
    }


def test_the_key_pair_comes_from_the_nearest_source(firefly: FakeFirefly, tmp_path: Path) -> None:
    pairs = Pairs(firefly, tmp_path)
    of_run = {**pairs.files('run_file'), **pairs.pair('run', 'secret-run{{')}
    groups = tasks_by_pair(pairs)
    (tmp_path / 'password').write_text('vault-password')
    done = run_tasks(
        tmp_path,
        # loads the client once, in the parent of all workers
        [task('health', HEALTH, {'ca_path': OMITTED}, vars=variables({'timeout': OMITTED})), *sum(groups.values(), [])],
        environment={**environment({**of_run, 'api_url': firefly.url}), **NO_CACHE, **NO_WAY_OUT},
        arguments=['--vault-password-file', 'password'],
    )
    assert done['health']['healthy']
    expected = {each['register']: word for word, group in groups.items() for each in group if 'register' in each}
    assert {name: code for name, code in done.outcomes().items() if code != 'ok'} == {}, done.output
    logins = [json.loads(each.body)['accessKey'] for each in firefly.requests if each.path == '/v2/login']
    headers = {basic(*pair): pair[0] for pair in pairs.keys.items()}
    used = {name: headers[done.value(name)] if name.startswith('lookup_') else logins.pop(0) for name in expected}
    assert used == {name: f'access-{word}' for name, word in expected.items()}
    assert logins == []


FILES = {
    'ca_path': 'ca.pem',
    'client_cert': 'cert.pem',
    'client_key': 'key.pem',
    'access_key_file': 'access.key',
    'secret_key_file': 'secret.key',
}
FILES_OF_SHELL = {option: f'shell-{name}' for option, name in FILES.items()}


def test_where_relative_paths_are(tmp_path: Path) -> None:
    playbook, shell, role = tmp_path / 'playbook', tmp_path / 'shell', tmp_path / 'playbook/roles/checks'
    for folder in (shell, role / 'tasks', role / 'files'):
        folder.mkdir(parents=True)
    for folder in (shell, role, role / 'tasks', role / 'files'):
        for name in FILES.values():
            (folder / name).write_text('not the right file')
    for name in FILES_OF_SHELL.values():
        (playbook / name).write_text('not the right file')
    in_role = [
        task('argument_in_role', LOGIN, FILES),
        lookup('lookup_argument_in_role', f"'login'{arguments(FILES)}"),
        {'ansible.builtin.assert': {'that': ['argument_in_role is success', 'lookup_argument_in_role is success']}},
    ]
    (role / 'tasks/main.yml').write_text(yaml.safe_dump(in_role))
    with FakeFirefly(client_ca=True) as firefly:
        for folder, names in ((playbook, FILES), (shell, FILES_OF_SHELL)):
            for option in ('ca_path', 'client_cert', 'client_key'):
                shutil.copy(getattr(firefly, option), folder / names[option])
            (folder / names['access_key_file']).write_text(firefly.access_key)
            (folder / names['secret_key_file']).write_text(firefly.secret_key)
        of_core = {name: FILES[name] for name in ('ca_path', 'client_cert', 'client_key')}
        of_core |= {'url': f'{firefly.url}/v2/health', 'status_code': '204'}
        tasks = [
            task('ansible_core', 'ansible.builtin.uri', of_core),
            task('run_environment', LOGIN),
            task('argument_with_dots', LOGIN, {name: f'../playbook/./{path}' for name, path in FILES.items()}),
            task('of_default', LOGIN, module_defaults={GROUP: FILES}),
            task('of_variable', LOGIN, vars=variables(FILES)),
            lookup('lookup_environment', "'expires_at'"),
            lookup('lookup_argument', f"'expires_at'{arguments(FILES)}"),
            lookup('lookup_variable', "'expires_at'", vars=variables(FILES)),
            {'ansible.builtin.include_role': {'name': 'checks'}},
        ]
        of_run = {**environment({**FILES_OF_SHELL, 'api_url': firefly.url}), **NO_CACHE}
        done = run_tasks(playbook, tasks, environment=of_run, shell=shell)
    assert done.outcomes() == all_ok(tasks), done.output
    assert done.status == 0, done.output


def test_ansible_doc_shows_the_options_of_the_lookup_and_ansible_config_no_key(
    firefly: FakeFirefly, tmp_path: Path
) -> None:
    documentation = run_ansible(tmp_path, ['ansible-doc', '-t', 'lookup', LOOKUP])
    assert 'secret_key_file' in documentation.output
    dump = run_ansible(tmp_path, ['ansible-config', 'dump', '-t', 'lookup', LOOKUP], environment=keys_of(firefly))
    assert dump.status == 0
    assert list(leaks([firefly.secret_key], [dump.output])) == []


@pytest.mark.parametrize('environment', [{'A=B': 'x'}, {'': 'x'}, {'A': 'HUNTER2\0'}], ids=repr)
def test_an_environment_that_cannot_be(firefly: FakeFirefly, tmp_path: Path, environment: dict[str, str]) -> None:
    options = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
    tasks = [task('login', LOGIN, options, environment=environment), task('after', LOGIN, options)]
    run = run_tasks(tmp_path, tasks)
    assert run.outcomes() == {'login': 'invalid_option', 'after': 'ok'}, run.output
    assert 'environment of the task' in run['login']['msg']
    assert 'HUNTER2' not in run['login']['msg']


def test_what_is_omitted_in_a_body_and_a_query_is_not_sent(firefly: FakeFirefly, tmp_path: Path) -> None:
    body = {'name': 'x', 'labels': ['a', '{{ omit }}'], 'description': '{{ omit }}'}
    query = {'pageSize': [1, '{{ omit }}'], 'offset': '{{ omit }}'}
    tasks = [
        task('created', API, {'path': 'runners/projects', 'method': 'POST', 'body': body}),
        task('listed', API, {'path': 'runners/projects/list', 'query': query}),
    ]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert run.outcomes() == {'created': 'ok', 'listed': 'ok'}, run.output
    created, listed = firefly.requests[-2:]
    assert json.loads(created.body) == {'name': 'x', 'labels': ['a']}
    assert listed.query == 'pageSize=1'


COUNTING_LOOKUP = """
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **options):
        with open(terms[0], 'a') as file:
            file.write('asked\\n')
        return [terms[1]]
"""


@pytest.mark.parametrize('module', [LOGIN, HEALTH, API])
def test_a_key_behind_a_lookup_is_asked_for_once_for_each_item(
    firefly: FakeFirefly, tmp_path: Path, module: str
) -> None:
    (tmp_path / 'lookup_plugins').mkdir()
    (tmp_path / 'lookup_plugins/counting.py').write_text(COUNTING_LOOKUP)
    counts = {name: tmp_path / f'{name}.txt' for name in ('access_key', 'secret_key')}
    keys = {
        f'firefly_{name}': f"{{{{ lookup('counting', '{path}', '{firefly.options[name]}') }}}}"
        for name, path in counts.items()
    }
    options = {'api_url': firefly.url, **({'path': 'runners/projects/list'} if module == API else {})}
    run = run_tasks(tmp_path, [task('each', module, options, loop=[1, 2, 3])], play={'vars': keys})
    assert run.outcomes() == {'each': 'ok'}, run.output
    assert {name: path.read_text().count('asked') for name, path in counts.items()} == dict.fromkeys(counts, 3)


def test_lookups_in_loops(firefly: FakeFirefly, tmp_path: Path) -> None:
    show = {'ansible.builtin.debug': {'msg': '{{ item }}'}}
    tasks = [
        {**show, f'with_{LOOKUP}': ['expires_at', 'health'], 'register': 'with_two_terms'},
        {**show, 'loop': f"{{{{ query('{LOOKUP}', 'expires_at', 'health') }}}}", 'register': 'loop'},
        {**show, f'with_{LOOKUP}': 'expires_at', 'register': 'with_one_term'},
        {**show, f'with_{LOOKUP}': ['expires_at', OMITTED], 'register': 'with_an_omitted_term'},
        task('login', LOGIN, {'min_ttl': '{{ item }}'}, loop=[1, 2]),
        lookup('omitted_term', 'nope | default(omit)'),
    ]
    done = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert done.status == 0, done.output
    expires_at = done['login']['results'][0]['expires_at']
    for name in ('with_two_terms', 'loop'):
        first, second = (result['item'] for result in done[name]['results'])
        assert first == expires_at
        assert second['healthy']
    for name in ('with_one_term', 'with_an_omitted_term'):
        assert [result['item'] for result in done[name]['results']] == [expires_at]
    assert [done.value('omitted_term')] == firefly.tokens


WORDS = 'tokens, headers and keys stay readable'
HOLDING = 's-of-a-token-that-holds-it'
HOLDS_IT = f'eyJ0.{HOLDING}.{base64.urlsafe_b64encode(HOLDING.encode()).decode()}'


def test_a_token_is_registered_as_the_server_sent_it(tmp_path: Path) -> None:
    """A secret key that is a part of the token, or looks like ansible-core's mask, changes nothing."""
    tasks: list[dict[str, Any]] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(FakeFirefly(keys={'a': key})) for key in ('e', 'token', '********', HOLDING)]
        servers[-1].fail(Fault(replace={'accessToken': HOLDS_IT}))
        for number, firefly in enumerate(servers):
            given = {'vars': variables(firefly.options)}
            tasks += [
                task(f'login_{number}', LOGIN, **given),
                task(f'reused_{number}', LOGIN, **given),
                lookup(f'authorization_{number}', "'authorization'", **given),
                lookup(f'pair_{number}', HEADER, **given),
                {'ansible.builtin.debug': {'msg': WORDS}},
            ]
        done = run_tasks(tmp_path, tasks, arguments=['-v'])
    assert done.outcomes() == all_ok(tasks), done.output
    assert done.output.count(f'"msg": "{WORDS}"') == len(servers)
    for number, firefly in enumerate(servers):
        token = HOLDS_IT if firefly.secret_key == HOLDING else firefly.tokens[0]
        for name in (f'login_{number}', f'reused_{number}'):
            for result in (done[name], done[name]['ansible_facts']['firefly_login']):
                assert (result['access_token'], result['authorization']) == (token, f'Bearer {token}')
        assert done.value(f'authorization_{number}') == f'Bearer {token}'
        assert done.value(f'pair_{number}') == basic('a', firefly.secret_key)
        assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.skipif(tuple(map(int, core.split('.')[:2])) < (2, 22), reason='ansible-core masks secrets from 2.22 on')
def test_ansible_core_masks_the_pair_without_its_scheme_too(firefly: FakeFirefly, tmp_path: Path) -> None:
    pair = f"lookup('{LOOKUP}', {HEADER})"
    tasks = [
        {'ansible.builtin.debug': {'msg': f"left {{{{ {pair} | regex_replace('^Basic ', '') }}}} right"}},
        {'ansible.builtin.debug': {'msg': f'left {{{{ {pair} }}}} right'}},
        {'ansible.builtin.debug': {'msg': f"{{{{ lookup('{LOOKUP}', 'token') }}}} {{{{ {pair} | split | last }}}}"}},
    ]
    done = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert done.status == 0, done.output
    assert basic(firefly.access_key, firefly.secret_key).split()[1] not in done.output
    assert firefly.tokens[0] not in done.output
    assert 'left $REDACTED$ right' in done.output


# every option and every kind of value is tried in test_messages.py
ONE_OF_EACH_TYPE = {(row.type, row.fallback): name for name, row in reversed(OPTIONS.items())}.values()
TRIED = sorted({*ONE_OF_EACH_TYPE, 'secret_key', 'api_url', 'client_key'})
SOME = ['text', 'lines', 'list', 'dict', 'number', 'template']
SOME_OF_A_PATH = ['PEM text', 'relative path', 'home folder', 'home folder with NUL', 'list', 'template']


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A playbook's folder, with the variable ``given``, which has the wrong values by their kind."""
    given = {kind: value for kind, value in KINDS.items() if not isinstance(value, bytes)}
    given['template'] = Unsafe(given['template'])
    # not in the playbook: ansible-core shows the lines of a task that fails
    (tmp_path / 'given.yml').write_text(yaml.safe_dump({'given': given}))
    yield from make_place(tmp_path)


def kinds_of(option: str, source: str) -> list[str]:
    kinds = SOME_OF_A_PATH if OPTIONS[option].type == 'path' else SOME
    return [kind for kind in kinds if source != 'environment' or '\0' not in str(KINDS[kind])]


def from_source(option: str, source: str, value: str) -> dict[str, Any]:
    """The keywords of a task for which the source gives the value, a Jinja expression."""
    given = {option: f'{{{{ {value} }}}}'}
    if source == 'variable':
        return {'vars': variables(given)}
    keys = {key: '' for key, file in KEY_FILES.items() if file == option}
    return {'environment': environment({**keys, **given})} if source == 'environment' else {}


def tasks_of_modules() -> Iterator[dict[str, Any]]:
    """Options in a loop and, since one hidden item hides the others, alone."""
    for option in TRIED:
        module = LOGIN if option in SHARED_OPTIONS else HEALTH if option.startswith('wait') else API
        needed = {API: {'path': 'workspaces'}}.get(module, {})
        if option == 'client_key':
            needed = {'client_cert': 'client.pem'}
        for source in ('argument', 'variable', 'environment') if OPTIONS[option].fallback else ('argument',):
            kinds = kinds_of(option, source)
            for name, value, more in (('loop', 'given[item]', {'loop': kinds}), ('alone', f"given['{kinds[0]}']", {})):
                options = {**needed, **({option: f'{{{{ {value} }}}}'} if source == 'argument' else {})}
                keywords = from_source(option, source, value)
                yield task(f'{option}_by_{source}_{name}', module, options, **keywords, **more)
    yield task('retrys_by_argument', LOGIN, {'retrys': "{{ given['text'] }}"})


def tasks_of_the_lookup() -> Iterator[dict[str, Any]]:
    """Options one by one: before ansible-core 2.19 a loop ends where a lookup fails."""
    for option in sorted({*TRIED} & {*SHARED_OPTIONS}):
        value = f"given['{kinds_of(option, 'argument')[0]}']"
        yield lookup(f'{option}_by_argument_of_the_lookup', f"'token', {option}={value}")
        yield lookup(f'{option}_by_variable_of_the_lookup', "'token'", **from_source(option, 'variable', value))
    yield lookup('retrys_by_argument_of_the_lookup', "'token', retrys=given['text']")
    for kind in SOME:
        yield lookup(f'term_{kind}', f"given['{kind}']")


def test_no_message_repeats_a_value(place: Place) -> None:
    tasks = [*tasks_of_modules(), *tasks_of_the_lookup()]
    run = run_tasks(place.folder, tasks, arguments=['-e', '@given.yml'], environment=place.environment)
    assert run.status == 0, run.output
    assert [line for line in without_url('path', run.output).splitlines() if shows(line)] == []
    for each in tasks:
        name = each['register']
        option = name.partition('_by_')[0]
        results = run[name]['results'] if 'loop' in each else [run[name]]
        assert len(results) == len(each.get('loop', [1])), name
        for result in results:
            assert not shows(without_url(option, json.dumps(result))), name
            if is_refusal(result.get('msg', '')) and '_by_' in name:
                assert names(result['msg'], option), name


def kind_of(host: str) -> str:
    return host.rpartition('-')[2].replace('_', ' ')


def test_a_variable_that_cannot_be_templated(place: Place) -> None:
    (place.folder / 'host_vars').mkdir()
    kinds = ('syntax', 'undefined', 'lookup', 'missing lookup', 'lookup of another variable')
    broken = {f'{option}-{kind}'.replace(' ', '_'): option for option in ('secret_key', 'api_url') for kind in kinds}
    vault = VaultLib([('default', VaultSecret(b'vault-password'))])
    vaulted = Vaulted(vault.encrypt(NEEDLE).decode())
    broken |= {'secret_key-vault': 'secret_key', 'secret_key-vault_of_another': 'secret_key'}
    values = {**TEMPLATES, 'vault': vaulted, 'vault of another': '{{ other }}'}
    undecryptable = dict.fromkeys(['vault', 'vault of another'], 'the vault password is missing or wrong.')
    reasons = {**REASONS, **undecryptable}
    for host, option in broken.items():
        given = {**variables({option: values[kind_of(host)]}), 'other': vaulted, **TEMPLATE_VARIABLES}
        (place.folder / 'host_vars' / f'{host}.yml').write_text(yaml.safe_dump(given))
    tasks = [task('login', LOGIN), task('health', HEALTH), lookup('lookup', "'token'")]
    run = run_tasks(place.folder, tasks, hosts=broken, environment=place.environment)
    assert run.status == 0, run.output
    assert [line for line in run.output.splitlines() if shows(line)] == []
    for host, option in broken.items():
        assert not shows(json.dumps(run.registered[host]))
        for edge in ('login', 'lookup', *(['health'] if option == 'api_url' else [])):
            message = run.registered[host][edge]['msg']
            assert re.search(f'variable {variable_name(option)} cannot be (templated|decrypted)', message)
            assert reasons[kind_of(host)] in message
            if edge != 'lookup':
                assert run.registered[host][edge]['failure']['code'] == 'invalid_option'
