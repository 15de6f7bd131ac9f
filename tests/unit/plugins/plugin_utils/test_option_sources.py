# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources of options, and the files that options name."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import AnsibleVaultError
from ansible_collections.firefly.platform.plugins.plugin_utils._environment import task_environment
from ansible_collections.firefly.platform.plugins.plugin_utils._files import absolute_path, read_key
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    SHARED_OPTIONS,
    Options,
    validate,
    variable_name,
)
from helpers.client import refusal

#: What ``omit`` is from ansible-core 2.19 on: an object that templating drops.
OMIT = object()
OMIT_TEXT = '__omit_place_holder__1234'
KEYS = ('access_key', 'access_key_file')


def sources(given: Any = None, variables: Any = None, environment: Any = None) -> Sources:
    def template(values: list[Any]) -> list[Any]:
        return [str(value).replace('{{ nothing }}', '') for value in values if value is not OMIT]

    return Sources(
        arguments=given or {},
        variables=variables or {},
        environment=environment or {},
        template=template,
        resolve_path=lambda path: f'/playbook/{path}',
    )


@pytest.mark.parametrize('nothing', [None, '', ' ', OMIT, OMIT_TEXT])
def test_the_nearest_source_that_has_a_value_gives_it(nothing: Any) -> None:
    def resolved(given: Any, variable: Any, environment: str) -> dict[str, Any]:
        variables = {'firefly_api_url': variable, 'omit': OMIT_TEXT}
        return resolve(('api_url',), sources({'api_url': given}, variables, {'FIREFLY_API_URL': environment}))

    assert resolved('a', 'b', 'c') == {'api_url': 'a'}
    assert resolved(nothing, 'b{{ nothing }}', 'c') == {'api_url': 'b'}
    assert resolved(nothing, nothing, 'c') == {'api_url': 'c'}
    assert resolved(nothing, '{{ nothing }}', ' ') == {}


def test_omit_in_a_list_or_a_dictionary_is_left_out_and_in_a_text_refused() -> None:
    variables = {'omit': OMIT_TEXT, 'firefly_api_url': f'HUNTER2{OMIT_TEXT}'}
    body = ['a', OMIT_TEXT, {'b': OMIT_TEXT, 'c': [OMIT_TEXT]}]
    assert resolve(('body',), sources({'body': body}, variables)) == {'body': ['a', {'c': []}]}
    for value in (f'HUNTER2{OMIT_TEXT}', {'a': [f'HUNTER2{OMIT_TEXT}']}, {OMIT_TEXT: 1}):
        what = refusal(resolve, ('body',), sources({'body': value}, variables))
        assert what == 'The option body has omit inside a text, where it cannot be left out.'
    assert 'variable firefly_api_url' in refusal(resolve, ('api_url',), sources({}, variables))


@pytest.mark.parametrize(
    'name,value', [('A=B', 'x'), ('', 'x'), ('A\0', ''), ('A', '\0'), ('A', '\ud800'), ('\ud800', '')]
)
def test_an_environment_that_cannot_be(name: str, value: str) -> None:
    before = dict(os.environ)
    what = refusal(contextlib.ExitStack().enter_context, task_environment([{'B': 'x', name: value}], omit=None))
    assert what.startswith('The environment of the task ')
    assert os.environ == before


def test_only_a_task_gives_the_options_for_waiting_and_what_is_not_valid() -> None:
    assert resolve(('wait',), sources({'wait': True})) == {'wait': True}
    assert resolve(('wait',), sources({}, {'firefly_wait': True}, {'FIREFLY_WAIT': 'true'})) == {}
    invalid = {'api_ulr': 'a', 'timeout': b'5'}
    assert resolve(('api_url', 'timeout'), sources(invalid)) == invalid


class Undecryptable:
    """What is !vault without a vault password, before ansible-core 2.19."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        raise AnsibleVaultError('HUNTER2')


def test_a_value_that_cannot_be_decrypted() -> None:
    for given, origin in (
        (sources({'secret_key': Undecryptable()}), 'option secret_key'),
        (sources({}, {'firefly_secret_key': Undecryptable()}), 'variable firefly_secret_key'),
    ):
        assert refusal(resolve, SHARED_OPTIONS, given).startswith(
            f'The {origin} cannot be decrypted: the vault password'
        )


@pytest.mark.parametrize('name', SHARED_OPTIONS)
def test_a_fact_with_the_name_of_a_variable_is_refused(name: str) -> None:
    variables = {'ansible_facts': {variable_name(name): 'HUNTER2'}, variable_name(name): 'HUNTER2'}
    what = refusal(resolve, SHARED_OPTIONS, sources({}, variables))
    assert what.startswith(f'The fact {variable_name(name)} is refused')
    assert 'Remove it with "meta: clear_facts"' in what


def test_other_facts_are_not_refused() -> None:
    given = sources({'api_url': 'a'}, {'ansible_facts': {'firefly_api_url': 'b'}})
    assert resolve(('api_url',), given) == {'api_url': 'a'}
    variables = {'ansible_facts': {'firefly_login': {'api_url': 'a'}, 'firefly_wait': True}, 'firefly_api_url': 'b'}
    assert resolve(('api_url', 'wait'), sources({}, variables)) == {'api_url': 'b'}


# the values are '/argument', '/variable' and '/environment'
@pytest.mark.parametrize(
    'argument,variable,environment,name,value',
    [
        (['access_key'], [], ['access_key'], 'access_key', '/argument'),
        (['access_key_file'], ['access_key'], [], 'access_key_file', '/argument'),
        ([], ['access_key_file'], ['access_key'], 'access_key_file', '/variable'),
        ([], ['access_key'], ['access_key_file'], 'access_key', '/variable'),
        ([], [], ['access_key_file'], 'access_key_file', '/environment'),
        (KEYS, [], [], 'access_key', '/argument'),
        ([], KEYS, [], 'access_key', '/variable'),
        ([], [], KEYS, 'access_key', '/environment'),
    ],
)
def test_a_nearer_source_comes_first_and_in_one_source_the_key(
    argument: list[str], variable: list[str], environment: list[str], name: str, value: str
) -> None:
    given = sources(
        dict.fromkeys(argument, '/argument'),
        {variable_name(each): '/variable' for each in variable},
        {f'FIREFLY_{each.upper()}': '/environment' for each in environment},
    )
    assert resolve(KEYS, given) == {name: value}


def test_a_relative_path_starts_at_the_folder_of_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ('playbook', 'shell'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'ca.pem').touch()
    monkeypatch.chdir(tmp_path / 'shell')
    for given, folder in (
        (sources({'ca_path': 'ca.pem'}), 'playbook'),
        (sources({}, {'firefly_ca_path': 'ca.pem'}), 'playbook'),
        (sources({}, {}, {'FIREFLY_CA_PATH': 'ca.pem'}), 'shell'),
        (sources({}, {}, {'SSL_CERT_FILE': 'ca.pem'}), 'shell'),
    ):
        given = replace(given, resolve_path=lambda path: str(tmp_path / 'playbook' / path))
        assert resolve(('ca_path',), given) == {'ca_path': str(tmp_path / folder / 'ca.pem')}


def test_the_ca_variables_of_other_programs() -> None:
    bundles = {'SSL_CERT_FILE': '/ssl', 'REQUESTS_CA_BUNDLE': '/requests', 'FIREFLY_CA_PATH': '/firefly'}
    for path in ('/firefly', '/requests', '/ssl'):
        assert resolve(('ca_path',), sources({}, {}, bundles)) == {'ca_path': path}
        bundles.popitem()


# Files


def located(path: str, folder: Path) -> str:
    """The path that a playbook in this folder means."""
    return absolute_path('option client_key', path, lambda relative: os.path.normpath(folder / relative))


def test_a_relative_path_starts_at_the_playbook(tmp_path: Path) -> None:
    (tmp_path / 'ca.pem').touch()
    assert located('ca.pem', tmp_path) == located('./ca.pem\n', tmp_path) == str(tmp_path / 'ca.pem')


@pytest.mark.parametrize('path', ['/etc/ca.pem', '~/ca.pem', '$HOME/ca.pem', ' /etc/ca.pem '])
def test_an_absolute_is_returned_as_it_is(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/etc')
    assert located(path, tmp_path) == '/etc/ca.pem'


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    for path in ('HUNTER2', 'HUNTER2/ca.pem', '../HUNTER2', '~HUNTER2/x', 'HUNTER2\0', 'HUNTER2' * 999):
        what = refusal(located, path, tmp_path)
        assert f'client_key was not found in {tmp_path}.' in what
    pem = '-----BEGIN PRIVATE KEY-----\nHUNTER2\n-----END PRIVATE KEY-----\n'
    assert refusal(located, pem, tmp_path) == 'The option client_key must be a path, not PEM text.'
    for name, reason in {'HUNTER2': 'No such file', 'HUNTER2\0': 'not a valid path'}.items():
        what = refusal(read_key, 'option secret_key_file', f'{tmp_path}/{name}')
        assert 'secret_key_file cannot be read: ' in what
        assert reason in what


def special_files(folder: Path) -> dict[str, str]:
    """What is not a file, by what a message says about it. Reading some of it would never end."""
    os.mkfifo(folder / 'HUNTER2.fifo')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / 'HUNTER2.socket'))
    return {
        'is a folder': str(folder),
        'is a pipe': str(folder / 'HUNTER2.fifo'),
        'is a device or a socket': str(folder / 'HUNTER2.socket'),
    }


def test_a_key_file_that_is_not_a_file(tmp_path: Path) -> None:
    for problem, path in {**special_files(tmp_path), 'is a device': '/dev/zero'}.items():
        assert problem in refusal(read_key, 'option secret_key_file', path)


@pytest.mark.parametrize('option', ['ca_path', 'client_cert', 'client_key'])
def test_a_file_of_tls_that_is_not_a_file(option: str, tmp_path: Path) -> None:
    """Validation refuses it, so no other task waits for a lock meanwhile."""
    for problem, path in special_files(tmp_path).items():
        raw = Options({option: path}, {option: 'variable firefly_x'})
        if option == 'ca_path' and problem == 'is a folder':
            assert validate(SHARED_OPTIONS, raw)[option] == path
        else:
            assert f'The file of the variable firefly_x {problem}' in refusal(validate, SHARED_OPTIONS, raw)


def test_the_pipe_of_a_shell_is_read_once() -> None:
    for content in (b'key\n', b'k' * 65_536):  # a pipe holds that much
        reader, writer = os.pipe()
        os.write(writer, content)
        os.close(writer)
        path = f'/dev/fd/{reader}'
        assert read_key('option secret_key_file', path) == content.decode().strip()
        assert 'can be read only once' in refusal(read_key, 'option secret_key_file', path)
        os.close(reader)


@pytest.mark.parametrize(
    'content,problem',
    [
        ('HUNTER2'.encode('utf-16'), 'is UTF-16'),
        ('HUNTER2'.encode('utf-16-be'), 'contains a NUL'),
        (b'HUNT\0ER2', 'contains a NUL'),
        (b'-----BEGIN PRIVATE KEY-----\nHUNTER2\n-----END PRIVATE KEY-----\n', 'holds PEM text'),
        (b'$ANSIBLE_VAULT;1.1;AES256\n6162\n', 'is encrypted with Ansible Vault'),
        (b'\xef\xbb\xbf$ANSIBLE_VAULT;1.1;AES256\n6162\n', 'is encrypted with Ansible Vault'),
        (b'x' * 65_537, 'has more than 64 KiB'),
    ],
)
def test_a_file_that_cannot_hold_a_key(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / 'key'
    path.write_bytes(content)
    what = refusal(read_key, 'variable firefly_secret_key_file', str(path))
    assert what.startswith(f'The file of the variable firefly_secret_key_file {problem}')


@pytest.mark.parametrize(
    'content,key',
    [
        (b' \tkey with a space\xff\r\n\n', 'key with a space\udcff'),
        (b'\xef\xbb\xbfkey\r\n', 'key'),
        (b'x' * 65_536, 'x' * 65_536),
    ],
)
def test_a_key_is_read_without_what_is_around_it(content: bytes, key: str, tmp_path: Path) -> None:
    path = tmp_path / 'key'
    path.write_bytes(content)
    assert read_key('option secret_key_file', str(path)) == key
