# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import re
import ssl
import string
import time
import typing as t
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
import trustme
from ansible.parsing.vault import AnsibleVaultError
from ansible_collections.firefly.platform.plugins.plugin_utils import _api
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._endpoints import ENDPOINTS, Endpoint
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Outcome
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request
from ansible_collections.firefly.platform.plugins.plugin_utils._session import Session
from fake_firefly import FakeFirefly, Fault
from helpers import client
from helpers.needles import leaks
from helpers.operations import perform
from helpers.raw_server import RawServer, http, send

KEYS = {'status', 'json', 'url', 'requests', 'latency_ms', 'changed'}
PROJECT = 'runners/projects/project-1'
PROJECTS = 'runners/projects'
LIST = f'{PROJECTS}/list'
SEARCH: t.Any = ('workspaces/search', 'POST')
CREATE: t.Any = (PROJECTS, 'POST')
INSIGHTS: t.Any = ('governance/insights', 'POST')
WRITE = Request(method='POST', path='/v2/x', expect=(200,), json={}, read_only=False)


def ask(firefly: FakeFirefly, path: t.Any, method: str = 'GET', check_mode: bool = False, **options: t.Any) -> Outcome:
    raw = {**firefly.options, 'retries': 0, 'timeout': 10, 'path': path, 'method': method, **options}
    return perform(Api(), raw, Context(print, 'task', check_mode))


def values(firefly: FakeFirefly, *what: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """The values of a request that succeeds."""
    outcome = ask(firefly, *what, **options)
    assert outcome.error is None
    return outcome.values


def failure(firefly: FakeFirefly, *what: t.Any, **options: t.Any) -> tuple[str, dict[str, t.Any]]:
    """The code and the values of a request that fails."""
    outcome = ask(firefly, *what, **options)
    assert outcome.error
    assert outcome.values.keys() == KEYS
    assert outcome.values['status'] == outcome.error.status
    return outcome.error.code, outcome.values


def refusal(path: t.Any, method: str = 'POST', **options: t.Any) -> str:
    """Why the options are refused. Nobody listens at the address: a request or a login would be another failure."""
    raw = {'api_url': 'http://127.0.0.1:1', **client.KEYS, 'retries': 0, 'path': path, 'method': method, **options}
    return client.refusal(perform, Api(), raw, Context(print, 'task'))


def revoke(firefly: FakeFirefly) -> None:
    """Log in, and let Firefly refuse the token from now on."""
    values(firefly, PROJECT)
    firefly.revoke()


def fail_project(firefly: FakeFirefly, times: int | None = 1, **fault: t.Any) -> None:
    firefly.fail(Fault(path=f'/v2/{PROJECT}', **fault), times)


# Options


@pytest.mark.parametrize(
    'path',
    ['https://api.firefly.ai/v2/workspaces', 'HTTPS:workspaces', 'mailto:x', '/mailto:x']
    + ['//workspaces/search', '/v2//workspaces/search', 'workspaces//search', 'workspaces\\search']
    + ['workspaces?page=1', 'workspaces#1', 'workspaces/%2e%2e/login', 'work spaces']
    + ['.', '..', './workspaces', '../login', '/../login', 'workspaces/.', 'workspaces/../login', 'workspaces/..']
    + [
        'workspaces/..;/login',
        '..;x/login',
        'workspaces/.;',
        ';/login',
        '/;x/login',
        'login;x',
        'api;x/v1/login',
        'a;b',
    ]
    + [f'work{character}spaces' for character in '\t\u2028\x00\x1b\ud800']
    + ['login', '/login', 'v2/login', '/v2/login/', 'LogIn', 'login/', 'login/more', '//login', '/v2//login']
    + ['//v2/login', 'api/v1/workspaces', 'api/v1.0/login', 'API/V1.0/inventory', '/', '/v2/', '', None],
)
def test_a_path_that_is_refused(path: t.Any) -> None:
    assert refusal(path).startswith('The option path ')


def test_each_spelling_of_a_path() -> None:
    with FakeFirefly(prefix='/gateway') as firefly:
        for before in ('', '/', '/v2/', 'v2/', ' '):
            assert values(firefly, f'{before}{LIST}\n')['url'] == f'{firefly.url}/v2/{LIST}'
            assert firefly.requests[-1].path == f'/gateway/v2/{LIST}'


class Vaulted:
    """What is !vault in a file, before ansible-core 2.19: it is decrypted when it becomes text."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return 'decrypted'


def nested(levels: int) -> t.Any:
    value: t.Any = 0
    for _unused in range(levels):
        value = [value]
    return value


ROUND: list[t.Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    'option,refused',
    [
        ('body', ['text', '{"a": 1', "{'a': 1}", '{"a": NaN}', '[1e999]', '"\ud800"', '1 2', '[' * 100_000]),
        ('body', [[float('nan')], [float('inf')], [{1}], [b'x'], [object()]]),
        ('body', [{'a': 10**5000}, '9' * 5000, nested(300), nested(100_000), ROUND]),
        ('query', ['text', 5, ['a'], {'a': {'b': 1}}, {'a': [[1]]}, {'a': b'x'}, {'a': {1}}]),
        ('query', [{'a': '\ud800'}, {'\ud800': 1}, {'a': 10**5000}]),
    ],
    ids=['text', 'types', 'sizes', 'query', 'text in a query'],
)
def test_a_value_that_is_refused(option: str, refused: list[t.Any]) -> None:
    for value in refused:
        assert refusal(PROJECTS, **{option: value}).startswith(f'The option {option}'), str(type(value))


@pytest.mark.parametrize(
    'option,value,place',
    [
        ('body', {'a': 1, 'filters': ['x', {'y': 0}, {1}]}, 'body.filters[2]'),
        ('body', [{'since': float('nan')}], 'body[0].since'),
        ('body', {'HUNTER2 HUNTER2': b'x'}, 'body[...]'),
        ('query', {'a': 1, 'b': ['x', {'c': 1}]}, 'query.b[1]'),
        ('query', {'a': 10**5000}, 'query.a'),
        ('query', {'a': '\ud800'}, 'query.a'),
        ('query', {'\ud800': 1}, 'query[...]'),
    ],
)
def test_what_cannot_be_sent_is_named_by_its_place(option: str, value: t.Any, place: str) -> None:
    assert refusal(PROJECTS, **{option: value}).startswith(f'The option {place} ')


class Undecryptable:
    """What is !vault in a file without a vault password, before ansible-core 2.19."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        raise AnsibleVaultError('HUNTER2')


@pytest.mark.parametrize('option', ['body', 'query'])
def test_a_value_that_cannot_be_decrypted(option: str) -> None:
    what = refusal(PROJECTS, **{option: {'a': [Undecryptable()]}})
    assert what.startswith(f'The option {option}.a[0] cannot be decrypted')


@pytest.mark.parametrize(
    'path,method,options,named',
    [
        (*CREATE, {}, 'all_pages'),
        (PROJECT, 'GET', {}, 'all_pages'),
        ('event-center', 'POST', {}, 'all_pages'),
        ('workspaces/search', 'GET', {}, 'all_pages'),
        (*SEARCH, {'read_only': False}, 'all_pages'),
        (PROJECT, 'DELETE', {'read_only': True}, 'all_pages'),
        (*SEARCH, {'query': {'page': 1}}, 'query must be a dictionary without page'),
        (LIST, 'GET', {'query': {'offset': 0}}, 'query must be a dictionary without offset'),
        (*INSIGHTS, {'body': {'page': 1}}, 'body must be a dictionary without page'),
        (*INSIGHTS, {'body': ['x']}, 'body must be a dictionary'),
        ('api/inventory', 'POST', {'body': '{"afterKey": null}'}, 'body must be a dictionary without afterKey'),
    ],
)
def test_all_pages_is_refused(path: str, method: str, options: dict[str, t.Any], named: str) -> None:
    assert refusal(path, method, all_pages=True, **options).startswith(f'The option {named}')


#: What YAML makes of dates without quotes.
DAY, TIME = date(2026, 1, 31), datetime(2026, 1, 31, 12, 30, tzinfo=timezone.utc)

BODY = {'a': [1, -2.5, True, None, 'ü"\\', {'b': {}}], '': [], 'long': 10**300}


def test_a_body_is_sent_as_json(firefly: FakeFirefly) -> None:
    for given in (BODY, json.dumps(BODY), f'\n {json.dumps(BODY, indent=1)}\n'):
        values(firefly, *CREATE, body=given)
        assert json.loads(firefly.requests[-1].body) == BODY
        assert firefly.requests[-1].headers['content-type'] == 'application/json'
    values(firefly, *CREATE, body={'name': Vaulted(), 'dates': [DAY, {'time': TIME}]})
    sent = {'name': 'decrypted', 'dates': ['2026-01-31', {'time': '2026-01-31T12:30:00+00:00'}]}
    assert json.loads(firefly.requests[-1].body) == sent


def test_a_query(firefly: FakeFirefly) -> None:
    query = {'a': [1, 'x y', None, True], 'b': False, 'none': None, 'no': [], 'c': '&=ü', 'd': 1.5, 'e': [Vaulted()]}
    query |= {'f': DAY, 'g': [TIME]}
    fail_project(firefly, body='{}')
    url = values(firefly, PROJECT, query=query)['url']
    pairs = 'a=1', 'a=x y', 'a=true', 'b=false', 'c=&=ü', 'd=1.5', 'e=decrypted'
    pairs += 'f=2026-01-31', 'g=2026-01-31T12:30:00+00:00'
    assert tuple('='.join(pair) for pair in parse_qsl(firefly.requests[-1].query)) == pairs
    assert url == f'{firefly.url}/v2/{PROJECT}'
    firefly.violations.clear()  # the contract has no such query


# Requests


@pytest.mark.parametrize(
    'path,method,body,status,content',
    [
        (PROJECT, 'GET', None, 200, {'id': 'project-1', 'name': 'project 1'}),
        (f'{PROJECT}/members', 'GET', None, 200, ['one', 'two']),
        ('workspaces/workspace-1/labels', 'PUT', {'labels': []}, 200, None),
        (f'{PROJECT}/members', 'DELETE', ['one'], 200, ['two']),
        (PROJECT, 'DELETE', None, 204, None),
    ],
)
def test_a_response(firefly: FakeFirefly, path: str, method: str, body: t.Any, status: int, content: t.Any) -> None:
    firefly.data[f'{PROJECT}/members'] = ['one', 'two']
    result = values(firefly, path, method, body=body)
    assert result.pop('latency_ms').__class__ is int
    told = {'status': status, 'json': content, 'url': f'{firefly.url}/v2/{path}', 'requests': 1}
    assert result == {**told, 'changed': method != 'GET'}
    assert firefly.requests[-1].headers['authorization'] == f'Bearer {firefly.tokens[-1]}'
    assert (firefly.requests[-1].body == b'') is (body is None)


@pytest.mark.parametrize(
    'path,method,read_only,changed',
    [
        (PROJECT, 'GET', None, False),
        (PROJECT, 'GET', False, True),
        (*SEARCH, None, False),
        (*SEARCH, False, True),
        ('event-center', 'POST', None, False),
        (*CREATE, None, True),
        (*CREATE, True, False),
        (PROJECT, 'PATCH', None, True),
        (PROJECT, 'DELETE', None, True),
        (PROJECT, 'DELETE', 'true', False),
    ],
)
def test_changed_and_check_mode(firefly: FakeFirefly, path: str, method: str, read_only: t.Any, changed: bool) -> None:
    body = {} if method == 'PATCH' or path == PROJECTS else None
    options = {'read_only': read_only, 'body': body}
    checked = values(firefly, path, method, check_mode=True, **options)
    assert checked['changed'] is changed
    assert (firefly.requests == []) is changed
    if changed:
        assert checked.keys() == {*KEYS, 'msg'}
        assert (checked['status'], checked['json'], checked['latency_ms'], checked['requests']) == (None, None, None, 0)
        assert f'{method} {firefly.url}/v2/{path}' in checked['msg']
        assert values(firefly, path, method, **options)['changed']


def test_a_status_that_is_listed_is_a_success(firefly: FakeFirefly) -> None:
    assert values(firefly, f'{PROJECT}0', 'DELETE', status_code=[204, 404])['changed'] is False
    assert values(firefly, PROJECT, 'DELETE', status_code='200, 204')['changed'] is True
    code, result = failure(firefly, *SEARCH, status_code=204)
    assert (code, result['status'], result['changed']) == ('unexpected_status', 200, False)
    assert len(result['json']) == 25
    for status, body, content in ((199, '', None), (302, '', None), (300, '<html>', None), (404, '{"a": 1}', {'a': 1})):
        fail_project(firefly, status=status, body=body)
        result = values(firefly, PROJECT, 'DELETE', status_code=[199, 300, 302, 404])
        assert (result['status'], result['changed'], result['json']) == (status, False, content)


@pytest.mark.parametrize('changes', [False, True])
@pytest.mark.parametrize(
    'status,code', [(400, 'unexpected_status'), (403, 'forbidden'), (404, 'not_found'), (500, 'server_error')]
)
def test_a_failure_has_what_the_server_said(firefly: FakeFirefly, status: int, code: str, changes: bool) -> None:
    values(firefly, PROJECT)
    said = f'no such {firefly.secret_key} {firefly.tokens[0]}'
    fail_project(firefly, status=status, body=json.dumps({'message': said, 'list': [1]}))
    outcome = ask(firefly, PROJECT, read_only=not changes)
    assert outcome.error
    assert (outcome.error.code, outcome.error.status) == (code, status)
    assert outcome.values['changed'] is (changes and status == 500)  # a 4xx is a refusal
    assert outcome.values['json'] == {'message': 'no such ******** ********', 'list': [1]}
    assert 'no such ******** ********' in str(outcome.error)
    assert values(firefly, PROJECT)['requests'] == 1
    assert firefly.logins == 1  # a 403 is not remembered as the keys' fault


@pytest.mark.parametrize(
    'body',
    ['{"a": NaN}', '[Infinity]', '[-Infinity]', '[1e999]', '9' * 5000, '9' * 4000, f'[-{"9" * 5000}]', '<html></html>']
    + ['[' * 100_000, '{"a": 1', '\x00', b'"\xff"', 'text', json.dumps(nested(300)), '{"a":' * 101 + '0' + '}' * 101],
    ids=lambda body: repr(body)[:12],
)
def test_a_body_that_is_refused(firefly: FakeFirefly, body: str | bytes) -> None:
    for changes in (False, True):
        fail_project(firefly, body=body)
        code, result = failure(firefly, PROJECT, read_only=not changes)
        assert (code, result['status'], result['json'], result['requests']) == ('invalid_response', 200, None, 1)
        assert result['changed'] is changes
    fail_project(firefly, status=500, body=body)
    assert failure(firefly, PROJECT)[1]['json'] is None


def test_numbers_and_texts_stay_as_they_are(firefly: FakeFirefly) -> None:
    content = {'a': [0, -1, 10**300, 0.1, 1e300, -0.0, True, False, None, '', ' x ', 'ü\u2028'], 'b': nested(98)}
    fail_project(firefly, body=json.dumps(content))
    assert repr(values(firefly, PROJECT)['json']) == repr(content)


# Tokens that run out


def test_a_list_that_outlives_its_token(firefly: FakeFirefly) -> None:
    """Each token expires while the next page is on its way."""
    firefly.token_lifetime = 2
    firefly.fail(Fault(path='/v2/workspaces/search', delay=1.2), times=None)
    result = values(firefly, *SEARCH, query={'pageSize': 10}, all_pages=True, min_ttl=0)
    assert result['entries'] == firefly.data['workspaces']
    assert firefly.logins > 1


def test_a_token_that_this_task_got_a_minute_ago_can_be_replaced(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Firefly revokes the token while a list is read."""
    options = Api().validate(Options({**firefly.options, 'path': LIST, 'min_ttl': 0}))
    session = Session(options, Context(print))
    request = Request(method='GET', path=f'/v2/{LIST}', expect=(200,))
    firefly.revoke()
    assert client.failure(session.send, request).code == 'unauthorized'
    assert firefly.logins == 1
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + 61)
    assert session.send(request).status == 200
    assert firefly.logins == 2


# Tokens that an endpoint refuses


@pytest.mark.parametrize(
    'what,options,requests',
    [((PROJECT,), {}, 2), (CREATE, {'body': {}}, 2), ((PROJECT, 'DELETE'), {}, 2), (SEARCH, {'all_pages': True}, 4)],
)
def test_a_revoked_token_costs_one_login(firefly: FakeFirefly, what: t.Any, options: t.Any, requests: int) -> None:
    revoke(firefly)
    assert values(firefly, *what, **options)['requests'] == requests
    assert values(firefly, PROJECT, status_code=[200, 404])['requests'] == 1
    assert firefly.logins == 2


@pytest.mark.parametrize('changes', [False, True])
@pytest.mark.parametrize('token_cache', [False, True])
def test_a_new_token_is_not_replaced(firefly: FakeFirefly, changes: bool, token_cache: bool) -> None:
    fail_project(firefly, status=401, body='{"message": "no"}', times=None)
    outcome = ask(firefly, PROJECT, token_cache=token_cache, read_only=not changes)
    assert outcome.error
    assert (outcome.error.code, outcome.error.retryable) == ('unauthorized', False)
    assert (outcome.values['changed'], outcome.values['json']) == (False, {'message': 'no'})
    assert (outcome.values['requests'], firefly.logins) == (1, 1)


def test_an_endpoint_that_refuses_every_token_costs_one_login_a_minute(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch
) -> None:
    values(firefly, *SEARCH)
    fail_project(firefly, status=401, times=None)
    assert [failure(firefly, PROJECT)[1]['requests'] for _unused in range(5)] == [2, 1, 1, 1, 1]
    assert firefly.logins == 2
    assert values(firefly, *SEARCH)['requests'] == 1  # it is not remembered as the keys' fault
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + 61)
    assert [failure(firefly, PROJECT)[1]['requests'] for _unused in range(3)] == [2, 1, 1]
    assert firefly.logins == 3


def test_a_401_that_is_listed_and_a_login_that_returns_the_refused_token_again(firefly: FakeFirefly) -> None:
    revoke(firefly)
    result = values(firefly, PROJECT, status_code=[200, 401])  # a login comes first
    assert (result['status'], result['requests'], firefly.logins) == (200, 2, 2)
    fail_project(firefly, status=401, times=None)
    result = values(firefly, PROJECT, status_code=[200, 401])
    assert (result['status'], result['requests'], firefly.logins) == (401, 1, 2)  # it has just been replaced
    firefly.clear()
    firefly.revoke()
    firefly.fail(Fault(replace={'accessToken': firefly.tokens[-1]}, path='/v2/login'), times=None)
    code, result = failure(firefly, PROJECT, token_cache=False)
    assert (code, result['requests'], firefly.logins) == ('unauthorized', 1, 3)


@pytest.mark.parametrize('status', [201, 401, 500])
def test_a_login_that_fails_after_a_refusal(firefly: FakeFirefly, status: int) -> None:
    revoke(firefly)
    body = json.dumps({'accessToken': 'HUNTER2-token', 'message': 'of the login'})
    firefly.fail(Fault(status=status, body=body, path='/v2/login'))
    outcome = ask(firefly, *CREATE, body={})
    assert '/v2/login' in str(outcome.error)
    assert outcome.values['changed'] is False
    assert 'HUNTER2' not in str(outcome.values)  # the body is the login's


def test_a_first_login_that_fails(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, path='/v2/login'))
    assert '/v2/login' in client.failure(ask, firefly, *CREATE).what
    assert firefly.count('POST', f'/v2/{PROJECTS}') == 0


# Retries


@pytest.mark.parametrize(
    'fault,code,writes',
    [
        ({'status': 429}, None, 2),
        *(({'reset': where}, 'connect', 1) for where in ('before', 'headers', 'body')),
        ({'delay': 2}, 'timeout', 1),
        *(({'status': status}, 'server_error', 1) for status in (502, 503, 504)),
    ],
    ids=str,
)
def test_a_write_is_sent_again_only_where_it_was_refused(
    firefly: FakeFirefly, pauses: list[float], fault: t.Any, code: str | None, writes: int
) -> None:
    values(firefly, PROJECT)
    firefly.fail(Fault(**fault))
    outcome = ask(firefly, *CREATE, body={}, retries=2, timeout=1)
    assert (outcome.error and outcome.error.code, outcome.values['changed']) == (code, True)
    assert firefly.count('POST', f'/v2/{PROJECTS}') == outcome.values['requests'] == writes
    firefly.fail(Fault(**fault))
    assert values(firefly, PROJECT, retries=2, timeout=1)['requests'] == 2
    firefly.fail(Fault(status=429), times=None)  # whoever is always refused has changed nothing
    assert failure(firefly, *CREATE, body={})[1]['changed'] is False


@pytest.mark.parametrize('read_only', [False, True])
@pytest.mark.parametrize('url,code,requests', [('https://127.0.0.1:1', 'connect', 2), ('', 'tls', 1)])
def test_a_request_that_cannot_have_arrived_is_sent_again(
    firefly: FakeFirefly, pauses: list[float], read_only: bool, url: str, code: str, requests: int
) -> None:
    sender = client.client(url or firefly.url.replace('http', 'https'), retries=1)  # it speaks plain HTTP
    request = Request(method='POST', path='/v2/x', expect=(200,), read_only=read_only)
    assert client.failure(sender.request, request).code == code
    assert sender.requests == requests


@pytest.mark.parametrize('by_proxy', [False, True])
def test_a_server_cannot_pretend_that_a_write_did_not_arrive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_proxy: bool
) -> None:
    # what http.client says about a proxy that refuses to connect
    pretence = send(b'Tunnel connection failed: 403 Forbidden\r\n\r\n')
    options = {}
    tls = None
    if by_proxy:
        authority = trustme.CA()
        options['ca_path'] = str(tmp_path / 'ca.pem')
        authority.cert_pem.write_to_path(options['ca_path'])
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert('firefly.example').configure_cert(tls)
    with RawServer(pretence, tls=tls, proxy=by_proxy) as server:
        monkeypatch.setenv('https_proxy', f'http://127.0.0.1:{server.port}')
        sender = client.client('https://firefly.example' if by_proxy else server.url, retries=3, **options)
        error = client.failure(sender.request, WRITE)
        assert (error.code, error.changed) == ('connect', True)
        assert len(server.requests) == sender.requests == 1


@pytest.mark.parametrize('status', [302, 403, 407, 502])
def test_a_write_that_a_proxy_refuses_is_not_a_change(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], status: int
) -> None:
    with RawServer(http(status, 'no')) as proxy:
        monkeypatch.setenv('https_proxy', proxy.url)
        error = client.failure(client.client('https://firefly.example', retries=3).request, WRITE)
        assert (error.code, error.changed) == ('proxy', False)
        assert all(request.startswith(b'CONNECT ') for request in proxy.requests)


@pytest.mark.parametrize('status', [400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 302, 500])
def test_a_write_that_was_refused_has_changed_nothing(firefly: FakeFirefly, pauses: list[float], status: int) -> None:
    fail_project(firefly, status=status, times=None)
    result = failure(firefly, PROJECT, 'DELETE')[1]
    assert result['changed'] is (status in (302, 408, 500))


# Pages


@pytest.mark.parametrize(
    'endpoint', [endpoint for endpoint in ENDPOINTS if endpoint.paging], ids=lambda each: each.path
)
def test_all_pages_of_a_list(firefly: FakeFirefly, endpoint: Endpoint) -> None:
    method, path = endpoint.method, endpoint.path.replace('[^/]+', 'workspace-1')
    name = path.removesuffix('/search').removesuffix('/list')
    for page_limit, count in ((None, None), (2, None), (2, 1)):
        firefly.page_limit = page_limit
        firefly.data[name] = firefly.data[name][:count]
        before = firefly.count(method, f'/v2/{path}')
        result = values(firefly, path, method, all_pages=True)
        assert result.keys() == {*KEYS - {'json'}, 'entries', 'pages'}
        assert result['entries'] == firefly.data[name]
        assert result['pages'] == result['requests'] == firefly.count(method, f'/v2/{path}') - before
        assert result['changed'] is False


def test_a_failure_on_a_later_page_counts_all_requests(firefly: FakeFirefly) -> None:
    values(firefly, PROJECT)
    firefly.fail(Fault(replace={'totalCount': 9}, path=f'/v2/{LIST}'), times=None)
    code, result = failure(firefly, LIST, query={'pageSize': 2}, all_pages=True)
    assert (code, result['requests']) == ('invalid_response', 6)  # it is read twice
    firefly.clear()
    code, result = failure(firefly, LIST, all_pages=True, max_entries=2)
    assert (code, result['requests'], result['json']) == ('response_too_large', 1, None)
    assert values(firefly, LIST, all_pages=True, max_entries=3)['entries'] == firefly.data[PROJECTS]


def test_a_list_that_moves_is_read_once_more(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    projects = firefly.data[PROJECTS]
    size = sum(len(json.dumps({'data': [project], 'totalCount': 3})) for project in projects)
    monkeypatch.setattr(_api, '_LIMIT', size)
    for project in (projects[0], projects[1], projects[1]):  # a new one comes first while the list is read
        firefly.fail(Fault(path=f'/v2/{LIST}', body=json.dumps({'data': [project], 'totalCount': 3})))
    result = values(firefly, LIST, query={'pageSize': 1}, all_pages=True, max_entries=3)
    assert result['entries'] == projects
    assert (result['pages'], result['requests']) == (3, 6)


def test_a_list_that_ignores_its_page_number_is_found_at_the_second_page(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(path='/v2/workspaces/search', body=json.dumps(firefly.data['workspaces'][:3])), times=None)
    code, result = failure(firefly, *SEARCH, all_pages=True)
    assert (code, result['requests']) == ('invalid_response', 4)  # it is read twice


def test_all_pages_together_have_a_limit(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _api._LIMIT == 32 * 1024 * 1024
    pages = [firefly.data['workspaces'][start : start + 2] for start in (0, 2)]
    size = sum(len(json.dumps(page)) for page in pages)
    monkeypatch.setattr(_api, '_LIMIT', size)
    assert values(firefly, *SEARCH, query={'pageSize': 2})['status'] == 200
    code, result = failure(firefly, *SEARCH, query={'pageSize': 2}, all_pages=True)
    assert (code, result['requests']) == ('response_too_large', 3)
    fail_project(firefly, body=b'"' + b'x' * size + b'"')
    assert failure(firefly, PROJECT)[0] == 'response_too_large'


def test_another_status_than_that_of_a_list(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=404, body='{"message": "gone"}', path=f'/v2/{LIST}'))
    code, result = failure(firefly, LIST, all_pages=True, status_code=[200, 404])
    assert (code, result['status']) == ('invalid_response', 404)


# Secrets

ESCAPE = {char: f'\\u{ord(char):04x}' for char in '/' + string.ascii_letters}


@pytest.mark.parametrize('style', ['json', 'entries', 'failure'])
@pytest.mark.parametrize('escaped', [False, True])
def test_secrets_are_masked_in_a_response(style: str, escaped: bool) -> None:
    with FakeFirefly(keys={'access/ключ-1': 'secret+/=& "\\ü>?~~~>>>???'}) as firefly:
        values(firefly, PROJECT)
        secrets = [firefly.tokens[0], firefly.secret_key]
        encoded = {secret: base64.b64encode(secret.encode()).decode() for secret in secrets}
        echoes = [
            {f'a {secret} b': [number, f'Bearer {secret}', quote(secret, safe=''), encoded[secret]]}
            for number, secret in enumerate(secrets)
        ]
        body = json.dumps(echoes)
        if escaped:  # JSON may escape any character
            body = re.sub(r'\\u[0-9a-f]{4}|\\.|[a-zA-Z/]', lambda found: ESCAPE.get(found[0], found[0]), body)
            assert json.loads(body) == echoes
        for fault in (Fault(status=500 if style == 'failure' else 200, body=body), Fault(body='[]')):
            firefly.fail(replace(fault, path=f'/v2/{SEARCH[0]}'))
        outcome = ask(firefly, *SEARCH, all_pages=style == 'entries')
    masked = [{'a ******** b': [number, 'Bearer ********', '********', '********']} for number in (0, 1)]
    assert outcome.values['entries' if style == 'entries' else 'json'] == masked
    assert list(leaks(secrets, [json.dumps(outcome.values, ensure_ascii=False), str(outcome.error)])) == []


@pytest.mark.parametrize('access_key', ['project', 'project 1'])
def test_short_keys_and_the_access_key_are_not_masked_in_a_response(access_key: str) -> None:
    with FakeFirefly(keys={access_key: '1'}) as firefly:
        assert values(firefly, PROJECT)['json'] == {'id': 'project-1', 'name': 'project 1'}
