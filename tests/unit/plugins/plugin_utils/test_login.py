# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils import _secrets
from ansible_collections.firefly.platform.plugins.plugin_utils._client import VERSION
from ansible_collections.firefly.platform.plugins.plugin_utils._credentials import basic_authorization
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault
from helpers import client
from helpers.operations import perform


def log_in(url: str, **options: t.Any) -> dict[str, t.Any]:
    options = {'api_url': url, **client.KEYS, 'retries': 0, 'timeout': 10, 'token_cache': False, **options}
    return perform(Login(), options).values


def validated(raw: dict[str, t.Any]) -> Options:
    return Login().validate(Options(raw))


def failure(url: str, **options: t.Any) -> FireflyError:
    error = client.failure(log_in, url, **options)
    assert SECRET_KEY not in str(error)
    return error


def test_a_token_and_what_goes_with_it() -> None:
    with FakeFirefly(prefix='/gateway') as firefly:
        result = log_in(f'{firefly.url}/v2/')
    lifetime = result.pop('expires_in')
    assert 3590 < lifetime <= 3600
    assert 3595 < result['expires_at'] - time.time() < 3605
    assert result == {
        'access_token': firefly.tokens[0],
        'token_type': 'Bearer',
        'authorization': f'Bearer {firefly.tokens[0]}',
        'expires_at': result['expires_at'],
        'expires_at_utc': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(result['expires_at'])),
        'api_url': firefly.url,
        'reused': False,
        'requests': 1,
    }


def test_the_request(firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / '.netrc'
    netrc.write_text('machine 127.0.0.1 login netrc password HUNTER2\n')
    netrc.chmod(0o600)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('NETRC', str(netrc))
    log_in(firefly.url)
    (request,) = firefly.requests
    assert (request.method, request.path) == ('POST', '/v2/login')
    assert json.loads(request.body) == {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
    version = yaml.safe_load((Path(__file__).parents[4] / 'galaxy.yml').read_text(encoding='utf-8'))['version']
    assert version == VERSION
    expected = {
        'content-type': 'application/json',
        'accept': 'application/json',
        'accept-encoding': 'identity',
        'user-agent': f'firefly.platform/{version} (Ansible collection)',
        'host': firefly.url.removeprefix('http://'),
    }
    assert {name: request.headers.get(name) for name in expected} == expected
    assert not {'authorization', 'cookie'} & set(request.headers)


def test_keys_arrive_as_they_are() -> None:
    keys = {'ключ': 'schlüssel', 'a"b\\c': '{"x": 1}', 'a b': 'c\td', 'x' * 10_000: 'y' * 10_000, '0': 'false'}
    with FakeFirefly(keys=keys) as firefly:
        for access_key, secret_key in keys.items():
            result = log_in(firefly.url, access_key=access_key, secret_key=secret_key)
            assert result['access_token'] == firefly.tokens[-1]


def test_a_token_that_lives_long_enough(firefly: FakeFirefly) -> None:
    for lifetime, min_ttl in ((3600, 3500), (60, 0), (5, 0)):
        firefly.token_lifetime = lifetime
        assert max(min_ttl, 1) <= log_in(firefly.url, min_ttl=min_ttl)['expires_in'] <= lifetime


@pytest.mark.parametrize(
    'lifetime,min_ttl,what',
    [
        (59, 60, 'option min_ttl says'),
        (3600, 3601, 'option min_ttl says'),
        (0, 0, 'has expired'),
        (-100, 0, 'has expired'),
    ],
)
def test_a_token_that_does_not(lifetime: int, min_ttl: int, what: str) -> None:
    with FakeFirefly(token_lifetime=lifetime) as firefly:
        error = failure(firefly.url, min_ttl=min_ttl)
    assert (error.code, error.status, error.retryable) == ('expires_too_soon', 200, False)
    assert f'POST {firefly.url}/v2/login' in str(error)
    assert what in str(error)
    assert firefly.tokens[0] not in str(error)


def test_a_200_without_a_token(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(replace={'expiresAt': 1}))
    assert failure(firefly.url, min_ttl=0).code == 'expires_too_soon'  # a token needs a whole second
    firefly.fail(Fault(replace={'expiresAt': 'HUNTER2'}))
    error = failure(firefly.url, retries=1)
    assert (error.code, error.status, error.retryable) == ('invalid_response', 200, False)
    assert f'POST {firefly.url}/v2/login' in str(error)
    assert not any(token in str(error) for token in firefly.tokens)


def test_the_token_of_the_run_is_reused(firefly: FakeFirefly) -> None:
    results = [log_in(firefly.url, token_cache=True) for _unused in range(2)]
    assert [(result['reused'], result['requests']) for result in results] == [(False, 1), (True, 0)]
    assert [result['access_token'] for result in results] == firefly.tokens * 2
    firefly.fail(Fault(status=503))
    assert log_in(firefly.url, retries=1)['requests'] == 2


@pytest.mark.parametrize(
    'given,missing',
    [
        ({}, 'access_key and secret_key are'),
        ({'access_key': None, 'secret_key': None}, 'access_key and secret_key are'),
        ({'access_key': 'HUNTER1', 'secret_key': ''}, 'secret_key is'),
        ({'access_key': ' ', 'secret_key': 'HUNTER2'}, 'access_key is'),
    ],
)
def test_missing_keys_are_named(given: dict[str, t.Any], missing: str) -> None:
    error = client.failure(validated, given)
    assert error.code == 'missing_credentials'
    assert str(error).startswith(f'{missing} missing.')
    assert 'FIREFLY_SECRET_KEY' in str(error)


def test_keys_from_files(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ('access_key', 'secret_key')}
    files = {f'{name}_file': str(path) for name, path in paths.items()}
    for name, path in paths.items():
        path.write_text(f'{name} of a file\n')
    options = validated({**files, 'access_key': 'direct'})
    assert (options['access_key'], options['secret_key']) == ('direct', 'secret_key of a file')
    paths['secret_key'].write_text(' \n')
    error = client.failure(validated, files)
    assert error.code == 'missing_credentials'
    assert 'secret_key_file' in error.what
    assert 'access_key' not in error.what
    assert client.failure(validated, {'timeout': -1}).code == 'invalid_option'  # before keys that are missing


def test_secrets_are_masked(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr(_secrets, 'register_secret', masked.append)
    failure('http://127.0.0.1:1')
    assert masked == [SECRET_KEY]
    log_in(firefly.url)
    assert masked[2:] == firefly.tokens
    assert basic_authorization(validated(client.KEYS)) == f'Basic {masked[-1]}'
