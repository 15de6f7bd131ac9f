# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run share the outcome of one login, whether it succeeds or fails."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import LOGIN, keys_of, lookup, run_tasks, task

HOSTS = [f'host{number}' for number in range(8)]
REFUSED, DOWN = Fault(status=401), Fault(status=503)
#: By case the fault of its Firefly, how many times that comes, the tasks, and how many requests all hosts make.
CASES: dict[str, tuple[Fault | None, int | None, list[str], int]] = {
    'login_first': (None, 0, ['login', 'lookup', 'login'], 1),
    'lookup_first': (None, 0, ['lookup', 'login', 'lookup'], 1),
    'refused_login': (REFUSED, None, ['login'], 1),
    'refused_lookup': (REFUSED, None, ['lookup'], 1),
    'failed_login': (DOWN, None, ['login'], 2),  # with retries=1
    'failed_lookup': (DOWN, None, ['lookup'], 2),
    'later_task': (REFUSED, 1, ['login', 'login'], 2),
    'until': (REFUSED, 1, ['until'], 2),
}
FAILED = {'refused_login_0', 'refused_lookup_0', 'failed_login_0', 'failed_lookup_0', 'later_task_0'}


def test_how_many_logins_a_run_makes(tmp_path: Path) -> None:
    """With fewer forks than hosts, some hosts start when others have ended."""
    tasks, servers = [], {}
    with ExitStack() as stack:
        for case, (fault, times, kinds, _requests) in CASES.items():
            servers[case] = stack.enter_context(FakeFirefly())
            if fault:
                servers[case].fail(fault, times)
            url = {'vars': {'firefly_api_url': servers[case].url}}
            until = {'run_once': True, 'until': 'until_0 is success', 'retries': 2, 'delay': 0}
            tasks += [
                lookup(f'{case}_{number}', "'expires_at', retries=1", **url)
                if kind == 'lookup'
                else task(f'{case}_{number}', LOGIN, {'retries': 1}, **url, **(until if kind == 'until' else {}))
                for number, kind in enumerate(kinds)
            ]
        environment = keys_of(servers['until'])
        run = run_tasks(tmp_path, tasks, hosts=HOSTS, environment=environment, arguments=['--forks=4'])
    requests = {case: firefly.count('POST', '/v2/login') for case, firefly in servers.items()}
    assert requests == {case: count for case, (*_unused, count) in CASES.items()}, run.output
    for host in HOSTS:
        assert {name for name, code in run.outcomes(host).items() if code != 'ok'} == FAILED
    for name in ('refused_login_0', 'refused_lookup_0'):
        messages = [values[name]['msg'] for values in run.registered.values()]
        assert all('401' in message for message in messages)
        assert sum('not sent again' in message for message in messages) == len(HOSTS) - 1
