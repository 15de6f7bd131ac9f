# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._url import base_url, endpoint_path


@pytest.mark.parametrize(
    'api_url,base',
    [
        ('https://api.firefly.ai', 'https://api.firefly.ai'),
        ('https://api.firefly.ai/', 'https://api.firefly.ai'),
        ('https://api.firefly.ai/v2', 'https://api.firefly.ai'),
        ('https://api.firefly.ai/v2/', 'https://api.firefly.ai'),
        ('https://gw.example/firefly', 'https://gw.example/firefly'),
        ('https://gw.example:8443/firefly/v2//', 'https://gw.example:8443/firefly'),
        ('HTTPS://api.firefly.ai', 'https://api.firefly.ai'),
        ('https://API.Firefly.AI/V2/', 'https://api.firefly.ai'),
        ('https://gw.example/Firefly/V2', 'https://gw.example/Firefly'),
        (' https://api.firefly.ai\n', 'https://api.firefly.ai'),
        ('http://127.0.0.1:8080', 'http://127.0.0.1:8080'),
        ('http://localhost/v2', 'http://localhost'),
        ('http://[::1]:80', 'http://[::1]:80'),
    ],
)
def test_an_address_loses_what_comes_after_the_prefix(api_url: str, base: str) -> None:
    assert base_url(api_url) == base


@pytest.mark.parametrize(
    'api_url,code',
    [
        ('api.firefly.ai', 'invalid_option'),
        ('ftp://api.firefly.ai', 'invalid_option'),
        ('https://', 'invalid_option'),
        ('https:///v2', 'invalid_option'),
        ('https://[::1', 'invalid_option'),
        ('https://api.firefly.ai:port', 'invalid_option'),
        ('https://api.firefly.ai:99999', 'invalid_option'),
        ('https://api.firefly.ai:0', 'invalid_option'),
        ('https://api firefly.ai', 'invalid_option'),
        ('https://api.firefly.ai/\x00', 'invalid_option'),
        ('https://evil.example\\@api.firefly.ai', 'invalid_option'),
        ('https://api.firefly.ai?key=HUNTER2', 'invalid_option'),
        ('https://api.firefly.ai#HUNTER2', 'invalid_option'),
        ('https://user:HUNTER2@api.firefly.ai', 'invalid_option'),
        ('https://HUNTER2@api.firefly.ai', 'invalid_option'),
        ('http://api.firefly.ai', 'insecure_url'),
        ('http://10.0.0.1', 'insecure_url'),
        ('http://127.0.0.1.nip.example', 'insecure_url'),
        ('http://localhost.example', 'insecure_url'),
    ],
)
def test_an_address_that_is_refused_is_not_repeated(api_url: str, code: str) -> None:
    with pytest.raises(FireflyError, match='api_url') as refusal:
        base_url(api_url)
    assert refusal.value.code == code
    assert 'HUNTER2' not in str(refusal.value)


@pytest.mark.parametrize(
    'path,below',
    [
        ('workspaces', 'workspaces'),
        ('/v2/workspaces/a-b_1/runs/search/', 'workspaces/a-b_1/runs/search/'),
        ('v2x/y', 'v2x/y'),
        ('api/inventory', 'api/inventory'),
        ('workspaces/login', 'workspaces/login'),
        ('logins', 'logins'),
        ('a/.hidden/..b/c.', 'a/.hidden/..b/c.'),
        ('workspaces/a:b', 'workspaces/a:b'),
        ('ü', 'ü'),
    ],
)
def test_a_path_is_relative_to_v2(path: str, below: str) -> None:
    assert endpoint_path(path) == below


# test_api.py has all paths that are refused
@pytest.mark.parametrize(
    'path', ['//login', '/v2//login', 'LOGIN/', 'HUNTER2//', 'HUNTER2\\', 'HUNTER2:', 'HUNTER2/..']
)
def test_a_path_that_is_refused_is_not_repeated(path: str) -> None:
    with pytest.raises(FireflyError, match='The option path is') as refusal:
        endpoint_path(path)
    assert refusal.value.code == 'invalid_option'
    assert 'HUNTER2' not in str(refusal.value)
