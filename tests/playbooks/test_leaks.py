# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neither the secret key nor the token is in anything that a run writes, though no task has no_log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly
from helpers.ansible_run import Run, keys_of, run_tasks
from helpers.needles import forms, leaks

LOGIN = 'firefly.platform.firefly_login'
# what the run has in its own temporary folder, while it is there
KEEP_TEMPORARY_FILES = {
    'ansible.builtin.command': {'argv': ['cp', '-r', 'running', 'temporary'], 'chdir': '{{ playbook_dir }}'},
    'run_once': True,
}
TASKS: list[dict[str, Any]] = [
    {LOGIN: None, 'register': 'first'},
    {LOGIN: None, 'register': 'second', 'loop': [1, 2]},
    {'ansible.builtin.debug': {'msg': "{{ lookup('firefly.platform.firefly', 'expires_at') }}"}},
    {LOGIN: {'secret_key': 'wrong'}, 'register': 'wrong', 'ignore_errors': True},
    {LOGIN: {'token_cache': False}},
    KEEP_TEMPORARY_FILES,
]


def run(folder: Path, firefly: FakeFirefly, tasks: list[dict[str, Any]], *arguments: str) -> Run:
    environment = {
        **keys_of(firefly),
        'ANSIBLE_LOCAL_TEMP': str(folder / 'running'),
        'ANSIBLE_LOG_PATH': str(folder / 'ansible.log'),
        'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
        'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(folder / 'facts'),
    }
    return run_tasks(folder, tasks, hosts=['host1', 'host2'], environment=environment, arguments=arguments)


@pytest.mark.parametrize('verbosity', ['', '-v', '-vvvvv'])
def test_no_secret_anywhere(firefly: FakeFirefly, tmp_path: Path, verbosity: str) -> None:
    done = run(tmp_path, firefly, TASKS, *filter(None, [verbosity]))
    assert done.status == 0, done.output
    assert {values['first']['access_token'] for values in done.registered.values()} <= set(firefly.tokens)
    for written in ('ansible.log', 'facts/*host1', 'temporary/*/firefly-*'):
        assert list(tmp_path.glob(written)), written
    # the dump of this test's own, in which the token is on purpose
    log = tmp_path / 'ansible.log'
    log.write_text('\n'.join(line for line in log.read_text().splitlines() if '%DUMP' not in line))
    assert list(leaks([firefly.secret_key, *firefly.tokens], [done.output, tmp_path])) == []


def test_the_search_finds_what_there_is(firefly: FakeFirefly, tmp_path: Path) -> None:
    tasks = [{LOGIN: None, 'register': 'login'}, {'ansible.builtin.debug': {'var': 'login.access_token'}}]
    done = run_tasks(tmp_path, tasks, environment=keys_of(firefly))
    for form in forms(firefly.secret_key):
        (tmp_path / 'needle').write_bytes(b'hay' + form + b'hay')
        assert list(leaks([firefly.secret_key], [tmp_path]))
    from ansible.release import __version__

    shown = bool(list(leaks(firefly.tokens, [done.output])))
    assert shown == (tuple(int(part) for part in __version__.split('.')[:2]) < (2, 22))
