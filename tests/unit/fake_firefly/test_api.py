# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly answers as the contract says, and only to what the contract says."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, TOKEN_NEEDLE, FakeFirefly

KEYS = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
JSON = {'Content-Type': 'application/json'}


@pytest.fixture
def firefly() -> Iterator[FakeFirefly]:
    with FakeFirefly() as running:
        yield running


def login(firefly: FakeFirefly, keys: dict[str, str] | None = None) -> requests.Response:
    return requests.post(f'{firefly.url}/v2/login', json=KEYS if keys is None else keys, timeout=5)


def health(firefly: FakeFirefly) -> requests.Response:
    return requests.get(f'{firefly.url}/v2/health', timeout=5)


def test_login_gives_a_signed_token(firefly: FakeFirefly) -> None:
    before = int(time.time())
    answer = login(firefly)
    body = answer.json()
    claims = jwt.decode(body['accessToken'], firefly.signing_key, algorithms=['HS256'])
    assert answer.status_code == 200
    assert answer.headers['Content-Type'] == 'application/json'
    assert body.keys() == {'accessToken', 'expiresAt', 'tokenType'}
    assert body['tokenType'] == 'Bearer'
    assert body['expiresAt'] == claims['exp'] == claims['iat'] + 3600
    assert before <= claims['iat'] <= time.time()
    assert claims['needle'] == 'FIREFLYTOKENNEEDLE'
    assert jwt.get_unverified_header(body['accessToken'])['kid'] == 'firefly-test-token'


def test_tokens_differ_and_all_hold_the_needle(firefly: FakeFirefly) -> None:
    given = [login(firefly).json()['accessToken'] for _unused in range(3)]
    assert firefly.tokens == given
    assert len(set(given)) == 3
    assert all(TOKEN_NEEDLE in token for token in given)


def test_another_servers_key_does_not_verify_the_token(firefly: FakeFirefly) -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(login(firefly).json()['accessToken'], FakeFirefly().signing_key, algorithms=['HS256'])


@pytest.mark.parametrize('form', ['absolute', 'relative', 'milliseconds'])
def test_expires_at_has_the_chosen_form(form: Any) -> None:
    with FakeFirefly(expires_at=form, token_lifetime=100) as firefly:
        body = login(firefly).json()
        exp = jwt.decode(body['accessToken'], firefly.signing_key, algorithms=['HS256'])['exp']
    assert body['expiresAt'] == {'absolute': exp, 'relative': 100, 'milliseconds': exp * 1000}[form]


def test_token_lifetime_can_change_while_running(firefly: FakeFirefly) -> None:
    firefly.token_lifetime = 5
    assert login(firefly).json()['expiresAt'] == pytest.approx(time.time() + 5, abs=2)


def test_token_type_is_as_chosen() -> None:
    with FakeFirefly(token_type='bearer') as firefly:
        assert login(firefly).json()['tokenType'] == 'bearer'


@pytest.mark.parametrize('keys', [{**KEYS, 'accessKey': 'other'}, {**KEYS, 'secretKey': 'other'}])
def test_a_wrong_key_pair_is_unauthorized_and_not_repeated(firefly: FakeFirefly, keys: dict[str, str]) -> None:
    answer = login(firefly, keys)
    assert answer.status_code == 401
    assert answer.json().keys() == {'message'}
    assert not any(value in answer.text for value in (*keys.values(), SECRET_KEY))
    assert firefly.violations == []
    assert firefly.tokens == []


def test_keys_can_be_chosen_and_change_while_running() -> None:
    with FakeFirefly(keys={'a': 'b'}) as firefly:
        assert (firefly.access_key, firefly.secret_key) == ('a', 'b')
        assert login(firefly, {'accessKey': 'a', 'secretKey': 'b'}).status_code == 200
        assert login(firefly).status_code == 401
        firefly.keys = {ACCESS_KEY: SECRET_KEY}
        assert login(firefly, {'accessKey': 'a', 'secretKey': 'b'}).status_code == 401
        assert login(firefly).status_code == 200


def test_health_is_204_without_a_body(firefly: FakeFirefly) -> None:
    answer = health(firefly)
    assert (answer.status_code, answer.content) == (204, b'')
    assert 'Content-Length' not in answer.headers


def test_health_can_go_down_and_up(firefly: FakeFirefly) -> None:
    firefly.health = 'down'
    assert health(firefly).status_code == 503
    firefly.health = 'up'
    assert health(firefly).status_code == 204


@pytest.mark.parametrize('start', ['up', 'down'])
def test_health_goes_up_by_itself(start: Any) -> None:
    with FakeFirefly(health=start, health_up_after=3) as firefly:
        assert health(firefly).status_code == 503
        while health(firefly).status_code != 204:
            time.sleep(0.2)


def test_health_that_starts_down_stays_down() -> None:
    with FakeFirefly(health='down') as firefly:
        assert health(firefly).status_code == 503


def test_the_rate_limit_rolls_over_all_endpoints() -> None:
    with FakeFirefly(rate_limit=3, rate_window=6) as firefly:
        assert [health(firefly).status_code, health(firefly).status_code] == [204, 204]
        time.sleep(3)
        assert login(firefly).status_code == 200
        rejected = login(firefly)
        assert rejected.status_code == 429
        assert 'Retry-After' not in rejected.headers
        time.sleep(4)  # the first two are out of the window, the login is not
        assert [health(firefly).status_code for _unused in range(3)] == [204, 204, 429]
    assert len(firefly.tokens) == 1


def test_the_rate_limit_can_count_what_it_refuses() -> None:
    with FakeFirefly(rate_limit=1, rate_window=2, rate_counts_refused=True) as firefly:
        assert health(firefly).status_code == 204
        time.sleep(1.2)
        assert health(firefly).status_code == 429
        time.sleep(1)  # the first is out of the window, the refused one is not
        assert health(firefly).status_code == 429
        time.sleep(2.1)
        assert health(firefly).status_code == 204


def test_the_rate_limit_counts_each_address_for_itself() -> None:
    with FakeFirefly(rate_limit=1) as firefly:
        assert [health(firefly).status_code, health(firefly).status_code] == [204, 429]
        other = http.client.HTTPConnection(
            '127.0.0.1', urlsplit(firefly.url).port, timeout=5, source_address=('127.0.0.2', 0)
        )
        other.request('GET', '/v2/health')
        assert other.getresponse().status == 204
        other.close()


def test_retry_after_is_sent_as_given() -> None:
    with FakeFirefly(rate_limit=1, retry_after=7) as firefly:
        health(firefly)
        assert health(firefly).headers['Retry-After'] == '7'


def test_the_rate_limit_is_the_contracts(firefly: FakeFirefly) -> None:
    with requests.Session() as session:
        statuses = [session.get(f'{firefly.url}/v2/health', timeout=5).status_code for _unused in range(501)]
    assert statuses == [204] * 500 + [429]


def test_the_rate_limit_can_be_off() -> None:
    with FakeFirefly(rate_limit=0) as firefly:
        assert [health(firefly).status_code for _unused in range(3)] == [204] * 3


@pytest.mark.parametrize(
    ('method', 'path', 'request_', 'status', 'sentence'),
    [
        ('GET', '/v2/nothing', {}, 404, 'no such path'),
        ('GET', '/v2/health/', {}, 404, 'no such path'),
        ('GET', '/v2//health', {}, 404, 'no such path'),
        ('GET', '//v2/health', {}, 404, 'no such path'),
        ('GET', '/v2/he%61lth', {}, 404, 'no such path'),
        ('GET', '/v2/v2/health', {}, 404, 'no such path'),
        ('POST', '/v2/health', {}, 405, 'does not take this method'),
        ('GET', '/v2/login', {}, 405, 'does not take this method'),
        ('OPTIONS', '/v2/login', {}, 405, 'does not take this method'),
        ('GET', '/v2/health?a=b', {}, 400, 'no query parameters'),
        ('POST', '/v2/login?a=b', {'json': KEYS}, 400, 'no query parameters'),
        ('GET', '/v2/health', {'headers': {'Authorization': 'Bearer x'}}, 400, 'no Authorization header'),
        ('POST', '/v2/login', {'json': KEYS, 'auth': ('a', 'b')}, 400, 'no Authorization header'),
        ('GET', '/v2/health', {'data': 'x'}, 400, 'no body'),
        ('POST', '/v2/login', {}, 400, 'Missing required request body'),
        ('POST', '/v2/login', {'data': KEYS}, 400, 'application/x-www-form-urlencoded'),
        ('POST', '/v2/login', {'json': KEYS, 'headers': {'Content-Type': 'text/plain'}}, 400, 'text/plain'),
        ('POST', '/v2/login', {'data': f'{SECRET_KEY}{{', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'data': b'{"\xff"', 'headers': JSON}, 400, 'cannot be parsed'),
        ('POST', '/v2/login', {'json': {'secretKey': SECRET_KEY}}, 400, 'required'),
        ('POST', '/v2/login', {'json': {**KEYS, 'more': 1}}, 400, 'additionalProperties'),
        ('POST', '/v2/login', {'json': {**KEYS, 'accessKey': 1}}, 400, '$.accessKey breaks type: string'),
        ('POST', '/v2/login', {'json': [SECRET_KEY]}, 400, '$ breaks type: object'),
    ],
)
def test_what_the_contract_does_not_allow_is_a_violation(
    firefly: FakeFirefly, method: str, path: str, request_: dict[str, Any], status: int, sentence: str
) -> None:
    session = requests.Session()
    prepared = session.prepare_request(requests.Request(method, firefly.url, **request_))
    prepared.url = firefly.url + path  # requests would tidy it up
    answer = session.send(prepared, timeout=5)
    session.close()
    assert answer.status_code == status
    assert answer.json() == {'message': firefly.violations[0]}
    assert firefly.violations[0].startswith(f'{method} {path.partition("?")[0]}: ')
    assert sentence in firefly.violations[0]
    assert SECRET_KEY not in firefly.violations[0]
    assert firefly.tokens == []
    firefly.violations.clear()


def test_a_charset_in_the_content_type_is_allowed(firefly: FakeFirefly) -> None:
    headers = {'Content-Type': 'application/json; charset=utf-8'}
    assert requests.post(f'{firefly.url}/v2/login', json=KEYS, headers=headers, timeout=5).status_code == 200


def test_an_answer_that_breaks_the_contract_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    with FakeFirefly(token_type=None) as firefly:  # type: ignore[arg-type]
        assert login(firefly).status_code == 500
    assert 'InvalidData' in caplog.text


def test_requests_are_recorded_in_order(firefly: FakeFirefly) -> None:
    health(firefly)
    login(firefly)
    login(firefly, {**KEYS, 'secretKey': 'other'})
    first, second, third = firefly.requests
    assert (first.method, first.path, first.body, first.status) == ('GET', '/v2/health', b'', 204)
    assert (second.method, second.path, second.status, third.status) == ('POST', '/v2/login', 200, 401)
    assert second.headers['content-type'] == 'application/json'
    assert SECRET_KEY.encode() in second.body
    assert firefly.count('POST', '/v2/login') == 2
    assert firefly.count('GET', '/v2/health') == 1
    assert firefly.count('GET', '/v2/login') == 0


def test_with_a_prefix_only_paths_below_it_exist() -> None:
    with FakeFirefly(prefix='/firefly') as firefly:
        assert firefly.url.endswith('/firefly')
        assert login(firefly).status_code == 200
        assert [health(firefly).status_code, health(firefly).status_code] == [204, 204]
        root = firefly.url.removesuffix('/firefly')
        assert requests.get(f'{root}/v2/health', timeout=5).status_code == 404
        assert firefly.count('GET', '/v2/health') == 2
        assert firefly.violations == ['GET /v2/health: There is no such path.']
        firefly.violations.clear()


@pytest.mark.parametrize('path', ['/v2/health', '/v2/nothing'])
def test_the_date_header_is_correct(firefly: FakeFirefly, path: str) -> None:
    date = parsedate_to_datetime(requests.get(firefly.url + path, timeout=5).headers['Date'])
    assert date.timestamp() == pytest.approx(time.time(), abs=2)
    firefly.violations.clear()


def test_a_chunked_body_is_read(firefly: FakeFirefly) -> None:
    body = f'{{"accessKey": "{ACCESS_KEY}", "secretKey": "{SECRET_KEY}"}}'.encode()
    with requests.Session() as session:
        for _unused in range(2):  # on one connection: nothing of the first body is left for the second request
            parts = iter([body[:10], body[10:]])
            assert session.post(f'{firefly.url}/v2/login', data=parts, headers=JSON, timeout=5).status_code == 200
