# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play sees of firefly_login."""

from __future__ import annotations

from pathlib import Path

from fake_firefly import TOKEN_NEEDLE, FakeFirefly
from helpers.ansible_run import LOGIN, keys_of, lookup, run_ansible, run_tasks, task, write_inventory


def test_30_hosts_that_do_not_wait_for_each_other_share_a_token(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [task('login', LOGIN), lookup('expires_at', "'expires_at'"), task('again', LOGIN)]
    run = run_tasks(
        tmp_path,
        tasks,
        hosts=[f'host{number}' for number in range(30)],
        play={'strategy': 'free'},
        environment={**keys_of(firefly), 'ANSIBLE_FORKS': '10'},
        arguments=['-v'],
    )
    assert firefly.count('POST', '/v2/login') == len(firefly.tokens) == 1
    assert len(run.registered) == 30, run.output
    for host, values in run.registered.items():
        assert run.outcomes(host) == {'login': 'ok', 'expires_at': 'ok', 'again': 'ok'}, run.output
        again = values['again']
        own = {key: again[key] for key in again if key not in ('changed', 'failed', 'ansible_facts')}
        assert again['ansible_facts']['firefly_login'] == values['ansible_facts']['firefly_login'] == own
        assert (own['access_token'], own['reused'], own['attempts']) == (firefly.tokens[0], True, 0)
    assert run.output.count(f'{firefly.url}: new token, good until ') == 1
    assert run.output.count(f'{firefly.url}: reused token, good until ') == 59
    assert TOKEN_NEEDLE not in run.output


def test_an_ad_hoc_command_does_not_show_the_token(firefly: FakeFirefly, tmp_path: Path) -> None:
    inventory = str(write_inventory(tmp_path, ['host1']))
    run = run_ansible(tmp_path, ['ansible', 'all', '-i', inventory, '-vvv', '-m', LOGIN], environment=keys_of(firefly))
    assert run.status == 0, run.output
    assert len(firefly.tokens) == 1
    assert TOKEN_NEEDLE not in run.output


def test_a_failed_login_sets_no_fact(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [task('login', LOGIN, {'secret_key': 'wrong'}, failed_when=False)]
    run = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    assert run['login']['failure']['code'] == 'unauthorized'
    assert 'firefly_login' not in run['ansible_facts']
