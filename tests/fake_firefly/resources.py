# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on what the service holds: every paging style, and create, change, delete."""

from __future__ import annotations

import json
import secrets
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest, NotFound

from .service import Service

_ID_KEYS = {'workspaces': 'workspaceId', 'governance/insights': '_id'}
"""Under which key an entry has its id, where that is not `id`."""
_FILTERED_KEYS = {
    'workspaces': {'repositories': 'repo', 'status': 'lastRunStatus', 'isManagedWorkflow': 'isWorkflowManaged'},
    'governance/insights': {'id': '_id'},
}
"""Which key of an entry a filter is about, where their names differ."""


def create_resources(service: Service) -> Blueprint:
    """The operations to serve below /v2.

    The rules are broader than the contract: what it does not allow is refused before a rule applies.
    """
    api = Blueprint('resources', __name__)

    def entry(path: str, key: str) -> dict[str, Any]:
        id_key = _ID_KEYS.get(path, 'id')
        found: dict[str, Any]
        for found in service.data[path]:
            if found.get(id_key) == key:
                return found
        raise NotFound('There is no such object.')

    def entries(path: str) -> list[Any]:
        """The list at `path`. Where it belongs to an entry of another list, that entry has to exist."""
        collection, _slash, key = path.rpartition('/')[0].rpartition('/')
        if collection in service.data:
            entry(collection, key)
        return service.data[path]

    def select(path: str, text: str | None, filters: dict[str, Any]) -> list[Any]:
        """The entries that contain `text`, and share a value with each filter whose key they have."""
        found = entries(path)
        if text:
            found = [entry for entry in found if str(text) in json.dumps(entry)]
        for name, wanted in filters.items():
            key = _FILTERED_KEYS.get(path, {}).get(name, name)
            if wanted not in (None, []):
                found = [entry for entry in found if key not in entry or _overlap(entry[key], wanted)]
        return found

    def size(wanted: int) -> int:
        """How many entries a page has at most."""
        return min(wanted, service.page_limit or wanted)

    @api.post('/<path:path>/search')
    def search(path: str) -> Response:
        body = _body()
        found = select(path, body.get('searchValue'), body.get('filters', {}))
        limit = size(request.args.get('pageSize', 25, int))
        start = request.args.get('page', 0, int) * limit
        return _respond(found[start : start + limit])

    @api.post('/governance/insights')
    def search_policies() -> Response:
        body = _body()
        number, limit = body.pop('page', 1), size(body.pop('page_size', 25))
        found = select('governance/insights', body.pop('query', None), body)
        hits = found[(number - 1) * limit : number * limit]
        return _respond({'hits': hits, 'total': len(found), 'page': number, 'page_size': limit})

    @api.get('/runners/projects/list')
    def list_projects() -> Response:
        found = select('runners/projects', request.args.get('searchQuery'), {})
        return _respond({'data': from_offset(found), 'totalCount': len(found)})

    @api.get('/runners/variables/variable-sets')
    def list_variable_sets() -> Response:
        return _respond(from_offset(service.data['runners/variables/variable-sets']))

    def from_offset(found: list[Any]) -> list[Any]:
        start = request.args.get('offset', 0, int)
        return found[start : start + size(request.args.get('pageSize', 25, int))]

    @api.post('/api/inventory')
    def search_inventory() -> Response:
        found, body = service.data['api/inventory'], _body()
        after = body.get('afterKey') or 'asset 0'
        if after not in (f'asset {number}' for number in range(len(found))):
            raise BadRequest('There is no such afterKey.')
        start = int(after.split()[1])
        end = start + size(body.get('size', 25))
        more = {'afterKey': f'asset {end}'} if end < len(found) else {}
        return _respond({'responseObjects': found[start:end], 'totalObjects': len(found), **more})

    @api.post('/event-center')
    def search_events() -> Response:
        return _respond({'events': service.data['event-center'][: size(_body().get('size', 25))], 'facets': {}})

    @api.post('/event-center/facets')
    def count_events() -> Response:
        return _respond({'events': [], 'facets': {}})

    @api.get('/backup-and-dr/policies')
    def list_backup_policies() -> Response:
        return _respond({'data': select('backup-and-dr/policies', None, request.args)})  # the key is unknown

    @api.get('/infrastructure/public-nat-ips')
    def list_addresses() -> Response:
        return _respond({'ips': service.data['infrastructure/public-nat-ips']})

    @api.post('/<path:path>')
    def create(path: str) -> Response:
        path = path.removesuffix('/create')
        id_key = _ID_KEYS.get(path, 'id')
        made = {**_body(), id_key: secrets.token_hex(8)}
        service.data[path].append(made)
        return _respond(made[id_key] if path == 'guardrails' else made)

    @api.route('/<path:path>/<key>', methods=['GET', 'PUT', 'PATCH', 'DELETE'])
    def read_or_change(path: str, key: str) -> Response:
        """PUT and PATCH change the keys that they have. Whether PUT drops the others is unknown."""
        found = entry(path, key)
        if request.method == 'DELETE':
            service.data[path].remove(found)
        else:
            found.update({name: value for name, value in _body().items() if name != _ID_KEYS.get(path, 'id')})
        return _respond(found)

    @api.put('/workspaces/<key>/labels')
    def label(key: str) -> Response:
        entry('workspaces', key).update(_body())
        return _respond(None)

    @api.post('/runners/workspaces/<key>/tasks/destroy')
    def destroy(key: str) -> Response:
        return _respond(entry('runners/workspaces', key))

    @api.route('/runners/projects/<key>/members', methods=['GET', 'POST', 'DELETE'])
    def members(key: str) -> Response:
        return _respond(add_or_remove(f'runners/projects/{key}/members'))

    @api.route('/runners/variables/variable-sets/<key>/variables', methods=['POST', 'DELETE'])
    def variables(key: str) -> Response:
        return _respond({'variables': add_or_remove(f'runners/variables/variable-sets/{key}/variables')})

    def add_or_remove(path: str) -> list[Any]:
        """The list at `path` after the request, which may add to it or remove from it."""
        found, body = entries(path), _body()
        given = body if isinstance(body, list) else [body]
        if request.method == 'POST':
            found.extend(given)
        elif request.method == 'DELETE':
            found[:] = [entry for entry in found if not _overlap(_names(entry), given)]
        return found

    return api


def _body() -> Any:
    return request.get_json() if request.get_data() else {}


def _overlap(one: Any, other: Any) -> bool:
    return any(value in _list(other) for value in _list(one))


def _names(entry: Any) -> list[Any]:
    """What can stand for `entry` where several are removed: which of its keys does is unknown."""
    return [entry, *entry.values()] if isinstance(entry, dict) else [entry]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _respond(value: Any) -> Response:
    """The operation's success: the contract has its status, and whether there is a body."""
    status, answer = min(g.operation['responses'].items())
    return Response(json.dumps(value) if 'content' in answer else '', int(status), mimetype='application/json')
