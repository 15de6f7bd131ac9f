# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Ansible in tests: tasks go in; the output and what the tasks registered come out."""

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
DUMP = r'%DUMP (\S+) ([A-Za-z0-9+/=]+)%'

#: The environment variables of other programs that name CAs. The collection reads them too.
CA_VARIABLES = ('REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')

LOGIN = 'firefly.platform.firefly_login'
HEALTH = 'firefly.platform.firefly_health'
API = 'firefly.platform.firefly_api'
LOOKUP = 'firefly.platform.firefly'
GROUP = 'group/firefly.platform.firefly'


def task(name: str, module: str, options: Mapping[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A task that registers its result under this name. The play goes on when it fails."""
    return {module: dict(options or {}), 'register': name, 'ignore_errors': True, **keywords}


def lookup(name: str, arguments: str, **keywords: Any) -> dict[str, Any]:
    """A task that registers under this name what the lookup returns. See :meth:`Run.value`."""
    value = f"{{{{ lookup('{LOOKUP}', {arguments}) }}}}"
    return task(name, 'ansible.builtin.set_fact', {'value': value}, **keywords)


def keys_of(firefly: FakeFirefly) -> dict[str, str]:
    """The environment variables with the address and the keys of this Firefly."""
    return {f'FIREFLY_{name.upper()}': value for name, value in firefly.options.items()}


@dataclass
class Run:
    """A run of Ansible that has ended."""

    status: int
    output: str
    """Stdout, then stderr."""
    stdout: str = ''
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By host, then by the name of the registered variable. ``ansible_facts`` has the host's facts."""

    @property
    def stderr(self) -> str:
        return self.output.removeprefix(self.stdout)

    def __getitem__(self, name: str) -> Any:
        """What the first host registered under this name."""
        assert self.registered, self.output
        return next(iter(self.registered.values()))[name]

    def value(self, name: str) -> Any:
        """What the lookup of a task returned."""
        return self[name]['ansible_facts']['value']

    def outcomes(self, host: str = 'host1') -> dict[str, str]:
        """How each task ended: ``ok``, the code of its failure, or ``failed`` where a failure has no code."""
        assert self.registered, self.output
        return {
            name: result['failure']['code'] if 'failure' in result else 'failed' if result.get('failed') else 'ok'
            for name, result in self.registered[host].items()
            if name != 'ansible_facts'
        }


def run_ansible(
    folder: Path, arguments: list[str], *, environment: Mapping[str, str] | None = None, shell: Path | None = None
) -> Run:
    """Run a command of ansible-core. ``folder`` is its home, and its working folder unless ``shell`` is given. It gets
    no FIREFLY_* and ANSIBLE_* variables and no CAs from the caller."""
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
        timeout=900,
        check=False,
    )
    return Run(result.returncode, result.stdout + result.stderr, result.stdout)


def write_inventory(folder: Path, hosts: Iterable[str], connection: str = 'local') -> Path:
    """An inventory of hosts that are all this machine."""
    inventory = folder / 'inventory.yml'
    variables = {'ansible_connection': connection, 'ansible_python_interpreter': sys.executable}
    inventory.write_text(yaml.safe_dump({'all': {'hosts': dict.fromkeys(hosts), 'vars': variables}}))
    return inventory


def run_tasks(
    folder: Path,
    tasks: list[dict[str, Any]],
    *,
    hosts: Iterable[str] = ('host1',),
    play: Mapping[str, Any] | None = None,
    arguments: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    shell: Path | None = None,
) -> Run:
    """Run the tasks in a play on the hosts. ``play`` has further keywords of the play."""
    names = [task['register'] for task in tasks if 'register' in task]
    pairs = ', '.join(f"'{name}': {name} | default(omit)" for name in [*names, 'ansible_facts'])
    dump = {'ansible.builtin.debug': {'msg': '%DUMP {{ inventory_hostname }} {{ dump | to_json | b64encode }}%'}}
    dump_play = {'hosts': 'all', 'gather_facts': False, 'vars': {'dump': '{{ {' + pairs + '} }}'}, 'tasks': [dump]}
    playbook = folder / 'playbook.yml'
    plays = [{'hosts': 'all', 'gather_facts': False, **(play or {}), 'tasks': tasks}, dump_play]
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    inventory = write_inventory(folder, hosts)
    command = ['ansible-playbook', '-i', str(inventory), str(playbook), *arguments]
    run = run_ansible(folder, command, environment=environment, shell=shell)
    for host, dumped in re.findall(DUMP, run.output):
        run.registered[host] = json.loads(base64.b64decode(dumped))
    run.output, run.stdout = re.sub(DUMP, '', run.output), re.sub(DUMP, '', run.stdout)
    return run
