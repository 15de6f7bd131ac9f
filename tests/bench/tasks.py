# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of this collection costs, compared to those of ansible-core.

Each measurement is a whole run of ansible-playbook. All that is compared is measured in turns, so that whatever else
the machine does slows all of it alike. Only the ratios of medians count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import yaml

from .common import firefly, say, show, verdict

LOGIN = 'firefly.platform.firefly_login'
DEBUG = 'ansible.builtin.debug'
# the caller's variables; a bundle of CAs is checked by each task, for some 25 ms
NOT_OURS = ('FIREFLY_', 'ANSIBLE_', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')
#: Comes before a task and is not measured.
ONCE = {LOGIN: None, 'run_once': True, 'register': 'login'}
#: A name in subjects(), what it is compared to, and the highest ratio.
GOALS = [
    ('firefly_login', 'debug', 1.2),
    ('firefly_login', 'uri, POST /v2/login', 1 / 8),
    ('debug, lookup firefly', 'debug, lookup env', 1.15),
    ('firefly_health', 'debug', 2.0),
    ('firefly_api, GET', 'uri, GET with the token', 1 / 5),
]
MEMORY_GOAL = 15
GROWTH_GOAL = 0.2


def subjects(keys: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The tasks of each play. The first two plays are subtracted from the others."""
    path, url = 'runners/projects/list', f'{keys["api_url"]}/v2'
    body = {'accessKey': keys['access_key'], 'secretKey': keys['secret_key']}
    post = {'url': f'{url}/login', 'method': 'POST', 'body_format': 'json', 'body': body}
    get = {'url': f'{url}/{path}', 'headers': {'Authorization': '{{ login.authorization }}'}}
    return {
        'empty': [],
        'empty after login': [ONCE],
        'debug': [{DEBUG: {'msg': 'hello'}}],
        'firefly_login': [{LOGIN: None}],
        'firefly_health': [{'firefly.platform.firefly_health': None}],
        'firefly_api, GET': [ONCE, {'firefly.platform.firefly_api': {'path': path}}],
        'debug, lookup env': [{DEBUG: {'msg': "{{ lookup('ansible.builtin.env', 'HOME') }}"}}],
        'debug, lookup firefly': [ONCE, {DEBUG: {'msg': "{{ lookup('firefly.platform.firefly', 'expires_at') }}"}}],
        'uri, POST /v2/login': [{'ansible.builtin.uri': post, 'no_log': True}],
        'uri, GET with the token': [ONCE, {'ansible.builtin.uri': get, 'no_log': True}],
    }


class Cost(NamedTuple):
    """CPU time in milliseconds a host, without that of an empty play. The memory of the largest process in MiB."""

    cpu: float
    memory: float


def measure(plays: dict[str, list[dict[str, Any]]], keys: dict[str, str], hosts: int, rounds: int) -> dict[str, Cost]:
    """Run each play so many times on so many hosts."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in plays}
    for number in range(1, rounds + 1):
        for name, tasks in plays.items():
            say(f'{hosts} hosts, round {number} of {rounds}: {name}')
            runs[name].append(run(tasks, keys, hosts))
    cpu = {name: median(seconds for seconds, _unused in runs[name]) for name in plays}
    memory = {name: median(size for _unused, size in runs[name]) for name in plays}
    return {
        name: Cost(1000 * (cpu[name] - cpu['empty after login' if ONCE in tasks else 'empty']) / hosts, memory[name])
        for name, tasks in plays.items()
        if not name.startswith('empty')
    }


def run(tasks: list[dict[str, Any]], keys: dict[str, str], hosts: int) -> tuple[float, float]:
    """Run the tasks. Return the CPU seconds and the memory of the largest process: a worker, which has its parent's."""
    variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
    inventory = {'all': {'hosts': dict.fromkeys(f'host{number}' for number in range(hosts)), 'vars': variables}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'hosts.yml').write_text(yaml.safe_dump(inventory))
        (folder / 'play.yml').write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': tasks}]))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)},
            **{f'FIREFLY_{name.upper()}': value for name, value in keys.items()},
            'ANSIBLE_COLLECTIONS_PATH': os.environ['ANSIBLE_COLLECTIONS_PATH'],
            'HOME': name,
        }
        command = [sys.executable, '-m', 'ansible', 'playbook', '-i', 'hosts.yml', '-f', '10', 'play.yml']
        with (folder / 'output').open('wb') as file:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT)
            _unused, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit((folder / 'output').read_text()[-3000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(quick: bool) -> bool:
    """Measure, print the numbers, and return whether a goal is missed."""
    hosts, rounds, sizes = (10, 1, (5, 10)) if quick else (200, 3, (100, 1000, 5000))
    with firefly(rate_limit=0) as keys:
        plays = subjects(keys)
        costs = measure(plays, keys, hosts, rounds)
        login = {name: plays[name] for name in ('empty', 'firefly_login')}
        grown = {size: measure(login, keys, size, rounds if size < 5000 else 1)['firefly_login'].cpu for size in sizes}
    debug = costs['debug']
    show(
        f'CPU time a host, above an empty play ({hosts} hosts, 10 forks), and memory of the largest process',
        [
            (name, f'{cost.cpu:.1f} ms', f'{cost.cpu / debug.cpu:.2f} x debug', f'{cost.memory:.1f} MiB')
            for name, cost in costs.items()
        ],
    )
    goals = [(f'{name} / {other}', costs[name].cpu / costs[other].cpu, goal) for name, other, goal in GOALS]
    per_host = ', '.join(f'{cpu:.1f} ms with {size} hosts' for size, cpu in grown.items())
    goals += [
        ('MiB of firefly_login above debug', costs['firefly_login'].memory - debug.memory, MEMORY_GOAL),
        (f'growth of firefly_login: {per_host}', max(grown.values()) / min(grown.values()) - 1, GROWTH_GOAL),
    ]
    rows = [(name, f'{value:.3f}', f'goal {goal:.3f}', verdict(value <= goal)) for name, value, goal in goals]
    return show('Goals', rows)
