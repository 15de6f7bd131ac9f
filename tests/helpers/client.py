# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests of the HTTP client, as the operations make them, and the errors of whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import SHARED_OPTIONS, Options, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request, Response
from fake_firefly import ACCESS_KEY, SECRET_KEY

KEYS = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}


def client(url: str, **options: Any) -> FireflyClient:
    options = {'api_url': url, **KEYS, 'retries': 0, 'timeout': 10, **options}
    return FireflyClient(validate(SHARED_OPTIONS, Options(options)), print)


def health(url: str, **options: Any) -> Response:
    return client(url, **options).request(Request(method='GET', path='/v2/health', expect=(204,)))


def login(url: str, **options: Any) -> Response:
    keys = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
    return client(url, **options).request(
        Request(method='POST', path='/v2/login', expect=(200,), json=keys, is_login=True)
    )


def failure(call: Callable[..., object], *arguments: Any, **options: Any) -> FireflyError:
    """The error with which a call fails. It never shows a value with HUNTER in it."""
    with pytest.raises(FireflyError) as failed:
        call(*arguments, **options)
    assert 'HUNTER' not in str(failed.value)
    return failed.value


def refusal(call: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """What a call says that refuses an option."""
    error = failure(call, *arguments, **options)
    assert (error.code, error.retryable) == ('invalid_option', False)
    return error.what
