# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import datetime
import os
import select
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from ansible_collections.firefly.platform.plugins.plugin_utils._tls import _NOT_VALIDATED
from cryptography.hazmat.primitives import serialization
from fake_firefly import FakeFirefly
from helpers.client import failure, health, refusal
from helpers.raw_server import RawServer, http

PKCS8 = serialization.PrivateFormat.PKCS8


@pytest.fixture
def secure() -> Iterator[FakeFirefly]:
    with FakeFirefly(tls=True) as server:
        yield server


@pytest.fixture
def demanding() -> Iterator[FakeFirefly]:
    """A Firefly that demands a client certificate."""
    with FakeFirefly(client_ca=True) as server:
        yield server


@pytest.fixture(scope='module')
def pem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a CA that no test trusts, and some files that cannot be used, by name."""
    folder = tmp_path_factory.mktemp('pem')
    ca = trustme.CA()
    client = ca.issue_cert('client.test')
    key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
    passphrase = serialization.BestAvailableEncryption(b'HUNTER2')
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, passphrase)
    contents = {
        'ca': ca.cert_pem.bytes(),
        'cert': client.cert_chain_pems[0].bytes(),
        'key': client.private_key_pem.bytes(),
        'other key': ca.issue_cert('other.test').private_key_pem.bytes(),
        'locked key': locked,
        'locked PKCS #8 key': key.private_bytes(serialization.Encoding.PEM, PKCS8, passphrase),
        'cut key': client.private_key_pem.bytes()[:100],
        'cert and locked key': client.cert_chain_pems[0].bytes() + locked,
        'text': b'HUNTER2\n',
        'binary': b'\xff\x00\xfe',
        'empty': b'',
        'cut': ca.cert_pem.bytes()[:200],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    paths = {name: str(folder / name) for name in (*contents, 'missing')}
    return {**paths, 'not a path': f'{folder}/\0.pem', 'folder': str(folder)}


def test_a_ca_signs_the_certificate_or_does_not(secure: FakeFirefly, pem: dict[str, str]) -> None:
    assert health(secure.url.replace('127.0.0.1', 'localhost'), ca_path=secure.ca_path).status == 204
    secure.requests.clear()
    for ca_path in (None, pem['ca']):
        error = failure(health, secure.url, ca_path=ca_path, retries=1)
        assert (error.code, error.status, error.retryable, error.final) == ('tls', None, False, True)
        assert 'got no response: TLS failed (' in str(error)
    assert secure.requests == []


@pytest.mark.parametrize('name', ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'])
def test_the_client_takes_no_cas_from_the_environment(
    secure: FakeFirefly, name: str, pem: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, pem['ca'])
    assert health(secure.url, ca_path=secure.ca_path).status == 204
    monkeypatch.setenv(name, str(secure.ca_path))
    assert failure(health, secure.url).code == 'tls'


def test_no_library_warns_without_validation(
    secure: FakeFirefly, pem: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        assert health(secure.url, validate_certs=False).status == 204
        assert health(secure.url, validate_certs=False, ca_path=pem['ca']).status == 204
    assert warned == []
    output = capfd.readouterr()
    assert output.out == ''
    assert output.err in ('', f'[WARNING]: {_NOT_VALIDATED}\n')  # ansible-core shows it once in a process
    assert failure(health, secure.url).code == 'tls'  # the next client verifies it again


def test_a_client_certificate(demanding: FakeFirefly, pem: dict[str, str]) -> None:
    options = {'ca_path': demanding.ca_path, 'client_cert': pem['cert'], 'client_key': pem['key']}
    # with TLS 1.3 the server's complaint comes after the handshake, and can get lost when it closes the connection
    assert failure(health, demanding.url, **options).code in ('tls', 'connect')
    assert demanding.requests == []
    options |= {'client_cert': demanding.client_cert, 'client_key': demanding.client_key}
    assert health(demanding.url, **options).status == 204


# files are checked without TLS too
@pytest.mark.parametrize('validate_certs', [True, False])
@pytest.mark.parametrize('name', ['missing', 'not a path', 'text', 'binary', 'empty', 'cut', 'key'])
def test_a_ca_that_cannot_be_used(name: str, validate_certs: bool, pem: dict[str, str]) -> None:
    what = refusal(health, 'http://127.0.0.1:1', ca_path=pem[name], validate_certs=validate_certs)
    assert what.startswith('The file of the option ca_path ')
    assert pem[name] not in what


def test_a_folder_of_cas(secure: FakeFirefly, tmp_path: Path) -> None:
    command = ['openssl', 'x509', '-noout', '-subject_hash', '-in', str(secure.ca_path)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / f'{name}.0').symlink_to(str(secure.ca_path))
    assert health(secure.url, ca_path=str(tmp_path)).status == 204


@pytest.mark.parametrize(
    'cert,key,problem',
    [
        ('cert', None, 'client_cert holds a certificate without its private key. Set client_key.'),
        ('cert', 'other key', 'client_key holds the private key of another certificate.'),
        ('cert', 'locked key', 'client_key holds a private key with a passphrase.'),
        ('cert', 'locked PKCS #8 key', 'client_key holds a private key with a passphrase.'),
        ('cert and locked key', None, 'client_cert holds a private key with a passphrase.'),
        ('cert', 'cut key', 'client_key holds a private key that is not valid.'),
        ('cert', 'ca', 'client_key holds no private key in PEM format.'),
        ('cert', 'text', 'client_key holds no private key in PEM format.'),
    ],
)
def test_why_a_client_certificate_cannot_be_used(cert: str, key: str | None, problem: str, pem: dict[str, str]) -> None:
    what = refusal(health, 'http://127.0.0.1:1', client_cert=pem[cert], client_key=key and pem[key])
    assert what.startswith(f'The file of the option {problem}')


@pytest.mark.parametrize('kind', ['expired', 'not yet valid'])
def test_a_certificate_that_the_clock_refuses(kind: str, tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    begin, end = {'expired': (now - 2 * day, now - day), 'not yet valid': (now + day, now + 2 * day)}[kind]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / 'ca.pem'))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert('127.0.0.1', not_before=begin, not_after=end).configure_cert(context)
    with RawServer(http(204), tls=context) as server:
        error = failure(health, server.url, ca_path=str(tmp_path / 'ca.pem'))
    assert error.code == 'tls'
    assert kind in error.what
    assert error.hint.startswith(f'The clock of the controller says {now:%Y-%m-%d}')
    assert 'ca_path' not in error.hint


def test_a_key_log_that_cannot_be_written(secure: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('SSLKEYLOGFILE', f'{tmp_path}/HUNTER2/keys')
    what = refusal(health, secure.url, ca_path=secure.ca_path)
    assert what == 'The file of the environment variable SSLKEYLOGFILE cannot be written: No such file or directory.'
    assert refusal(health, secure.url.replace('127.0.0.1', 'nonexistent.invalid'), validate_certs=False) == what
    assert failure(health, 'http://127.0.0.1:1').code == 'connect'  # without TLS there are no keys
    monkeypatch.setenv('SSLKEYLOGFILE', f'{tmp_path}/keys')
    assert health(secure.url, ca_path=secure.ca_path).status == 204


@pytest.mark.parametrize(
    'cert,key,blamed',
    [(cert, None, 'client_cert') for cert in ('not a path', 'missing', 'folder', 'text', 'empty', 'cert', 'key')]
    + [(cert, 'key', 'client_cert') for cert in ('missing', 'text')]
    + [('cert', key, 'client_key') for key in ('missing', 'text', 'other key', 'locked key')]
    + [(None, 'key', 'client_key')],
)
def test_a_client_certificate_that_cannot_be_used(
    cert: str | None, key: str | None, blamed: str, pem: dict[str, str]
) -> None:
    what = refusal(health, 'http://127.0.0.1:1', client_cert=cert and pem[cert], client_key=key and pem[key])
    assert what.startswith((f'The file of the option {blamed} ', f'The option {blamed} is set'))


def test_the_terminal_is_not_asked_for_a_passphrase(pem: dict[str, str]) -> None:
    script = (
        'import sys\n'
        'from ansible_collections.firefly.platform.plugins.plugin_utils._tls import client_certificate\n'
        'from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options\n'
        'client_certificate(Options({"client_cert": sys.argv[1], "client_key": sys.argv[2]}))'
    )
    child, terminal = os.forkpty()
    if child == 0:
        environment = {**os.environ, 'PYTHONPATH': os.environ['ANSIBLE_COLLECTIONS_PATH']}
        os.execve(sys.executable, [sys.executable, '-c', script, pem['cert'], pem['locked key']], environment)  # noqa: S606
    shown = b''
    with contextlib.suppress(OSError):  # on Linux, the end of the terminal
        while b'pass phrase' not in shown and select.select([terminal], [], [], 60)[0]:
            shown += os.read(terminal, 4096)
    os.close(terminal)  # which ends a child that still waits
    os.waitpid(child, 0)
    assert b'FireflyError' in shown
    assert b'pass phrase' not in shown
