# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on what the service holds: every paging style, and create, read, change, delete."""

from __future__ import annotations

import json
import secrets
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import NotFound

from .service import Service


def create_resources(service: Service) -> Blueprint:
    """Create the operations to serve below /v2.

    The rule for searches is broader than the contract, which has refused other requests before it applies.
    """
    api = Blueprint('resources', __name__)

    def limit(wanted: int) -> int:
        return min(wanted, service.page_limit or wanted)

    def from_offset(path: str) -> list[Any]:
        start = request.args.get('offset', 0, int)
        return service.data[path][start : start + limit(request.args.get('pageSize', 25, int))]

    @api.post('/<path:path>/search')
    def search(path: str) -> Response:
        filters = _body().get('filters', {})
        found = [entry for entry in service.data[path] if _matches(entry, filters)]
        size = limit(request.args.get('pageSize', 25, int))
        start = request.args.get('page', 0, int) * size
        return _respond(found[start : start + size])

    @api.post('/governance/insights')
    def search_policies() -> Response:
        found, body = service.data['governance/insights'], _body()
        page, size = body.get('page', 1), limit(body.get('page_size', 25))
        hits = found[(page - 1) * size : page * size]
        return _respond({'hits': hits, 'total': len(found), 'page': page, 'page_size': size})

    @api.get('/runners/projects/list')
    def list_projects() -> Response:
        total = len(service.data['runners/projects'])
        return _respond({'data': from_offset('runners/projects'), 'totalCount': total})

    @api.get('/runners/variables/variable-sets')
    def list_variable_sets() -> Response:
        return _respond(from_offset('runners/variables/variable-sets'))

    @api.post('/api/inventory')
    def search_inventory() -> Response:
        found, body = service.data['api/inventory'], _body()
        start = int(body.get('afterKey', 'asset 0').removeprefix('asset '))
        end = start + limit(body.get('size', 25))
        more = {'afterKey': f'asset {end}'} if end < len(found) else {}
        return _respond({'responseObjects': found[start:end], 'totalObjects': len(found), **more})

    @api.post('/event-center')
    def search_events() -> Response:
        return _respond({'events': service.data['event-center'], 'facets': {}})

    def find(path: str, id_key: str, value: str) -> Any:
        for entry in service.data[path]:
            if entry[id_key] == value:
                return entry
        raise NotFound('There is no such object.')

    @api.put('/workspaces/<key>/labels')
    def set_labels(key: str) -> Response:
        find('workspaces', 'workspaceId', key).update(_body())
        return _respond(None)

    @api.post('/runners/projects')
    def create_project() -> Response:
        made = {**_body(), 'id': secrets.token_hex(8)}
        service.data['runners/projects'].append(made)
        return _respond(made)

    @api.route('/runners/projects/<key>', methods=['GET', 'PATCH', 'DELETE'])
    def read_or_change_project(key: str) -> Response:
        project = find('runners/projects', 'id', key)
        if request.method == 'DELETE':
            service.data['runners/projects'].remove(project)
        project.update({**_body(), 'id': key})
        return _respond(project)

    @api.route('/runners/projects/<key>/members', methods=['GET', 'DELETE'])
    def read_or_remove_members(key: str) -> Response:
        members = service.data[f'runners/projects/{key}/members']
        if request.method == 'DELETE':
            removed = _body()
            members[:] = [member for member in members if member not in removed]
        return _respond(members)

    return api


def _body() -> Any:
    return request.get_json() if request.get_data() else {}


def _matches(entry: dict[str, Any], filters: dict[str, list[Any]]) -> bool:
    """Return whether `entry` shares a value with each filter whose key it has."""
    return all(
        any(value in wanted for value in (entry[key] if isinstance(entry[key], list) else [entry[key]]))
        for key, wanted in filters.items()
        if key in entry
    )


def _respond(value: Any) -> Response:
    """Make the operation's success: the contract has its status, and whether there is a body."""
    status, response = min(g.operation['responses'].items())
    return Response(json.dumps(value) if 'content' in response else '', int(status), mimetype='application/json')
