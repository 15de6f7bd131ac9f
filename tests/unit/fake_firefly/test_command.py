# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tests.fake_firefly, on its own and around a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, '-m', 'tests.fake_firefly']


def run(*arguments: str, stdin: str = '') -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=20, check=False
    )


def ask(code: str) -> list[str]:
    """A command that runs `code` with `url` and `requests` at hand."""
    return [sys.executable, '-c', f'import os, requests, sys; url = os.environ["FIREFLY_API_URL"]; {code}']


@pytest.mark.parametrize(('number', 'violations', 'code'), [(signal.SIGTERM, 0, 0), (signal.SIGINT, 2, 1)])
def test_it_serves_until_a_signal_and_then_prints_violations(
    tmp_path: Path, number: signal.Signals, violations: int, code: int
) -> None:
    file = tmp_path / 'address.json'
    arguments = ['--address-file', str(file), '--access-key', 'a', '--secret-key', 'b', '--tls', '--prefix', '/p']
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        address = json.loads(file.read_text())
        url, ca = address['url'], address['ca_path']
        assert (address['pid'], address['access_key'], address['secret_key']) == (process.pid, 'a', 'b')
        assert line == f'Embedded Firefly for tests at {url}, process {process.pid}\n'
        assert (url[:8], url[-2:]) == ('https://', '/p')
        keys = {'accessKey': 'a', 'secretKey': 'b'}
        assert requests.post(f'{url}/v2/login', json=keys, verify=ca, timeout=5).status_code == 200
        for _unused in range(violations):
            requests.get(f'{url}/v2/x', verify=ca, timeout=5)
        process.send_signal(number)
        start = time.monotonic()
        assert process.wait(timeout=30) == code
        assert time.monotonic() - start < 20
        output, errors = process.communicate()
        assert (output, errors.count('GET /p/v2/x: There is no such path.\n')) == ('', violations)
        assert bool(errors) == bool(violations)
    assert os.listdir(tmp_path) == ['address.json']


def test_it_stops_by_itself() -> None:
    result = run('--stop-after', '0.1')
    assert (result.returncode, result.stderr) == (0, '')


def test_a_command_gets_the_address_and_its_input_output_and_exit_code_go_through() -> None:
    code = (
        'keys = {"accessKey": os.environ["FIREFLY_ACCESS_KEY"], "secretKey": os.environ["FIREFLY_SECRET_KEY"]};'
        'answer = requests.post(url + "/v2/login", json=keys, verify=os.environ["FIREFLY_CA_PATH"], timeout=5);'
        'print(answer.status_code, sys.stdin.read(), *sys.argv[1:]); print("e", file=sys.stderr); sys.exit(3)'
    )
    result = run('--tls', '--', *ask(code), '--tls', '--', '-x', stdin='in')
    assert (result.stdout, result.stderr, result.returncode) == ('200 in --tls -- -x\n', 'e\n', 3)


def test_options_reach_the_server() -> None:
    code = (
        'get = lambda: requests.get(url + "/v2/health", timeout=5);'
        'first, second = get(), get();'
        'print(first.status_code, second.status_code, second.headers["Retry-After"])'
    )
    result = run('--health', 'down', '--rate-limit', '1', '--retry-after', '9', '--', *ask(code))
    assert (result.stdout, result.stderr, result.returncode) == ('503 429 9\n', '', 0)


@pytest.mark.parametrize(('own_code', 'code'), [(0, 1), (3, 3)])
def test_violations_are_printed_and_fail_a_command_that_succeeded(own_code: int, code: int) -> None:
    result = run('--', *ask(f'requests.get(url + "/v2/x", timeout=5); sys.exit({own_code})'))
    assert result.returncode == code
    assert 'GET /v2/x: There is no such path.' in result.stderr


def test_a_command_that_does_not_exist() -> None:
    result = run('--', '/no/such/command')
    assert result.returncode == 127
    assert result.stderr == '/no/such/command: No such file or directory\n'


def test_a_signal_goes_to_the_command() -> None:
    arguments = ['--', sys.executable, '-c', 'import time; print("up", flush=True); time.sleep(30)']
    with subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 128 + signal.SIGTERM
