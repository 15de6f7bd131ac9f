# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX for tests: its rules for credential types, its own injector code, and the part of its API that awx.awx uses."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from awx_plugins.interfaces._temporary_private_api import Credential, EnvVarsType, ManagedCredentialType
from awx_plugins.interfaces._temporary_private_container_api import CONTAINER_ROOT
from awx_plugins.interfaces._temporary_private_inject_api import ENV_BLOCKLIST, inject_credential
from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined, TemplateError, UndefinedError, sandbox
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

Values = dict[str, Any]

TASKS = Path(__file__).parents[2] / 'playbooks/tasks/awx_setup.yml'
TOKEN = 'CONTROLLER-TOKEN-NEEDLE-7d1f'
NAME = '^[a-zA-Z_][a-zA-Z0-9_]*$'

TEXT = {'type': 'string'}


def _object(properties: Values, **more: Any) -> Values:
    return {'type': 'object', 'additionalProperties': False, 'properties': properties, **more}


def _array(items: Values, **more: Any) -> Values:
    return {'type': 'array', 'items': items, **more}


# https://docs.ansible.com/automation-controller/latest/html/userguide/credential_types.html
FIELD = {
    'id': {**TEXT, 'pattern': NAME, 'not': {'const': 'tower'}},
    'label': TEXT,
    'help_text': TEXT,
    'type': {'enum': ['string', 'boolean']},
    'format': {'enum': ['ssh_private_key', 'url']},
    'choices': _array(TEXT, minItems=1, uniqueItems=True),
    **dict.fromkeys(['multiline', 'secret'], {'type': 'boolean'}),
    'default': {},
}
NEVER_OF_A_BOOLEAN: Values = dict.fromkeys(['choices', 'multiline', 'format', 'secret'], False)
RULES = {
    'required': ['id', 'label'],
    'if': {'properties': {'type': {'const': 'boolean'}}, 'required': ['type']},
    'then': {'properties': {**NEVER_OF_A_BOOLEAN, 'default': {'type': 'boolean'}}},
    'else': {'properties': {'default': TEXT}},
}
INPUTS = _object({'required': _array(TEXT), 'fields': _array(_object(FIELD, **RULES))})
NOT_IN_ENV = {'anyOf': [{'pattern': '^ANSIBLE_'}, {'enum': sorted(ENV_BLOCKLIST)}]}
ENV = {NAME: {**TEXT, 'pattern': '^[\x00-\x7f]*$'}}
INJECTORS = _object(
    {
        'file': _object({}, patternProperties={rf'^template(\.{NAME[1:-1]})?$': TEXT}),
        'env': _object({}, propertyNames={'not': NOT_IN_ENV}, patternProperties=ENV),
        'extra_vars': {'type': 'object'},
    }
)


class _Loader(yaml.SafeLoader):
    """Reads a tasks file, in which a text may be marked as no template of Ansible's."""


_Loader.add_constructor('!unsafe', lambda loader, node: node.value)


class _Namespace(dict[str, Any]):
    """Names that a template may use, but not their namespace itself."""

    def __str__(self) -> str:
        raise UndefinedError('a namespace is not a value')


def credential_type() -> tuple[Values, Values]:
    """The inputs and the injectors that the playbook ``awx_setup`` hands to AWX."""
    task = yaml.load(TASKS.read_text(), _Loader)[0]['block'][0]['awx.awx.credential_type']  # noqa: S506
    return task['inputs'], task['injectors']


def check_type(inputs: Values, injectors: Values) -> None:
    """Check a credential type as AWX does.

    :raises ValueError: AWX refuses it.
    """
    for schema, values in ((INPUTS, inputs), (INJECTORS, injectors)):
        for problem in jsonschema.Draft202012Validator(schema).iter_errors(values):
            raise ValueError(problem.message)
    ids = [field['id'] for field in inputs.get('fields', [])]
    if len(ids) != len(set(ids)):
        raise ValueError('field IDs must be unique')
    labels = [name.partition('.')[2] for name in injectors.get('file', {})]
    if '' in labels and len(labels) > 1:
        raise ValueError('several files need names')
    filename = 'a path' if labels == [''] else _Namespace.fromkeys(labels, 'a path')
    namespace = {**dict.fromkeys(ids, 'a value'), 'tower': _Namespace(filename=filename)}
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for templates in injectors.values():
        for name, template in templates.items():
            try:
                environment.from_string(str(template)).render(namespace)
            except TemplateError as error:
                raise ValueError(f'{name}: {error}') from error


def inject(inputs: Values, job_folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Start a job in this folder with a credential. Return the job's environment, and what AWX stores of that."""
    (job_folder / 'env').mkdir(parents=True, exist_ok=True)
    environment: EnvVarsType = {}
    stored: EnvVarsType = {}
    arguments: list[str] = []
    kind = ManagedCredentialType('firefly', 'Firefly', 'cloud', *credential_type())
    inject_credential(kind, Credential(inputs), environment, stored, arguments, str(job_folder))
    assert not arguments

    def without_container(values: EnvVarsType) -> dict[str, str]:
        # a container would have the job's folder at another place
        return {name: re.sub(f'^{CONTAINER_ROOT}/', f'{job_folder}/', str(value)) for name, value in values.items()}

    return without_container(environment), without_container(stored)


class FakeController:
    """A controller that serves while its context is entered. It has an organization, a project and an inventory."""

    def __init__(self) -> None:
        self.items: defaultdict[str, list[Values]] = defaultdict(list)
        for kind, name in (('organizations', 'Default'), ('projects', 'Deployments'), ('inventories', 'Production')):
            self.items[kind] = [{'id': 1, 'name': name, 'organization': 1, 'url': f'/api/v2/{kind}/1/'}]
        self.changes: list[str] = []
        """The methods and kinds of the requests that changed something."""
        self._server = make_server('127.0.0.1', 0, self._app(), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={'poll_interval': 0.01})

    def __enter__(self) -> FakeController:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which awx.awx finds this controller."""
        return {'CONTROLLER_HOST': f'http://127.0.0.1:{self._server.server_port}', 'CONTROLLER_OAUTH_TOKEN': TOKEN}

    def _app(self) -> Flask:
        app = Flask(__name__, static_folder=None)

        @app.before_request
        def authenticate() -> None:
            if request.headers.get('Authorization') != f'Bearer {TOKEN}':
                abort(401)
            if request.method != 'GET':
                self.changes.append(f'{request.method} {request.path.split("/")[3]}')

        @app.get('/api/v2/<kind>/')
        def find(kind: str) -> Values:
            wanted = request.args.items()
            items = [item for item in self.items[kind] if all(str(item[name]) == value for name, value in wanted)]
            return {'count': len(items), 'next': None, 'results': items}

        @app.post('/api/v2/<kind>/')
        def create(kind: str) -> tuple[Values, int]:
            number = len(self.items[kind]) + 1
            item = {'id': number, 'type': kind.removesuffix('s'), 'url': f'/api/v2/{kind}/{number}/'}
            self.items[kind].append({**item, **self._checked(kind, {}, request.get_json())})
            return self.items[kind][-1], 201

        @app.patch('/api/v2/<kind>/<int:number>/')
        def change(kind: str, number: int) -> Values:
            item = self.items[kind][number - 1]
            item.update(self._checked(kind, item, request.get_json()))
            return item

        @app.get('/api/v2/job_templates/<int:number>/credentials/')
        def attached(number: int) -> Values:
            return {'count': 0, 'next': None, 'results': []}

        @app.post('/api/v2/job_templates/<int:number>/credentials/')
        def attach(number: int) -> tuple[str, int]:
            self.items['job_templates'][number - 1].setdefault('credentials', []).append(request.get_json()['id'])
            return '', 204

        @app.errorhandler(HTTPException)
        def refuse(error: HTTPException) -> ResponseReturnValue:
            return {'detail': error.description}, error.code or 500

        return app

    def _checked(self, kind: str, before: Values, values: Values) -> Values:
        """The values of an item, if AWX takes them."""
        if kind == 'credential_types':
            in_use = any(credential['credential_type'] == before.get('id') for credential in self.items['credentials'])
            if in_use and values.get('inputs', before['inputs']) != before['inputs']:
                abort(403, 'Modifications to inputs are not allowed for credential types that are in use')
        if kind == 'credentials':
            fields = self.items['credential_types'][values['credential_type'] - 1]['inputs']['fields']
            if values['inputs'].keys() - {field['id'] for field in fields} or not values['organization']:
                abort(400, 'no such field, or no owner')
        return values
