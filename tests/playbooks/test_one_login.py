# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login for a run, whatever comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import Run, keys_of, run_tasks

LOGIN = 'firefly.platform.firefly_login'
TASKS = {
    'login': {LOGIN: {'retries': 1}, 'ignore_errors': True},
    'lookup': {
        'ansible.builtin.debug': {'msg': "{{ lookup('firefly.platform.firefly', 'expires_at', retries=1) }}"},
        'ignore_errors': True,
    },
}
HOSTS = [f'host{number}' for number in range(12)]
TOLD_AGAIN = 'This run made the request a moment ago; it was not sent again.'


def run(folder: Path, firefly: FakeFirefly, *tasks: dict[str, Any], hosts: list[str] = HOSTS, **keys: str) -> Run:
    """Run with fewer forks than hosts, so that some begin when others have ended."""
    return run_tasks(
        folder, list(tasks), hosts=hosts, environment={**keys_of(firefly), **keys}, arguments=['--forks=4']
    )


@pytest.mark.parametrize('ask', TASKS)
def test_good_keys_make_one_request(firefly: FakeFirefly, tmp_path: Path, ask: str) -> None:
    run(tmp_path, firefly, TASKS[ask], *TASKS.values())
    assert firefly.count('POST', '/v2/login') == 1


@pytest.mark.parametrize('ask', TASKS)
def test_bad_keys_make_one_request_a_task(firefly: FakeFirefly, tmp_path: Path, ask: str) -> None:
    ended = run(tmp_path, firefly, TASKS[ask], FIREFLY_SECRET_KEY='wrong')
    assert firefly.count('POST', '/v2/login') == 1
    assert ' '.join(ended.output.split()).count('was answered with 401') >= len(HOSTS)


@pytest.mark.parametrize('ask', TASKS)
def test_an_outage_costs_one_round_of_attempts(firefly: FakeFirefly, tmp_path: Path, ask: str) -> None:
    firefly.fail(Fault(status=503), times=None)
    run(tmp_path, firefly, TASKS[ask])
    assert firefly.count('POST', '/v2/login') == 2


def test_a_failure_that_is_told_again_says_so(firefly: FakeFirefly, tmp_path: Path) -> None:
    task = {**TASKS['login'], 'register': 'result'}
    ended = run(tmp_path, firefly, task, FIREFLY_SECRET_KEY='wrong')
    messages = [values['result']['msg'] for values in ended.registered.values()]
    assert sum(TOLD_AGAIN in message for message in messages) == len(HOSTS) - 1


def test_a_later_task_asks_anew(firefly: FakeFirefly, tmp_path: Path) -> None:
    firefly.fail(Fault(status=401))
    task = {**TASKS['login'], 'register': 'result'}
    ended = run(tmp_path, firefly, TASKS['login'], task)
    assert firefly.count('POST', '/v2/login') == 2
    assert not any(values['result']['failed'] for values in ended.registered.values())


def test_a_task_with_until_asks_anew(firefly: FakeFirefly, tmp_path: Path) -> None:
    firefly.fail(Fault(status=401))
    task = {LOGIN: {}, 'register': 'result', 'until': 'result is success', 'retries': 2, 'delay': 0}
    ended = run(tmp_path, firefly, task, hosts=['host1'])
    assert firefly.count('POST', '/v2/login') == 2
    assert ended.status == 0
