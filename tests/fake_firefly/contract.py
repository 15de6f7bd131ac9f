# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openapi.yml as the judge of requests and answers."""

from __future__ import annotations

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
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

_DOCUMENT: dict[str, Any] = yaml.safe_load(Path(__file__).with_name('openapi.yml').read_text(encoding='utf-8'))
_OPENAPI = OpenAPI.from_dict(_DOCUMENT)


def find_violation(request: Request, path: str) -> HTTPException | None:
    """Why the contract does not allow `request`, as the answer it gets, or None. Repeats no value of the body.

    `path` is the path as it was sent, without a prefix: the framework's own is decoded.
    """
    operations = _DOCUMENT['paths'].get(path)
    if operations is None:
        return NotFound('There is no such path.')
    operation = operations.get(request.method.lower())
    if operation is None:
        return MethodNotAllowed([method.upper() for method in operations], 'The path does not take this method.')
    if '?' in request.environ['RAW_URI']:
        return BadRequest('The operation takes no query parameters.')
    if 'Authorization' in request.headers:
        return BadRequest('The operation takes no Authorization header.')
    if 'requestBody' not in operation:
        return BadRequest('The operation takes no body.') if request.get_data() else None
    try:
        _OPENAPI.validate_request(_contract_request(request, path))
    except OpenAPIError as error:
        return BadRequest(f'The body is not what the contract says: {_explain(error)}.')
    return None


def check_answer(request: Request, path: str, response: Response) -> None:
    """Raise OpenAPIError where `response` is not an answer to `request` that the contract allows."""
    _OPENAPI.validate_response(_contract_request(request, path), FlaskOpenAPIResponse(response))


def _contract_request(request: Request, path: str) -> MockRequest:
    server = _DOCUMENT['servers'][0]['url']
    return MockRequest(server, request.method, path, data=request.get_data(), content_type=request.mimetype)


def _explain(error: OpenAPIError) -> str:
    cause = error.__cause__ or error
    # The texts of these two repeat the body, which holds the secret key.
    if isinstance(cause, InvalidSchemaValue):
        errors: Iterable[Any] = cause.schema_errors
        return '; '.join(f'{e.json_path} breaks {e.validator}: {e.validator_value}' for e in errors)
    if isinstance(cause, MediaTypeDeserializeError):
        return 'it cannot be parsed'
    return str(cause)
