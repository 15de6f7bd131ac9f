# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts at once, most of them with Firefly's real rate limit."""

from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path

from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, keys_of, run_ansible, run_tasks, write_inventory


def _log_in(folder: Path, firefly: FakeFirefly, hosts: int, **environment: str) -> Run:
    inventory = write_inventory(folder, [f'host{number}' for number in range(hosts)])
    playbook = folder / 'playbook.yml'
    playbook.write_text('[{hosts: all, gather_facts: false, tasks: [{firefly.platform.firefly_login: {}}]}]')
    arguments = ['ansible-playbook', '-i', str(inventory), '-f', '50', str(playbook)]
    return run_ansible(folder, arguments, environment={**keys_of(firefly), **environment})


def test_5000_hosts_log_in_once(tmp_path: Path) -> None:
    with FakeFirefly() as firefly:
        run = _log_in(tmp_path, firefly, 5000)
    assert run.status == 0, run.output[-3000:]
    assert run.output.count('ok=1 ') == 5000
    assert [request.status for request in firefly.requests] == [200]


def test_1000_hosts_with_bad_keys_are_refused_once_a_minute(tmp_path: Path) -> None:
    started = time.monotonic()
    with FakeFirefly() as firefly:
        run = _log_in(tmp_path, firefly, 1000, FIREFLY_SECRET_KEY='bad')
    minutes = math.ceil((time.monotonic() - started) / 60)
    statuses = [request.status for request in firefly.requests]
    # a slow machine takes longer than a minute
    assert statuses in [[401] * posts for posts in range(1, minutes + 1)]
    failures = [line for line in run.stdout.splitlines() if line.startswith('fatal: ')]
    assert len(failures) == 1000
    assert sum('it was not sent again' in line for line in failures) == 1000 - len(statuses)


def test_1000_hosts_check_the_health(tmp_path: Path) -> None:
    hosts = [f'host{number}' for number in range(1000)]
    task = {'firefly.platform.firefly_health': {'retries': 0}, 'ignore_errors': True, 'register': 'health'}
    with FakeFirefly() as firefly:
        environment = {**keys_of(firefly), 'ANSIBLE_FORKS': '50'}
        run = run_tasks(tmp_path, [task], hosts=hosts, environment=environment)
    results = [values['health'] for values in run.registered.values()]
    assert len(results) == 1000
    codes = Counter(result['code'] for result in results)
    assert set(codes) <= {'ok', 'rate_limited'}
    # the first 500 in a rolling minute, and nobody gets a wrong response
    assert codes['ok'] >= 500
    for result in results:
        assert result['healthy'] == (result['code'] == 'ok')
        assert result['status'] == (204 if result['healthy'] else 429)
    print(f'\n1000 hosts asked: {dict(codes)}')


ASK = {'firefly.platform.firefly_api': {'path': 'runners/projects/list'}}
ASK_AGAIN = {'firefly.platform.firefly_api': {'path': 'runners/variables/variable-sets'}, 'register': 'asked'}


def test_1000_hosts_whose_token_was_revoked_log_in_once(tmp_path: Path) -> None:
    with FakeFirefly(rate_limit=0) as firefly:
        # the first responses are slow, so that many hosts are refused at the same time
        firefly.fail(Fault(path='/v2/runners/variables/variable-sets', delay=3), times=50)
        revoke = {'url': f'{firefly.url}/_fake/tokens', 'method': 'DELETE', 'status_code': 204}
        hosts = [f'host{number}' for number in range(1000)]
        environment = {**keys_of(firefly), 'ANSIBLE_FORKS': '50'}
        tasks = [ASK, {'ansible.builtin.uri': revoke, 'run_once': True}, ASK_AGAIN]
        run = run_tasks(tmp_path, tasks, hosts=hosts, environment=environment)
    assert run.status == 0, run.output[-3000:]
    assert firefly.count('POST', '/v2/login') == 2
    assert Counter(values['asked']['status'] for values in run.registered.values()) == {200: 1000}
    statuses = Counter(request.status for request in firefly.requests)
    assert set(statuses) == {200, 401}
    assert 10 < statuses[401] <= 50
    print(f'\n{statuses[401]} of 1000 hosts were refused and asked again')


def test_an_endpoint_that_refuses_every_token_makes_one_login_a_minute(tmp_path: Path) -> None:
    started = time.monotonic()
    with FakeFirefly(rate_limit=0) as firefly:
        firefly.fail(Fault(path='/v2/runners/projects/list', status=401), times=None)
        hosts = [f'host{number}' for number in range(100)]
        task = {**ASK, 'register': 'asked', 'ignore_errors': True}
        run = run_tasks(tmp_path, [task], hosts=hosts, environment={**keys_of(firefly), 'ANSIBLE_FORKS': '25'})
        logins = firefly.count('POST', '/v2/login')
        requests = firefly.count('GET', '/v2/runners/projects/list')
    codes = Counter(values['asked']['failure']['code'] for values in run.registered.values())
    assert codes == {'unauthorized': 100}
    # one for the first token and one for another, and one for each further minute on a slow machine
    assert logins <= 2 + (time.monotonic() - started) // 60
    assert requests <= 200
    print(f'\n{logins} logins and {requests} requests of 100 hosts')
