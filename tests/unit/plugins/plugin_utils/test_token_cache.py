# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils import _token_cache
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._login import SHARED_FOR, Login, token_of_run
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from ansible_collections.firefly.platform.plugins.plugin_utils._token import Token
from fake_firefly import TOKEN_NEEDLE, FakeFirefly, Fault
from helpers import client

fork = multiprocessing.get_context('fork')

TOLD_AGAIN = 'it was not tried again'
DOWN = Fault(status=503)
REFUSED = Fault(status=401)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the token cache says at -v."""
    lines: list[str] = []
    monkeypatch.setattr(_token_cache, '_say', lines.append)
    return lines


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock forward by so many seconds."""
    now = time.monotonic

    def move(seconds: float) -> None:
        monkeypatch.setattr(time, 'monotonic', lambda: now() + seconds)

    return move


def get(
    firefly: FakeFirefly, scope: str | None = 'task', refused: Token | None = None, **more: Any
) -> tuple[Token, int]:
    """The token, in place of one that an endpoint ``refused``, and how many requests it took."""
    options = Login().validate(Options({**firefly.options, 'retries': 0, **more}))
    return token_of_run(options, Context(print, scope), refused)


def failure(firefly: FakeFirefly, *arguments: Any, **more: Any) -> FireflyError:
    return client.failure(get, firefly, *arguments, **more)


def the_file(run_folder: Path) -> Path:
    (path,) = run_folder.iterdir()
    return path


# Tokens


def test_one_login_for_a_run(firefly: FakeFirefly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [get(firefly, scope) for scope in ('task', 'other task', 'lookup', None)]
    outcomes += [get(firefly, api_url=f'{firefly.url}{end}') for end in ('/', '/v2', '/v2/')]
    assert [requests for _token, requests in outcomes] == [1, 0, 0, 0, 0, 0, 0]
    assert {token.access_token for token, _attempts in outcomes} == set(firefly.tokens)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))
    assert get(firefly)[1] == 1  # another run


def test_the_file_is_private_and_encrypted(firefly: FakeFirefly, run_folder: Path) -> None:
    get(firefly)
    path = the_file(run_folder)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.name.encode() + path.read_bytes()
    assert firefly.tokens[0].startswith(TOKEN_NEEDLE)
    for needle in (TOKEN_NEEDLE, firefly.secret_key, firefly.access_key, firefly.url):
        assert needle.encode() not in content


def test_everything_that_decides_the_outcome_has_its_own_file(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: set[str] = set()

    (tmp_path / 'other').touch()

    def name(**change: Any) -> str:
        options = Login().validate(Options({**client.KEYS, **change}))
        with _token_cache.cache_entry(options, print):
            pass
        (new,) = {path.name for path in run_folder.iterdir()} - names
        return new

    names.add(name())
    other: dict[str, Any] = dict.fromkeys(
        ['access_key', 'secret_key', 'ca_path', 'client_cert', 'client_key'], str(tmp_path / 'other')
    )
    other |= {'api_url': 'https://firefly.example', 'validate_certs': False}
    for option, value in other.items():
        names.add(name(**{option: value}))
    for proxy in ('http://proxy.example', 'http://other.example'):
        monkeypatch.setenv('https_proxy', proxy)
        names.add(name())
    assert len(names) == len(other) + 3


@pytest.mark.parametrize(
    'environment',
    [
        {'no_proxy': 'elsewhere.example'},
        {'NO_PROXY': 'elsewhere.example,.example', 'http_proxy': 'http://proxy.example'},
        {'ftp_proxy': 'http://proxy.example', 'https_proxy': ''},
        {'https_proxy': 'http://proxy.example', 'no_proxy': '.firefly.ai'},
        {'all_proxy': 'http://proxy.example', 'no_proxy': '*'},
        {'HTTPS_PROXY': 'http://proxy.example', 'FIREFLY_USE_PROXY': 'no'},
    ],
    ids=str,
)
def test_only_the_proxy_that_is_used_decides(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for one in ({}, environment):
        for variable, value in one.items():
            monkeypatch.setenv(variable, value)
        options = Login().validate(Options({**client.KEYS, 'use_proxy': os.environ.get('FIREFLY_USE_PROXY')}))
        with _token_cache.cache_entry(options, print):
            pass
    assert len(list(run_folder.iterdir())) == 1


def test_a_cached_login_imports_no_requests(firefly: FakeFirefly, run_folder: Path) -> None:
    get(firefly)
    code = f"""
import sys
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login, token_of_run
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
constants.DEFAULT_LOCAL_TMP = {str(run_folder)!r}
grant = token_of_run(Login().validate(Options({firefly.options!r})), Context(print))
print(grant.is_from_cache, 'requests' in sys.modules)
"""
    collections = os.environ['ANSIBLE_COLLECTIONS_PATH'].split(':')[0]
    environment = {**os.environ, 'PYTHONPATH': collections, 'no_proxy': 'elsewhere.example'}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == 'True False\n'


def test_a_token_that_does_not_live_long_enough_is_replaced(
    firefly: FakeFirefly, later: Callable[[float], None]
) -> None:
    firefly.token_lifetime = 300
    assert [get(firefly, min_ttl=280)[1] for _unused in range(2)] == [1, 0]
    later(40)
    assert get(firefly, min_ttl=280)[1] == 1
    firefly.token_lifetime = 3600
    token, requests = get(firefly, 'later task', min_ttl=900)
    assert requests == 1
    assert token.expires_in >= 900


def test_a_token_without_a_whole_second_is_replaced(firefly: FakeFirefly, later: Callable[[float], None]) -> None:
    firefly.token_lifetime = 300
    get(firefly)
    later(299.5)
    assert get(firefly, min_ttl=0)[1] == 1


def test_the_lifetime_is_measured_by_the_clock_of_the_server(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(headers={'Date': formatdate(time.time() + 3000)}))  # some 600 of the 3600 s remain
    get(firefly)
    token, requests = get(firefly, 'later task', min_ttl=500)
    assert requests == 0
    assert 590 <= token.expires_in <= 600
    assert get(firefly, 'later task', min_ttl=700)[1] == 1


def test_a_new_token_that_is_too_short_is_a_failure_that_is_shared(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    errors = [failure(firefly, min_ttl=900) for _unused in range(3)]
    assert [error.code for error in errors] == ['expires_too_soon'] * 3
    assert [TOLD_AGAIN in str(error) for error in errors] == [False, True, True]
    assert firefly.logins == 1
    assert failure(firefly, 'later task', min_ttl=900).code == 'expires_too_soon'
    assert firefly.logins == 2


# Failures


@pytest.mark.parametrize('fault,code', [(REFUSED, 'unauthorized'), (DOWN, 'server_error')])
def test_a_failure_is_shared_within_a_scope(firefly: FakeFirefly, fault: Fault, code: str) -> None:
    firefly.fail(fault, times=None)
    first, *others = [failure(firefly) for _unused in range(3)]
    assert firefly.logins == 1
    assert TOLD_AGAIN not in str(first)
    assert all(TOLD_AGAIN in str(error) and str(error).startswith(first.what) for error in others)
    assert {(error.code, error.status, error.retryable) for error in others} == {(code, fault.status, first.retryable)}


@pytest.mark.parametrize('first,second', [('task', 'later task'), ('task', 'lookup'), ('task', None), (None, None)])
def test_another_scope_makes_a_new_request(firefly: FakeFirefly, first: str | None, second: str | None) -> None:
    firefly.fail(REFUSED)
    failure(firefly, first)
    assert get(firefly, second)[1] == 1


@pytest.mark.parametrize('seconds,told', [(SHARED_FOR - 5, True), (SHARED_FOR + 5, False)])
def test_a_failure_is_shared_for_a_minute(
    firefly: FakeFirefly, later: Callable[[float], None], seconds: float, told: bool
) -> None:
    assert SHARED_FOR == 60
    firefly.fail(REFUSED, times=2)
    failure(firefly)
    later(seconds)
    assert (TOLD_AGAIN in str(failure(firefly))) is told


def test_a_failure_keeps_a_token_that_lives_long_enough(firefly: FakeFirefly) -> None:
    get(firefly)
    firefly.fail(DOWN, times=None)
    failure(firefly, 'later task', min_ttl=86400)
    assert [get(firefly, scope)[1] for scope in ('task', 'later task')] == [0, 0]
    assert TOLD_AGAIN in str(failure(firefly, 'later task', min_ttl=86400))


def test_a_token_that_is_too_short_for_one_task_serves_another(firefly: FakeFirefly) -> None:
    assert failure(firefly, min_ttl=86400).code == 'expires_too_soon'
    assert get(firefly, min_ttl=60)[1] == 0


@pytest.mark.parametrize(
    'options,environment',
    [
        ({'ca_path': 'not.pem'}, {}),
        ({'client_cert': 'not.pem'}, {}),
        ({'api_url': 'https://firefly..invalid'}, {}),
        ({'api_url': 'https://firefly.invalid'}, {'https_proxy': 'http://['}),
        ({'api_url': 'https://firefly.invalid'}, {'https_proxy': 'socks5://127.0.0.1:1'}),
    ],
    ids=str,
)
def test_a_failure_that_sent_nothing_is_not_shared(
    firefly: FakeFirefly,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    environment: dict[str, str],
) -> None:
    (tmp_path / 'not.pem').write_text('text')
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    options = {name: value.replace('not.pem', str(tmp_path / 'not.pem')) for name, value in options.items()}
    first, second = (failure(firefly, **options) for _unused in range(2))
    assert str(first) == str(second)
    assert TOLD_AGAIN not in str(first)


def test_a_policy_that_refuses_the_cipher_is_not_an_error(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def refuse(*_unused: Any, **_more: Any) -> None:
        raise ValueError('refused')

    monkeypatch.setattr(_token_cache, 'HKDF', refuse)
    assert [get(firefly)[1] for _unused in range(2)] == [1, 1]
    assert 'is not used: refused' in said


def test_a_secret_key_that_is_not_utf_8_is_refused_like_any_other(firefly: FakeFirefly) -> None:
    for _unused in range(2):
        assert failure(firefly, secret_key='secret\udcff').code == 'unauthorized'
    assert firefly.logins == 1


# Tokens that an endpoint refused


def test_a_refused_token_is_replaced_for_everyone(firefly: FakeFirefly) -> None:
    old = get(firefly)[0]
    new, requests = get(firefly, refused=old)
    assert (new.access_token, requests) == (firefly.tokens[1], 1)
    assert get(firefly, refused=old) == (new, 0)  # another host replaced it
    assert get(firefly) == (new, 0)


@pytest.mark.parametrize('seconds,expected', [(SHARED_FOR - 5, 2), (SHARED_FOR + 5, 3)])
def test_a_replacement_is_kept_for_a_minute(
    firefly: FakeFirefly, later: Callable[[float], None], seconds: float, expected: int
) -> None:
    new = get(firefly, refused=get(firefly)[0])[0]
    later(seconds)
    for scope in ('task', 'later task', None):
        get(firefly, scope, new)
    assert firefly.logins == expected


def test_a_token_that_replaced_one_that_was_too_short_can_be_replaced(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 300
    short = get(firefly)[0]
    firefly.token_lifetime = 3600
    new = get(firefly, 'later task', min_ttl=900)[0]
    assert get(firefly, refused=short) == (new, 0)
    assert get(firefly, refused=new)[1] == 1


def test_a_refused_token_is_not_given_again_where_the_login_fails(firefly: FakeFirefly) -> None:
    old = get(firefly)[0]
    firefly.fail(DOWN)
    failure(firefly, refused=old)
    assert TOLD_AGAIN in str(failure(firefly))
    assert get(firefly, 'later task')[1] == 1


# Files that cannot be used


@pytest.mark.parametrize(
    'damage',
    [
        lambda path: path.write_bytes(b''),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b'\xff\x00junk' * 1000),
        lambda path: path.write_bytes(path.read_bytes().swapcase()),
    ],
    ids=['empty', 'truncated', 'junk', 'changed'],
)
def test_a_damaged_file_is_replaced(firefly: FakeFirefly, run_folder: Path, damage: Callable[[Path], object]) -> None:
    get(firefly)
    damage(the_file(run_folder))
    assert [get(firefly)[1] for _unused in range(2)] == [1, 0]
    assert the_file(run_folder).stat().st_size < 6000  # nothing is left of the junk


def test_a_folder_in_place_of_the_file_is_not_an_error(firefly: FakeFirefly, run_folder: Path) -> None:
    get(firefly)
    path = the_file(run_folder)
    path.unlink()
    path.mkdir()
    assert [get(firefly)[1] for _unused in range(2)] == [1, 1]


def test_a_file_of_another_key_is_not_an_error(firefly: FakeFirefly, run_folder: Path, said: list[str]) -> None:
    firefly.keys = {**firefly.keys, 'other': 'other-secret'}
    get(firefly)
    ours = the_file(run_folder).rename(run_folder.parent / 'ours')
    other = {'access_key': 'other', 'secret_key': 'other-secret'}
    get(firefly, **other)
    ours.rename(the_file(run_folder))
    assert get(firefly, **other)[1] == 1
    assert said == ['is damaged, and will be replaced']


def test_a_missing_folder_is_not_an_error(firefly: FakeFirefly, run_folder: Path, said: list[str]) -> None:
    run_folder.rmdir()
    assert [get(firefly)[1] for _unused in range(2)] == [1, 1]
    assert 'not used' in said[0]


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    """Mounts a file system of 4 KiB at the folder."""
    mount = ['mount', '-t', 'tmpfs', '-o', 'mode=0700,size=4k', 'tmpfs', str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip('mounting needs root')
    try:
        yield
    finally:
        subprocess.run(['umount', str(folder)], check=True)


def test_a_full_disk_is_not_an_error(firefly: FakeFirefly, run_folder: Path, said: list[str]) -> None:
    with _mounted(run_folder):
        with pytest.raises(OSError, match='No space'):
            (run_folder / 'filler').write_bytes(b'x' * 100_000)
        assert get(firefly)[1] == 1
        assert any('not written' in line for line in said)
        assert get(firefly)[1] == 1


# Many processes


def _forks(count: int, work: Callable[[], str]) -> list[str]:
    """The results of ``count`` processes that start at the same moment."""
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


# the delay gives all processes the time to begin to wait, on a busy machine too
@pytest.mark.parametrize(
    'fault,min_ttl,code',
    [
        (Fault(delay=3), 60, None),
        (Fault(delay=3), 86400, 'expires_too_soon'),
        (Fault(status=401, delay=3), 60, 'unauthorized'),
        (Fault(status=503, delay=3), 60, 'server_error'),
    ],
    ids=['a token', 'a token that is too short', 'a refusal', 'an outage'],
)
def test_50_processes_share_one_login(firefly: FakeFirefly, fault: Fault, min_ttl: int, code: str | None) -> None:
    firefly.fail(fault, times=None)
    results = _forks(50, lambda: get(firefly, scope=None, min_ttl=min_ttl)[0].access_token)
    assert results == ([code] if code else firefly.tokens) * 50
    assert firefly.logins == 1


def test_30_processes_replace_a_refused_token_once(firefly: FakeFirefly) -> None:
    old = get(firefly)[0]
    firefly.fail(Fault(delay=0.5))
    assert set(_forks(30, lambda: get(firefly, refused=old)[0].access_token)) == {firefly.tokens[-1]}
    assert firefly.logins == 2


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


def test_a_task_that_waits_for_the_lock_reports_it(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _token_cache.REPORT_EVERY == 30
    monkeypatch.setattr(_token_cache, 'REPORT_EVERY', 0.2)
    firefly.fail(Fault(delay=1))
    holder = fork.Process(target=lambda: get(firefly))
    holder.start()
    while not firefly.requests:
        time.sleep(0.01)
    lines: list[str] = []
    options = Login().validate(Options(firefly.options))
    assert token_of_run(options, Context(lines.append))[1] == 0
    holder.join(10)
    assert len(lines) > 1
    assert set(lines) == {'Waiting for the login of another task or host of this run.'}
