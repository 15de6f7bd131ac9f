# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly starts, serves and stops as a test needs it, also around a command."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
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
from fake_firefly import FakeFirefly, Fault

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, '-m', 'tests.fake_firefly', '--']
ASK = 'import os, requests; requests.get(os.environ["FIREFLY_API_URL"] + "/v2/x")'


def dial(firefly: FakeFirefly) -> socket.socket:
    return socket.create_connection(('127.0.0.1', urlsplit(firefly.url).port or 0), timeout=10)


@pytest.mark.parametrize('tls', [False, True], ids=['http', 'https'])
@pytest.mark.parametrize('fault', [Fault(), Fault(delay=60)], ids=['none', 'delay'])
def test_stopping_is_quick_and_leaves_nothing_behind(tls: bool, fault: Fault) -> None:
    gc.collect()
    threads, descriptors = threading.active_count(), len(os.listdir('/dev/fd'))
    firefly = FakeFirefly(tls=tls)
    for _unused in range(2):  # it can start again
        with firefly:
            silent, connection = dial(firefly), dial(firefly)
            if tls:
                context = ssl.create_default_context(cafile=firefly.ca_path)
                connection = context.wrap_socket(connection, server_hostname='127.0.0.1')
            firefly.fail(fault)
            firefly.requests.clear()
            connection.sendall(b'GET /v2/health HTTP/1.1\r\n\r\n')
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


@pytest.mark.parametrize('fault,is_kept', [(Fault(), True), (Fault(status=503), False)], ids=['none', '503'])
def test_a_connection_is_kept_unless_there_is_a_fault(firefly: FakeFirefly, fault: Fault, is_kept: bool) -> None:
    keys = json.dumps({'accessKey': firefly.access_key, 'secretKey': firefly.secret_key})
    with contextlib.closing(http.client.HTTPConnection(urlsplit(firefly.url).netloc, timeout=10)) as connection:
        connection.request('POST', '/v2/login', keys, {'Content-Type': 'application/json'})
        assert connection.getresponse().read()
        first = connection.sock
        firefly.fail(fault)
        connection.request('POST', '/v2/login', keys, {'Content-Type': 'application/json'})
        assert connection.getresponse().status == (fault.status or 200)
        assert first is not None
        assert (connection.sock is first) == is_kept


# The command


@pytest.mark.parametrize(
    'command,code,said',
    [
        (
            [sys.executable, '-c', ASK],
            1,
            'Requests that the contract does not allow:\nGET /v2/x: There is no such path.\n',
        ),
        (['/no/such/command'], 127, '/no/such/command: No such file or directory\n'),
    ],
)
def test_violations_fail_a_command_and_so_does_one_that_does_not_exist(
    command: list[str], code: int, said: str
) -> None:
    done = subprocess.run([*COMMAND, *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, '', said)


@pytest.mark.parametrize('number,code', [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 5)])
def test_a_signal_goes_to_the_command(number: signal.Signals, code: int) -> None:
    command = [*COMMAND, sys.executable, '-c', 'import time; print("up", flush=True); time.sleep(2); exit(5)']
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)  # a terminal sends SIGINT to the command as well
        assert process.wait(timeout=60) == code
