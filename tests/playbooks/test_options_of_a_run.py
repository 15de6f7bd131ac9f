# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-core makes of options before they reach the collection: templates, omit, vaults, defaults and paths."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.release import __version__ as core
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import GROUP, HEALTH, LOGIN, LOOKUP, keys_of, lookup, run_tasks, task

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


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar('!unsafe', text))
yaml.SafeDumper.add_representer(Vaulted, lambda dumper, text: dumper.represent_scalar('!vault', text, style='|'))


def variables(options: Mapping[str, str]) -> dict[str, str]:
    """The variables that give these options."""
    return {f'firefly_{name}': value for name, value in options.items()}


def environment(options: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that give these options."""
    return {f'FIREFLY_{name.upper()}': value for name, value in options.items()}


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
        """The options for a pair."""
        self.keys[f'access-{word}'] = secret_key or f'secret-{word}'
        return {'access_key': f'access-{word}', 'secret_key': self.keys[f'access-{word}']}

    def files(self, word: str, where: str = '') -> dict[str, str]:
        """The options for files that hold a pair. What is in a file is never a template."""
        for name, key in self.pair(word, f'secret-{word}{{{{').items():
            (self._folder / f'{word}.{name}').write_text(f' {key}\r\n\n')
        return {f'{name}_file': f'{where}{word}.{name}' for name in PAIR}


def tasks_by_pair(pairs: Pairs) -> dict[str, list[dict[str, Any]]]:
    """Tasks by the pair that they use. The run's environment has the pair ``run`` and the files of another."""
    near, file, far = pairs.pair('near'), pairs.files('file'), pairs.pair('far')
    spaced = {name: f' \t{key}\r\n' for name, key in near.items()}
    both = {**spaced, **pairs.files('other_file')}
    far_files = pairs.files('far_file')
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
            task('run_environment', LOGIN),
            task('blank_variable', LOGIN, vars=variables({**blank, 'ca_path': '', 'retries': ' '})),
            task('omitted_argument', LOGIN, omitted),
            task('omitted_default', LOGIN, module_defaults={GROUP: omitted}),
            task('omitted_variable', LOGIN, vars=variables({**omitted, 'api_url': OMITTED, 'validate_certs': OMITTED})),
            task('omitted_by_another_variable', LOGIN, vars=indirect(dict.fromkeys(PAIR, OMITTED))),
            task('omitted_environment', LOGIN, environment=environment({**omitted, 'api_url': OMITTED})),
            {'ansible.builtin.set_fact': {'held': [OMITTED, '']}},
            # before ansible-core 2.19 the list keeps the placeholder of omit
            task('omitted_in_a_list', LOGIN, vars={'firefly_access_key': '{{ held | first }}'}),
            lookup('lookup_environment', HEADER),
            lookup('lookup_omitted_argument', f'{HEADER}, access_key=nope | default(omit), secret_key=held | first'),
            lookup('lookup_omitted_variable', HEADER, vars=variables(omitted)),
            lookup('lookup_omitted_in_a_list', HEADER, vars={'firefly_access_key': '{{ held | first }}'}),
        ],
        'near': [
            task('task_environment', LOGIN, environment=environment(both)),
            task('of_variable', LOGIN, vars=variables(both)),
            task('variable_before_files', LOGIN, vars=variables(near), environment=environment(far_files)),
            task('templated_variable', LOGIN, vars=indirect(near)),
            task('of_default', LOGIN, module_defaults={GROUP: both}, vars=variables(far)),
            task('default_before_files', LOGIN, module_defaults={GROUP: near}, vars=variables(far_files)),
            task('of_argument', LOGIN, both, vars=variables(far), module_defaults={GROUP: far}),
            task('argument_before_files', LOGIN, near, vars=variables(far_files)),
            lookup('lookup_variable', HEADER, vars=variables(both)),
            lookup('lookup_argument', HEADER + arguments({**near, **far_files}), vars=variables(far)),
            lookup('lookup_argument_before_files', HEADER + arguments(near), vars=variables(far_files)),
            lookup('lookup_spaced', f'{HEADER}, access_key=a, secret_key=b', vars=indirect(spaced)),
        ],
        'file': [
            task('file_of_task_environment', LOGIN, environment=environment({**blank, **pairs.files('file', '~/')})),
            task('file_of_variable', LOGIN, vars=variables(file), environment=environment(far)),
            task('file_of_default', LOGIN, module_defaults={GROUP: file}, vars=variables(far)),
            task('file_of_argument', LOGIN, file, vars=variables(far)),
            task('file_beside_a_blank_argument', LOGIN, {**blank, **pairs.files('file', '~/')}, vars=variables(far)),
            lookup('lookup_file_of_variable', HEADER, vars=variables(file)),
            lookup('lookup_file_of_argument', HEADER + arguments(file), vars=variables(far)),
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
        environment={
            **environment({name: f' \t{value}\r\n' for name, value in of_run.items()}),
            **NO_CACHE,
            **NO_WAY_OUT,
            'FIREFLY_API_URL': f' {firefly.url}\n',
            'FIREFLY_CLIENT_CERT': '',
            'FIREFLY_MIN_TTL': '',
        },
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


def write_files(folder: Path, firefly: FakeFirefly, names: Mapping[str, str]) -> None:
    """Write the files that the options name."""
    for option in ('ca_path', 'client_cert', 'client_key'):
        shutil.copy(getattr(firefly, option), folder / names[option])
    (folder / names['access_key_file']).write_text(firefly.access_key)
    (folder / names['secret_key_file']).write_text(firefly.secret_key)


def test_where_relative_paths_are(tmp_path: Path) -> None:
    playbook, shell, role = tmp_path / 'playbook', tmp_path / 'shell', tmp_path / 'playbook/roles/checks'
    for folder in (shell, role / 'tasks', role / 'files'):
        folder.mkdir(parents=True)
    for folder in (shell, role, role / 'tasks', role / 'files'):
        for name in FILES.values():
            (folder / name).write_text('not the right file')
    for name in FILES_OF_SHELL.values():
        (playbook / name).write_text('not the right file')
    other_ca = str(tmp_path / 'other.pem')
    trustme.CA().cert_pem.write_to_path(other_ca)
    in_role = [
        task('argument_in_role', LOGIN, FILES),
        lookup('lookup_argument_in_role', f"'login'{arguments(FILES)}"),
        {'ansible.builtin.assert': {'that': ['argument_in_role is success', 'lookup_argument_in_role is success']}},
    ]
    (role / 'tasks/main.yml').write_text(yaml.safe_dump(in_role))
    no_ca = {'FIREFLY_CA_PATH': ' '}
    with FakeFirefly(client_ca=True) as firefly:
        write_files(playbook, firefly, FILES)
        write_files(shell, firefly, FILES_OF_SHELL)
        of_core = {name: FILES[name] for name in ('ca_path', 'client_cert', 'client_key')}
        of_core |= {'url': f'{firefly.url}/v2/health', 'status_code': '204'}
        right = [
            task('ansible_core', 'ansible.builtin.uri', of_core),
            task('environment_of_health', HEALTH),
            task('argument_of_health', HEALTH, FILES),
            task('run_environment', LOGIN),
            task('of_argument', LOGIN, FILES),
            task('argument_with_dots', LOGIN, {name: f'../playbook/./{path}' for name, path in FILES.items()}),
            task('of_default', LOGIN, module_defaults={GROUP: FILES}),
            task('of_variable', LOGIN, vars=variables(FILES)),
            lookup('lookup_environment', "'expires_at'"),
            lookup('lookup_argument', f"'expires_at'{arguments(FILES)}"),
            lookup('lookup_variable', "'expires_at'", vars=variables(FILES)),
            lookup('lookup_health', "'health'", vars=variables(FILES)),
            {'ansible.builtin.include_role': {'name': 'checks'}},
            task('other_bundle', LOGIN, environment={**no_ca, 'REQUESTS_CA_BUNDLE': firefly.ca_path}),
            task('second_bundle', LOGIN, environment={**no_ca, 'REQUESTS_CA_BUNDLE': ''}),
        ]
        wrong = [
            task('first_bundle', LOGIN, environment=no_ca),
            task('missing_argument', LOGIN, {'secret_key_file': 'HUNTER2'}),
            task('missing_environment', LOGIN, environment={'FIREFLY_SECRET_KEY_FILE': 'HUNTER2'}),
            lookup('lookup_missing_variable', "'expires_at'", vars={'firefly_secret_key_file': 'HUNTER2'}),
        ]
        done = run_tasks(
            playbook,
            [*right, *wrong],
            environment={
                **environment(FILES_OF_SHELL),
                **NO_CACHE,
                'FIREFLY_API_URL': firefly.url,
                'REQUESTS_CA_BUNDLE': other_ca,
                'SSL_CERT_FILE': str(firefly.ca_path),
            },
            shell=shell,
        )
    codes = dict(zip([each['register'] for each in wrong], ['tls', *['invalid_option'] * 2, 'failed'], strict=True))
    assert done.outcomes() == {**all_ok(right), **codes}, done.output
    assert done.status == 0, done.output
    assert done.value('lookup_health')['healthy']
    for name, folder in (
        ('missing_argument', playbook),
        ('missing_environment', shell),
        ('lookup_missing_variable', playbook),
    ):
        message = ' '.join(done[name]['msg'].split())
        assert f' secret_key_file was not found in {folder}.' in message
        assert 'HUNTER2' not in message


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


def test_a_token_is_registered_as_the_server_sent_it(tmp_path: Path) -> None:
    """A secret key that is a part of the token, or looks like ansible-core's mask, changes nothing."""
    tasks: list[dict[str, Any]] = []
    holding = f'eyJ0.{HOLDING}.{base64.urlsafe_b64encode(HOLDING.encode()).decode()}'
    with ExitStack() as stack:
        servers = [
            stack.enter_context(FakeFirefly(keys={'a': key})) for key in ('e', 'token', '********', HOLDING, 'b')
        ]
        servers[3].fail(Fault(replace={'accessToken': holding}), times=None)
        servers[4].fail(Fault(replace={'accessToken': 'HUNTER2.********.HUNTER2'}), times=None)
        for number, firefly in enumerate(servers):
            options = {'api_url': firefly.url, 'access_key': 'a', 'secret_key': firefly.secret_key}
            keys = {'vars': variables(options)}
            tasks += [
                task(f'login_{number}', LOGIN, **keys),
                task(f'reused_{number}', LOGIN, **keys),
                lookup(f'token_{number}', "'token'", **keys),
                lookup(f'authorization_{number}', "'authorization'", **keys),
                lookup(f'pair_{number}', HEADER, **keys),
                {'ansible.builtin.debug': {'msg': WORDS}},
            ]
        done = run_tasks(tmp_path, tasks, arguments=['-v'])
    # RFC 6750 has no token with asterisks
    refused = {'login_4': 'invalid_response', 'reused_4': 'invalid_response'}
    refused |= {'token_4': 'failed', 'authorization_4': 'failed'}
    assert done.outcomes() == {**all_ok(tasks), **refused}, done.output
    assert 'HUNTER2' not in done.output
    assert done.output.count(f'"msg": "{WORDS}"') == len(servers)
    for number, firefly in enumerate(servers[:4]):
        token = holding if number == 3 else firefly.tokens[0]
        for name in (f'login_{number}', f'reused_{number}'):
            for result in (done[name], done[name]['ansible_facts']['firefly_login']):
                assert (result['access_token'], result['authorization']) == (token, f'Bearer {token}')
        assert done.value(f'token_{number}') == token
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
