# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below /_fake does from outside what the Python interface does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly() as running:
        yield running


def control(firefly: FakeFirefly, method: str, path: str = '', json: object = None) -> requests.Response:
    return requests.request(method, f'{firefly.url}/_fake{path}', json=json, timeout=5)


def health(firefly: FakeFirefly) -> int:
    return requests.get(f'{firefly.url}/v2/health', timeout=5).status_code


def test_it_shows_counts_and_violations(firefly: FakeFirefly) -> None:
    health(firefly)
    health(firefly)
    requests.get(f'{firefly.url}/v2/x', timeout=5)
    assert control(firefly, 'GET').json() == {
        'counts': {'GET /v2/health': 2, 'GET /v2/x': 1},
        'violations': ['GET /v2/x: There is no such path.'],
    }
    firefly.violations.clear()


def test_counts_are_without_the_prefix_and_control_is_at_the_root() -> None:
    with FakeFirefly(prefix='/firefly') as firefly:
        health(firefly)
        root = firefly.url.removesuffix('/firefly')
        assert requests.get(f'{root}/_fake', timeout=5).json()['counts'] == {'GET /v2/health': 1}


def test_it_changes_the_service(firefly: FakeFirefly) -> None:
    values = {'health': 'down', 'token_lifetime': 5, 'keys': {'a': 'b'}}
    assert control(firefly, 'PATCH', json=values).status_code == 204
    assert health(firefly) == 503
    keys = {'accessKey': 'a', 'secretKey': 'b'}
    assert requests.post(f'{firefly.url}/v2/login', json=keys, timeout=5).status_code == 200
    assert (firefly.token_lifetime, firefly.keys) == (5, {'a': 'b'})


def test_it_changes_nothing_else(firefly: FakeFirefly) -> None:
    answer = control(firefly, 'PATCH', json={'health': 'down', 'rate_limit': 1})
    assert (answer.status_code, 'rate_limit' in answer.json()['message']) == (400, True)
    assert health(firefly) == 204


def test_it_adds_faults(firefly: FakeFirefly) -> None:
    assert control(firefly, 'POST', '/faults', {'status': 500, 'body': 'x'}).status_code == 204
    assert control(firefly, 'POST', '/faults', {'status': 501, 'times': 2}).status_code == 204
    assert [health(firefly) for _unused in range(4)] == [500, 501, 501, 204]


def test_it_adds_lasting_faults_and_clears_them(firefly: FakeFirefly) -> None:
    control(firefly, 'POST', '/faults', {'status': 500, 'times': None})
    assert [health(firefly), health(firefly)] == [500, 500]
    assert control(firefly, 'DELETE', '/faults').status_code == 204
    assert health(firefly) == 204


def test_it_refuses_an_unknown_fault(firefly: FakeFirefly) -> None:
    answer = control(firefly, 'POST', '/faults', {'stauts': 500})
    assert (answer.status_code, 'stauts' in answer.json()['message']) == (400, True)
    assert health(firefly) == 204


def test_it_revokes_all_tokens(firefly: FakeFirefly) -> None:
    keys = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
    token = requests.post(f'{firefly.url}/v2/login', json=keys, timeout=5).json()['accessToken']
    assert control(firefly, 'DELETE', '/tokens').status_code == 204
    assert not firefly.accepts(token)


def test_it_is_neither_counted_nor_limited_nor_subject_to_faults() -> None:
    with FakeFirefly(rate_limit=1) as firefly:
        firefly.fail(Fault(status=500))
        assert [control(firefly, 'GET').status_code for _unused in range(3)] == [200] * 3
        assert [health(firefly), health(firefly)] == [500, 204]
        assert firefly.requests[0].path == '/v2/health'
        assert SECRET_KEY not in control(firefly, 'GET').text
        assert ACCESS_KEY not in control(firefly, 'GET').text
