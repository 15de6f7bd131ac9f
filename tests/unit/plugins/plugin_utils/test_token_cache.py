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
from ansible_collections.firefly.platform.plugins.plugin_utils import _token_cache
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import request_token, validate_login
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token
from ansible_collections.firefly.platform.plugins.plugin_utils._token_cache import TELL_AGAIN, token_of_run
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault

fork = multiprocessing.get_context('fork')

TOLD_AGAIN = 'it was not sent again'


@pytest.fixture(autouse=True)
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A run of this test alone; what the cache says at -v."""
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path / 'run'))
    (tmp_path / 'run').mkdir(mode=0o700)
    lines: list[str] = []
    monkeypatch.setattr(_token_cache, '_say', lines.append)
    return lines


def options_for(firefly: FakeFirefly, **more: Any) -> Options:
    keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
    return validate_login({**keys, 'retries': 0, **more})


def get(firefly: FakeFirefly, asker: str | None = 'task', **more: Any) -> tuple[Token, int]:
    options = options_for(firefly, **more)
    return token_of_run(options, asker, lambda: request_token(options, print))


def failure(firefly: FakeFirefly, asker: str | None = 'task', **more: Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        get(firefly, asker, **more)
    return failed.value


def the_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / 'run').iterdir()
    return path


def test_one_login_for_a_run(firefly: FakeFirefly) -> None:
    outcomes = [get(firefly, asker) for asker in ('task', 'other task', 'lookup', None)]
    assert [attempts for _token, attempts in outcomes] == [1, 0, 0, 0]
    assert len({token for token, _attempts in outcomes}) == 1
    assert firefly.count('POST', '/v2/login') == 1


def test_a_token_ends_with_its_run(firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get(firefly)
    (tmp_path / 'run2').mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path / 'run2'))
    assert get(firefly)[1] == 1


def test_the_file_is_private_and_holds_nothing_readable(firefly: FakeFirefly, tmp_path: Path) -> None:
    get(firefly)
    path = the_file(tmp_path)
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
                    token = get(firefly, access_key=access_key, secret_key=secret_key)[0].access_token
                    assert token in firefly.tokens
                    assert seen.setdefault((firefly.url, access_key), token) == token
        assert len(set(seen.values())) == 4
        assert first.count('POST', '/v2/login') == second.count('POST', '/v2/login') == 2


def test_all_that_decides_the_outcome_has_a_file_of_its_own(
    firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log_in() -> tuple[Token, int]:
        return Token('token', 'Bearer', 0, time.monotonic() + 3600), 1

    changes: list[dict[str, Any]] = [
        {},
        {'api_url': 'https://firefly.example'},
        {'access_key': 'other'},
        {'secret_key': 'other'},
        {'validate_certs': False},
        {'ca_path': '/ca.pem'},
        {'client_cert': '/cert.pem'},
        {'client_key': '/key.pem'},
        {'use_proxy': False},
    ]
    for change in changes:
        assert token_of_run(options_for(firefly, **change), 'task', log_in)[1] == 1
    monkeypatch.setenv('https_proxy', 'http://proxy.example')
    assert token_of_run(options_for(firefly), 'task', log_in)[1] == 1
    assert len(list((tmp_path / 'run').iterdir())) == len(changes) + 1


def test_every_spelling_of_an_address_shares_a_token(firefly: FakeFirefly) -> None:
    for api_url in (firefly.url, f'{firefly.url}/', f'{firefly.url}/v2', f'{firefly.url}/v2/'):
        get(firefly, api_url=api_url)
    assert firefly.count('POST', '/v2/login') == 1


def test_a_secret_key_that_is_not_utf_8_is_refused_as_any_other(firefly: FakeFirefly) -> None:
    for _unused in range(2):
        assert failure(firefly, secret_key='secret\udcff').code == 'unauthorized'
    assert firefly.count('POST', '/v2/login') == 1


def test_a_token_that_does_not_live_long_enough_is_replaced(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    get(firefly, min_ttl=60)
    firefly.token_lifetime = 3600
    assert get(firefly, min_ttl=60)[1] == 0
    token, attempts = get(firefly, 'later task', min_ttl=900)
    assert attempts == 1
    assert token.expires_in >= 900


def test_a_token_that_has_become_too_short_is_replaced(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    firefly.token_lifetime = 300
    get(firefly, min_ttl=280)
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + 40)
    assert get(firefly, min_ttl=280)[1] == 1


def test_the_lifetime_is_by_the_clock_of_the_server(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(date_offset=3000))  # the server's clock is ahead: of 3600 s some 600 remain
    get(firefly)
    token, attempts = get(firefly, 'later task', min_ttl=500)
    assert attempts == 0
    assert 590 <= token.expires_in <= 600
    assert get(firefly, 'later task', min_ttl=700)[1] == 1


def test_a_new_token_that_is_too_short_is_told_again(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    assert [get(firefly, min_ttl=900)[1] for _unused in range(3)] == [1, 0, 0]
    assert get(firefly, 'later task', min_ttl=900)[1] == 1


@pytest.mark.parametrize('status,code', [(401, 'unauthorized'), (403, 'forbidden'), (503, 'server_error')])
def test_a_failure_is_told_again_to_the_same_asker(firefly: FakeFirefly, status: int, code: str) -> None:
    firefly.fail(Fault(status=status), times=None)
    first, *others = [failure(firefly) for _unused in range(3)]
    assert firefly.count('POST', '/v2/login') == 1
    assert TOLD_AGAIN not in str(first)
    assert all(TOLD_AGAIN in str(error) and str(error).startswith(first.what) for error in others)
    assert {(error.code, error.status, error.retryable) for error in others} == {(code, status, first.retryable)}
    assert {error.attempts for error in others} == {0}


def test_a_failure_leaves_a_token_that_lives_long_enough(firefly: FakeFirefly) -> None:
    get(firefly)
    firefly.fail(Fault(status=500), times=None)
    failure(firefly, 'later task', min_ttl=86400)
    assert [get(firefly, asker)[1] for asker in ('task', 'later task')] == [0, 0]
    assert TOLD_AGAIN in str(failure(firefly, 'later task', min_ttl=86400))


@pytest.mark.parametrize('asker', ['later task', 'lookup', None])
def test_whoever_else_asks_asks_anew(firefly: FakeFirefly, asker: str | None) -> None:
    firefly.fail(Fault(status=401))
    failure(firefly)
    assert get(firefly, asker)[1] == 1


def test_who_asks_anew_always_does(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401), times=2)
    failure(firefly, None)
    failure(firefly, None)
    assert get(firefly, None)[1] == 1


@pytest.mark.parametrize('later, told', [(TELL_AGAIN - 5, True), (TELL_AGAIN + 5, False)])
def test_a_failure_is_told_again_for_a_minute(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch, later: float, told: bool
) -> None:
    firefly.fail(Fault(status=401), times=2)
    failure(firefly)
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + later)
    assert (TOLD_AGAIN in str(failure(firefly))) is told
    assert TELL_AGAIN == 60


@pytest.mark.parametrize(
    'damage',
    [
        lambda path: path.write_bytes(b''),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b'\xff\x00junk'),
        lambda path: path.write_bytes(path.read_bytes().swapcase()),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=['empty', 'truncated', 'junk', 'changed', 'folder'],
)
def test_a_damaged_file_is_not_an_error(firefly: FakeFirefly, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    get(firefly)
    damage(the_file(tmp_path))
    assert get(firefly)[1] == 1


def test_a_file_of_another_key_is_not_an_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    firefly.keys = {**firefly.keys, 'other': 'other-secret'}
    get(firefly)
    ours = the_file(tmp_path).rename(tmp_path / 'ours')
    get(firefly, access_key='other', secret_key='other-secret')
    ours.rename(the_file(tmp_path))
    assert get(firefly, access_key='other', secret_key='other-secret')[1] == 1
    assert said == ['damaged, and will be replaced']


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


def test_a_folder_that_is_not_there_is_not_an_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / 'run').rmdir()
    assert [get(firefly)[1] for _unused in range(2)] == [1, 1]
    assert said[0].startswith('not used: ')


def test_a_full_disk_is_not_an_error(firefly: FakeFirefly, tmp_path: Path, said: list[str]) -> None:
    with _mounted(tmp_path / 'run', 'size=4k'):
        with pytest.raises(OSError, match='No space'):
            (tmp_path / 'run/filler').write_bytes(b'x' * 100_000)
        assert get(firefly)[1] == 1
        assert any(line.startswith('not written: ') for line in said)
        assert get(firefly)[1] == 1


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


def test_50_at_once_log_in_once(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=0.5))
    tokens = _forks(50, lambda: get(firefly)[0].access_token)
    assert tokens == firefly.tokens * 50
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('status,code', [(401, 'unauthorized'), (503, 'server_error')])
def test_50_at_once_share_a_failure_whoever_asks(firefly: FakeFirefly, status: int, code: str) -> None:
    # slow enough for all to have begun to wait
    firefly.fail(Fault(status=status, delay=1), times=None)
    assert _forks(50, lambda: get(firefly, asker=None)[0].access_token) == [code] * 50
    assert firefly.count('POST', '/v2/login') == 1


def test_a_new_token_that_is_too_short_is_told_to_those_who_waited(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    firefly.fail(Fault(delay=1))
    tokens = _forks(10, lambda: get(firefly, asker=None, min_ttl=900)[0].access_token)
    assert tokens == firefly.tokens * 10
    assert firefly.count('POST', '/v2/login') == 1


def test_a_killed_holder_frees_the_lock(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=30))
    holder = fork.Process(target=lambda: get(firefly))
    holder.start()
    while not firefly.requests:
        time.sleep(0.01)
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(10)
    assert get(firefly)[1] == 1


def renew(firefly: FakeFirefly, refused: str, asker: str | None = 'task') -> tuple[str, int]:
    """The token in place of one that an endpoint refused, and how many requests it took."""
    options = options_for(firefly)
    token, attempts = token_of_run(options, asker, lambda: request_token(options, print), refused)
    return token.access_token, attempts


def test_a_refused_token_is_replaced_for_all(firefly: FakeFirefly) -> None:
    old = get(firefly)[0].access_token
    new, attempts = renew(firefly, old)
    assert (new, attempts) == (firefly.tokens[1], 1)
    assert renew(firefly, old) == (new, 0)  # somebody else replaced it
    assert get(firefly)[0].access_token == new


@pytest.mark.parametrize('later,logins', [(TELL_AGAIN - 5, 2), (TELL_AGAIN + 5, 3)])
def test_a_token_that_took_the_place_of_a_refused_one_is_kept_for_a_minute(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch, later: float, logins: int
) -> None:
    new, _attempts = renew(firefly, get(firefly)[0].access_token)
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + later)
    for asker in ('task', 'later task', None):
        renew(firefly, new, asker)
    assert firefly.count('POST', '/v2/login') == logins


def test_a_token_that_replaced_one_that_was_too_short_can_be_replaced(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    short = get(firefly)[0].access_token
    firefly.token_lifetime = 3600
    new = get(firefly, 'later task', min_ttl=900)[0].access_token
    assert renew(firefly, short) == (new, 0)
    assert renew(firefly, new)[1] == 1


def test_a_refused_token_is_not_given_again_where_the_login_fails(firefly: FakeFirefly) -> None:
    old = get(firefly)[0].access_token
    firefly.fail(Fault(status=503))
    with pytest.raises(FireflyError):
        renew(firefly, old)
    assert TOLD_AGAIN in str(failure(firefly))
    assert get(firefly, 'later task')[1] == 1


def test_30_at_once_replace_a_refused_token_once(firefly: FakeFirefly) -> None:
    old = get(firefly)[0].access_token
    firefly.fail(Fault(delay=0.5))
    assert set(_forks(30, lambda: renew(firefly, old)[0])) == {firefly.tokens[-1]}
    assert firefly.count('POST', '/v2/login') == 2
