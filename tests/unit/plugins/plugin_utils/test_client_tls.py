# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import typing as t
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import LOGIN_OPTIONS, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request
from cryptography.hazmat.primitives import serialization
from fake_firefly import FakeFirefly


def status(url: str, **options: t.Any) -> int:
    """The status of a health check."""
    client = FireflyClient(validate(LOGIN_OPTIONS, {'api_url': url, 'retries': 0, 'timeout': 10, **options}), print)
    return client.request(Request('GET', '/v2/health', expect=(204,))).status


def failure(url: str, **options: t.Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        status(url, **options)
    return failed.value


@pytest.fixture
def secure() -> Iterator[FakeFirefly]:
    with FakeFirefly(tls=True) as server:
        yield server


@pytest.fixture
def demanding() -> Iterator[FakeFirefly]:
    """One that demands a client certificate."""
    with FakeFirefly(client_ca=True) as server:
        yield server


@pytest.fixture(scope='module')
def pem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a CA that nobody here trusts, and some that are of no use, by name."""
    folder = tmp_path_factory.mktemp('pem')
    ca = trustme.CA()
    client = ca.issue_cert('client.test')
    key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b'HUNTER2'),
    )
    contents = {
        'ca': ca.cert_pem.bytes(),
        'cert': client.cert_chain_pems[0].bytes(),
        'key': client.private_key_pem.bytes(),
        'both': client.private_key_and_cert_chain_pem.bytes(),
        'other key': ca.issue_cert('other.test').private_key_pem.bytes(),
        'locked key': locked,
        'text': b'HUNTER2\n',
        'binary': b'\xff\x00\xfe',
        'empty': b'',
        'cut': ca.cert_pem.bytes()[:200],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {
        **{name: str(folder / name) for name in contents},
        'missing': str(folder / 'missing'),
        'folder': str(folder),
    }


def test_a_trusted_ca(secure: FakeFirefly) -> None:
    assert status(secure.url, ca_path=secure.ca_path) == 204
    assert status(secure.url.replace('127.0.0.1', 'localhost'), ca_path=secure.ca_path) == 204


def test_the_cas_of_the_system_are_not_enough(secure: FakeFirefly) -> None:
    error = failure(secure.url, retries=1)
    assert (error.code, error.status, error.retryable, error.attempts) == ('tls', None, False, 1)
    assert 'ca_path' in str(error)
    assert secure.requests == []


def test_another_ca_is_not_trusted(secure: FakeFirefly, pem: dict[str, str]) -> None:
    assert failure(secure.url, ca_path=pem['ca']).code == 'tls'


@pytest.mark.parametrize('name', ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'])
def test_the_environment_says_nothing_about_cas(
    secure: FakeFirefly, name: str, pem: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, pem['ca'])
    assert status(secure.url, ca_path=secure.ca_path) == 204
    monkeypatch.setenv(name, str(secure.ca_path))
    assert failure(secure.url).code == 'tls'


def test_a_certificate_for_another_host() -> None:
    with FakeFirefly(tls=True, host='127.0.0.2') as firefly, FakeFirefly(tls=True) as other:
        error = failure(firefly.url, ca_path=other.ca_path)
        assert error.code == 'tls'
    with FakeFirefly(tls=True, host='0.0.0.0') as firefly:  # noqa: S104  its certificate is for that name
        error = failure(firefly.url.replace('0.0.0.0', '127.0.0.1'), ca_path=firefly.ca_path)  # noqa: S104
        assert error.code == 'tls'
        assert '127.0.0.1' in str(error)
        assert firefly.requests == []


def test_without_validation(secure: FakeFirefly, pem: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        assert status(secure.url, validate_certs=False) == 204
        assert status(secure.url, validate_certs=False, ca_path=pem['ca']) == 204
    assert warned == []
    assert capfd.readouterr() == ('', '')


def test_with_validation_again_after_without(secure: FakeFirefly) -> None:
    status(secure.url, validate_certs=False)
    assert failure(secure.url).code == 'tls'


def test_plain_http_behind_https(firefly: FakeFirefly) -> None:
    error = failure(firefly.url.replace('http:', 'https:'), retries=1)
    assert (error.code, error.retryable, error.attempts) == ('tls', False, 1)


def test_https_behind_plain_http(secure: FakeFirefly) -> None:
    assert failure(secure.url.replace('https:', 'http:')).code in ('connect', 'unexpected_status')


def test_a_client_certificate(demanding: FakeFirefly) -> None:
    options = {'ca_path': demanding.ca_path, 'client_cert': demanding.client_cert, 'client_key': demanding.client_key}
    assert status(demanding.url, **options) == 204


def test_a_client_certificate_with_its_key_in_one_file(demanding: FakeFirefly, tmp_path: Path) -> None:
    both = tmp_path / 'both.pem'
    both.write_text(Path(str(demanding.client_key)).read_text() + Path(str(demanding.client_cert)).read_text())
    assert status(demanding.url, ca_path=demanding.ca_path, client_cert=str(both)) == 204


# with TLS 1.3 the server's complaint comes after the handshake, and may get lost when it closes the connection
def test_a_client_certificate_that_is_demanded_and_not_given(demanding: FakeFirefly) -> None:
    error = failure(demanding.url, ca_path=demanding.ca_path)
    assert error.code in ('tls', 'connect')
    assert error.status is None
    assert demanding.requests == []


def test_a_client_certificate_of_another_ca(demanding: FakeFirefly, pem: dict[str, str]) -> None:
    options = {'ca_path': demanding.ca_path, 'client_cert': pem['cert'], 'client_key': pem['key']}
    assert failure(demanding.url, **options).code in ('tls', 'connect')
    assert demanding.requests == []


@pytest.mark.parametrize('validate_certs', [True, False])
@pytest.mark.parametrize('name', ['missing', 'text', 'binary', 'empty', 'cut', 'key'])
def test_a_ca_that_cannot_be_used(name: str, validate_certs: bool, pem: dict[str, str]) -> None:
    with pytest.raises(FireflyError, match='ca_path') as refused:
        status('https://127.0.0.1:1', ca_path=pem[name], validate_certs=validate_certs)
    assert refused.value.code == 'invalid_option'
    assert pem[name] not in str(refused.value)
    assert 'HUNTER2' not in str(refused.value)


def test_a_folder_of_cas(secure: FakeFirefly, tmp_path: Path) -> None:
    command = ['openssl', 'x509', '-noout', '-subject_hash', '-in', str(secure.ca_path)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / f'{name}.0').symlink_to(str(secure.ca_path))
    assert status(secure.url, ca_path=str(tmp_path)) == 204


@pytest.mark.parametrize('option', ['ca_path', 'client_cert'])
def test_a_path_that_is_not_valid(option: str) -> None:
    with pytest.raises(FireflyError, match=option) as refused:
        status('https://127.0.0.1:1', **{option: '/etc/ca\0.pem'})
    assert refused.value.code == 'invalid_option'


@pytest.mark.parametrize(
    'cert,key,blamed',
    [
        (None, 'key', 'client_key'),
        (None, 'missing', 'client_key'),
        ('missing', None, 'client_cert'),
        ('missing', 'key', 'client_cert'),
        ('folder', None, 'client_cert'),
        ('text', None, 'client_cert'),
        ('empty', None, 'client_cert'),
        ('cert', None, 'client_cert'),
        ('key', None, 'client_cert'),
        ('cert', 'missing', 'client_key'),
        ('cert', 'text', 'client_key'),
        ('cert', 'other key', 'client_key'),
        ('cert', 'locked key', 'client_key'),
    ],
)
def test_a_client_certificate_that_cannot_be_used(
    cert: str | None, key: str | None, blamed: str, pem: dict[str, str]
) -> None:
    options = {'client_cert': cert and pem[cert], 'client_key': key and pem[key]}
    with pytest.raises(FireflyError) as refused:
        status('https://127.0.0.1:1', **options)
    assert refused.value.code == 'invalid_option'
    assert str(refused.value).startswith((f'The file of the option {blamed} ', f'The option {blamed} is given'))


def test_a_bad_certificate_is_blamed_though_there_is_a_key(pem: dict[str, str]) -> None:
    with pytest.raises(FireflyError) as refused:
        status('https://127.0.0.1:1', client_cert=pem['text'], client_key=pem['key'])
    assert 'client_cert' in str(refused.value)


def test_no_passphrase_is_asked_for_at_the_terminal(pem: dict[str, str]) -> None:
    script = (
        'import sys\n'
        'from ansible_collections.firefly.platform.plugins.plugin_utils._tls import client_certificate\n'
        'client_certificate(*sys.argv[1:])'
    )
    child, terminal = os.forkpty()
    if child == 0:
        environment = {**os.environ, 'PYTHONPATH': os.environ['ANSIBLE_COLLECTIONS_PATH']}
        os.execve(sys.executable, [sys.executable, '-c', script, pem['cert'], pem['locked key']], environment)  # noqa: S606
    shown = b''
    with contextlib.suppress(OSError):  # Linux tells the end of a terminal so
        while b'pass phrase' not in shown and select.select([terminal], [], [], 60)[0]:
            shown += os.read(terminal, 4096)
    os.close(terminal)  # which ends a child that still waits
    os.waitpid(child, 0)
    assert b'FireflyError' in shown
    assert b'pass phrase' not in shown


def test_files_are_checked_for_plain_http_too(firefly: FakeFirefly, pem: dict[str, str]) -> None:
    with pytest.raises(FireflyError, match='ca_path'):
        status(firefly.url, ca_path=pem['missing'])
    assert firefly.requests == []
