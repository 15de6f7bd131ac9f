# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts at once, with Firefly's real rate limit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ansible_run import keys_of, run_ansible, run_tasks, write_inventory
from fake_firefly import FakeFirefly


def test_5000_hosts_log_in_once(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, [f'host{number}' for number in range(5000)])
    playbook = tmp_path / 'playbook.yml'
    playbook.write_text('[{hosts: all, gather_facts: false, tasks: [{firefly.platform.firefly_login: {}}]}]')
    arguments = ['ansible-playbook', '-i', str(inventory), '-f', '50', str(playbook)]
    with FakeFirefly() as firefly:
        run = run_ansible(tmp_path, arguments, environment=keys_of(firefly))
    assert run.status == 0, run.output[-3000:]
    assert run.output.count('ok=1 ') == 5000
    assert [request.status for request in firefly.requests] == [200]


def test_1000_hosts_ask_for_the_health(tmp_path: Path) -> None:
    hosts = [f'host{number}' for number in range(1000)]
    task = {'firefly.platform.firefly_health': {'retries': 1}, 'ignore_errors': True, 'register': 'health'}
    with FakeFirefly() as firefly:
        environment = {**keys_of(firefly), 'ANSIBLE_FORKS': '50'}
        run = run_tasks(tmp_path, [task], hosts=hosts, environment=environment)
    results = [values['health'] for values in run.registered.values()]
    assert len(results) == 1000
    codes = Counter(result['code'] for result in results)
    assert set(codes) <= {'ok', 'rate_limited'}
    # 500 in a rolling minute: the first ones got their answer, and nobody a wrong one
    assert codes['ok'] >= 500
    for result in results:
        assert result['healthy'] == (result['code'] == 'ok')
        assert result['status_code'] == (204 if result['healthy'] else 429)
    print(f'\n1000 hosts asked: {dict(codes)}')
