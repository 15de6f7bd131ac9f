# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of Ansible for tests: a playbook goes in; its output and what its tasks registered come out."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fake_firefly import FakeFirefly

PLUGINS = Path(__file__).parent

#: What names CAs for other programs too, and for the collection.
CA_VARIABLES = ('REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')


def keys_of(firefly: FakeFirefly) -> dict[str, str]:
    """The environment variables with the address and the keys of this Firefly."""
    return {
        'FIREFLY_API_URL': firefly.url,
        'FIREFLY_ACCESS_KEY': firefly.access_key,
        'FIREFLY_SECRET_KEY': firefly.secret_key,
        **({'FIREFLY_CA_PATH': firefly.ca_path} if firefly.ca_path else {}),
    }


@dataclass
class Run:
    """A run of Ansible that has ended."""

    status: int
    output: str
    """What went to stdout, then what went to stderr."""
    stdout: str = ''
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By host, then by the name of the registered variable or the fact."""


def run_ansible(
    folder: Path,
    arguments: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    shell: Path | None = None,
    timeout: float = 900,
) -> Run:
    """Run a command of ansible-core with ``folder`` as its home, and nothing of the caller's FIREFLY_* variables and
    CAs. ``shell`` is the working folder, where that is another one."""
    not_ours = ('FIREFLY_', 'ANSIBLE_', *CA_VARIABLES)
    bare = {name: value for name, value in os.environ.items() if not name.startswith(not_ours)}
    collections = os.environ['ANSIBLE_COLLECTIONS_PATH']
    result = subprocess.run(
        [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
        cwd=shell or folder,
        env={
            **bare,
            'HOME': str(folder),
            'ANSIBLE_COLLECTIONS_PATH': collections,
            'ANSIBLE_CONNECTION_PLUGINS': str(PLUGINS / 'connection_plugins'),
            'ANSIBLE_ASYNC_DIR': str(folder / 'async'),
            'ANSIBLE_LOCALHOST_WARNING': 'false',
            'ANSIBLE_INVENTORY_UNPARSED_WARNING': 'false',
            'ANSIBLE_NOCOLOR': 'true',
            **(environment or {}),
        },
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(result.returncode, result.stdout + result.stderr, result.stdout)


def write_inventory(folder: Path, hosts: Iterable[str], connection: str = 'local') -> Path:
    """An inventory of hosts that all are this machine."""
    inventory = folder / 'inventory.yml'
    variables = {'ansible_connection': connection, 'ansible_python_interpreter': sys.executable}
    inventory.write_text(yaml.safe_dump({'all': {'hosts': dict.fromkeys(hosts), 'vars': variables}}))
    return inventory


def run_tasks(
    folder: Path,
    tasks: list[dict[str, Any]],
    *,
    hosts: Iterable[str] = ('host1',),
    connection: str = 'local',
    play: Mapping[str, Any] | None = None,
    arguments: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    shell: Path | None = None,
) -> Run:
    """Run the tasks as a play on the hosts. ``play`` has more keywords of the play, ``shell`` is the working folder."""
    names = [task['register'] for task in tasks if 'register' in task]
    pairs = ', '.join(f"'{name}': {name} | default(omit)" for name in [*names, 'ansible_facts'])
    dump = {'ansible.builtin.debug': {'msg': '%DUMP {{ inventory_hostname }} {{ dump | to_json | b64encode }}%'}}
    dump_play = {'hosts': 'all', 'gather_facts': False, 'vars': {'dump': '{{ {' + pairs + '} }}'}, 'tasks': [dump]}
    playbook = folder / 'playbook.yml'
    plays = [{'hosts': 'all', 'gather_facts': False, **(play or {}), 'tasks': tasks}, dump_play]
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    inventory = write_inventory(folder, hosts, connection)
    command = ['ansible-playbook', '-i', str(inventory), str(playbook), *arguments]
    run = run_ansible(folder, command, environment=environment, shell=shell)
    for host, dumped in re.findall(r'%DUMP (\S+) ([A-Za-z0-9+/=]+)%', run.output):
        run.registered[host] = json.loads(base64.b64decode(dumped))
    run.output = re.sub(r'%DUMP (\S+) ([A-Za-z0-9+/=]+)%', '', run.output)
    return run
