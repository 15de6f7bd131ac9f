# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the controller's API that the module awx.awx.credential_type uses, as a server on loopback."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from jinja2 import Environment, meta
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

TYPES = '/api/v2/credential_types/'
TOKEN = 'fake-controller-token'
FIELD_KEYS = {'id', 'label', 'type', 'secret', 'multiline', 'default', 'help_text', 'format', 'choices'}


class FakeController:
    """A controller that serves while its context is entered. What it refuses fails the test that led to it."""

    def __init__(self) -> None:
        self.types: dict[int, dict[str, Any]] = {}
        self.changes: list[str] = []
        """The methods of the requests that changed something."""
        self.refused: list[str] = []
        self._server = make_server('127.0.0.1', 0, self._app(), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={'poll_interval': 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self.refused and exc_type is None:
            raise AssertionError('Requests that a controller refuses:\n' + '\n'.join(self.refused))

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
                self.changes.append(request.method)

        @app.get(TYPES)
        def find() -> dict[str, Any]:
            if set(request.args) != {'name'}:
                abort(400, 'asks for more than a name')
            found = [item for item in self.types.values() if item['name'] == request.args['name']]
            return {'count': len(found), 'next': None, 'previous': None, 'results': found}

        @app.post(TYPES)
        def create() -> tuple[dict[str, Any], int]:
            number = len(self.types) + 1
            item = {'id': number, 'type': 'credential_type', 'url': f'{TYPES}{number}/'}
            self.types[number] = {**item, **_checked(request.get_json())}
            return self.types[number], 201

        @app.patch(f'{TYPES}<int:number>/')
        def change(number: int) -> dict[str, Any]:
            self.types[number].update(_checked(request.get_json()))
            return self.types[number]

        @app.delete(f'{TYPES}<int:number>/')
        def remove(number: int) -> tuple[str, int]:
            del self.types[number]
            return '', 204

        @app.errorhandler(HTTPException)
        def refuse(error: HTTPException) -> ResponseReturnValue:
            self.refused.append(f'{request.method} {request.full_path}: {error.description}')
            return {'detail': error.description}, error.code or 500

        return app


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a custom credential type, if AWX takes them."""
    if values.keys() != {'name', 'description', 'kind', 'inputs', 'injectors', 'managed'}:
        abort(400, f'fields: {", ".join(values)}')
    if values['kind'] not in ('cloud', 'net') or values['managed']:
        abort(400, 'not a custom credential type')
    for problem in problems(values['inputs'], values['injectors']):
        abort(400, problem)
    return values


def problems(inputs: dict[str, Any], injectors: dict[str, Any]) -> list[str]:
    """Why AWX refuses these inputs and injectors."""
    found = [f'{group} in inputs' for group in inputs.keys() - {'fields', 'required'}]
    ids = [field['id'] for field in inputs['fields']]
    found += [f'{name} is no field, or several' for name in {*ids, *inputs['required']} if ids.count(name) != 1]
    for field in inputs['fields']:
        found += [f'{key} in field {field["id"]}' for key in field.keys() - FIELD_KEYS]
        if field['type'] == 'boolean':
            found += [f'{key} in field {field["id"]}' for key in field.keys() & {'secret', 'multiline', 'format'}]
    found += [f'{group} in injectors' for group in injectors.keys() - {'env', 'extra_vars', 'file'}]
    found += [f'environment variable {name}' for name in injectors['env'] if name.startswith('ANSIBLE_')]
    found += [f'file {name}' for name in injectors['file'] if not name.startswith('template.')]
    for group in ('env', 'file'):
        for name, template in injectors[group].items():
            unknown = meta.find_undeclared_variables(Environment().parse(template)) - {*ids, 'tower'}  # noqa: S701
            found += [f'{variable} in {name}' for variable in unknown]
    return found
