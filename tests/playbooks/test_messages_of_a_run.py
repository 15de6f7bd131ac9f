# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No message of a run repeats a value that an option was given, or a key that a response echoes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    KEY_FILES,
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from fake_firefly import FakeFirefly, Fault
from helpers.ansible_run import API, HEALTH, LOGIN, keys_of, lookup, run_tasks, task
from helpers.wrong_values import KINDS, NEEDLE, TEMPLATES, Place, is_refusal, make_place, names, shows, without_url

# every option is tried in test_messages.py
ONE_OF_EACH_TYPE = {(row.type, row.fallback): name for name, row in reversed(OPTIONS.items())}.values()
TRIED = sorted({*ONE_OF_EACH_TYPE, 'secret_key', 'api_url', 'client_key'})
SOME = ['text', 'lines', 'list', 'dict', 'number', 'template']
SOME_OF_A_PATH = ['PEM text', 'relative path', 'home folder', 'home folder with NUL', 'list', 'template']


class Unsafe(str):
    """Text that is not a template; YAML has it as !unsafe."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar('!unsafe', text, style='"'))


def mark_unsafe(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: mark_unsafe(part) for name, part in value.items()}
    if isinstance(value, list):
        return [mark_unsafe(part) for part in value]
    return Unsafe(value) if isinstance(value, str) else value


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A playbook's folder, with the variable ``given``, which has the wrong values by their kind."""
    given = {kind: mark_unsafe(value) for kind, value in KINDS.items() if not isinstance(value, bytes)}
    # not in the playbook: ansible-core shows the lines of a task that fails
    (tmp_path / 'given.yml').write_text(yaml.safe_dump({'given': given}))
    yield from make_place(tmp_path)


def kinds_of(option: str, source: str) -> list[str]:
    kinds = SOME_OF_A_PATH if OPTIONS[option].type == 'path' else list(SOME)
    if option == 'api_url' and source == 'argument':
        kinds += [kind for kind in KINDS if kind.startswith('URL')]
    return [kind for kind in kinds if source != 'environment' or '\0' not in str(KINDS[kind])]


def with_value(option: str, source: str, value: str) -> dict[str, Any]:
    """The keywords of a task for which the source gives the value, a Jinja expression."""
    if source == 'variable':
        return {'vars': {variable_name(option): f'{{{{ {value} }}}}'}}
    keys = {environment_names(key)[0]: '' for key, file in KEY_FILES.items() if file == option}
    return {'environment': {**keys, environment_names(option)[0]: f'{{{{ {value} }}}}'}} if source != 'argument' else {}


def tasks_of_modules() -> Iterator[dict[str, Any]]:
    """Options in a loop and, since one hidden item hides the others, alone."""
    for option in TRIED:
        module = LOGIN if option in SHARED_OPTIONS else HEALTH if option.startswith('wait') else API
        needed = (
            {'path': 'workspaces'} if module == API else {'client_cert': 'client.pem'} if option == 'client_key' else {}
        )
        for source in ('argument', 'variable', 'environment') if OPTIONS[option].fallback else ('argument',):
            kinds = kinds_of(option, source)
            for name, value, more in (('loop', 'given[item]', {'loop': kinds}), ('alone', f"given['{kinds[0]}']", {})):
                options = {**needed, **({option: f'{{{{ {value} }}}}'} if source == 'argument' else {})}
                yield task(f'{option}_by_{source}_{name}', module, options, **with_value(option, source, value), **more)
    yield task('retrys_by_argument', LOGIN, {'retrys': "{{ given['text'] }}"})


def tasks_of_the_lookup() -> Iterator[dict[str, Any]]:
    """Options one by one: before ansible-core 2.19 a loop ends where a lookup fails."""
    for option in sorted({*TRIED} & {*SHARED_OPTIONS}):
        for source in ('argument', 'variable'):
            kinds = kinds_of(option, source)
            for kind in kinds if option == 'api_url' else kinds[:1]:
                value = f"given['{kind}']"
                argument = f', {option}={value}' if source == 'argument' else ''
                name = f'{option}_by_{source}_as_{kind.replace(" ", "_")}'
                yield lookup(name, f"'token'{argument}", **with_value(option, source, value))
    yield lookup('retrys_by_argument', "'token', retrys=given['text']")
    for kind in SOME:
        yield lookup(f'term_{kind}', f"given['{kind}']")


def results(registered: dict[str, Any], tasks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The result of each task and of each item of a loop."""
    found = {}
    for each in tasks:
        result = registered[each['register']]
        items = result['results'] if 'loop' in each else [result]
        found.update({f'{each["register"]}: {item.get("item", "")}': item for item in items})
        assert len(items) == len(each.get('loop', [1])), each['register']
    return found


@pytest.mark.parametrize('edge', ['modules', 'lookup'])
def test_no_message_repeats_a_value(place: Place, edge: str) -> None:
    tasks = list(tasks_of_modules() if edge == 'modules' else tasks_of_the_lookup())
    run = run_tasks(place.folder, tasks, arguments=['-e', '@given.yml'], environment=place.environment)
    assert run.status == 0, run.output
    assert [line for line in without_url('path', run.output).splitlines() if shows(line)] == []
    for name, result in results(run.registered['host1'], tasks).items():
        option = name.partition('_by_')[0]
        assert not shows(without_url(option, json.dumps(result))), name
        if is_refusal(result.get('msg', '')) and '_by_' in name:
            assert names(result['msg'], option), name


def test_a_variable_that_cannot_be_templated(place: Place) -> None:
    (place.folder / 'host_vars').mkdir()
    broken = {f'{option}-{kind}': option for option in ('secret_key', 'api_url') for kind in ('syntax', 'undefined')}
    for host, option in broken.items():
        variables = {variable_name(option): TEMPLATES[host.rpartition('-')[2]]}
        (place.folder / 'host_vars' / f'{host}.yml').write_text(yaml.safe_dump(variables))
    tasks = [task('login', LOGIN), task('health', HEALTH), lookup('lookup', "'token'")]
    run = run_tasks(place.folder, tasks, hosts=broken, environment=place.environment)
    assert run.status == 0, run.output
    assert [line for line in run.output.splitlines() if shows(line)] == []
    for host, option in broken.items():
        assert not shows(json.dumps(run.registered[host]))
        for edge in ('login', 'lookup', *(['health'] if option == 'api_url' else [])):
            assert f'variable {variable_name(option)} cannot be templated' in run.registered[host][edge]['msg']


def test_a_response_that_echoes_the_keys(firefly: FakeFirefly, tmp_path: Path) -> None:
    secret = f'{NEEDLE}/{NEEDLE}+&='
    firefly.keys = {firefly.access_key: secret}
    tasks: list[dict[str, Any]] = []
    for echo in (secret, quote(secret, safe=''), base64.b64encode(secret.encode()).decode()):
        body = json.dumps({'message': f'bad key {echo}, of {firefly.access_key}'})
        for fault in (
            Fault(status=401, body=body),
            Fault(status=307, headers={'Location': f'https://example.test/{echo}?key={echo}'}),
        ):
            firefly.fail(fault, times=2)
            tasks += [task(f'login_{len(tasks)}', LOGIN), lookup(f'lookup_{len(tasks)}', "'token'")]
    environment = {**keys_of(firefly), 'FIREFLY_SECRET_KEY': secret, 'FIREFLY_TOKEN_CACHE': 'false'}
    run = run_tasks(tmp_path, tasks, environment=environment)
    assert run.status == 0, run.output
    assert len(firefly.requests) == len(tasks)
    assert [line for line in run.output.splitlines() if shows(line)] == []
    for name, result in results(run.registered['host1'], tasks).items():
        assert not shows(json.dumps(result)), name
        assert '********' in result['msg']
        assert firefly.access_key not in result['msg']
