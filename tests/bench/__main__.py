# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of this collection costs, compared to ansible-core's own.

Each measurement is a whole run of ansible-playbook. What is compared is measured in turns, so that whatever else the
machine does hits all alike, and only the ratios of medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from .table import table

ROOT = Path(__file__).parents[2]
LOGIN = 'firefly.platform.firefly_login'
# what the caller has set; a bundle of CAs is checked by each task, for some 25 ms
NOT_OURS = ('FIREFLY_', 'ANSIBLE_', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')
ONCE = {LOGIN: None, 'run_once': True, 'register': 'login'}
LOOKUP = "{{ lookup('firefly.platform.firefly', 'expires_at') }}"


@dataclass
class Subject:
    """A task whose cost is measured, beside those that come before it in the play and are not counted."""

    task: dict[str, Any] | None
    before: dict[str, Any] | None = None


class Firefly:
    """An embedded Firefly as a process of its own: this one stays small, since its memory counts as its children's."""

    def __init__(self, folder: Path) -> None:
        address_file = folder / 'firefly.json'
        command = [sys.executable, '-m', 'tests.fake_firefly', '--rate-limit', '0', '--address-file', str(address_file)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        while not address_file.exists():
            time.sleep(0.05)
        address = json.loads(address_file.read_text())
        self.url: str = address['url']
        self.access_key: str = address['access_key']
        self.secret_key: str = address['secret_key']

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait()

    def logins(self) -> int:
        """How many have been tried so far."""
        with urllib.request.urlopen(f'{self.url}/_fake') as answer:  # noqa: S310, it is our own
            return int(json.load(answer)['counts'].get('POST /v2/login', 0))

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Answer with 503 until it ends."""
        url = f'{self.url}/_fake/faults'
        headers = {'Content-Type': 'application/json'}
        fault = urllib.request.Request(url, b'{"status": 503, "times": null}', headers)  # noqa: S310, it is our own
        clear = urllib.request.Request(url, method='DELETE')  # noqa: S310
        urllib.request.urlopen(fault).close()  # noqa: S310
        yield
        urllib.request.urlopen(clear).close()  # noqa: S310


def subjects(firefly: Firefly) -> dict[str, Subject]:
    """All tasks that are measured, by name. The first two are what others are counted above."""
    post = {
        'url': f'{firefly.url}/v2/login',
        'method': 'POST',
        'body_format': 'json',
        'body': {'accessKey': firefly.access_key, 'secretKey': firefly.secret_key},
    }
    get = {'url': f'{firefly.url}/v2/health', 'status_code': 204}
    path = 'runners/projects/list'
    with_token = {'url': f'{firefly.url}/v2/{path}', 'headers': {'Authorization': '{{ login.authorization }}'}}
    return {
        'empty': Subject(None),
        'empty after login': Subject(None, ONCE),
        'debug': Subject({'ansible.builtin.debug': {'msg': 'hello'}}),
        'firefly_login': Subject({LOGIN: None}),
        'firefly_health': Subject({'firefly.platform.firefly_health': None}),
        'firefly_api, GET': Subject({'firefly.platform.firefly_api': {'path': path}}, ONCE),
        'debug, lookup env': Subject({'ansible.builtin.debug': {'msg': "{{ lookup('ansible.builtin.env', 'HOME') }}"}}),
        'debug, lookup firefly': Subject({'ansible.builtin.debug': {'msg': LOOKUP}}, ONCE),
        'debug, lookup firefly, first of our plugins in the run': Subject({'ansible.builtin.debug': {'msg': LOOKUP}}),
        'uri, POST /v2/login': Subject({'ansible.builtin.uri': post, 'no_log': True}),
        'uri, GET /v2/health': Subject({'ansible.builtin.uri': get}),
        'uri, GET with the token': Subject({'ansible.builtin.uri': with_token, 'no_log': True}, ONCE),
    }


# What must be reached: a subject, what it is compared to, and the highest ratio.
GOALS = [
    ('firefly_login', 'debug', 1.2),
    ('firefly_login', 'uri, POST /v2/login', 1 / 8),
    ('debug, lookup firefly', 'debug, lookup env', 1.15),
    ('firefly_health', 'debug', 2.0),
    ('firefly_api, GET', 'uri, GET with the token', 1 / 5),
]


@dataclass
class Cost:
    """What a run of ansible-playbook took: CPU seconds, and the largest process's memory in MiB."""

    cpu: float
    memory: float


class Bench:
    """Runs plays against a Firefly."""

    def __init__(self, firefly: Firefly, folder: Path) -> None:
        self.firefly = firefly
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)},
            'ANSIBLE_COLLECTIONS_PATH': os.environ['ANSIBLE_COLLECTIONS_PATH'],
            'FIREFLY_API_URL': firefly.url,
            'FIREFLY_ACCESS_KEY': firefly.access_key,
            'FIREFLY_SECRET_KEY': firefly.secret_key,
            'HOME': str(folder),
        }

    def run(self, tasks: list[dict[str, Any]], hosts: int, *, forks: int = 10) -> Cost:
        """Run the tasks on so many local hosts. A run that fails ends the benchmark."""
        inventory = self.folder / f'{hosts}.yml'
        if not inventory.exists():
            variables = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
            names = dict.fromkeys(f'host{number}' for number in range(hosts))
            inventory.write_text(yaml.safe_dump({'all': {'hosts': names, 'vars': variables}}))
        playbook = self.folder / 'playbook.yml'
        playbook.write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': tasks}]))
        output = self.folder / 'output'
        command = [sys.executable, '-m', 'ansible', 'playbook', '-i', str(inventory), '-f', str(forks), str(playbook)]
        with output.open('wb') as file:
            process = subprocess.Popen(command, env=self.environment, stdout=file, stderr=subprocess.STDOUT)
            _unused, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit(output.read_text()[-3000:])
        return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def posts(self, tasks: list[dict[str, Any]], hosts: int, *, forks: int = 25) -> int:
        """How many logins the tasks make on so many hosts."""
        before = self.firefly.logins()
        self.run(tasks, hosts, forks=forks)
        return self.firefly.logins() - before


def per_host(bench: Bench, hosts: int, rounds: int) -> dict[str, float]:
    """The CPU milliseconds that each subject takes a host, above an empty play."""
    all_subjects = subjects(bench.firefly)
    cpu: dict[str, list[float]] = {name: [] for name in all_subjects}
    for number in range(1, rounds + 1):
        for name, subject in all_subjects.items():
            say(f'round {number} of {rounds}: {name}')
            tasks = [task for task in (subject.before, subject.task) if task]
            cpu[name].append(bench.run(tasks, hosts).cpu)
    costs = {}
    for name, subject in all_subjects.items():
        if subject.task:
            base = statistics.median(cpu['empty after login' if subject.before else 'empty'])
            costs[name] = 1000 * (statistics.median(cpu[name]) - base) / hosts
    return costs


def growth(bench: Bench, sizes: list[int]) -> dict[int, dict[str, float]]:
    """The CPU milliseconds of debug and firefly_login a host, by the number of hosts."""
    costs: dict[int, dict[str, float]] = {}
    for size in sizes:
        rounds = 3 if size <= 1000 else 1
        cpu: dict[str, list[float]] = {'empty': [], 'debug': [], 'firefly_login': []}
        for _unused in range(rounds):
            for name in cpu:
                say(f'{size} hosts: {name}')
                task = subjects(bench.firefly)[name].task
                cpu[name].append(bench.run([task] if task else [], size).cpu)
        empty = statistics.median(cpu['empty'])
        costs[size] = {
            name: 1000 * (statistics.median(cpu[name]) - empty) / size for name in ('debug', 'firefly_login')
        }
    return costs


def worker_memory(bench: Bench) -> dict[str, float]:
    """The memory of the largest process of a run, in MiB: a worker, which has all that its parent has."""
    return {
        name: statistics.median(
            bench.run([subjects(bench.firefly)[name].task or {}], 20).memory for _unused in range(3)
        )
        for name in ('debug', 'firefly_login', 'firefly_health')
    }


def say(what: str) -> None:
    print(f'  {what:<78}', end='\r', file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog='make bench', description=__doc__)
    parser.add_argument('--hosts', type=int, default=200)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--sizes', type=int, nargs='*', default=[100, 1000, 5000], help='numbers of hosts for growth')
    parser.add_argument('--json', type=Path, default=ROOT / '.build/bench.json', help='where to write the numbers')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Firefly(Path(folder)) as firefly:
        bench = Bench(firefly, Path(folder))
        lookup = {'ansible.builtin.debug': {'msg': LOOKUP}}
        wrong = {LOGIN: {'secret_key': 'wrong'}, 'ignore_errors': True}
        posts = {
            '1,000 hosts x 3 x (login + lookup)': bench.posts([{LOGIN: None}, lookup] * 3, 1000),
            '1,000 hosts with a wrong secret': bench.posts([wrong], 1000),
        }
        with firefly.outage():
            tasks = {
                'login': {LOGIN: {'retries': 0}, 'ignore_errors': True},
                'lookup': {
                    'ansible.builtin.debug': {'msg': LOOKUP.replace("')", "', retries=0)")},
                    'ignore_errors': True,
                },
            }
            for name, task in tasks.items():
                posts[f'1,000 hosts in an outage, 5 forks, {name}'] = bench.posts([task], 1000, forks=5)
        costs = per_host(bench, arguments.hosts, arguments.rounds)
        sizes = growth(bench, arguments.sizes)
        memory = worker_memory(bench)
    print(report(posts, costs, sizes, memory, arguments.hosts))
    arguments.json.write_text(json.dumps({'posts': posts, 'ms': costs, 'growth': sizes, 'memory': memory}, indent=2))


def report(
    posts: dict[str, int],
    costs: dict[str, float],
    sizes: dict[int, dict[str, float]],
    memory: dict[str, float],
    hosts: int,
) -> str:
    """The results as a table for people."""

    def verdict(ok: bool) -> str:
        return 'reached' if ok else 'MISSED'

    lines = ['', 'POSTs to /v2/login']
    lines += table([(name, str(count), 'goal 1', verdict(count == 1)) for name, count in posts.items()])
    lines += ['', f'CPU time a host, above an empty play ({hosts} hosts, 10 forks)']
    lines += table([(name, f'{cost:.1f} ms', f'{cost / costs["debug"]:.2f} x debug') for name, cost in costs.items()])
    lines += ['', 'Ratios']
    lines += table(
        [
            (
                f'{name} / {other}',
                f'{costs[name] / costs[other]:.3f}',
                f'goal {goal:.3f}',
                verdict(costs[name] / costs[other] <= goal),
            )
            for name, other, goal in GOALS
        ]
    )
    lines += ['', 'Growth: CPU time a host, above an empty play']
    lines += table(
        [
            (
                f'{size} hosts',
                f'debug {cost["debug"]:.1f} ms',
                f'firefly_login {cost["firefly_login"]:.1f} ms',
                f'ratio {cost["firefly_login"] / cost["debug"]:.2f}',
            )
            for size, cost in sizes.items()
        ]
    )
    if sizes:
        spread = {}
        for name in ('firefly_login', 'debug'):
            costs_of = [cost[name] for cost in sizes.values()]
            spread[name] = max(costs_of) / min(costs_of) - 1
        differs = f'firefly_login differs by {spread["firefly_login"]:.0%} (debug itself by {spread["debug"]:.0%})'
        lines.append(f'{differs}, goal 20%: {verdict(spread["firefly_login"] <= 0.2)}')
    lines += ['', 'Memory of the largest process']
    lines += table([(name, f'{size:.1f} MiB', f'{size - memory["debug"]:+.1f}') for name, size in memory.items()])
    over = memory['firefly_login'] - memory['debug']
    lines.append(f'firefly_login over debug, goal 15 MB: {verdict(over <= 15)}')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
