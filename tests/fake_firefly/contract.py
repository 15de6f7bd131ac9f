# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of requests and responses against openapi.yml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from flask import Request, Response
from openapi_core import OpenAPI
from openapi_core.contrib.flask import FlaskOpenAPIResponse
from openapi_core.deserializing.media_types.exceptions import MediaTypeDeserializeError
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest
from openapi_core.validation.request.exceptions import ParameterValidationError
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

_DOCUMENT: dict[str, Any] = yaml.safe_load(Path(__file__).with_name('openapi.yml').read_text(encoding='utf-8'))
_OPENAPI = OpenAPI.from_dict(_DOCUMENT)
_PATHS: list[tuple[re.Pattern[str], dict[str, Any]]] = [
    (re.compile(re.sub('{[^}]+}', '[^/]+', path)), item) for path, item in _DOCUMENT['paths'].items()
]


def find_operation(method: str, path: str) -> dict[str, Any]:
    """Return the operation as the document has it. Raise NotFound or MethodNotAllowed.

    `path` is the path as it was sent, without the prefix: Flask decodes its own.
    """
    for pattern, item in _PATHS:
        if pattern.fullmatch(path):
            operations: dict[str, dict[str, Any]] = {k.upper(): v for k, v in item.items() if k != 'parameters'}
            if method not in operations:
                raise MethodNotAllowed(list(operations), 'The path does not take this method.')
            return operations[method]
    raise NotFound('There is no such path.')


def needs_token(operation: dict[str, Any]) -> bool:
    """Return whether a request needs a valid token. If not, it must have none."""
    return bool(operation.get('security', _DOCUMENT['security']))


def find_violation(request: Request, path: str) -> HTTPException | None:
    """Return why the contract does not allow `request`, or None. Never repeat a value of the body.

    The token is not checked. `path` is the same as for find_operation().
    """
    try:
        operation = find_operation(request.method, path)
    except HTTPException as error:
        return error
    known = {parameter['name'] for parameter in operation.get('parameters', [])}
    for name, values in request.args.lists():
        if name not in known:
            return BadRequest(f'The operation takes no query parameter {name}.')
        if len(values) > 1:
            return BadRequest(f'The operation takes the query parameter {name} only once.')
    if 'Authorization' in request.headers and not needs_token(operation):
        return BadRequest('The operation takes no Authorization header.')
    if 'requestBody' not in operation and request.get_data():
        return BadRequest('The operation takes no body.')
    try:
        _OPENAPI.validate_request(_contract_request(request, path))
    except OpenAPIError as error:
        return BadRequest(f'The request is not what the contract says: {_explain(error)}.')
    return None


def check_response(request: Request, path: str, response: Response) -> None:
    """Raise OpenAPIError if the contract does not allow `response` to `request`."""
    _OPENAPI.validate_response(_contract_request(request, path), FlaskOpenAPIResponse(response))


def _contract_request(request: Request, path: str) -> MockRequest:
    return MockRequest(
        _DOCUMENT['servers'][0]['url'],
        request.method,
        path,
        args=request.args,
        headers={'Authorization': 'Bearer -'},  # the service checks the real one
        data=request.get_data(),
        content_type=request.mimetype,
    )


def _explain(error: OpenAPIError) -> str:
    if isinstance(error, ParameterValidationError):
        return str(error)
    cause = error.__cause__ or error
    # the texts of these two repeat the body, which holds the secret key
    if isinstance(cause, InvalidSchemaValue):
        errors: Iterable[Any] = cause.schema_errors
        return '; '.join(f'{e.json_path} breaks {e.validator}: {e.validator_value}' for e in errors)
    if isinstance(cause, MediaTypeDeserializeError):
        return 'it cannot be parsed'
    return str(cause)
