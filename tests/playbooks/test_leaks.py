# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that a run writes holds the secret key or the token, though no task has no_log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_firefly import FakeFirefly
from helpers.ansible_run import LOGIN, keys_of, lookup, run_tasks, task
from helpers.needles import forms, leaks

# a copy of the run's own temporary folder
KEEP_TEMPORARY_FILES = {
    'ansible.builtin.command': {'argv': ['cp', '-r', 'running', 'temporary'], 'chdir': '{{ playbook_dir }}'},
    'run_once': True,
}
TASKS: list[dict[str, Any]] = [
    task('first', LOGIN),
    task('once', LOGIN, run_once=True),
    task('looped', LOGIN, loop=[1, 2]),
    task('timed', LOGIN, timeout=30),
    task('checked', LOGIN, check_mode=True),
    lookup('looked_up', "'expires_at'"),
    task('wrong', LOGIN, {'secret_key': 'wrong'}),
    task('uncached', LOGIN, {'token_cache': False}),
    KEEP_TEMPORARY_FILES,
]


@pytest.mark.parametrize('verbosity', ['', '-v', '-vvvvv'])
def test_no_secret_anywhere(firefly: FakeFirefly, tmp_path: Path, verbosity: str) -> None:
    environment = {
        **keys_of(firefly),
        'ANSIBLE_LOCAL_TEMP': str(tmp_path / 'running'),
        'ANSIBLE_LOG_PATH': str(tmp_path / 'ansible.log'),
        'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
        'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(tmp_path / 'facts'),
    }
    arguments = [verbosity] if verbosity else []
    run = run_tasks(tmp_path, TASKS, hosts=['host1', 'host2'], environment=environment, arguments=arguments)
    assert run.status == 0, run.output
    token = firefly.tokens[0]
    for host, values in run.registered.items():
        assert {name for name, code in run.outcomes(host).items() if code != 'ok'} == {'wrong'}
        shared = [values[name] for name in ('first', 'once', 'timed', 'checked')] + values['looped']['results']
        assert {each['access_token'] for each in shared} == {token}
        assert values['uncached']['access_token'] in firefly.tokens[1:]
        # a fact that is written to a file has no token
        result, fact = values['uncached'], values['ansible_facts']['firefly_login']
        assert result.keys() - fact.keys() >= {'access_token', 'authorization'}
        assert fact['expires_at'] == result['expires_at']
    assert ('registered variable' in ' '.join(run.output.split())) == bool(verbosity)
    for written in ('ansible.log', 'facts/*host1', 'temporary/*/firefly-*'):
        assert list(tmp_path.glob(written)), written
    assert 'firefly_login' in ''.join(path.read_text() for path in tmp_path.glob('facts/*'))
    # this test's own dump has the token on purpose
    log = tmp_path / 'ansible.log'
    assert list(leaks([token], [log]))
    log.write_text('\n'.join(line for line in log.read_text().splitlines() if '%DUMP' not in line))
    assert list(leaks([firefly.secret_key, *firefly.tokens], [run.output, tmp_path])) == []


def test_the_search_finds_each_form_of_a_secret(tmp_path: Path) -> None:
    secret = 'SECRET-KEY-NEEDLE+7d21/c0b9='
    for form in forms(secret):
        (tmp_path / 'file').write_bytes(b'hay' + form + b'hay')
        assert list(leaks([secret], [tmp_path]))
        assert list(leaks([secret], [f'hay{form.decode()}hay']))
