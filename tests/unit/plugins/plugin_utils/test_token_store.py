# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.module_utils._errors import FireflyError, RefusedError
from ansible_collections.firefly.platform.plugins.module_utils._login import login, login_options
from ansible_collections.firefly.platform.plugins.module_utils._token import token_result
from ansible_collections.firefly.platform.plugins.plugin_utils import _token_store
from ansible_collections.firefly.platform.plugins.plugin_utils._token_store import log_in_once
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault

fork = multiprocessing.get_context('fork')


@pytest.fixture(autouse=True)
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A run and a home of this test alone; what the store says at -v."""
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path / 'run'))
    (tmp_path / 'run').mkdir(mode=0o700)
    monkeypatch.setattr(constants.config, 'get_config_value', {'ANSIBLE_HOME': str(tmp_path / 'home')}.__getitem__)
    lines: list[str] = []
    monkeypatch.setattr(_token_store, '_say', lines.append)
    return lines


def options_for(firefly: FakeFirefly, **more: Any) -> dict[str, Any]:
    keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
    return login_options({**keys, 'retries': 0, **more})


def get(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return log_in_once(options, lambda: login(options), **more)


def the_file(folder: Path) -> Path:
    (path,) = [path for path in folder.iterdir() if path.suffix != '.lock']
    return path


@pytest.mark.parametrize('token_cache,logins', [('run', 1), ('user', 1), ('none', 3)])
def test_how_often_it_logs_in(firefly: FakeFirefly, token_cache: str, logins: int) -> None:
    results = [get(options_for(firefly, token_cache=token_cache)) for _unused in range(3)]
    assert firefly.count('POST', '/v2/login') == logins
    assert [result['reused'] for result in results] == [False, logins == 1, logins == 1]
    assert [result['attempts'] for result in results] == [1, *([0, 0] if logins == 1 else [1, 1])]
    assert len({result['authorization'] for result in results}) == logins
    assert all(results[0].keys() == result.keys() for result in results)


def test_a_run_does_not_outlive_itself_and_a_user_does(
    firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token_cache in ('run', 'user'):
        get(options_for(firefly, token_cache=token_cache))
    (tmp_path / 'run2').mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path / 'run2'))
    assert not get(options_for(firefly, token_cache='run'))['reused']
    assert get(options_for(firefly, token_cache='user'))['reused']


def test_files_are_private_and_hold_nothing_readable(firefly: FakeFirefly, tmp_path: Path) -> None:
    for token_cache in ('run', 'user'):
        get(options_for(firefly, token_cache=token_cache))
    for folder in (tmp_path / 'run/firefly', tmp_path / 'home/firefly/tokens'):
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in folder.iterdir():
            assert path.stat().st_mode & 0o777 == 0o600
            content = path.name.encode() + path.read_bytes()
            for needle in (TOKEN_NEEDLE, firefly.secret_key, firefly.access_key, firefly.url):
                assert needle.encode() not in content


def test_two_keys_and_two_addresses_are_never_mixed_up() -> None:
    keys = {'one': 'secret1', 'two': 'secret2'}
    with FakeFirefly(keys=keys) as first, FakeFirefly(keys=keys) as second:
        seen = {}
        for _unused in range(2):
            for firefly in (first, second):
                for access_key, secret_key in keys.items():
                    options = options_for(firefly, access_key=access_key, secret_key=secret_key)
                    token = get(options)['access_token']
                    assert token in firefly.tokens
                    assert seen.setdefault((firefly.url, access_key), token) == token
        assert len(set(seen.values())) == 4
        assert first.count('POST', '/v2/login') == second.count('POST', '/v2/login') == 2


def test_a_secret_key_that_is_no_utf_8_is_refused_and_no_traceback(firefly: FakeFirefly) -> None:
    for _unused in range(2):
        with pytest.raises(RefusedError):
            get(options_for(firefly, secret_key='secret\udcff'))
    assert firefly.count('POST', '/v2/login') == 1


def test_every_spelling_of_an_address_shares_a_token(firefly: FakeFirefly) -> None:
    for api_url in (firefly.url, f'{firefly.url}/', f'{firefly.url}/v2', f'{firefly.url}/v2/'):
        get(options_for(firefly, api_url=api_url))
    assert firefly.count('POST', '/v2/login') == 1


def test_a_token_that_lives_too_short_is_replaced(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    get(options_for(firefly, min_ttl=60))
    firefly.token_lifetime = 3600
    assert get(options_for(firefly, min_ttl=60))['reused']
    result = get(options_for(firefly, min_ttl=900))
    assert not result['reused']
    assert result['expires_in'] >= 900


def test_the_promise_is_kept_by_the_clock_of_the_server(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(date_offset=3000))  # the server's clock is ahead: of 3600 s some 600 remain
    get(options_for(firefly))
    result = get(options_for(firefly, min_ttl=500))
    assert result['reused']
    assert 590 <= result['expires_in'] <= 600
    assert not get(options_for(firefly, min_ttl=700))['reused']


@pytest.mark.parametrize('status,code', [(401, 'unauthorized'), (403, 'forbidden')])
@pytest.mark.parametrize('token_cache', ['run', 'user'])
def test_a_refusal_is_kept_for_the_run(firefly: FakeFirefly, status: int, code: str, token_cache: str) -> None:
    firefly.fail(Fault(status=status), times=None)
    errors = []
    for _unused in range(3):
        with pytest.raises(RefusedError) as error:
            get(options_for(firefly, token_cache=token_cache))
        errors.append(error.value)
    assert firefly.count('POST', '/v2/login') == 1
    assert {(error.code, error.status, str(error)) for error in errors} == {(code, status, str(errors[0]))}


def test_a_refusal_is_asked_again_where_a_task_tries_again(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401), times=2)
    for _unused in range(2):
        with pytest.raises(RefusedError):
            get(options_for(firefly), ask_again=True)
    assert get(options_for(firefly), ask_again=True)['access_token']


def test_what_can_pass_is_not_kept(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503))
    with pytest.raises(FireflyError):
        get(options_for(firefly))
    assert get(options_for(firefly))['access_token']


def test_too_short_a_life_is_kept_for_those_who_ask_for_as_much(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    for min_ttl in (900, 900, 1000):
        with pytest.raises(FireflyError) as error:
            get(options_for(firefly, min_ttl=min_ttl))
        assert error.value.code == 'expires_too_soon'
    assert firefly.count('POST', '/v2/login') == 1
    assert get(options_for(firefly, min_ttl=100))['access_token']


@pytest.mark.parametrize(
    'damage',
    [
        lambda path: path.write_bytes(b''),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b'\xff\x00junk'),
        lambda path: path.write_bytes(path.read_bytes().swapcase()),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.rename(path.with_suffix('.moved')), path.symlink_to(path.with_suffix('.moved'))),
    ],
    ids=['empty', 'truncated', 'junk', 'changed', 'folder', 'link'],
)
def test_a_damaged_file_is_no_error(
    firefly: FakeFirefly, tmp_path: Path, said: list[str], damage: Callable[[Path], object]
) -> None:
    get(options_for(firefly))
    damage(the_file(tmp_path / 'run/firefly'))
    assert not get(options_for(firefly))['reused']
    assert said


def test_a_file_of_another_key_is_no_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    firefly.keys = {**firefly.keys, 'other': 'other-secret'}
    get(options_for(firefly))
    ours = the_file(tmp_path / 'run/firefly')
    theirs = ours.with_suffix('.theirs')
    ours.rename(theirs)
    get(options_for(firefly, access_key='other', secret_key='other-secret'))
    other = next(path for path in (tmp_path / 'run/firefly').iterdir() if path.suffix == '')
    theirs.rename(other)
    result = get(options_for(firefly, access_key='other', secret_key='other-secret'))
    assert not result['reused']
    assert said


def _link(folder: Path) -> None:
    (folder.parent / 'elsewhere').mkdir(mode=0o700)
    folder.symlink_to(folder.parent / 'elsewhere')


def _foreign(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)


@pytest.mark.parametrize(
    'prepare',
    [
        _link,
        pytest.param(_foreign, marks=pytest.mark.skipif(os.geteuid() != 0, reason='only root gives a folder away')),
        lambda folder: (folder.mkdir(), folder.chmod(0o777)),
        lambda folder: (folder.mkdir(), folder.chmod(0o750)),
        lambda folder: folder.write_text('a file'),
    ],
    ids=['link', 'foreign', 'world-writable', 'group-readable', 'file'],
)
def test_a_folder_that_is_not_ours_alone_is_not_used(
    firefly: FakeFirefly, tmp_path: Path, said: list[str], prepare: Callable[[Path], object]
) -> None:
    prepare(tmp_path / 'run/firefly')
    for _unused in range(2):
        assert not get(options_for(firefly))['reused']
    assert said
    for place in (tmp_path / 'run/firefly', tmp_path / 'run/elsewhere'):
        assert not place.is_dir() or not list(place.iterdir())


@contextlib.contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in the folder."""
    mount = ['mount', '-t', 'tmpfs', '-o', f'mode=0700,{options}', 'tmpfs', str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip('only root mounts, and not on every machine')
    try:
        yield
    finally:
        subprocess.run(['umount', str(folder)], check=True)


def test_a_read_only_folder_is_no_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / 'run/firefly'
    folder.mkdir(mode=0o500)
    # root may write to any folder, whatever its mode
    with _mounted(folder, 'ro') if os.geteuid() == 0 else contextlib.nullcontext():
        with pytest.raises(OSError, match='Read-only|Permission denied'):
            (folder / 'filler').touch()
        assert not get(options_for(firefly))['reused']
        assert any('cannot be written' in line for line in said)


def test_a_full_disk_is_no_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    with _mounted(tmp_path / 'run', 'size=4k'):
        (tmp_path / 'run/firefly').mkdir(mode=0o700)
        with pytest.raises(OSError, match='No space'):
            (tmp_path / 'run/filler').write_bytes(b'x' * 100_000)
        assert not get(options_for(firefly))['reused']
        assert any('cannot be written' in line for line in said)
        assert not [path for path in (tmp_path / 'run/firefly').iterdir() if path.suffix != '.lock']


def test_what_has_expired_is_removed(firefly: FakeFirefly, tmp_path: Path) -> None:
    get(options_for(firefly, token_cache='user'))
    old = the_file(tmp_path / 'home/firefly/tokens')
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    firefly.keys = {**firefly.keys, 'other': 'other-secret'}
    get(options_for(firefly, token_cache='user', access_key='other', secret_key='other-secret'))
    assert the_file(tmp_path / 'home/firefly/tokens') != old


def _forks(count: int, work: Callable[[], str]) -> list[str]:
    """What ``count`` processes get that all start at once."""
    start = fork.Event()
    results: Any = fork.Queue()

    def run() -> None:
        start.wait()
        try:
            results.put(work())
        except FireflyError as error:
            results.put(error.code)

    processes = [fork.Process(target=run) for _unused in range(count)]
    for process in processes:
        process.start()
    start.set()
    got = [results.get(timeout=60) for _unused in processes]
    for process in processes:
        process.join(60)
    return got


@pytest.mark.parametrize('token_cache', ['run', 'user'])
def test_50_at_once_log_in_once(firefly: FakeFirefly, token_cache: str) -> None:
    firefly.fail(Fault(delay=0.5))
    tokens = _forks(50, lambda: str(get(options_for(firefly, token_cache=token_cache))['access_token']))
    assert tokens == firefly.tokens * 50
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('fault,code', [(Fault(status=401), 'unauthorized'), (Fault(status=503), 'server_error')])
def test_50_at_once_share_a_failure(firefly: FakeFirefly, fault: Fault, code: str) -> None:
    # slow enough for all to have begun to wait
    firefly.fail(Fault(status=fault.status, delay=1), times=None)
    assert _forks(50, lambda: str(get(options_for(firefly)))) == [code] * 50
    assert firefly.count('POST', '/v2/login') == 1


def test_a_killed_holder_frees_the_lock(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30))
    holder = fork.Process(target=lambda: get(options_for(firefly)))
    holder.start()
    while not firefly.requests:
        time.sleep(0.01)
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(10)
    assert not get(options_for(firefly))['reused']


def test_a_kept_result_looks_as_a_new_one(firefly: FakeFirefly) -> None:
    new = get(options_for(firefly))
    kept = get(options_for(firefly))
    assert 0 <= new.pop('expires_in') - kept.pop('expires_in') <= 2
    assert {**new, 'reused': True, 'attempts': 0} == kept
    assert set(kept) | {'expires_in'} == set(
        token_result('t', 'Bearer', 0, clock_offset=0, api_url='', reused=True, attempts=0)
    )
