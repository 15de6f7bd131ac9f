# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import socket
import ssl
import time
import typing as t
from collections.abc import Iterator

import pytest
import requests
from ansible_collections.firefly.platform.plugins.module_utils._transport import (
    PAUSE_MAX,
    Retries,
    _chain,
    _DeadlineReader,
    diagnose,
    open_session,
)
from urllib3 import exceptions as urllib3_errors


class Reply(t.NamedTuple):
    headers: dict[str, str]


def retries(done: int) -> Retries:
    """The policy after some attempts."""
    policy = Retries(100)
    for _unused in range(done):
        policy = policy.increment()
    return policy


@pytest.mark.parametrize(
    'done,low,high', [(0, 0, 0), (1, 0, 0), (2, 0.5, 1.5), (3, 1, 3), (4, 2, 6), (5, 4, 12), (30, PAUSE_MAX, PAUSE_MAX)]
)
def test_pauses(done: int, low: float, high: float) -> None:
    pauses = [retries(done).get_backoff_time() for _unused in range(50)]
    assert low <= min(pauses) <= max(pauses) <= high
    assert (len(set(pauses)) > 1) == (low != high)  # hosts that fail together do not come back together


def test_a_policy_keeps_its_kind_and_counts() -> None:
    policy = retries(3)
    assert policy.__class__ is Retries
    assert policy.total == 97


@pytest.mark.parametrize('value,pause', [('5', 5), ('600', PAUSE_MAX), ('-1', None), ('x', None), ('9' * 5000, None)])
def test_retry_after(value: str, pause: float | None) -> None:
    assert retries(1).get_retry_after(Reply({'Retry-After': value})) == pause


def test_no_retry_after() -> None:
    assert retries(1).get_retry_after(Reply({})) is None


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def reader(sock: socket.socket) -> _DeadlineReader:
    return _DeadlineReader(t.cast(io.RawIOBase, sock.makefile('rb', buffering=0)), sock)


def test_the_time_is_limited_as_a_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    here.settimeout(0.3)
    dripping = reader(here)
    started = time.monotonic()

    def read_drops() -> None:
        for _unused in range(400):
            there.send(b'x')
            time.sleep(0.02)
            dripping.read(1)

    with pytest.raises(socket.timeout):
        read_drops()
    assert 0.25 < time.monotonic() - started < 20


def test_each_read_gets_the_time_that_is_left(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    here.settimeout(30)
    bytewise = reader(here)
    there.send(b'xy')
    left = []
    for _unused in range(2):
        bytewise.read(1)
        left.append(here.gettimeout() or 0)
    assert 0 < left[1] < left[0] < 30


def test_a_silent_peer_is_not_waited_for_longer(pair: tuple[socket.socket, socket.socket]) -> None:
    here, _unused = pair
    here.settimeout(0.2)
    started = time.monotonic()
    with pytest.raises(socket.timeout):
        reader(here).read(1)
    assert 0.15 < time.monotonic() - started < 20


def test_no_time_is_left_after_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    here.settimeout(0.05)
    late = reader(here)
    there.send(b'x')
    time.sleep(0.1)
    with pytest.raises(socket.timeout):
        late.read(1)


def test_without_a_timeout_there_is_no_limit(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    there.send(b'xy')
    assert reader(here).read(2) == b'xy'
    assert here.gettimeout() is None


def test_close_closes_what_is_below(pair: tuple[socket.socket, socket.socket]) -> None:
    raw = t.cast(io.RawIOBase, pair[0].makefile('rb', buffering=0))
    _DeadlineReader(raw, pair[0]).close()
    assert raw.closed


def test_a_session_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('https_proxy', 'http://HUNTER2')
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', '/HUNTER2')
    with open_session() as session:
        settings = session.merge_environment_settings('https://firefly.example', {}, None, True, None)
    assert 'HUNTER2' not in str(settings)
    assert settings['verify'] is True


def wrapped(cause: BaseException) -> requests.ConnectionError:
    """As requests has it: urllib3's error is the argument of its own, and holds the system's error as its reason."""
    return requests.ConnectionError(urllib3_errors.MaxRetryError(None, '/v2/login', cause))  # type: ignore[arg-type]


CERTIFICATE = ssl.SSLCertVerificationError('HUNTER2')
CERTIFICATE.verify_message = 'self-signed certificate'


@pytest.mark.parametrize(
    'error,code,reason',
    [
        (requests.exceptions.InvalidURL('HUNTER2'), 'invalid_option', ''),
        (UnicodeError('HUNTER2'), 'invalid_option', ''),
        (wrapped(urllib3_errors.LocationParseError('HUNTER2')), 'invalid_option', ''),
        (requests.exceptions.ProxyError(OSError('Tunnel HUNTER2')), 'proxy', ''),
        (wrapped(urllib3_errors.ProxyError('HUNTER2', ConnectionRefusedError(111, 'refused'))), 'proxy', 'refused'),
        (wrapped(ssl.SSLEOFError(8, 'HUNTER2')), 'tls', 'the server ended the connection'),
        (wrapped(CERTIFICATE), 'tls', 'self-signed certificate'),
        (requests.exceptions.SSLError('HUNTER2'), 'tls', ''),
        (wrapped(socket.gaierror(-2, 'Name not known')), 'dns', 'Name not known'),
        (wrapped(ConnectionResetError(104, 'reset')), 'connect', 'reset'),
        (requests.exceptions.ReadTimeout('HUNTER2'), 'timeout', ''),
        (requests.exceptions.ConnectTimeout('HUNTER2'), 'timeout', ''),
        (urllib3_errors.ReadTimeoutError(None, '', 'HUNTER2'), 'timeout', ''),  # type: ignore[arg-type]
        (TimeoutError('HUNTER2'), 'timeout', ''),
        (OSError(113, 'No route'), 'connect', 'No route'),
        (requests.ConnectionError('HUNTER2'), 'connect', ''),
        (urllib3_errors.ProtocolError('HUNTER2'), 'connect', ''),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_diagnosis(error: BaseException, code: str, reason: str) -> None:
    assert diagnose(error)[:2] == (code, reason)


def test_a_chain_has_each_error_once_outermost_first() -> None:
    inner, middle, outer = OSError('inner'), ValueError('middle'), wrapped(OSError('reason'))
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer  # a circle
    chain = list(_chain(outer))
    assert chain[0] is outer
    assert len(chain) == len({id(error) for error in chain}) == 5
    assert {inner, middle} < set(chain)


def test_no_error_is_no_chain() -> None:
    assert list(_chain(None)) == []
