# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests of the HTTP client, as the operations make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import LOGIN_OPTIONS, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request, Response
from fake_firefly import ACCESS_KEY, SECRET_KEY

JSON_BODY = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
HEALTH = Request('GET', '/v2/health', expect=(204,))
LOGIN = Request('POST', '/v2/login', expect=(200,), json=JSON_BODY)


def client(url: str, **options: Any) -> FireflyClient:
    given = {'api_url': url, 'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY, 'retries': 0, 'timeout': 10}
    return FireflyClient(validate(LOGIN_OPTIONS, {**given, **options}), print)


def health(url: str, **options: Any) -> Response:
    return client(url, **options).request(HEALTH)


def login(url: str, **options: Any) -> Response:
    return client(url, **options).request(LOGIN)


def failure(request: Callable[..., Response], url: str, **options: Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        request(url, **options)
    return failed.value
