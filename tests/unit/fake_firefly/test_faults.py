# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults go wrong as they say, on the wire."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

KEYS = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}


@pytest.fixture(params=[False, True], ids=['http', 'https'])
def firefly(request: pytest.FixtureRequest) -> Iterator[FakeFirefly]:
    with FakeFirefly(tls=request.param) as running:
        yield running


def login(firefly: FakeFirefly, **options: Any) -> requests.Response:
    return requests.post(
        f'{firefly.url}/v2/login', json=KEYS, timeout=5, verify=firefly.ca_path, allow_redirects=False, **options
    )


def health(firefly: FakeFirefly) -> requests.Response:
    return requests.get(f'{firefly.url}/v2/health', timeout=5, verify=firefly.ca_path)


def raw_login(firefly: FakeFirefly) -> tuple[bytes, bool]:
    """What arrives in answer to a login over plain HTTP, and whether a reset ended it."""
    body = json.dumps(KEYS).encode()
    headers = f'Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
    received = b''
    with socket.create_connection(('127.0.0.1', urlsplit(firefly.url).port or 0), timeout=5) as connection:
        connection.sendall(b'POST /v2/login HTTP/1.1\r\n' + headers.encode() + body)
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            return received, True
    return received, False


def test_faults_come_in_order_and_then_end(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=500), times=2)
    firefly.fail(Fault(status=502))
    assert [health(firefly).status_code for _unused in range(4)] == [500, 500, 502, 204]
    assert [request.status for request in firefly.requests] == [500, 500, 502, 204]


def test_a_fault_without_end_lasts_until_clear(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=500), times=None)
    assert [health(firefly).status_code for _unused in range(3)] == [500] * 3
    firefly.clear()
    assert health(firefly).status_code == 204


def test_clear_forgets_queued_faults(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=500), times=5)
    firefly.clear()
    assert health(firefly).status_code == 204


def test_status_headers_and_body_are_sent_as_they_are(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, headers={'Content-Type': 'text/html', 'X-More': 'y'}, body=b'\xff\x00<html>'))
    answer = login(firefly)
    assert (answer.status_code, answer.content) == (401, b'\xff\x00<html>')
    assert (answer.headers['Content-Type'], answer.headers['X-More']) == ('text/html', 'y')
    assert firefly.tokens == []


def test_a_body_alone_is_a_200(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(body='{"accessToken": 5}'))
    answer = login(firefly)
    assert (answer.status_code, answer.json()) == (200, {'accessToken': 5})


def test_headers_alone_are_added_to_the_usual_answer(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(headers={'Date': 'junk', 'X-More': 'y'}))
    answer = login(firefly)
    assert answer.json()['accessToken'] == firefly.tokens[0]
    assert (answer.headers['Date'], answer.headers['X-More']) == ('junk', 'y')


def test_a_redirect(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=302, headers={'Location': 'https://elsewhere.test/'}))
    answer = login(firefly)
    assert (answer.status_code, answer.headers['Location']) == (302, 'https://elsewhere.test/')


def test_a_delay_comes_before_the_usual_answer(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=0.3))
    start = time.monotonic()
    assert login(firefly).status_code == 200
    assert time.monotonic() - start >= 0.3


def test_a_request_is_counted_when_it_arrives(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=10))
    with pytest.raises(requests.ReadTimeout):
        requests.get(f'{firefly.url}/v2/health', timeout=0.2, verify=firefly.ca_path)
    assert firefly.count('GET', '/v2/health') == 1
    assert firefly.requests[0].status is None


@pytest.mark.parametrize('reset', ['before', 'headers', 'body'])
def test_a_reset_breaks_the_connection(firefly: FakeFirefly, reset: Any) -> None:
    firefly.fail(Fault(reset=reset))
    # Over TLS, Python's client takes a reset for an end: in the middle of the headers that gives an empty body.
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.JSONDecodeError)):
        login(firefly).json()
    assert login(firefly).status_code == 200


@pytest.mark.parametrize('reset', ['before', 'headers', 'body'])
def test_a_reset_comes_where_it_says(reset: Any) -> None:
    with FakeFirefly() as firefly:
        firefly.fail(Fault(reset=reset))
        received, was_reset = raw_login(firefly)
    assert was_reset
    head, _unused, body = received.partition(b'\r\n\r\n')
    assert (bool(head), bool(body)) == (reset != 'before', reset == 'body')
    assert (b'\r\n\r\n' in received) == (reset == 'body')
    assert firefly.requests[0].status == (None if reset == 'before' else 200)
    assert len(firefly.tokens) == (0 if reset == 'before' else 1)


def test_truncation_ends_in_order_before_the_body_does() -> None:
    with FakeFirefly() as firefly:
        firefly.fail(Fault(truncate=True))
        received, was_reset = raw_login(firefly)
    head, _unused, body = received.partition(b'\r\n\r\n')
    length = int(head.lower().partition(b'content-length: ')[2].split()[0])
    assert not was_reset
    assert 0 < len(body) < length


def test_truncation_is_noticed(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(truncate=True))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match='IncompleteRead'):
        login(firefly)


def test_a_drip_takes_its_time_for_each_byte(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(body='{"a": 1}', drip=0.05))
    with requests.Session() as session:
        answer = session.post(
            f'{firefly.url}/v2/login', json=KEYS, timeout=(5, 0.25), verify=firefly.ca_path, stream=True
        )
        start = time.monotonic()
        assert answer.json() == {'a': 1}
    assert time.monotonic() - start >= 0.3


def test_the_date_can_be_shifted(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(date_offset=-7200))
    answer = login(firefly)
    assert parsedate_to_datetime(answer.headers['Date']).timestamp() == pytest.approx(time.time() - 7200, abs=2)
    assert answer.json()['expiresAt'] == pytest.approx(time.time() + 3600, abs=2)


def test_keys_of_the_login_body_can_be_replaced_and_removed(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(replace={'expiresAt': None, 'tokenType': ..., 'more': [1]}))
    assert login(firefly).json() == {'accessToken': firefly.tokens[0], 'expiresAt': None, 'more': [1]}


def test_faults_combine(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(delay=0.2, status=503, body='no', date_offset=100, headers={'Retry-After': '1'}))
    start = time.monotonic()
    answer = health(firefly)
    assert time.monotonic() - start >= 0.2
    assert (answer.status_code, answer.text, answer.headers['Retry-After']) == (503, 'no', '1')
    assert parsedate_to_datetime(answer.headers['Date']).timestamp() == pytest.approx(time.time() + 100, abs=2)


def test_a_request_with_a_fault_is_counted_but_not_rate_limited() -> None:
    with FakeFirefly(rate_limit=1) as firefly:
        firefly.fail(Fault(status=418), times=2)
        firefly.fail(Fault(date_offset=1), times=2)
        assert [health(firefly).status_code for _unused in range(6)] == [418, 418, 204, 204, 204, 429]
        assert firefly.count('GET', '/v2/health') == 6


@pytest.mark.parametrize('times', [1, None])
def test_a_fault_can_be_for_one_path(times: int | None) -> None:
    with FakeFirefly(prefix='/p') as firefly:
        firefly.fail(Fault(status=401, path='/v2/health'), times)
        assert [login(firefly).status_code, health(firefly).status_code] == [200, 401]
        firefly.clear()
        assert health(firefly).status_code == 204


def test_a_fault_does_not_hide_a_violation(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=500))
    assert requests.get(f'{firefly.url}/v2/x', timeout=5, verify=firefly.ca_path).status_code == 500
    assert firefly.violations == ['GET /v2/x: There is no such path.']
    firefly.violations.clear()
