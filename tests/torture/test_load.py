# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts at once, and workers that are killed."""

from __future__ import annotations

import math
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login, token_of_run
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import API, LOGIN, keys_of, run_ansible, run_tasks, task, write_inventory
from helpers.needles import leaks

ROUNDS = 200
HOSTS = [f'host{number}' for number in range(1000)]
FORKS = ['--forks=50']
LIST, OTHER_LIST = 'runners/projects/list', 'runners/variables/variable-sets'


def test_1000_hosts_with_bad_keys_are_refused_once_a_minute(tmp_path: Path) -> None:
    playbook = tmp_path / 'playbook.yml'
    playbook.write_text(f'[{{hosts: all, gather_facts: false, strategy: free, tasks: [{LOGIN}: {{}}]}}]')
    command = ['ansible-playbook', '-i', str(write_inventory(tmp_path, HOSTS)), *FORKS, str(playbook)]
    started = time.monotonic()
    with FakeFirefly() as firefly:
        run = run_ansible(tmp_path, command, environment={**keys_of(firefly), 'FIREFLY_SECRET_KEY': 'bad'})
    minutes = math.ceil((time.monotonic() - started) / 60)
    statuses = [request.status for request in firefly.requests]
    # a slow machine takes longer than a minute
    assert statuses in [[401] * posts for posts in range(1, minutes + 1)]
    failures = [line for line in run.stdout.splitlines() if line.startswith('fatal: ')]
    assert len(failures) == 1000
    assert sum('it was not tried again' in line for line in failures) == 1000 - len(statuses)


def test_1000_hosts_log_in_once_and_once_more_when_the_token_is_revoked(tmp_path: Path) -> None:
    with FakeFirefly(rate_limit=0) as firefly:
        # the first responses are slow, so that many hosts are refused at the same time
        firefly.fail(Fault(path=f'/v2/{OTHER_LIST}', delay=3), times=50)
        revoke = {'url': f'{firefly.url}/_fake/tokens', 'method': 'DELETE', 'status_code': 204}
        tasks = [
            {API: {'path': LIST}},
            {'ansible.builtin.uri': revoke, 'run_once': True},
            task('asked', API, {'path': OTHER_LIST}),
        ]
        run = run_tasks(tmp_path, tasks, hosts=HOSTS, environment=keys_of(firefly), arguments=FORKS)
    assert run.status == 0, run.output[-3000:]
    assert firefly.count('POST', '/v2/login') == 2
    assert Counter(values['asked']['status'] for values in run.registered.values()) == {200: 1000}
    statuses = Counter(request.status for request in firefly.requests)
    assert set(statuses) == {200, 401}
    assert 10 < statuses[401] <= 50
    print(f'\n{statuses[401]} of 1000 hosts were refused and asked again')


def _work(folder: Path, options: Mapping[str, Any]) -> int:
    """A worker, forked as Ansible does, that logs in over and over, although the token is cached."""
    pid = os.fork()
    if pid:
        return pid
    try:
        while True:
            token_of_run(options, Context(print))
            for path in folder.iterdir():
                os.truncate(path, 0)
    finally:
        os._exit(1)


def test_killed_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are killed at random moments. The next one works at once. test_channels.py kills whole plays."""
    run = tmp_path / 'run'
    run.mkdir(mode=0o700)
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(run))
    chance = random.Random(20261124)
    reused = 0
    with FakeFirefly(rate_limit=0) as firefly:
        keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
        options = Login().validate(Options({**keys, 'retries': 0}))
        for _unused in range(ROUNDS):
            # two, so that one can be killed while it holds the lock and the other waits
            workers = [_work(run, options) for _unused in range(2)]
            time.sleep(chance.uniform(0, 0.1))
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)
            started = time.monotonic()
            token, requests = token_of_run(options, Context(print))
            assert time.monotonic() - started < 10
            assert token.access_token in firefly.tokens
            reused += requests == 0
        assert list(leaks([firefly.secret_key, *firefly.tokens[-20:]], [run])) == []
    (cache,) = run.iterdir()
    assert re.fullmatch('firefly-[0-9a-f]{32}', cache.name)
    assert cache.stat().st_mode & 0o777 == 0o600
    print(f'\n{2 * ROUNDS} workers killed in {ROUNDS} rounds; {reused} times the next one used their token')
