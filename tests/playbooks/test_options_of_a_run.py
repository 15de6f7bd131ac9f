# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where options come from in whole runs: for the actions and the lookup, on this ansible-core."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible.release import __version__ as core
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, keys_of, run_tasks

LOGIN = 'firefly.platform.firefly_login'
HEALTH = 'firefly.platform.firefly_health'
LOOKUP = 'firefly.platform.firefly'
GROUP = 'group/firefly.platform.firefly'

OMITTED = '{{ nope | default(omit) }}'
#: So that every task and lookup sends a login.
ANEW = {'FIREFLY_TOKEN_CACHE': 'false'}
#: So that no test reaches Firefly itself where the address gets lost.
NO_WAY_OUT = {'https_proxy': 'http://127.0.0.1:9', 'FIREFLY_RETRIES': '0'}


class Unsafe(str):
    """Text that is no template; it is written to YAML with the tag !unsafe."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar('!unsafe', text))


def login(name: str, options: Mapping[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A task that logs in, and registers how it went under this name."""
    return {LOGIN: dict(options or {}), 'register': name, 'ignore_errors': True, **keywords}


def health(name: str, options: Mapping[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A task that asks for the health, and registers how it went under this name."""
    return {HEALTH: dict(options or {}), 'register': name, 'ignore_errors': True, **keywords}


def lookup(name: str, arguments: str, **keywords: Any) -> dict[str, Any]:
    """A task that uses the lookup, and registers how it went under this name."""
    expression = f"{{{{ lookup('{LOOKUP}', {arguments}) }}}}"
    return {'ansible.builtin.set_fact': {'got': expression}, 'register': name, 'ignore_errors': True, **keywords}


def variables_of(options: Mapping[str, str]) -> dict[str, str]:
    """The variables that give these options."""
    return {f'firefly_{name}': value for name, value in options.items()}


def environment_of(options: Mapping[str, str]) -> dict[str, str]:
    """The environment that gives these options."""
    return {f'FIREFLY_{name.upper()}': value for name, value in options.items()}


def arguments_of(options: Mapping[str, str]) -> str:
    """The arguments that give these options to the lookup."""
    return ', '.join(f"{name}='{value}'" for name, value in options.items())


def outcomes(run: Run) -> dict[str, str]:
    """By registered name `ok`, the code of the failure, or for a lookup `failed`."""
    assert run.registered, run.output
    return {
        name: values['failure']['code'] if 'failure' in values else 'failed' if values.get('failed') else 'ok'
        for name, values in run.registered['host1'].items()
        if name != 'ansible_facts'
    }


def message(run: Run, name: str) -> str:
    """Why the task failed that registered this name."""
    return ' '.join(run.registered['host1'][name]['msg'].split())


def found(run: Run, name: str) -> Any:
    """What the lookup gave."""
    return run.registered['host1'][name]['ansible_facts']['got']


def access_keys(firefly: FakeFirefly) -> list[str]:
    """The access key of each login, in order."""
    logins = [request for request in firefly.requests if request.path == '/v2/login']
    return [json.loads(request.body)['accessKey'] for request in logins]


def basic(access_key: str, secret_key: str | bytes) -> str:
    """The header of basic authentication."""
    secret = secret_key if isinstance(secret_key, bytes) else secret_key.encode()
    return f'Basic {base64.b64encode(access_key.encode() + b":" + secret).decode()}'


def test_omit_is_unset_from_every_source(firefly: FakeFirefly, tmp_path: Path) -> None:
    with_omit = {'access_key': OMITTED, 'ca_path': OMITTED, 'timeout': OMITTED, 'min_ttl': OMITTED}
    variables = {f'firefly_{name}': OMITTED for name in (*with_omit, 'api_url', 'validate_certs')}
    omitted = ', '.join(f'{name}=nope | default(omit)' for name in with_omit)
    tasks = [
        login('argument', with_omit),
        login('defaults', module_defaults={GROUP: with_omit}),
        login('variable', vars=variables),
        login('variable_of_a_variable', vars={'firefly_access_key': '{{ other }}', 'other': OMITTED}),
        lookup('in_lookup', f"'expires_at', {omitted}"),
        lookup('term', 'nope | default(omit)'),
        lookup('one_of_the_terms', "'expires_at', nope | default(omit)"),
        lookup('variable_of_lookup', "'expires_at'", vars=variables),
        health('argument_of_health', {'ca_path': OMITTED, 'timeout': OMITTED, 'wait_timeout': OMITTED}),
        health('variable_of_health', vars=variables),
    ]
    run = run_tasks(tmp_path, tasks, environment={**keys_of(firefly), **ANEW, **NO_WAY_OUT})
    assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
    assert access_keys(firefly) == [firefly.access_key] * 8
    assert found(run, 'term') in firefly.tokens
    assert int(found(run, 'one_of_the_terms'))


def test_omit_in_the_environment_of_a_task_is_unset(firefly: FakeFirefly, tmp_path: Path) -> None:
    names = ('FIREFLY_ACCESS_KEY', 'FIREFLY_SECRET_KEY', 'FIREFLY_CA_PATH', 'FIREFLY_TIMEOUT', 'FIREFLY_API_URL')
    with_omit = dict.fromkeys(names, OMITTED)
    tasks = [login('keys', environment=with_omit), health('asked', environment=with_omit)]
    run = run_tasks(tmp_path, tasks, environment={**keys_of(firefly), **ANEW, **NO_WAY_OUT})
    assert outcomes(run) == {'keys': 'ok', 'asked': 'ok'}, run.output
    assert access_keys(firefly) == [firefly.access_key]


def test_omit_in_set_fact_is_unset(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [
        {'ansible.builtin.set_fact': {'firefly_access_key': OMITTED, 'held': [OMITTED, '']}},
        login('direct'),
        # before ansible-core 2.19 the list keeps what omit gives
        login('held_by_a_list', vars={'firefly_access_key': '{{ held | first }}'}),
        lookup('in_lookup', "'expires_at'"),
        lookup('held_by_a_list_in_lookup', "'expires_at', access_key=held | first"),
    ]
    run = run_tasks(tmp_path, tasks, environment={**keys_of(firefly), **ANEW, **NO_WAY_OUT})
    assert outcomes(run) == {task['register']: 'ok' for task in tasks[1:]}, run.output
    assert access_keys(firefly) == [firefly.access_key] * 4


#: Secret keys that ansible-core takes for templates.
BRACES = ['HUNTER2{{SAXIFRAGE', 'HUNTER2{{ SAXIFRAGE }}TORMENTIL', '{% HUNTER2 SAXIFRAGE', '{# HUNTER2 SAXIFRAGE']


@pytest.mark.parametrize('secret_key', BRACES, ids=['open', 'closed', 'statement', 'comment'])
def test_a_key_that_looks_like_a_template_is_refused_by_its_name(
    firefly: FakeFirefly, tmp_path: Path, secret_key: str
) -> None:
    (tmp_path / 'extra.json').write_text(json.dumps({'firefly_secret_key': secret_key}))
    tasks = [login('action'), lookup('token', "'token'"), lookup('pair', "'basic_authorization'"), health('asked')]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly), arguments=['-v', '-e', '@extra.json'])
    assert outcomes(run) == {'action': 'invalid_option', 'token': 'failed', 'pair': 'failed', 'asked': 'ok'}
    for name in ('action', 'token', 'pair'):
        assert 'firefly_secret_key' in message(run, name)
        assert '!unsafe' in message(run, name)
    shown = run.output + json.dumps(run.registered)
    assert [part for part in ('HUNTER2', 'SAXIFRAGE', 'TORMENTIL') if part in shown] == []
    assert firefly.count('POST', '/v2/login') == 0


def test_a_key_that_looks_like_a_template_is_used_as_it_stands(tmp_path: Path) -> None:
    keys = {f'access-{number}': secret_key for number, secret_key in enumerate(BRACES)}
    tasks = []
    for number, secret_key in enumerate(BRACES):
        (tmp_path / f'{number}.key').write_text(secret_key)
        pair = {'firefly_access_key': f'access-{number}', 'firefly_secret_key': Unsafe(secret_key)}
        files = {'firefly_access_key': f'access-{number}', 'firefly_secret_key_file': f'{number}.key'}
        tasks += [
            login(f'variable_{number}', vars=pair),
            login(f'file_{number}', vars=files),
            lookup(f'lookup_{number}', "'basic_authorization'", vars=pair),
            lookup(f'lookup_of_a_file_{number}', "'basic_authorization'", vars=files),
        ]
    argument = {'access_key': 'access-0', 'secret_key': Unsafe(BRACES[0])}
    tasks += [login('argument', argument), login('of_run'), lookup('of_environment', "'basic_authorization'")]
    with FakeFirefly(keys=keys) as firefly:
        environment = {**keys_of(firefly), **ANEW, 'FIREFLY_ACCESS_KEY': 'access-1', 'FIREFLY_SECRET_KEY': BRACES[1]}
        run = run_tasks(tmp_path, tasks, environment=environment)
    assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
    for number, secret_key in enumerate(BRACES):
        assert found(run, f'lookup_{number}') == basic(f'access-{number}', secret_key)
        assert found(run, f'lookup_of_a_file_{number}') == basic(f'access-{number}', secret_key)
    assert found(run, 'of_environment') == basic('access-1', BRACES[1])


#: Where every option for a path is, relative to a folder.
FILES = {
    'ca_path': 'ca.pem',
    'client_cert': 'cert.pem',
    'client_key': 'key.pem',
    'access_key_file': 'access.key',
    'secret_key_file': 'secret.key',
}


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder for the playbook, and another one to run it from, whose files of the same names are of no use."""
    playbook, shell = tmp_path / 'playbook', tmp_path / 'shell'
    for folder in (playbook, shell, playbook / 'roles/checks/tasks', playbook / 'roles/checks/files'):
        folder.mkdir(parents=True)
    for folder in (shell, playbook / 'roles/checks/tasks', playbook / 'roles/checks/files', playbook / 'roles/checks'):
        for name in FILES.values():
            (folder / name).write_text('of no use')
    return playbook, shell


def write_files(folder: Path, firefly: FakeFirefly) -> None:
    """Put there what FILES names."""
    for name, path in (
        ('ca_path', firefly.ca_path),
        ('client_cert', firefly.client_cert),
        ('client_key', firefly.client_key),
    ):
        shutil.copy(str(path), folder / FILES[name])
    (folder / FILES['access_key_file']).write_text(firefly.access_key)
    (folder / FILES['secret_key_file']).write_text(firefly.secret_key)


def test_a_relative_path_is_beside_the_playbook(tmp_path: Path) -> None:
    playbook, shell = folders(tmp_path)
    variables = variables_of(FILES)
    arguments = arguments_of(FILES)
    of_role = [login('action_of_role', FILES), lookup('lookup_of_role', f"'login', {arguments}")]
    (playbook / 'roles/checks/tasks/main.yml').write_text(yaml.safe_dump(of_role))
    both = {'that': ['action_of_role is success', 'lookup_of_role is success']}
    with FakeFirefly(client_ca=True) as firefly:
        write_files(playbook, firefly)
        core_own = {'url': f'{firefly.url}/v2/health', 'status_code': 204} | {
            name: FILES[name] for name in ('ca_path', 'client_cert', 'client_key')
        }
        tasks = [
            {'ansible.builtin.uri': core_own, 'register': 'core_own', 'ignore_errors': True},
            login('argument', FILES),
            login('dotted', {name: f'../playbook/./{path}' for name, path in FILES.items()}),
            login('defaults', module_defaults={GROUP: FILES}),
            login('variable', vars=variables),
            lookup('in_lookup', f"'expires_at', {arguments}"),
            lookup('variable_of_lookup', "'expires_at'", vars=variables),
            lookup('health_of_lookup', "'health'", vars=variables),
            health('argument_of_health', FILES),
            health('variable_of_health', vars=variables),
            {'ansible.builtin.include_role': {'name': 'checks'}},
            {'ansible.builtin.assert': both, 'register': 'role', 'ignore_errors': True},
        ]
        run = run_tasks(playbook, tasks, environment={'FIREFLY_API_URL': firefly.url, **ANEW}, shell=shell)
        assert set(outcomes(run).values()) == {'ok'}, run.output
        assert access_keys(firefly) == [firefly.access_key] * 8
        assert found(run, 'health_of_lookup')['healthy']


def test_a_relative_path_in_the_environment_is_in_the_folder_of_the_shell(tmp_path: Path) -> None:
    shell, playbook = folders(tmp_path)  # of no use is what is beside the playbook
    with FakeFirefly(client_ca=True) as firefly:
        write_files(shell, firefly)
        environment = {**environment_of(FILES), **ANEW, 'FIREFLY_API_URL': firefly.url}
        tasks = [login('action'), lookup('in_lookup', "'expires_at'"), health('asked')]
        run = run_tasks(playbook, tasks, environment=environment, shell=shell)
        assert outcomes(run) == {'action': 'ok', 'in_lookup': 'ok', 'asked': 'ok'}, run.output


def test_a_relative_path_that_is_not_there_is_named_by_its_folder(firefly: FakeFirefly, tmp_path: Path) -> None:
    playbook, shell = folders(tmp_path)
    tasks = []
    for option in FILES:
        given = {option: 'HUNTER2'}
        tasks += [
            login(f'argument_{option}', given),
            login(f'variable_{option}', vars=variables_of(given)),
            login(f'environment_{option}', environment=environment_of(given)),
            lookup(f'lookup_{option}', f"'expires_at', {arguments_of(given)}"),
        ]
    run = run_tasks(playbook, tasks, environment={'FIREFLY_API_URL': firefly.url}, shell=shell)
    assert firefly.requests == []
    where = {'argument': playbook, 'variable': playbook, 'environment': shell, 'lookup': playbook}
    for option, (source, folder) in itertools.product(FILES, where.items()):
        name = f'{source}_{option}'
        assert outcomes(run)[name] == ('failed' if source == 'lookup' else 'invalid_option'), run.output
        assert f'The file of the option {option} ' in message(run, name)
        assert f' was not found in {folder}.' in message(run, name)
        assert 'HUNTER2' not in message(run, name)


def test_white_space_around_a_key_is_dropped(firefly: FakeFirefly, tmp_path: Path) -> None:
    pair = {'access_key': f' \t{firefly.access_key}\r\n', 'secret_key': f'\n {firefly.secret_key} \n\n'}
    files = {f'{name}_file': f' {name}\n' for name in pair}
    for name, value in pair.items():
        (tmp_path / name).write_bytes(value.encode())
    tasks = [
        login('of_run'),
        login('task_environment', environment=environment_of(pair)),
        login('argument', pair),
        login('defaults', module_defaults={GROUP: pair}),
        login('variable', vars=variables_of(pair)),
        login('file', files),
        lookup('lookup_environment', "'expires_at'"),
        lookup(
            'lookup_argument',
            "'expires_at', access_key=a, secret_key=b",
            vars={'a': pair['access_key'], 'b': pair['secret_key']},
        ),
        lookup('lookup_variable', "'basic_authorization'", vars=variables_of(pair)),
        lookup('lookup_file', "'basic_authorization'", vars=variables_of(files)),
    ]
    environment = {**environment_of(pair), **ANEW, 'FIREFLY_API_URL': f' {firefly.url}\n'}
    run = run_tasks(tmp_path, tasks, environment=environment)
    assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
    sent = [json.loads(request.body) for request in firefly.requests]
    assert sent == [{'accessKey': firefly.access_key, 'secretKey': firefly.secret_key}] * 8
    assert found(run, 'lookup_variable') == basic(firefly.access_key, firefly.secret_key)
    assert found(run, 'lookup_file') == basic(firefly.access_key, firefly.secret_key)


class KeyFiles:
    """Key pairs made from a word, `access-word` and `secret-word`, and files in a folder with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, str] = {}

    def add(self, word: str, where: str = '') -> dict[str, str]:
        """The options with the files of a new pair, whose folder is ``where``."""
        for half, key in self.pair(word).items():
            (self.folder / f'{word}.{half}').write_text(f'{key}\n')
        return {f'{half}_file': f'{where}{word}.{half}' for half in ('access_key', 'secret_key')}

    def pair(self, word: str) -> dict[str, str]:
        """The options with a new pair itself."""
        self.keys[f'access-{word}'] = f'secret-{word}'
        return {'access_key': f'access-{word}', 'secret_key': f'secret-{word}'}


def test_key_files_from_every_source(firefly: FakeFirefly, tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    tasks = [
        login('of_run'),
        login('task_environment', environment=environment_of(files.add('task_environment', '~/'))),
        login('variable', vars=variables_of(files.add('variable'))),
        login('defaults', module_defaults={GROUP: files.add('defaults')}),
        login('argument', files.add('argument')),
        login('home', files.add('home', '~/')),
        login('absolute', files.add('absolute', f'{tmp_path}/')),
    ]
    logins = [task['register'] for task in tasks]
    tasks += [
        lookup('lookup_environment', "'basic_authorization'"),
        lookup('lookup_variable', "'basic_authorization'", vars=variables_of(files.add('lookup_variable'))),
        lookup('lookup_argument', f"'basic_authorization', {arguments_of(files.add('lookup_argument'))}"),
    ]
    environment = {'FIREFLY_API_URL': firefly.url, **environment_of(files.add('environment')), **ANEW}
    firefly.keys = files.keys
    run = run_tasks(tmp_path, tasks, environment=environment)
    assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
    assert access_keys(firefly) == ['access-environment', *(f'access-{name}' for name in logins[1:])]
    for name, word in (
        ('lookup_environment', 'environment'),
        ('lookup_variable', 'lookup_variable'),
        ('lookup_argument', 'lookup_argument'),
    ):
        assert found(run, name) == basic(f'access-{word}', f'secret-{word}')


def test_a_key_goes_before_its_file_and_a_nearer_source_before_both(firefly: FakeFirefly, tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    near, far = files.pair('near'), files.pair('far')
    near_files, far_files = files.add('near_file'), files.add('far_file')
    variable, environment = variables_of, environment_of
    header = "'basic_authorization'"
    # what is used, and the task; the environment of the run has a pair and its files
    logins = [
        ('run', login('of_run')),
        ('near', login('task_environment', environment=environment({**near, **near_files}))),
        ('near', login('variable', vars=variable({**near, **near_files}))),
        ('near', login('defaults', module_defaults={GROUP: {**near, **near_files}})),
        ('near', login('argument', {**near, **near_files})),
        ('near_file', login('file_of_variable', vars=variable(near_files), environment=environment(far))),
        ('near', login('key_of_variable', vars=variable(near), environment=environment(far_files))),
        ('near_file', login('file_of_defaults', module_defaults={GROUP: near_files}, vars=variable(far))),
        ('near', login('key_of_defaults', module_defaults={GROUP: near}, vars=variable(far_files))),
        ('near_file', login('file_of_argument', near_files, vars=variable(far))),
        ('near', login('key_of_argument', near, vars=variable(far_files))),
        ('near_file', login('blank', {'access_key': '', 'secret_key': ' ', **near_files}, vars=variable(far))),
    ]
    lookups = [
        ('run', lookup('lookup_of_run', header)),
        ('near', lookup('lookup_variable', header, vars=variable({**near, **near_files}))),
        ('near_file', lookup('lookup_file_of_variable', header, vars=variable(near_files))),
        ('near', lookup('lookup_argument', f'{header}, {arguments_of({**near, **near_files})}')),
        ('near_file', lookup('lookup_file_of_argument', f'{header}, {arguments_of(near_files)}', vars=variable(far))),
        ('near', lookup('lookup_key_of_argument', f'{header}, {arguments_of(near)}', vars=variable(far_files))),
    ]
    tasks = [task for _word, task in [*logins, *lookups]]
    of_run = environment_of({**files.pair('run'), **files.add('run_file')})
    firefly.keys = files.keys
    run = run_tasks(tmp_path, tasks, environment={'FIREFLY_API_URL': firefly.url, **of_run, **ANEW})
    assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
    assert access_keys(firefly) == [f'access-{word}' for word, _task in logins]
    for word, task in lookups:
        assert found(run, task['register']) == basic(f'access-{word}', f'secret-{word}'), task


def test_a_key_file_that_cannot_be_used(firefly: FakeFirefly, tmp_path: Path) -> None:
    (tmp_path / 'empty').write_text('')
    (tmp_path / 'blank').write_text(' \n\n')
    (tmp_path / 'HUNTER2-folder').mkdir()
    missing = str(tmp_path / 'HUNTER2-missing')
    cases = {
        'empty': ('empty', 'missing_credentials', 'access_key (access_key_file is empty) is missing.'),
        'blank': ('blank', 'missing_credentials', 'access_key (access_key_file is empty) is missing.'),
        'missing': (missing, 'invalid_option', 'The file of the option access_key_file cannot be read: No such'),
        'folder': ('HUNTER2-folder', 'invalid_option', 'The file of the option access_key_file cannot be read: Is a d'),
        'pem': ('-----BEGIN HUNTER2', 'invalid_option', 'The option access_key_file holds PEM text'),
        'in_a_file': ('empty/HUNTER2', 'invalid_option', 'The file of the option access_key_file was not found in'),
        'nul': ('/HUNTER2\0', 'invalid_option', 'The file of the option access_key_file cannot be read: it is not'),
    }
    tasks: list[dict[str, Any]] = []
    expected = {}
    for name, (path, code, _text) in cases.items():
        given = {'firefly_access_key_file': path}
        tasks += [
            login(name, {'access_key_file': path}),
            lookup(f'lookup_{name}', "'basic_authorization'", vars=given),
            health(f'health_{name}', {'access_key_file': path}, vars=given),
        ]
        expected.update({name: code, f'lookup_{name}': 'failed', f'health_{name}': 'ok'})
    tasks += [login('both', {'access_key_file': 'empty', 'secret_key_file': 'blank'})]
    expected['both'] = 'missing_credentials'
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert outcomes(run) == expected, run.output
    for name, (_path, _code, text) in cases.items():
        assert text in message(run, name)
        assert text in message(run, f'lookup_{name}')
        assert 'HUNTER2' not in message(run, name)
        assert 'HUNTER2' not in message(run, f'lookup_{name}')
    both = 'access_key (access_key_file is empty) and secret_key (secret_key_file is empty) are missing.'
    assert both in message(run, 'both')
    assert firefly.count('POST', '/v2/login') == 0


def test_a_key_file_with_bytes_that_are_not_utf_8(firefly: FakeFirefly, tmp_path: Path) -> None:
    secret = b'caf\xe9-secret-\xff\xfe'
    (tmp_path / 'secret').write_bytes(secret + b'\n')
    (tmp_path / 'access').write_text('a')
    files = {'access_key_file': 'access', 'secret_key_file': 'secret'}
    tasks = [
        login('action', files),
        login('not_kept', {**files, 'token_cache': False}),
        login('of_task', environment=environment_of(files)),
        lookup('token', f"'token', {arguments_of(files)}"),
        lookup('pair', f"'basic_authorization', {arguments_of(files)}"),
    ]
    run = run_tasks(tmp_path, tasks, environment={'FIREFLY_API_URL': firefly.url})
    refused = 'unauthorized'  # JSON cannot say such bytes, so no server has the pair
    assert outcomes(run) == {
        'action': refused,
        'not_kept': refused,
        'of_task': refused,
        'token': 'failed',
        'pair': 'ok',
    }, run.output
    assert '401 Unauthorized' in message(run, 'token')
    assert found(run, 'pair') == basic('a', secret)


@pytest.fixture
def other_ca(tmp_path: Path) -> str:
    """A file with a CA that has signed nothing here."""
    path = tmp_path / 'other.pem'
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


def test_the_cas_of_other_programs_are_used_where_ca_path_is_unset(tmp_path: Path, other_ca: str) -> None:
    with FakeFirefly(tls=True) as firefly:
        good = str(firefly.ca_path)
        missing = str(tmp_path / 'HUNTER2')
        tasks = [
            login('requests_first'),
            login('ssl_then', environment={'REQUESTS_CA_BUNDLE': ''}),
            login('of_task', environment={'REQUESTS_CA_BUNDLE': good, 'SSL_CERT_FILE': other_ca}),
            login('ssl_of_task', environment={'REQUESTS_CA_BUNDLE': '', 'SSL_CERT_FILE': other_ca}),
            login('firefly_before_both', environment={'FIREFLY_CA_PATH': good, 'SSL_CERT_FILE': other_ca}),
            login('variable', vars={'firefly_ca_path': good}),
            login('argument', {'ca_path': good}),
            login('missing', environment={'REQUESTS_CA_BUNDLE': missing}),
            login('ssl_missing', environment={'REQUESTS_CA_BUNDLE': '', 'SSL_CERT_FILE': missing}),
            login('ca_path_missing', {'ca_path': missing}),
            health('health', {}),
            health('health_of_task', environment={'REQUESTS_CA_BUNDLE': good}),
            health('health_missing', environment={'REQUESTS_CA_BUNDLE': missing}),
            lookup('in_lookup', "'expires_at'"),
            lookup('argument_of_lookup', f"'expires_at', ca_path='{good}'"),
        ]
        environment = {**keys_of(firefly), **ANEW, 'REQUESTS_CA_BUNDLE': other_ca, 'SSL_CERT_FILE': good}
        del environment['FIREFLY_CA_PATH']
        run = run_tasks(tmp_path, tasks, environment=environment)
        assert outcomes(run) == {
            'requests_first': 'tls',
            'ssl_then': 'ok',
            'of_task': 'ok',
            'ssl_of_task': 'tls',
            'firefly_before_both': 'ok',
            'variable': 'ok',
            'argument': 'ok',
            'missing': 'invalid_option',
            'ssl_missing': 'invalid_option',
            'ca_path_missing': 'invalid_option',
            'health': 'tls',
            'health_of_task': 'ok',
            'health_missing': 'invalid_option',
            'in_lookup': 'failed',
            'argument_of_lookup': 'ok',
        }, run.output
    for name in ('missing', 'ssl_missing', 'ca_path_missing', 'health_missing'):
        assert 'The file of the option ca_path ' in message(run, name)
        assert ' cannot be read: No such file' in message(run, name)
        assert 'HUNTER2' not in message(run, name)


def rehash(folder: Path, ca_path: str) -> str:
    """A folder with the CA, as ``openssl rehash`` makes it."""
    folder.mkdir()
    command = ['openssl', 'x509', '-subject_hash', '-noout', '-in', ca_path]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copy(ca_path, folder / f'{name}.0')
    return str(folder)


@pytest.mark.skipif(not shutil.which('openssl'), reason='there is no openssl to ask for the name')
def test_a_folder_of_cas_and_the_cas_of_the_environment(tmp_path: Path, other_ca: str) -> None:
    with FakeFirefly(tls=True) as firefly:
        folder = rehash(tmp_path / 'cas', str(firefly.ca_path))
        others = rehash(tmp_path / 'others', other_ca)
        tasks = [
            login('of_run'),
            health('health_of_environment'),
            lookup('lookup_of_environment', "'expires_at'"),
            login('argument', {'ca_path': folder}, environment={'REQUESTS_CA_BUNDLE': other_ca}),
            login('relative', {'ca_path': 'cas'}, environment={'REQUESTS_CA_BUNDLE': other_ca}),
            login('of_task', environment={'REQUESTS_CA_BUNDLE': folder}),
            login('others', {'ca_path': others}),
            lookup('in_lookup', f"'expires_at', ca_path='{folder}'"),
            lookup('others_in_lookup', f"'expires_at', ca_path='{others}'"),
            health('health_argument', {'ca_path': folder}, environment={'REQUESTS_CA_BUNDLE': other_ca}),
        ]
        environment = {
            **keys_of(firefly),
            **ANEW,
            'FIREFLY_CA_PATH': ' ',
            'REQUESTS_CA_BUNDLE': str(firefly.ca_path),
            'SSL_CERT_FILE': other_ca,
        }
        run = run_tasks(tmp_path, tasks, environment=environment)
        expected = {task['register']: 'ok' for task in tasks}
        assert outcomes(run) == {**expected, 'others': 'tls', 'others_in_lookup': 'failed'}, run.output


def test_the_letter_case_of_an_address_does_not_matter(tmp_path: Path) -> None:
    with FakeFirefly(tls=True, prefix='/Gate') as firefly:
        port = firefly.url.split(':')[-1].split('/')[0]
        upper, plain = f'HTTPS://LOCALHOST:{port}/Gate/V2/', f'https://localhost:{port}/Gate'
        tasks = [
            login('action', {'api_url': upper}),
            login('again', {'api_url': f'{plain}/v2'}),
            health('asked', {'api_url': upper}),
            lookup('in_lookup', f"'login', api_url='{upper}'"),
            lookup('health_of_lookup', f"'health', api_url='{plain}/V2'"),
        ]
        run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
        assert outcomes(run) == {task['register']: 'ok' for task in tasks}, run.output
        assert [request.path for request in firefly.requests] == [
            '/Gate/v2/login',
            '/Gate/v2/health',
            '/Gate/v2/health',
        ]
    results = [run.registered['host1'][name] for name in ('action', 'again', 'asked')]
    results += [found(run, 'in_lookup'), found(run, 'health_of_lookup')]
    assert [result['api_url'] for result in results] == [plain] * 5
    assert found(run, 'health_of_lookup')['healthy']


def test_loops_over_the_lookup(firefly: FakeFirefly, tmp_path: Path) -> None:
    show = {'ansible.builtin.debug': {'msg': '{{ item }}'}}
    query = f"{{{{ query('{LOOKUP}', 'expires_at', 'health') }}}}"
    tasks = [
        {**show, f'with_{LOOKUP}': ['expires_at', 'health'], 'register': 'with_lookup'},
        {**show, 'loop': query, 'register': 'loop'},
        {**show, f'with_{LOOKUP}': 'expires_at', 'register': 'with_one_term'},
        {**show, f'with_{LOOKUP}': ['expires_at', OMITTED], 'register': 'with_omit'},
        {**login('logged_in', {'min_ttl': '{{ item }}'}), 'loop': [1, 2]},
    ]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert run.status == 0, run.output
    values = run.registered['host1']
    expires_at = values['logged_in']['results'][0]['expires_at']
    for name in ('with_lookup', 'loop'):
        first, second = (result['item'] for result in values[name]['results'])
        assert first == expires_at
        assert second['healthy']
    for name in ('with_one_term', 'with_omit'):
        assert [result['item'] for result in values[name]['results']] == [expires_at]
    assert firefly.count('POST', '/v2/login') == 1


WORDS = 'tokens, headers and keys stay readable'


@pytest.mark.parametrize('secret_key', ['e', 'token', '********'])
def test_a_token_is_registered_as_the_server_sent_it(tmp_path: Path, secret_key: str) -> None:
    show = {'ansible.builtin.debug': {'msg': WORDS}}
    tasks = [
        login('action'),
        show,
        lookup('in_lookup', "'token'"),
        lookup('header', "'authorization'"),
        lookup('pair', "'basic_authorization'"),
        health('asked'),
        show,
    ]
    with FakeFirefly(keys={'a': secret_key}) as firefly:
        run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
        (token,) = firefly.tokens
    assert set(outcomes(run).values()) == {'ok'}, run.output
    values = run.registered['host1']
    assert values['action']['access_token'] == values['ansible_facts']['firefly_login']['access_token'] == token
    assert values['action']['authorization'] == found(run, 'header') == f'Bearer {token}'
    assert found(run, 'in_lookup') == token
    assert found(run, 'pair') == basic('a', secret_key)
    assert run.output.count(WORDS) == 2


def test_a_token_that_holds_the_secret_key_is_registered_as_the_server_sent_it(
    firefly: FakeFirefly, tmp_path: Path
) -> None:
    token = f'eyJ0.{firefly.secret_key}.{base64.urlsafe_b64encode(firefly.secret_key.encode()).decode()}'
    firefly.fail(Fault(replace={'accessToken': token}), times=None)
    tasks = [
        login('action'),
        login('again'),
        login('anew', {'token_cache': False}),
        lookup('in_lookup', "'token'"),
        lookup('header', "'authorization'"),
    ]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly), arguments=['-v'])
    assert set(outcomes(run).values()) == {'ok'}, run.output
    values = run.registered['host1']
    for name in ('action', 'again', 'anew'):
        assert values[name]['access_token'] == token
    assert values['ansible_facts']['firefly_login']['authorization'] == f'Bearer {token}'
    assert found(run, 'in_lookup') == token
    assert found(run, 'header') == f'Bearer {token}'


def test_a_token_with_asterisks_is_not_one(firefly: FakeFirefly, tmp_path: Path) -> None:
    """RFC 6750 has no such token, and ansible-core's own masks look like it."""
    firefly.fail(Fault(replace={'accessToken': 'HUNTER2.********.HUNTER2'}), times=None)
    run = run_tasks(tmp_path, [login('action'), lookup('in_lookup', "'token'")], environment=keys_of(firefly))
    assert outcomes(run) == {'action': 'invalid_response', 'in_lookup': 'failed'}
    assert 'HUNTER2' not in run.output


@pytest.mark.skipif(
    tuple(map(int, core.split('.')[:2])) < (2, 22), reason='ansible-core before 2.22 masks nothing by itself'
)
def test_the_pair_in_a_header_is_masked_without_its_scheme_too(firefly: FakeFirefly, tmp_path: Path) -> None:
    pair = f"lookup('{LOOKUP}', 'basic_authorization')"
    tasks = [
        {'ansible.builtin.debug': {'msg': f"left {{{{ {pair} | regex_replace('^Basic ', '') }}}} right"}},
        {'ansible.builtin.debug': {'msg': f'left {{{{ {pair} }}}} right'}},
        {'ansible.builtin.debug': {'msg': f"{{{{ lookup('{LOOKUP}', 'token') }}}} {{{{ {pair} | split | last }}}}"}},
    ]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert run.status == 0, run.output
    header = basic(firefly.access_key, firefly.secret_key)
    assert header.split()[1] not in run.output
    assert firefly.tokens[0] not in run.output
    assert 'left $REDACTED$ right' in run.output
