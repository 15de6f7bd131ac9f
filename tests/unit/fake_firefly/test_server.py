# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly starts, serves and stops as a test needs it, also around a command."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, '-m', 'tests.fake_firefly', '--']
both = pytest.mark.parametrize('tls', [False, True], ids=['http', 'https'])


def dial(firefly: FakeFirefly) -> socket.socket:
    return socket.create_connection(('127.0.0.1', urlsplit(firefly.url).port or 0), timeout=10)


def connect(firefly: FakeFirefly) -> http.client.HTTPConnection:
    """Make a connection that does not open itself again."""
    connection = http.client.HTTPConnection('127.0.0.1')
    connection.sock, connection.auto_open = dial(firefly), 0
    if firefly.ca_path:
        context = ssl.create_default_context(cafile=firefly.ca_path)
        connection.sock = context.wrap_socket(connection.sock, server_hostname='127.0.0.1')
    return connection


def health(firefly: FakeFirefly) -> int:
    return requests.get(f'{firefly.url}/v2/health', timeout=10, verify=firefly.ca_path).status_code


@both
def test_a_connection_lives_until_the_client_closes_it(tls: bool) -> None:
    responses = []
    with FakeFirefly(tls=tls) as firefly:
        connection = connect(firefly)
        for path, header in (('health', 'keep-alive'), ('x', 'keep-alive'), ('health', 'close')):
            connection.request('GET', f'/v2/{path}', headers={'Connection': header})
            with connection.getresponse() as response:
                response.read()
                responses.append((response.version, response.status, response.getheader('Connection')))
        firefly.violations.clear()
    assert responses == [(11, 204, None), (11, 404, None), (11, 204, 'close')]


@both
@pytest.mark.parametrize('fault', [Fault(), Fault(delay=60)], ids=['none', 'delay'])
def test_stopping_is_quick_and_leaves_nothing_behind(tls: bool, fault: Fault) -> None:
    gc.collect()
    threads, descriptors = threading.active_count(), len(os.listdir('/dev/fd'))
    firefly = FakeFirefly(tls=tls)
    for _unused in range(2):  # it can start again
        with firefly:
            silent, connection = dial(firefly), connect(firefly)
            firefly.fail(fault)
            firefly.requests.clear()
            connection.request('GET', '/v2/health')
            while not firefly.requests:
                time.sleep(0.01)
            time.sleep(0.1)
            assert (firefly.requests[0].status is None) == bool(fault.delay)
            start = time.monotonic()
        assert time.monotonic() - start < 20
        connection.close()
        silent.close()
        gc.collect()
        assert (threading.active_count(), len(os.listdir('/dev/fd'))) == (threads, descriptors)
        assert not Path(firefly.ca_path or '/no/such').parent.exists()
        with pytest.raises(ConnectionRefusedError):
            dial(firefly)


def test_a_slow_handshake_does_not_hold_up_others() -> None:
    with FakeFirefly(tls=True) as firefly, dial(firefly):
        time.sleep(0.05)
        assert health(firefly) == 204


def test_playbooks_control_it_at_its_root() -> None:
    with FakeFirefly(rate_limit=2) as firefly:

        def control(method: str, path: str) -> requests.Response:
            return requests.request(method, f'{firefly.url}/_fake/{path}', timeout=10)

        firefly.fail(Fault(status=500))
        assert [control('PUT', f'health/{state}').status_code for state in ('x', 'down')] == [404, 204]
        assert [health(firefly), health(firefly)] == [500, 503]
        assert control('PUT', 'health/up').status_code == 204
        assert [health(firefly), health(firefly)] == [204, 429]
        assert control('GET', 'counts').json() == {'GET /v2/health': 4}
        token = (firefly.login(ACCESS_KEY, SECRET_KEY) or {})['accessToken']
        assert firefly.accepts(token)
        assert control('DELETE', 'tokens').status_code == 204
        assert not firefly.accepts(token)


# The command


def run(*command: str, stdin: str = '') -> tuple[int, str, str]:
    process = subprocess.run(
        [*COMMAND, *command], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )
    return process.returncode, process.stdout, process.stderr


VIOLATIONS = 'Requests that the contract does not allow:\nGET /v2/x: There is no such path.\n'


def test_a_command_gets_the_address_and_the_keys() -> None:
    code = (
        'import os, requests, sys; value = lambda name: os.environ["FIREFLY_" + name];'
        'keys = {"accessKey": value("ACCESS_KEY"), "secretKey": value("SECRET_KEY")};'
        'response = requests.post(value("API_URL") + "/v2/login", json=keys); requests.get(value("API_URL") + "/v2/x");'
        'print(response.status_code, sys.stdin.read(), *sys.argv[1:]); print("e", file=sys.stderr); sys.exit(3)'
    )
    expected = (3, '200 in --tls -- -x\n', f'e\n{VIOLATIONS}')
    assert run(sys.executable, '-c', code, '--tls', '--', '-x', stdin='in') == expected


def test_violations_fail_a_command_and_so_does_one_that_does_not_exist() -> None:
    ask = 'import os, requests; requests.get(os.environ["FIREFLY_API_URL"] + "/v2/x")'
    assert run(sys.executable, '-c', ask) == (1, '', VIOLATIONS)
    assert run('/no/such/command') == (127, '', '/no/such/command: No such file or directory\n')


@pytest.mark.parametrize('number,code', [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 5)])
def test_a_signal_is_the_commands(number: signal.Signals, code: int) -> None:
    command = [*COMMAND, sys.executable, '-c', 'import time; print("up", flush=True); time.sleep(2); exit(5)']
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)  # a terminal sends SIGINT to the command as well
        assert process.wait(timeout=60) == code
