# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below /_fake, for scenarios that cannot call the Python interface."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Flask, request

from .faults import Fault
from .service import Service

_SETTABLE = {'health', 'token_lifetime', 'keys'}


def create_control(service: Service) -> Flask:
    """The WSGI application to mount at /_fake."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False

    @app.get('/')
    def show() -> dict[str, Any]:
        counts = Counter(f'{r.method} {r.path.removeprefix(service.prefix)}' for r in list(service.requests))
        return {'counts': counts, 'violations': service.violations}

    @app.patch('/')
    def change() -> tuple[dict[str, str], int] | tuple[str, int]:
        values = request.get_json()
        if unknown := values.keys() - _SETTABLE:
            return {'message': f'Cannot set {", ".join(sorted(unknown))}; only {", ".join(sorted(_SETTABLE))}.'}, 400
        for name, value in values.items():
            setattr(service, name, value)
        return '', 204

    @app.post('/faults')
    def add_fault() -> tuple[dict[str, str], int] | tuple[str, int]:
        fields = request.get_json()
        times = fields.pop('times', 1)
        try:
            service.fail(Fault(**fields), times)
        except TypeError as error:
            return {'message': str(error)}, 400
        return '', 204

    @app.delete('/faults')
    def clear_faults() -> tuple[str, int]:
        service.clear()
        return '', 204

    @app.delete('/tokens')
    def revoke() -> tuple[str, int]:
        service.revoke()
        return '', 204

    return app
