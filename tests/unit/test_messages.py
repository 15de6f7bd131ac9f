# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No message repeats a value that it was given; it names the option."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import trustme
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.firefly.platform.plugins.plugin_utils._api import API
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS, FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import HEALTH
from ansible_collections.firefly.platform.plugins.plugin_utils._login import BASIC_AUTHORIZATION, LOGIN
from ansible_collections.firefly.platform.plugins.plugin_utils._lookup import TERMS, look_up
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation, perform
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    KEY_FILES,
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_tasks
from helpers.needles import forms

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string is a template that is not marked as unsafe

    def trust_as_template(value: str) -> str:
        return value


# in lower case, since a host name is put into it
NEEDLE = 'needle-4b1c9e77-of-no-use'
NUMBER = 48151623420017
# a key that is right while another option is wrong
KEY = 'hairpin-a05d31c2-of-no-use'
FORMS = {form for needle in (NEEDLE, NEEDLE.replace('-', '_'), str(NUMBER), KEY) for form in forms(needle)}

# what can be wrong with an option, or where it holds a secret by mistake
KINDS: dict[str, Any] = {
    'text': NEEDLE,
    'text with white space around it': f'\n  {NEEDLE}\n',
    'lines': f'user: someone\npassword: {NEEDLE}\n',
    'PEM text': f'-----BEGIN PRIVATE KEY-----\n{NEEDLE}\n-----END PRIVATE KEY-----\n',
    'PEM text in one line': f'-----BEGIN PRIVATE KEY----- {NEEDLE} -----END PRIVATE KEY-----',
    'list': [NEEDLE],
    'dict': {'key': NEEDLE},
    'dict with it as a key': {NEEDLE: 1},
    'bytes': NEEDLE.encode(),
    'number': NUMBER,
    'negative number': -NUMBER,
    'number as text': str(NUMBER),
    'number and more': f'12{NEEDLE}',
    'relative path': f'folder/{NEEDLE}',
    'absolute path': f'/nonexistent/{NEEDLE}',
    'path with NUL': f'/nonexistent/{NEEDLE}\0',
    'relative path with NUL': f'{NEEDLE}\0',
    'home folder with NUL': f'~{NEEDLE}\0/file',
    'long path': f'/{NEEDLE}' * 400,
    'long name': f'/{NEEDLE * 400}',
    'long relative name': NEEDLE * 400,
    'home folder': f'~{NEEDLE}/file',
    'variable': f'${NEEDLE}/file',
    'variable that is set': '$HIDING/file',
    'absolute path of a variable': '/nonexistent/${HIDING}',
    'file': f'{NEEDLE}.txt',
    'folder': f'{NEEDLE}.folder',
    'template': '{{ ' + NEEDLE.replace('-', '_') + " ~ '" + NEEDLE + "' }}",
    'URL with a password': f'https://someone:{NEEDLE}@127.0.0.1/',
    'URL with a user': f'https://{NEEDLE}@127.0.0.1/',
    'URL with a query': f'https://127.0.0.1/?key={NEEDLE}',
    'URL with a fragment': f'https://127.0.0.1/#{NEEDLE}',
    'URL with a port that is none': f'https://127.0.0.1:{NEEDLE}/',
    'URL with a port out of range': f'https://127.0.0.1:{NUMBER}/',
    'URL with brackets': f'https://[{NEEDLE}]/',
    'URL with white space': f'https://127.0.0.1/ {NEEDLE}',
    'URL with a backslash': f'https://127.0.0.1\\{NEEDLE}',
    'URL without a host': f'https:///{NEEDLE}',
    'URL without TLS': f'http://192.0.2.1/{NEEDLE}',
    'URL of another scheme': f'ftp://127.0.0.1/{NEEDLE}',
    'URL with it as the scheme': f'{NEEDLE}://127.0.0.1/',
}
# which of them these options can be
USABLE = {
    ('access_key_file', 'file'),
    ('secret_key_file', 'file'),
    ('ca_path', 'folder'),
    ('query', 'dict'),
    ('query', 'dict with it as a key'),
    ('query', 'URL with a query'),  # ansible-core takes key=value for a dictionary
    *(('body', kind) for kind in ('list', 'dict', 'dict with it as a key')),
    *(('body', kind) for kind in ('number', 'negative number', 'number as text')),
}
PATHS = [name for name, option in OPTIONS.items() if option.type == 'path']
REQUEST = [name for name in API.options if name not in SHARED_OPTIONS]
FALLBACKS = [name for name, option in OPTIONS.items() if option.fallback]


class Surroundings(NamedTuple):
    """Where the options are looked for: a folder, and a port of loopback on which nobody listens."""

    folder: Path
    port: int


@pytest.fixture(scope='module')
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder = tmp_path_factory.mktemp('playbook')
    write_files(folder)
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        yield Surroundings(folder, closed.getsockname()[1])


def write_files(folder: Path) -> None:
    """A file and a folder that some of the wrong values name, and a client certificate that is good."""
    (folder / f'{NEEDLE}.txt').write_text(f'{NEEDLE}\n')
    (folder / f'{NEEDLE}.folder').mkdir()
    (folder / 'run').mkdir(mode=0o700)
    trustme.CA().issue_cert('client.test').private_key_and_cert_chain_pem.write_to_path(str(folder / 'client.pem'))


@pytest.fixture
def _there(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(surroundings.folder)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(surroundings.folder / 'run'))
    monkeypatch.setenv('HIDING', NEEDLE)


def right_options(surroundings: Surroundings, wrong: str) -> dict[str, Any]:
    """Options with which a request is made, less those that would take the place of the wrong one."""
    options = {
        'api_url': f'http://127.0.0.1:{surroundings.port}',
        'access_key': 'ACCESS',
        'secret_key': KEY,
        'retries': 0,
        'timeout': 5,
        **({'client_cert': str(surroundings.folder / 'client.pem')} if wrong == 'client_key' else {}),
    }
    hidden = [wrong, *(key for key, file in KEY_FILES.items() if file == wrong)]
    return {name: value for name, value in options.items() if name not in hidden}


def make_sources(surroundings: Surroundings, wrong: str, value: Any, source: str) -> Sources:
    """Sources of which one gives the wrong value."""
    arguments, variables, environment = right_options(surroundings, wrong), {}, {}
    if source == 'argument':
        arguments[wrong] = value
    elif source == 'variable':
        variables[variable_name(wrong)] = value
    else:
        environment[source] = value
    loader = DataLoader()
    loader.set_basedir(str(surroundings.folder))
    template = Templar(loader=loader, variables=variables).template
    return Sources(arguments, variables, environment, template, loader.path_dwim)


def source_names(option: str, value: Any) -> list[str]:
    """Which sources can give the value: ``argument``, ``variable`` and environment variables."""
    if not OPTIONS[option].fallback:
        return ['argument']
    is_text = isinstance(value, str) and '\0' not in value
    return ['argument', 'variable', *(environment_names(option) if is_text else ())]


def chain(error: BaseException | None) -> Iterator[str]:
    """The texts of an exception and of those that are shown with it."""
    while error:
        yield from (str(error), repr(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def said_by(operation: Operation, sources: Sources) -> tuple[str, str]:
    """The message of an operation that fails, and all that it says."""
    said: list[str] = []
    message = ''
    try:
        outcome = perform(operation, resolve(operation.options, sources), Context(said.append))
        error, values = outcome.error, outcome.values if outcome.error else {}
    except FireflyError as failed:
        error, values = failed, operation.failed(failed)
    if error:
        message = str(error)
        said += [*chain(error), error.what, json.dumps([error.failure, values], default=str)]
    return message, '\n'.join(said)


def said_by_lookup(terms: list[Any], sources: Sources) -> tuple[str, str]:
    """The message of a lookup that fails, and all that it says."""
    try:
        look_up(terms, sources)
    except AnsibleLookupError as error:
        return str(error), '\n'.join(chain(error))
    return '', ''


def said(option: str, value: Any, source: str, surroundings: Surroundings) -> Iterator[tuple[str, str, str]]:
    """What each edge says about the value: the edge, its message, and all that it says."""
    sources = make_sources(surroundings, option, value, source)
    for operation in (LOGIN, HEALTH, BASIC_AUTHORIZATION):
        given = sources
        if operation is HEALTH and option.startswith('wait_'):
            given = sources._replace(arguments={**sources.arguments, 'wait': True})
        yield operation.name, *said_by(operation, given)
    path = {} if option == 'path' else {'path': 'workspaces'}
    message, text = said_by(API, sources._replace(arguments={**path, **sources.arguments}))
    yield API.name, message, without_path(option, text)
    yield 'lookup', *said_by_lookup(['token'], sources)


def without_path(option: str, text: str) -> str:
    """The text without the address that was asked where that is made of the option."""
    return re.sub(r'http://127\.0\.0\.1:\d+/v2/[^ "]*', '', text) if option == 'path' else text


def shows(text: str) -> bool:
    """Whether the text shows one of the needles."""
    return any(form in text.encode(errors='replace') for form in FORMS)


def is_refusal(message: str) -> bool:
    """Whether the message is about an option, not about a request."""
    return HINTS['invalid_option'] in message or HINTS['insecure_url'] in message


def names(message: str, option: str) -> bool:
    """Whether the message names the option, or the variable that gives it."""
    return re.search(rf'(option |variable firefly_){option}\b', message) is not None


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('option', OPTIONS)
def test_no_message_repeats_the_value(surroundings: Surroundings, option: str, kind: str) -> None:
    value = wrap_var(KINDS[kind])
    user = 'firefly_health' if option.startswith('wait') else API.name if option in REQUEST else 'firefly_login'
    for source in source_names(option, value):
        found = list(said(option, value, source, surroundings))
        assert [(edge, source, text) for edge, _unused, text in found if shows(text)] == []
        unnamed = [(edge, source, message) for edge, message, _unused in found if is_refusal(message)]
        assert [each for each in unnamed if not names(each[2], option)] == []
        if OPTIONS[option].type != 'str' and (option, kind) not in USABLE or option == 'api_url':
            assert is_refusal(next(message for edge, message, _unused in found if edge == user)), source


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', ['PEM text', 'PEM text in one line'])
@pytest.mark.parametrize('option', PATHS)
def test_pem_text_where_a_path_was_wanted(surroundings: Surroundings, option: str, kind: str) -> None:
    for source in source_names(option, KINDS[kind]):
        messages = {edge: message for edge, message, _unused in said(option, KINDS[kind], source, surroundings)}
        assert messages['firefly_login'].startswith(f'The option {option} holds PEM text: give a path. ')


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', ['text', 'relative path', 'home folder', 'variable', 'variable that is set'])
@pytest.mark.parametrize('option', PATHS)
def test_the_folder_of_a_relative_path(surroundings: Surroundings, option: str, kind: str) -> None:
    for source in source_names(option, KINDS[kind]):
        messages = {edge: message for edge, message, _unused in said(option, KINDS[kind], source, surroundings)}
        assert messages['firefly_login'].startswith(f'The file of the option {option} ')
        assert f' was not found in {surroundings.folder}. ' in messages['firefly_login']


@pytest.mark.usefixtures('_there')
def test_the_address_that_was_asked_may_be_told(surroundings: Surroundings) -> None:
    address = f'http://127.0.0.1:{surroundings.port}/{NEEDLE}'
    for source in source_names('api_url', address):
        for edge, message, text in said('api_url', address, source, surroundings):
            assert address in message or edge == 'basic_authorization'
            assert not shows(text.replace(address, ''))


# what fails when it is templated
TEMPLATES = {
    'syntax': '{{ ' + NEEDLE,
    'statement': '{% ' + NEEDLE + ' %}',
    'undefined': '{{ ' + NEEDLE.replace('-', '_') + ' }}',
    'attribute': "{{ {}['" + NEEDLE + "'] }}",
    'filter': "{{ '" + NEEDLE + "' | int_of_nothing }}",
    'failing filter': "{{ '" + NEEDLE + "' | from_json }}",
    'lookup': "{{ lookup('ansible.builtin.file', '/nonexistent/" + NEEDLE + "') }}",
    'in the middle': NEEDLE + '{{ nothing }}' + NEEDLE,
}


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', TEMPLATES)
@pytest.mark.parametrize('option', FALLBACKS)
def test_a_variable_that_cannot_be_templated(surroundings: Surroundings, option: str, kind: str) -> None:
    sources = make_sources(surroundings, option, trust_as_template(TEMPLATES[kind]), 'variable')
    for message, text in (said_by(LOGIN, sources), said_by_lookup(['token'], sources)):
        assert message.startswith(f'The variable {variable_name(option)} cannot be templated: ')
        assert not shows(text)


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', KINDS)
def test_a_term_that_is_not_known(surroundings: Surroundings, kind: str) -> None:
    sources = make_sources(surroundings, 'retries', 0, 'argument')
    for terms in ([wrap_var(KINDS[kind])], ['token', wrap_var(KINDS[kind])], [[wrap_var(KINDS[kind])]]):
        message, text = said_by_lookup(terms, sources)
        assert not shows(text)
        assert message.startswith(f'Each term must be one of {", ".join(TERMS)}.')


@pytest.mark.usefixtures('_there')
@pytest.mark.parametrize('kind', KINDS)
def test_a_misspelt_option(surroundings: Surroundings, kind: str) -> None:
    sources = make_sources(surroundings, 'retries', 0, 'argument')
    sources = sources._replace(arguments={**sources.arguments, 'retrys': KINDS[kind]})
    found = [said_by(operation, sources) for operation in (LOGIN, HEALTH, BASIC_AUTHORIZATION, API)]
    found += [said_by_lookup([term], sources) for term in TERMS]
    for message, text in found:
        assert message.startswith('There is no option retrys; there are retries, ')
        assert not shows(text)


# Whole runs

MODULES = {
    'login': 'firefly.platform.firefly_login',
    'health': 'firefly.platform.firefly_health',
    'api': 'firefly.platform.firefly_api',
}


class Unsafe(str):
    """Text that is not a template; it is written to YAML with the tag !unsafe."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar('!unsafe', text, style='"'))


def mark_unsafe(value: Any) -> Any:
    """The value with all text in it unsafe."""
    if isinstance(value, dict):
        return {name: mark_unsafe(part) for name, part in value.items()}
    if isinstance(value, list):
        return [mark_unsafe(part) for part in value]
    return Unsafe(value) if isinstance(value, str) else value


def kinds_for(option: str, source: str) -> list[str]:
    """The kinds that Ansible's variables can hold and the source can give, and that are about the option."""
    kinds = [kind for kind, value in KINDS.items() if not isinstance(value, bytes)]
    if option != 'api_url':
        kinds = [kind for kind in kinds if not kind.startswith('URL')]
    if source == 'environment':
        kinds = [kind for kind in kinds if '\0' not in str(KINDS[kind])]
    return kinds


def sources_for(edge: str, option: str) -> list[str]:
    """Which sources give the option in a run. A task's ``environment`` does not reach a lookup."""
    if edge == 'api' and option not in REQUEST:
        return []
    if edge == 'health' or not OPTIONS[option].fallback:
        return ['argument']  # else it has those of a login
    return ['argument', 'variable', *(['environment'] if edge == 'login' else [])]


# the kinds that a lookup is given in a run
SOME = ['text', 'PEM text', 'list', 'template']


def task_for(edge: str, option: str, source: str, value: str) -> dict[str, Any]:
    """A task for which the source gives the value, an expression."""
    template = f'{{{{ {value} }}}}'
    arguments = {option: template} if source == 'argument' else {}
    if edge == 'lookup':
        task = look_up_task("'token'" + (f', {option}={value}' if arguments else ''))
    else:
        client_cert = {'client_cert': 'client.pem'} if option == 'client_key' else {}
        path = {'path': 'workspaces'} if edge == 'api' else {}
        task = {MODULES[edge]: {**client_cert, **path, **arguments}, 'ignore_errors': True}
    if source == 'variable':
        task['vars'] = {variable_name(option): template}
    if source == 'environment':
        keys = {environment_names(key)[0]: '' for key, file in KEY_FILES.items() if file == option}
        task['environment'] = {**keys, environment_names(option)[0]: template}
    return task


def look_up_task(arguments: str) -> dict[str, Any]:
    """A task that shows what the lookup gives."""
    message = f"{{{{ lookup('firefly.platform.firefly', {arguments}) }}}}"
    return {'ansible.builtin.debug': {'msg': message}, 'ignore_errors': True}


def tasks_for(edge: str) -> Iterator[dict[str, Any]]:
    """Tasks with each option from each source."""
    for option in OPTIONS:
        for source in sources_for(edge, option):
            kinds = kinds_for(option, source)
            if edge == 'lookup':
                # before ansible-core 2.19 a loop ends where a lookup fails
                alone = [kind for kind in kinds if kind in SOME or (kind.startswith('URL') and source == 'argument')]
            else:
                task = task_for(edge, option, source, 'given[item]')
                yield {**task, 'loop': kinds, 'register': f'{option}_by_{source}'}
                # of a loop one item that is hidden hides the others
                alone = ['PEM text' if option in PATHS else 'text']
            for kind in alone:
                task = task_for(edge, option, source, f"given['{kind}']")
                yield {**task, 'register': f'{option}_by_{source}_{as_name(kind)}'}
    yield {**task_for(edge, 'retrys', 'argument', "given['text']"), 'register': 'retrys'}
    if edge == 'lookup':
        for kind in SOME:
            yield {**look_up_task(f"given['{kind}']"), 'register': f'term_{as_name(kind)}'}


def as_name(kind: str) -> str:
    """The kind as a part of a variable's name."""
    return kind.replace(' ', '_')


def results(registered: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each result of a task or of an item, with what it is about."""
    for name, result in registered.items():
        for item in result.get('results', [result]):
            yield f'{name}: {item.get("item", "")}', item


@pytest.mark.parametrize('edge', [*MODULES, 'lookup'])
def test_no_message_of_a_run_repeats_the_value(surroundings: Surroundings, tmp_path: Path, edge: str) -> None:
    write_files(tmp_path)
    given = {kind: mark_unsafe(KINDS[kind]) for kind in kinds_for('api_url', 'argument')}
    # not in the playbook, of which ansible-core shows the lines of a task that fails
    (tmp_path / 'given.yml').write_text(yaml.safe_dump({'given': given}))
    tasks = list(tasks_for(edge))
    environment = {**right_environment(surroundings), 'HIDING': NEEDLE}
    done = run_tasks(tmp_path, tasks, arguments=['-e', '@given.yml'], environment=environment)
    assert done.status == 0, done.output
    registered = done.registered['host1']
    found = dict(results({task['register']: registered[task['register']] for task in tasks}))
    expected = [f'{task["register"]}: {item}' for task in tasks for item in task.get('loop', [''])]
    assert [name for name in expected if name not in found] == []
    texts = {name: without_path(name.partition('_by_')[0], json.dumps(result)) for name, result in found.items()}
    assert {name: text for name, text in texts.items() if shows(text)} == {}
    lines = without_path('path' if edge == 'api' else '', done.output).splitlines()
    assert [line for line in lines if shows(line)] == []
    for name, result in found.items():
        if is_refusal(result.get('msg', '')) and not name.startswith('term_'):
            assert names(result['msg'], re.split('_by_|:', name)[0]), name


def right_environment(surroundings: Surroundings) -> dict[str, str]:
    """The environment with options with which a request is made."""
    return {environment_names(name)[0]: str(value) for name, value in right_options(surroundings, '').items()}


def test_a_variable_of_a_run_that_cannot_be_templated(surroundings: Surroundings, tmp_path: Path) -> None:
    (tmp_path / 'host_vars').mkdir()
    broken = {f'{option}-{kind}': option for option in FALLBACKS for kind in ('syntax', 'undefined')}
    for host, option in broken.items():
        variables = {variable_name(option): TEMPLATES[host.rpartition('-')[2]]}
        (tmp_path / 'host_vars' / f'{host}.yml').write_text(yaml.safe_dump(variables))
    tasks = [
        {MODULES['login']: None, 'ignore_errors': True, 'register': 'login'},
        {MODULES['health']: None, 'ignore_errors': True, 'register': 'health'},
        {**look_up_task("'token'"), 'register': 'lookup'},
    ]
    done = run_tasks(tmp_path, tasks, hosts=broken, environment=right_environment(surroundings))
    assert done.status == 0, done.output
    assert [line for line in done.output.splitlines() if shows(line)] == []
    for host, option in broken.items():
        registered = done.registered[host]
        assert {name: result for name, result in registered.items() if shows(json.dumps(result))} == {}
        for edge in ('login', 'lookup', *(['health'] if option in HEALTH.options else [])):
            assert f'The variable {variable_name(option)} cannot be templated: ' in registered[edge]['msg']


def test_an_answer_that_repeats_the_keys(firefly: FakeFirefly, tmp_path: Path) -> None:
    secret = f'{NEEDLE}/{NEEDLE}+&='
    firefly.keys = {firefly.access_key: secret}
    said_again = [secret, quote(secret, safe=''), base64.b64encode(secret.encode()).decode()]
    tasks: list[dict[str, Any]] = []
    for form in said_again:
        body = json.dumps({'message': f'bad key {form}, of {firefly.access_key}'})
        redirect = Fault(status=307, headers={'Location': f'https://example.test/{form}?key={form}'})
        for fault in [*(Fault(status=status, body=body) for status in (400, 401, 403, 500)), redirect]:
            firefly.fail(fault, times=2)
            tasks.append({MODULES['login']: None, 'ignore_errors': True, 'register': f'login_{len(tasks)}'})
            tasks.append({**look_up_task("'token'"), 'register': f'lookup_{len(tasks)}'})
    environment = {**keys_of(firefly), 'FIREFLY_SECRET_KEY': secret, 'FIREFLY_TOKEN_CACHE': 'false'}
    done = run_tasks(tmp_path, tasks, environment=environment)
    assert done.status == 0, done.output
    assert len(firefly.requests) == len(tasks)
    assert [line for line in done.output.splitlines() if shows(line)] == []
    for task in tasks:
        result = done.registered['host1'][task['register']]
        assert not shows(json.dumps(result)), task
        assert '********' in result['msg']
        assert firefly.access_key not in result['msg']
