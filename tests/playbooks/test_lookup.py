# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from fake_firefly import FakeFirefly
from helpers.ansible_run import lookup, run_tasks


def test_the_lookup_in_a_templated_variable(firefly: FakeFirefly, tmp_path: Path) -> None:
    variables = {
        'my_secret': firefly.secret_key,
        'firefly_access_key': firefly.access_key,
        'firefly_secret_key': '{{ my_secret }}',
        'token': "{{ lookup('firefly.platform.firefly') }}",
    }
    tasks = [
        {'ansible.builtin.set_fact': {'value': '{{ token }}{{ token }}'}, 'register': 'twice'},
        lookup('wrong', "'token'", vars={'my_secret': 'wrong'}),
    ]
    environment = {'FIREFLY_API_URL': firefly.url}
    hosts = ['a', 'b']
    run = run_tasks(tmp_path, tasks, hosts=hosts, play={'vars': variables}, environment=environment, arguments=['-vvv'])
    assert run.status == 0, run.output
    assert [run.registered[host]['twice']['ansible_facts']['value'] for host in hosts] == [firefly.tokens[0] * 2] * 2
    assert firefly.count('POST', '/v2/login') == 2
    for host in hosts:
        message = ' '.join(run.registered[host]['wrong']['msg'].split())
        assert '401 Unauthorized' in message
        assert HINTS['unauthorized'] in message
