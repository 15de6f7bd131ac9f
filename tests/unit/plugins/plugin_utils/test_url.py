# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._url import base_url, endpoint_path
from helpers.client import failure, refusal

BASES = {
    'https://api.firefly.ai': ['https://api.firefly.ai', 'https://api.firefly.ai/', 'https://api.firefly.ai/v2']
    + ['https://api.firefly.ai/v2/', 'HTTPS://api.firefly.ai', 'https://API.Firefly.AI/V2/']
    + [' https://api.firefly.ai\n'],
    'https://gw.example/firefly': ['https://gw.example/firefly'],
    'https://gw.example/Firefly': ['https://gw.example/Firefly/V2'],
    'https://gw.example:8443/firefly': ['https://gw.example:8443/firefly/v2//'],
    'http://127.0.0.1:8080': ['http://127.0.0.1:8080'],
    'http://localhost': ['http://localhost/v2'],
    'http://[::1]:80': ['http://[::1]:80'],
}


@pytest.mark.parametrize('base', BASES)
def test_an_address_loses_what_comes_after_the_prefix(base: str) -> None:
    assert [base_url(api_url) for api_url in BASES[base]] == [base] * len(BASES[base])


# test_messages.py has the other addresses that are refused
@pytest.mark.parametrize('api_url', ['https://', 'https://api.firefly.ai:0', 'https://api.firefly.ai/\x00'])
def test_an_address_that_is_refused(api_url: str) -> None:
    assert 'api_url' in refusal(base_url, api_url)


@pytest.mark.parametrize('host', ['api.firefly.ai', '10.0.0.1', '127.0.0.1.nip.example', 'localhost.example'])
def test_clear_text_is_for_loopback_only(host: str) -> None:
    error = failure(base_url, f'http://{host}')
    assert error.code == 'insecure_url'
    assert 'api_url' in error.what


@pytest.mark.parametrize(
    'path,mistake',
    [
        ('', 'is empty'),
        ('/v2/', 'is empty'),
        ('https://api.firefly.ai/v2/HUNTER2', 'contains a whole address'),
        ('workspaces//HUNTER2', 'contains //'),
        ('workspaces\\HUNTER2', 'contains a backslash'),
        ('workspaces?HUNTER2=1', 'contains a "?". Parameters belong in the option query'),
        ('workspaces#HUNTER2', 'contains a "#"'),
        ('workspaces/HUNTER2%20x', 'contains a "%". An id with a space, a slash or a "%" cannot be sent'),
        ('workspaces/HUNTER2 x', 'contains white space. An id with a space, a slash or a "%" cannot be sent'),
        ('workspaces/../HUNTER2', 'contains the segment "." or ".."'),
        ('workspaces/..;/HUNTER2', 'contains a ";", which some servers cut off with what follows'),
        ('workspaces/\x1bHUNTER2', 'contains a control character'),
        ('login', 'is the login'),
        ('api/v1/HUNTER2', 'is an endpoint of v1'),
    ],
)
def test_each_mistake_in_a_path_is_named(path: str, mistake: str) -> None:
    assert refusal(endpoint_path, path).startswith(f'The option path {mistake}')


@pytest.mark.parametrize(
    'path',
    ['workspaces', 'workspaces/a-b_1/runs/search/', 'v2x/y', 'api/inventory', 'workspaces/login', 'logins']
    + ['a/.hidden/..b/c.', 'workspaces/a:b', 'ü'],
)
def test_a_path_is_relative_to_v2(path: str) -> None:
    assert endpoint_path(path) == endpoint_path(f'/v2/{path}') == path
