# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._files import absolute, read_key


def located(path: str, folder: Path) -> str:
    """The path that a playbook in this folder means."""
    return absolute('client_key', path, lambda relative: os.path.normpath(folder / relative))


def refused(path: str, folder: Path) -> str:
    with pytest.raises(FireflyError) as refusal:
        located(path, folder)
    assert refusal.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refusal.value)
    assert 'client_key' in refusal.value.what
    return refusal.value.what


def test_a_relative_path_starts_at_the_playbook(tmp_path: Path) -> None:
    (tmp_path / 'ca.pem').touch()
    assert located('ca.pem', tmp_path) == located('./ca.pem\n', tmp_path) == str(tmp_path / 'ca.pem')


@pytest.mark.parametrize('path', ['/etc/ca.pem', '~/ca.pem', '$HOME/ca.pem', ' /etc/ca.pem '])
def test_an_absolute_path_is_returned_as_it_is(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/etc')
    assert located(path, tmp_path) == '/etc/ca.pem'


@pytest.mark.parametrize(
    'path', ['HUNTER2', 'HUNTER2/ca.pem', '../HUNTER2', '~HUNTER2/x', 'HUNTER2\0', 'HUNTER2' * 999]
)
def test_a_missing_relative_path_is_reported_with_its_folder(path: str, tmp_path: Path) -> None:
    assert f'not found in {tmp_path}.' in refused(path, tmp_path)


def test_pem_text_is_not_a_path(tmp_path: Path) -> None:
    assert 'PEM' in refused('-----BEGIN PRIVATE KEY-----\nHUNTER2\n-----END PRIVATE KEY-----\n', tmp_path)


def test_a_key_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    path = tmp_path / 'key'
    path.write_bytes(b' \tkey with a space\xff\r\n\n')
    assert read_key('secret_key_file', str(path)) == 'key with a space\udcff'


@pytest.mark.parametrize(
    'name,reason', [('HUNTER2', 'No such file'), ('.', 'Is a directory'), ('HUNTER2\0', 'not a valid path')]
)
def test_a_key_file_that_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FireflyError, match=f'secret_key_file cannot be read: .*{reason}') as refusal:
        read_key('secret_key_file', f'{tmp_path}/{name}')
    assert refusal.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refusal.value)
