# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._options import LOGIN_OPTIONS, validate
from ansible_collections.firefly.platform.plugins.plugin_utils._request import BODY_LIMIT, Request, Response
from fake_firefly import ACCESS_KEY, SECRET_KEY, FakeFirefly, Fault

JSON_BODY = {'accessKey': ACCESS_KEY, 'secretKey': SECRET_KEY}
HEALTH = Request('GET', '/v2/health', expect=(204,))


def client(url: str, **options: t.Any) -> FireflyClient:
    keys = {'access_key': ACCESS_KEY, 'secret_key': SECRET_KEY}
    given = {'api_url': url, **keys, 'retries': 0, 'timeout': 10, **options}
    return FireflyClient(validate(LOGIN_OPTIONS, given), print)


def health(url: str, **options: t.Any) -> Response:
    return client(url, **options).request(HEALTH)


def login(url: str, **options: t.Any) -> Response:
    return client(url, **options).request(Request('POST', '/v2/login', expect=(200,), json=JSON_BODY))


def failure(request: Callable[..., Response], url: str, **options: t.Any) -> FireflyError:
    with pytest.raises(FireflyError) as failed:
        request(url, **options)
    return failed.value


def test_a_response(firefly: FakeFirefly) -> None:
    response = login(firefly.url)
    assert (response.status, response.attempts) == (200, 1)
    assert json.loads(response.body)['accessToken'] == firefly.tokens[0]
    assert response.headers['content-type'] == 'application/json'
    assert 0 <= response.latency_ms < 10_000


def test_latency_is_that_of_the_last_attempt(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503, delay=0.5))
    firefly.fail(Fault(delay=0.1))
    assert 100 <= health(firefly.url, retries=1).latency_ms < 500


# status: (code, retried)
STATUSES = {
    200: ('unexpected_status', False),
    301: ('redirect', False),
    302: ('redirect', False),
    303: ('redirect', False),
    307: ('redirect', False),
    308: ('redirect', False),
    400: ('unexpected_status', False),
    401: ('unauthorized', False),
    403: ('forbidden', False),
    404: ('not_found', False),
    407: ('proxy', False),
    408: ('unexpected_status', False),
    409: ('unexpected_status', False),
    418: ('unexpected_status', False),
    422: ('unexpected_status', False),
    429: ('rate_limited', True),
    499: ('unexpected_status', False),
    500: ('server_error', False),
    501: ('server_error', False),
    502: ('server_error', True),
    503: ('server_error', True),
    504: ('server_error', True),
    599: ('server_error', False),
}


@pytest.mark.parametrize('status', STATUSES)
def test_the_code_of_a_status_and_whether_it_is_retried(firefly: FakeFirefly, pauses: list[float], status: int) -> None:
    firefly.fail(Fault(status=status), times=None)
    error = failure(health, firefly.url, retries=1)
    code, retried = STATUSES[status]
    assert (error.code, error.status, error.retryable) == (code, status, retried)
    assert error.attempts == firefly.count('GET', '/v2/health')
    assert (error.attempts > 1) == retried
    assert str(error).startswith(f'GET {firefly.url}/v2/health was answered with {status}')
    assert error.latency_ms.__class__ is int


@pytest.mark.parametrize('status', [429, 502, 503, 504])
def test_recovery(firefly: FakeFirefly, pauses: list[float], status: int) -> None:
    firefly.fail(Fault(status=status))
    response = login(firefly.url, retries=1)
    assert (response.status, response.attempts, firefly.count('POST', '/v2/login')) == (200, 2, 2)


@pytest.mark.parametrize(
    'fault', [Fault(reset='before'), Fault(reset='headers'), Fault(delay=30)], ids=['before', 'headers', 'delay']
)
def test_recovery_from_no_response(firefly: FakeFirefly, fault: Fault) -> None:
    firefly.fail(fault)
    response = login(firefly.url, retries=1, timeout=1)
    assert (response.status, response.attempts, firefly.count('POST', '/v2/login')) == (200, 2, 2)


def test_recovery_from_a_body_that_breaks_off(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(reset='body'))
    assert login(firefly.url, retries=1).attempts == 2


def test_recovery_from_a_body_that_ends_early(firefly: FakeFirefly) -> None:
    # Content-Length tells that there is more to come: the same as a connection that breaks off
    firefly.fail(Fault(truncate=True))
    assert login(firefly.url, retries=1).attempts == 2


@pytest.mark.parametrize('retries', [0, 1, 3])
def test_retries_are_counted(firefly: FakeFirefly, retries: int, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=None)
    assert failure(health, firefly.url, retries=retries).attempts == retries + 1
    assert firefly.count('GET', '/v2/health') == retries + 1


def test_a_request_may_have_its_own_limits(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503), times=None)
    with pytest.raises(FireflyError) as failed:
        client(firefly.url, retries=5).request(HEALTH, retries=0)
    assert failed.value.attempts == 1


def test_what_is_retried_may_fail_for_good(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=503))
    firefly.fail(Fault(status=401))
    error = failure(login, firefly.url, retries=5)
    assert (error.code, error.attempts) == ('unauthorized', 2)


def test_each_attempt_has_a_connection_of_its_own(serve: Callable[..., t.Any]) -> None:
    def talk(connection: socket.socket, request: bytes) -> None:
        # 503, and the connection looks as if it were kept; but nothing that is sent on it gets a response
        connection.sendall(b'HTTP/1.1 503 X\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n')
        connection.recv(65536)

    server = serve(talk)
    assert failure(health, server.url, retries=2).code == 'server_error'
    assert server.connections == 3


def test_refusals_are_not_counted_among_the_retries(firefly: FakeFirefly, pauses: list[float]) -> None:
    for status in (429, 503, 429):
        firefly.fail(Fault(status=status))
    assert health(firefly.url, retries=1).attempts == 4
    assert 2 <= len(pauses) <= 3  # the first retry after a failure has none


def test_pauses_grow_and_the_first_retry_has_none(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=None)
    failure(health, firefly.url, retries=5)
    assert len(pauses) == 4
    assert all(low <= pause <= high for pause, low, high in zip(pauses, (0.5, 1, 2, 4), (1.5, 3, 6, 12), strict=True))


def test_no_pause_is_longer_than_the_limit(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503), times=None)
    failure(health, firefly.url, retries=20)
    assert max(pauses) == 60


@pytest.mark.parametrize(
    'value,pause',
    [
        ('7', 7),
        (' 7 ', 7),
        ('60', 60),
        ('61', 60),
        ('86400', 60),
        ('9' * 400, 60),
        ('9' * 5000, None),
        ('0', None),
        ('-5', None),
        ('1.5', None),
        ('soon', None),
        ('', None),
        ('nan', None),
        ('Fri, 99 Foo 2026', None),
        ('Thu, 01 Jan 1970 00:00:00 GMT', None),
        ('Tue, 10 Nov 2099 12:00:00 GMT', 60),
        ('Fri, 31 Dec 9999 23:59:59 GMT', 60),
        ('Fri, 31 Dec 99999 23:59:59 GMT', None),
    ],
    ids=lambda value: str(value)[:32],
)
def test_retry_after(firefly: FakeFirefly, pauses: list[float], value: str, pause: float | None) -> None:
    firefly.fail(Fault(status=503, headers={'Retry-After': value}))
    assert health(firefly.url, retries=1).attempts == 2
    assert pauses == ([] if pause is None else [pause])  # there is no usual pause before the first retry


def test_retry_after_as_a_date(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=503, headers={'Retry-After': formatdate(time.time() + 30, usegmt=True)}))
    health(firefly.url, retries=1)
    assert len(pauses) == 1
    assert 1 < pauses[0] <= 30


def test_retry_after_of_a_final_response_is_not_waited_for(firefly: FakeFirefly, pauses: list[float]) -> None:
    firefly.fail(Fault(status=429, headers={'Retry-After': '7'}))
    failure(health, firefly.url, retries=0)
    firefly.fail(Fault(status=401, headers={'Retry-After': '7'}))
    failure(health, firefly.url, retries=1)
    assert pauses == []


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(firefly: FakeFirefly, status: int) -> None:
    with FakeFirefly() as other:
        firefly.fail(Fault(status=status, headers={'Location': f'{other.url}/v2/login?token=HUNTER2#HUNTER2'}))
        error = failure(login, firefly.url, retries=1)
        assert other.requests == []
    assert error.code == 'redirect'
    assert 'http://127.0.0.1/v2/login' in str(error)
    assert 'HUNTER2' not in str(error)


@pytest.mark.parametrize(
    'location',
    [
        '',
        '/v2/login/',
        'https://user:HUNTER2@other.example/',
        'https://[',
        f'https://other.example/{SECRET_KEY}',
        f'https://other.example/?{SECRET_KEY}',
        f'/{base64.b64encode(SECRET_KEY.encode()).decode()}',
        'https://other.example/\x1b[31m',
        'https://other.example/' + 'x' * 5000,
        'data:text/html,x',
    ],
    ids=lambda location: location[:40],
)
def test_a_redirect_to_anywhere_is_a_short_clean_message(firefly: FakeFirefly, location: str) -> None:
    firefly.fail(Fault(status=302, headers={'Location': location}))
    message = str(failure(login, firefly.url))
    assert len(message) < 500
    assert message.isprintable()
    for secret in ('HUNTER2', SECRET_KEY, base64.b64encode(SECRET_KEY.encode()).decode()):
        assert secret not in message


def test_a_redirect_without_an_address(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=302))
    assert failure(login, firefly.url).code == 'redirect'


ECHOES = {
    'plain': SECRET_KEY,
    'base64': base64.b64encode(SECRET_KEY.encode()).decode(),
    'basic': base64.b64encode(f'{ACCESS_KEY}:{SECRET_KEY}'.encode()).decode(),
    'url': quote(SECRET_KEY, safe=''),
    'request': json.dumps(JSON_BODY),
}


@pytest.mark.parametrize('status', [401, 403, 500, 400])
@pytest.mark.parametrize('echo', ECHOES)
@pytest.mark.parametrize(
    'write',
    [
        lambda echo: json.dumps({'message': f'bad key {echo}'}),
        lambda echo: json.dumps({'errors': {'message': f'bad key {echo}'}}),
        lambda echo: json.dumps({'detail': echo}),
        json.dumps,
        lambda echo: f'bad key {echo}',
        lambda echo: f'<html>bad key {echo}</html>',
    ],
    ids=['message', 'errors', 'other key', 'string', 'text', 'html'],
)
def test_a_body_that_echoes_the_keys(firefly: FakeFirefly, status: int, echo: str, write: Callable[[str], str]) -> None:
    firefly.fail(Fault(status=status, body=write(ECHOES[echo])))
    message = str(failure(login, firefly.url))
    assert SECRET_KEY not in message
    assert ACCESS_KEY not in message
    assert not [form for form in ECHOES.values() if form in message]


def test_a_phrase_that_echoes_the_keys(serve: Callable[..., t.Any]) -> None:
    answer = f'HTTP/1.1 401 {SECRET_KEY}\r\nX-Key: {SECRET_KEY}\r\nContent-Length: 0\r\n\r\n'.encode()
    error = failure(login, serve(lambda connection, request: connection.sendall(answer)).url)
    assert error.code == 'unauthorized'
    assert SECRET_KEY not in str(error)


def test_the_message_of_the_server_is_told(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body='{"message": "The key pair has expired."}'))
    assert 'answered with 401 Unauthorized: The key pair has expired. Check' in str(failure(login, firefly.url))


def test_no_exception_in_the_chain_holds_the_keys(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(reset='before'))
    error = failure(login, firefly.url)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_key_that_is_not_utf8_in_the_environment(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body='{"message": "no"}'))
    assert failure(login, firefly.url, secret_key='HUNTER2\udcff').code == 'unauthorized'


def test_a_body_up_to_the_limit(firefly: FakeFirefly) -> None:
    body = b'{"a": "' + b'x' * (BODY_LIMIT - 9) + b'"}'
    assert len(body) == BODY_LIMIT == 1024 * 1024
    firefly.fail(Fault(body=body))
    assert login(firefly.url).body == body


@pytest.mark.parametrize('size', [BODY_LIMIT + 1, BODY_LIMIT * 3], ids=['one byte', 'far'])
def test_a_body_above_the_limit(firefly: FakeFirefly, size: int) -> None:
    firefly.fail(Fault(body=b' ' * size), times=None)
    error = failure(login, firefly.url, retries=1)
    assert (error.code, error.status, error.retryable, error.attempts) == ('response_too_large', 200, False, 1)


def test_the_status_of_an_error_counts_and_not_the_size_of_its_body(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body=b' ' * (BODY_LIMIT + 1)))
    assert failure(login, firefly.url).code == 'unauthorized'


def test_a_body_without_end_is_not_read_to_its_end(serve: Callable[..., t.Any]) -> None:
    sent = 0

    def flood(connection: t.Any, request: bytes) -> None:
        nonlocal sent
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n')
        for _unused in range(1000):
            connection.sendall(b' ' * 65536)
            sent += 65536

    assert failure(login, serve(flood).url).code == 'response_too_large'
    assert sent < 32 * BODY_LIMIT  # the rest is in the buffers of the system


def test_a_compressed_body_is_not_unpacked(firefly: FakeFirefly) -> None:
    packed = gzip.compress(b'{"a": "' + b' ' * 20_000_000 + b'"}')
    firefly.fail(Fault(body=packed, headers={'Content-Encoding': 'gzip'}))
    assert login(firefly.url).body == packed
    firefly.fail(Fault(status=401, body=gzip.compress(b'{"message": "no"}'), headers={'Content-Encoding': 'gzip'}))
    assert 'no' not in str(failure(login, firefly.url)).partition('Check')[0]


@pytest.mark.parametrize('encoding', ['gzip', 'br', 'x-unknown'])
def test_a_content_encoding_that_is_a_lie_is_ignored(firefly: FakeFirefly, encoding: str) -> None:
    firefly.fail(Fault(body='{"a": 1}', headers={'Content-Encoding': encoding}))
    assert login(firefly.url).body == b'{"a": 1}'


@pytest.mark.parametrize(
    'answer',
    [
        b'',
        b'\n',
        b'junk\r\n\r\n',
        b'SSH-2.0-OpenSSH_9.9\r\n',
        b'HTTP/1.1 junk\r\n\r\n',
        b'HTTP/1.1 2000 OK\r\n\r\n',
        b'HTTP/1.1 200 OK\r\n' + b'X-A: b\r\n' * 1000 + b'\r\n',
        b'HTTP/1.1 200 OK\r\nX-A: ' + b'b' * 200_000 + b'\r\n\r\n',
        b'\x00' * 100_000,
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
        b'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcde',
    ],
    ids=[
        'nothing',
        'line',
        'junk',
        'ssh',
        'junk status',
        'long status',
        'many headers',
        'long header',
        'zeros',
        'junk chunk',
        'half a chunk',
        'two lengths',
    ],
)
def test_junk_in_place_of_http(serve: Callable[..., t.Any], answer: bytes) -> None:
    def talk(connection: t.Any, request: bytes) -> None:
        connection.sendall(answer)

    server = serve(talk)
    error = failure(login, server.url, retries=1)
    assert (error.code, error.status, error.retryable) == ('connect', None, True)
    assert SECRET_KEY not in str(error)
    assert server.connections == error.attempts == 2


def test_a_response_of_http_1_0(serve: Callable[..., t.Any]) -> None:
    answer = b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}'
    assert login(serve(lambda connection, request: connection.sendall(answer)).url).body == b'{"a": 1}'


def test_a_chunked_response(serve: Callable[..., t.Any]) -> None:
    answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
    assert login(serve(lambda connection, request: connection.sendall(answer)).url).body == b'{"a": 1}'


def test_a_100_is_not_the_response(serve: Callable[..., t.Any]) -> None:
    answer = b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'
    assert health(serve(lambda connection, request: connection.sendall(answer)).url).status == 204


@pytest.mark.usefixtures('urllib3_1_26')
def test_a_body_is_read_with_urllib3_1_26_too(firefly: FakeFirefly) -> None:
    assert json.loads(login(firefly.url).body)['accessToken'] == firefly.tokens[0]


def test_a_host_name_that_is_not_found(pauses: list[float]) -> None:
    error = failure(health, 'https://nonexistent.invalid', retries=1)
    assert (error.code, error.status, error.retryable, error.attempts) == ('dns', None, True, 2)
    assert 'nonexistent.invalid' in str(error)
    assert error.latency_ms is None


@pytest.mark.parametrize('host', ['firefly..invalid', '.firefly.invalid', '*.firefly.invalid', 'x' * 64 + '.invalid'])
def test_a_host_name_that_is_not_valid(host: str) -> None:
    error = failure(health, f'https://{host}', retries=1)
    assert (error.code, error.retryable, error.attempts) == ('invalid_option', False, 1)
    assert 'api_url' in str(error)


def test_nobody_there(serve: Callable[..., t.Any]) -> None:
    server = serve(lambda connection, request: None)
    server.shutdown()
    server.server_close()
    error = failure(health, server.url, retries=1)
    assert (error.code, error.status, error.retryable, error.attempts) == ('connect', None, True, 2)
    assert 'refused' in str(error)


@pytest.mark.parametrize('library', ['requests', 'urllib3'])
@pytest.mark.parametrize(
    'broken,reason',
    [
        ('raise ModuleNotFoundError("No module named \'x\'")', "No module named 'x'"),
        ('raise ImportError("urllib3 v2 only supports OpenSSL 1.1.1+")', 'urllib3 v2 only supports OpenSSL 1.1.1+'),
        ('raise RuntimeError("broken")', 'broken'),
        ('1 / 0', 'division by zero'),
        ('raise SyntaxError("invalid syntax")', 'invalid syntax'),
    ],
)
def test_a_library_that_cannot_be_imported(tmp_path: Path, library: str, broken: str, reason: str) -> None:
    (tmp_path / f'{library}.py').write_text(broken)
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, *{sys.path!r}]
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
try:
    FireflyClient({{}}, print)
except FireflyError as error:
    print(error.code, error.retryable, error)
"""
    collections = os.environ['ANSIBLE_COLLECTIONS_PATH'].split(':')[0]
    environment = {**os.environ, 'PYTHONPATH': collections}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith(f'missing_library False {sys.executable} cannot import the Python library requests: ')
    assert reason in done.stdout
    assert 'Only the controller needs it.' in done.stdout


def test_no_ca_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('requests.adapters.DEFAULT_CA_BUNDLE_PATH', '/nonexistent/bundle.pem')
    error = failure(health, 'https://127.0.0.1:1', retries=3)
    assert (error.code, error.retryable, error.attempts) == ('tls', False, 1)
    assert 'install ca-certificates, or certifi' in str(error)
    assert 'firewall' not in str(error)
