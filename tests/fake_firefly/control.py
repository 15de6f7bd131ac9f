# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API at /_fake, for playbooks, which cannot call the Python interface."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from flask import Flask

from .service import Service


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
