# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers, plays and servers are killed at random moments. The next one works at once."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils._login import request_token, validate_login
from ansible_collections.firefly.platform.plugins.plugin_utils._token_cache import token_of_run
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import keys_of, run_ansible, write_inventory
from helpers.needles import leaks

ROUNDS = int(os.environ.get('KILL_ROUNDS', '200'))
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - firefly.platform.firefly_login:
      register: login
    - ansible.builtin.assert: {that: "login.expires_in >= 60", quiet: true}
"""


def _work(folder: Path, firefly: FakeFirefly) -> int:
    """A worker, forked as Ansible does, that logs in over and over, although the token is cached."""
    pid = os.fork()
    if pid:
        return pid
    try:
        keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
        options = validate_login(keys)
        while True:
            token_of_run(options, None, lambda: request_token(options, print))
            for path in folder.iterdir():
                os.truncate(path, 0)
    finally:
        os._exit(1)


def test_killed_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / 'run'
    run.mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(run))
    chance = random.Random(20261124)
    reused = 0
    with FakeFirefly(rate_limit=0) as firefly:
        keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
        options = validate_login({**keys, 'retries': 0})
        for _unused in range(ROUNDS):
            # two, so that one can be killed while it holds the lock and the other waits
            workers = [_work(run, firefly) for _unused in range(2)]
            time.sleep(chance.uniform(0, 0.1))
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)
            started = time.monotonic()
            token, attempts = token_of_run(options, None, lambda: request_token(options, print))
            assert time.monotonic() - started < 10
            assert token.access_token in firefly.tokens
            reused += attempts == 0
        assert list(leaks([firefly.secret_key, *firefly.tokens[-20:]], [run])) == []
    (cache,) = run.iterdir()
    assert re.fullmatch('firefly-[0-9a-f]{32}', cache.name)
    assert cache.stat().st_mode & 0o777 == 0o600
    print(f'\n{2 * ROUNDS} workers killed in {ROUNDS} rounds; {reused} times the next one used their token')


def test_killed_plays_and_servers(tmp_path: Path) -> None:
    chance = random.Random(20261125)
    inventory = write_inventory(tmp_path, [f'host{number}' for number in range(4)])
    playbook = tmp_path / 'playbook.yml'
    playbook.write_text(PLAYBOOK)
    command = ['ansible-playbook', '-i', str(inventory), str(playbook)]
    rounds = max(2, ROUNDS // 20)
    temporary = tmp_path / 'temporary'
    with FakeFirefly(rate_limit=0) as firefly:
        for round_ in range(rounds):
            environment = {**keys_of(firefly), 'ANSIBLE_LOCAL_TEMP': str(temporary)}
            firefly.fail(Fault(delay=0.5))
            play = subprocess.Popen(
                [str(Path(sys.executable).parent / command[0]), *command[1:]],
                env={**os.environ, **environment, 'HOME': str(tmp_path)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(chance.uniform(0.5, 2.5))
            if round_ % 2:
                firefly.stop()
                firefly.start()
                environment['FIREFLY_API_URL'] = firefly.url
            with contextlib.suppress(ProcessLookupError):
                os.killpg(play.pid, signal.SIGKILL)
            play.wait(10)
            firefly.clear()
            run = run_ansible(tmp_path, command, environment=environment)
            assert run.status == 0, run.output
            secrets = [firefly.secret_key, *firefly.tokens]
            assert list(leaks(secrets, [run.output, temporary, tmp_path / '.ansible'])) == []
    print(f'\n{rounds} plays killed, {rounds // 2} servers gone')
