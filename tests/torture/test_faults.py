# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault for each code, through every module and the lookup. The unit tests have all faults."""

from __future__ import annotations

import contextlib
import re

import pytest
import yaml
from helpers.ansible_run import Run, run_tasks
from helpers.needles import leaks
from helpers.wire_faults import ACCESS_KEY, BY_NAME, ONE_A_CODE, PROXY_PASSWORD, SECRET_KEY, TOKEN, stage

NAMES = [*ONE_A_CODE, 'a 204', 'a 407']  # healthy, and a proxy's code without a proxy
LOOKUP = "{{ lookup('firefly.platform.firefly', 'login', token_cache=false).expires_in }}"
MODULES = {
    'login': {'firefly.platform.firefly_login': {'token_cache': False}},
    'health': {'firefly.platform.firefly_health': None},
    'api': {'firefly.platform.firefly_api': {'path': 'projects', 'token_cache': False}},
    'lookup': {'ansible.builtin.set_fact': {'got': LOOKUP}},
}


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A play with a host for each fault, whose variables hold the options."""
    folder = tmp_path_factory.mktemp('run')
    (folder / 'host_vars').mkdir()
    with contextlib.ExitStack() as stack:
        for number, name in enumerate(NAMES):
            scene = stack.enter_context(stage(BY_NAME[name], folder))
            variables = {f'firefly_{option}': value for option, value in scene.options.items()}
            variables['proxy'] = scene.environment
            (folder / f'host_vars/fault{number}.yml').write_text(yaml.safe_dump(variables))
        more = {'environment': '{{ proxy }}', 'ignore_errors': True}
        tasks = [{**module, **more, 'register': name} for name, module in MODULES.items()]
        hosts = [f'fault{number}' for number in range(len(NAMES))]
        return run_tasks(folder, tasks, hosts=hosts, arguments=['-f', '12', '-vvv'])


@pytest.mark.parametrize('name', NAMES)
def test_every_edge_reports_the_code(run: Run, name: str) -> None:
    results, code = run.registered[f'fault{NAMES.index(name)}'], BY_NAME[name].code
    for edge in ('login', 'api'):
        assert results[edge].get('failure', {'code': 'ok'})['code'] == code
        assert results[edge]['failed'] == (code != 'ok')
    health = results['health']
    expected = {204: 'ok', 200: 'unexpected_status'}.get(health['status'], code)
    assert health['code'] == expected
    assert health['failed'] == (expected != 'ok') == (not health['healthy'])
    if code == 'ok':
        assert int(results['lookup']['ansible_facts']['got']) > 60
    elif not BY_NAME[name].proxy:  # the environment of a task does not reach a lookup
        # the same sentence as the module's, which a lookup puts into another one
        assert _words(results['login']['msg']) in _words(results['lookup']['msg'])


def _words(text: str) -> str:
    # without the reason, which can differ from one request to the next
    return re.sub(r' \(.*?\)', '', re.sub(r'\s+', ' ', text))


def test_no_secret_is_in_the_output(run: Run) -> None:
    assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN, PROXY_PASSWORD], [run.output])) == []
    assert 'Traceback (most recent call last)' not in run.output
