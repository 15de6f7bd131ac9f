# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API, as Firefly serves it, and the control API for playbooks, which cannot call the Python interface."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from flask import Flask, Response, after_this_request, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, ServiceUnavailable, Unauthorized

from .contract import check_response, find_operation, find_violation, needs_token
from .faults import Fault
from .resources import create_resources
from .service import ReceivedRequest, Service

HANDLER = 'fake_firefly.handler'


def create_app(service: Service) -> Flask:
    """Create the WSGI application that serves the API below the service's prefix.

    The environment has an object as HANDLER. The application sets its `fault`, which the server then sends.
    """
    app = Flask(__name__, static_folder=None)

    def complete(response: Response) -> Response:
        if response.status_code in (200, 201, 204, 401) and not g.fault.replaces_response:
            check_response(request, g.path, response)
        g.fault.change(response)
        if g.fault.reset != 'before':
            g.received.status = response.status_code
        return response

    @app.before_request
    def receive() -> ResponseReturnValue | None:
        path, _mark, query = request.environ['RAW_URI'].partition('?')
        headers = {name.lower(): value for name, value in request.headers.items()}
        g.received = ReceivedRequest(request.method, path, headers, request.get_data(), query)
        service.requests.append(g.received)

        g.path = path.removeprefix(service.prefix) if path.startswith(service.prefix) else ''
        violation = find_violation(request, g.path)
        if violation:
            violation.description = f'{request.method} {path}: {violation.description}'
            service.violations.append(violation.description)

        fault = service.take_fault(g.path)
        g.fault = request.environ[HANDLER].fault = fault or Fault()
        after_this_request(complete)
        if fault:
            service.stopping.wait(fault.delay)
            if fault.replaces_response:
                return fault.response()
        elif not service.admit(str(request.remote_addr)):
            retry_after = {} if service.retry_after is None else {'Retry-After': str(service.retry_after)}
            return {'message': 'Too many requests.'}, 429, retry_after
        if violation:
            raise violation
        g.operation = find_operation(request.method, g.path)
        if needs_token(g.operation):
            authorization = request.authorization
            if not authorization or authorization.type != 'bearer' or not service.accepts(authorization.token):
                raise Unauthorized('The token is missing or not valid.')
        return None

    app.register_blueprint(create_resources(service), url_prefix=f'{service.prefix}/v2')

    @app.post(service.prefix + '/v2/login')
    def login() -> dict[str, Any]:
        keys = request.get_json()
        body = service.login(keys['accessKey'], keys['secretKey'])
        if body is None:
            raise Unauthorized('The key pair is not valid.')
        return body

    @app.get(service.prefix + '/v2/health')
    def health() -> ResponseReturnValue:
        if service.health == 'down':
            raise ServiceUnavailable('The service is down.')
        return '', 204

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> ResponseReturnValue:
        return jsonify(message=error.description), error.code or 500

    return app


def create_control(service: Service) -> Flask:
    """Create the WSGI application to mount at /_fake."""
    app = Flask(__name__, static_folder=None)

    @app.get('/counts')
    def count() -> dict[str, int]:
        return Counter(f'{request.method} {request.path}' for request in list(service.requests))

    @app.put('/health/<any(up, down):health>')
    def set_health(health: Literal['up', 'down']) -> tuple[str, int]:
        service.health = health
        return '', 204

    @app.delete('/tokens')
    def revoke() -> tuple[str, int]:
        service.revoke()
        return '', 204

    return app
