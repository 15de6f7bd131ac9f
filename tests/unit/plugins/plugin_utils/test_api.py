# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import re
import string
import time
import typing as t
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from ansible import constants
from ansible_collections.firefly.platform.plugins.plugin_utils import _api
from ansible_collections.firefly.platform.plugins.plugin_utils._api import API
from ansible_collections.firefly.platform.plugins.plugin_utils._client import FireflyClient
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Outcome, perform
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Request
from fake_firefly import FakeFirefly, Fault, make_workspaces

KEYS = {'status', 'json', 'url', 'attempts', 'latency_ms', 'changed'}
PROJECT = 'runners/projects/project-1'
PROJECTS = 'runners/projects'
SEARCH: t.Any = ('workspaces/search', 'POST')
KEY_PAIR = {'access_key': 'ACCESS', 'secret_key': 'SECRET', 'retries': 0}
CONTEXT = Context(print, 'task')
CREATE: t.Any = (PROJECTS, 'POST')
LIST = f'{PROJECTS}/list'


@pytest.fixture(autouse=True)
def _a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of this test alone."""
    monkeypatch.setattr(constants, 'DEFAULT_LOCAL_TMP', str(tmp_path))


def ask(firefly: FakeFirefly, path: t.Any, method: str = 'GET', check_mode: bool = False, **options: t.Any) -> Outcome:
    keys = {'api_url': firefly.url, 'access_key': firefly.access_key, 'secret_key': firefly.secret_key}
    raw = {**keys, 'retries': 0, 'timeout': 10, 'path': path, 'method': method, **options}
    return perform(API, raw, Context(print, 'task', check_mode))


def values(firefly: FakeFirefly, *what: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """The values of a request that succeeds."""
    outcome = ask(firefly, *what, **options)
    assert outcome.error is None
    return outcome.values


def failure(firefly: FakeFirefly, *what: t.Any, **options: t.Any) -> tuple[FireflyError, dict[str, t.Any]]:
    outcome = ask(firefly, *what, **options)
    assert outcome.error
    assert outcome.values.keys() == KEYS
    return outcome.error, outcome.values


def refusal(path: t.Any, method: str = 'POST', **options: t.Any) -> str:
    """Why the options are refused. Where nobody listens, a request or a login would be another failure."""
    with pytest.raises(FireflyError) as refused:
        perform(API, {'api_url': 'http://127.0.0.1:1', **KEY_PAIR, 'path': path, 'method': method, **options}, CONTEXT)
    assert refused.value.code == 'invalid_option'
    return str(refused.value)


def logins(firefly: FakeFirefly) -> int:
    return firefly.count('POST', '/v2/login')


def revoked(firefly: FakeFirefly) -> None:
    """The run has a token, and Firefly does not take it any more."""
    values(firefly, PROJECT)
    firefly.revoke()


# Options

UNUSABLE_PATHS = [
    'https://api.firefly.ai/v2/workspaces',
    'HTTPS:workspaces',
    'mailto:x',
    '/mailto:x',
    '//workspaces/search',
    '/v2//workspaces/search',
    'workspaces//search',
    'workspaces\\search',
    'workspaces?page=1',
    'workspaces#1',
    'workspaces/%2e%2e/login',
    '.',
    '..',
    './workspaces',
    '../login',
    '/../login',
    'workspaces/.',
    'workspaces/../login',
    'workspaces/..',
    'work spaces',
    ' workspaces',
    'workspaces\n',
    'work\tspaces',
    'work\u2028spaces',
    'work\x00spaces',
    'work\x1bspaces',
    'work\ud800spaces',
    'login',
    '/login',
    'v2/login',
    '/v2/login/',
    'LogIn',
    'login/',
    'login/more',
    '//login',
    '/v2//login',
    '//v2/login',
    'api/v1/workspaces',
    'api/v1.0/login',
    'API/V1.0/inventory',
    '/',
    '/v2/',
    '',
    None,
]


@pytest.mark.parametrize('path', UNUSABLE_PATHS)
def test_a_path_that_is_refused(path: t.Any) -> None:
    assert refusal(path).startswith('The option path ')


@pytest.mark.parametrize(
    'path', ['workspaces/search', '/workspaces/search', '/v2/workspaces/search', 'v2/workspaces/search']
)
def test_each_spelling_of_a_path(path: str) -> None:
    with FakeFirefly(prefix='/gateway') as firefly:
        outcome = values(firefly, path, 'POST')
        assert firefly.requests[-1].path == '/gateway/v2/workspaces/search'
    assert outcome['url'] == f'{firefly.url}/v2/workspaces/search'


class Vaulted:
    """As ansible-core before 2.19 has what is !vault in a file: it decrypts when it becomes text."""

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
    'option,value',
    [
        *(('body', text) for text in ('text', '{"a": 1', "{'a': 1}", '{"a": NaN}', '[1e999]', '"\ud800"', '1 2')),
        *(('body', [value]) for value in (float('nan'), float('inf'), {1}, date(2026, 1, 1), b'x', object())),
        *(
            ('body', value)
            for value in ({'a': 10**5000}, '9' * 5000, nested(300), nested(100_000), '[' * 100_000, ROUND)
        ),
        *(('query', value) for value in ('text', 5, ['a'], {'a': {'b': 1}}, {'a': [[1]]}, {'a': b'x'}, {'a': {1}})),
        *(('query', value) for value in ({'a': '\ud800'}, {'\ud800': 1}, {'a': 10**5000})),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, (str, int)) else type(value).__name__,
)
def test_a_value_that_is_refused(option: str, value: t.Any) -> None:
    assert refusal(PROJECTS, **{option: value}).startswith(f'The option {option} must ')


@pytest.mark.parametrize(
    'path,method,options',
    [
        (PROJECTS, 'POST', {}),
        (PROJECT, 'GET', {}),
        ('event-center', 'POST', {}),
        ('workspaces/search', 'GET', {}),
        (*SEARCH, {'read_only': False}),
        (PROJECT, 'DELETE', {'read_only': True}),
        (*SEARCH, {'query': {'page': 1}}),
        (LIST, 'GET', {'query': {'offset': 0}}),
        ('governance/insights', 'POST', {'body': {'page': 1}}),
        ('governance/insights', 'POST', {'body': ['x']}),
        ('api/inventory', 'POST', {'body': '{"afterKey": null}'}),
    ],
)
def test_all_pages_is_refused(path: str, method: str, options: dict[str, t.Any]) -> None:
    assert refusal(path, method, all_pages=True, **options).startswith('The option ')


BODY = {'a': [1, -2.5, True, None, 'ü"\\', {'b': {}}], '': [], 'long': 10**300}


@pytest.mark.parametrize(
    'body', [BODY, json.dumps(BODY), f'\n {json.dumps(BODY, indent=1)}\n'], ids=['dict', 'text', 'lines']
)
def test_a_body_is_sent_as_json(firefly: FakeFirefly, body: t.Any) -> None:
    values(firefly, *CREATE, body=body)
    assert json.loads(firefly.requests[-1].body) == BODY
    assert firefly.requests[-1].headers['content-type'] == 'application/json'


def test_a_body_that_is_encrypted_is_decrypted(firefly: FakeFirefly) -> None:
    values(firefly, *CREATE, body={'a': [Vaulted()]})
    assert json.loads(firefly.requests[-1].body) == {'a': ['decrypted']}


@pytest.mark.parametrize('body', [['one'], '["one"]'])
def test_a_delete_may_have_a_list_as_its_body(firefly: FakeFirefly, body: t.Any) -> None:
    firefly.data[f'{PROJECT}/members'] = ['one', 'two']
    assert values(firefly, f'{PROJECT}/members', 'DELETE', body=body)['json'] == ['two']


def test_no_body_is_none(firefly: FakeFirefly) -> None:
    values(firefly, *SEARCH)
    assert firefly.requests[-1].body == b''


def test_a_query(firefly: FakeFirefly) -> None:
    query = {'a': [1, 'x y', None, True], 'b': False, 'none': None, 'no': [], 'c': '&=ü', 'd': 1.5}
    firefly.fail(Fault(body='{}', path=f'/v2/{PROJECT}'))
    url = values(firefly, PROJECT, query=query)['url']
    assert parse_qsl(firefly.requests[-1].query) == [
        *(('a', text) for text in ('1', 'x y', 'true')),
        ('b', 'false'),
        ('c', '&=ü'),
        ('d', '1.5'),
    ]
    assert url == f'{firefly.url}/v2/{PROJECT}'
    firefly.violations.clear()  # the contract has no such query


# Requests


@pytest.mark.parametrize(
    'path,method,body,status,expected',
    [
        (PROJECT, 'GET', None, 200, {'id': 'project-1', 'name': 'project 1'}),
        ('runners/variables/variable-sets', 'GET', None, 200, list),
        ('guardrails', 'POST', {'name': 'x'}, 200, str),
        ('workspaces/workspace-1/labels', 'PUT', {'labels': []}, 200, None),
        (PROJECT, 'DELETE', None, 204, None),
    ],
    ids=['object', 'array', 'string', 'empty', 'no content'],
)
def test_json(firefly: FakeFirefly, path: str, method: str, body: t.Any, status: int, expected: t.Any) -> None:
    result = values(firefly, path, method, body=body)
    assert result.keys() == KEYS
    assert expected in (result['json'], type(result['json']))
    assert (result['status'], result['attempts'], result['url']) == (status, 1, f'{firefly.url}/v2/{path}')
    assert result['latency_ms'].__class__ is int
    assert firefly.requests[-1].headers['authorization'] == f'Bearer {firefly.tokens[-1]}'


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
    checked = values(firefly, path, method, read_only=read_only, body=body, check_mode=True)
    assert checked['changed'] is changed
    if changed:
        assert not firefly.requests
        assert checked.keys() == {*KEYS, 'msg'}
        assert (checked['status'], checked['json'], checked['latency_ms'], checked['attempts']) == (None, None, None, 0)
        assert f'{method} {firefly.url}/v2/{path}' in checked['msg']
    if changed or method == 'GET' or 'search' in path or 'event' in path:
        assert values(firefly, path, method, read_only=read_only, body=body)['changed'] is changed


def test_a_status_that_is_listed_is_a_success(firefly: FakeFirefly) -> None:
    gone = f'{PROJECT}0'
    assert values(firefly, gone, 'DELETE', status_code=[204, 404])['changed'] is False
    assert values(firefly, PROJECT, 'DELETE', status_code='200, 204')['changed'] is True
    error, result = failure(firefly, *SEARCH, status_code=204)
    assert (error.code, result['status'], result['changed']) == ('unexpected_status', 200, False)
    assert len(result['json']) == 25
    firefly.fail(Fault(status=302, path=f'/v2/{PROJECT}'))
    assert values(firefly, PROJECT, 'DELETE', status_code=[302])['changed'] is False


@pytest.mark.parametrize('changes', [False, True])
@pytest.mark.parametrize(
    'status,code', [(400, 'unexpected_status'), (403, 'forbidden'), (404, 'not_found'), (500, 'server_error')]
)
def test_a_failure_has_what_the_server_said(firefly: FakeFirefly, status: int, code: str, changes: bool) -> None:
    said = {'message': f'no such {firefly.secret_key}', 'list': [1]}
    firefly.fail(Fault(status=status, body=json.dumps(said), path=f'/v2/{PROJECT}'))
    error, result = failure(firefly, PROJECT, read_only=not changes)
    assert (error.code, error.status, result['status'], result['changed']) == (code, status, status, changes)
    assert result['json'] == {'message': 'no such ********', 'list': [1]}
    assert 'no such ********' in str(error)
    firefly.fail(Fault(status=status, body='<html>', path=f'/v2/{PROJECT}'))
    assert failure(firefly, PROJECT)[1]['json'] is None


@pytest.mark.parametrize(
    'body',
    [
        '{"a": NaN}',
        '[Infinity]',
        '[-Infinity]',
        '[1e999]',
        '9' * 5000,
        '9' * 4000,
        f'[-{"9" * 5000}]',
        json.dumps(nested(300)),
    ]
    + [
        '9' * 4000,
        '[' * 100_000,
        '<html></html>',
        '{"a": 1',
        '\x00',
        b'"\xff"',
        'text',
        '{"a":' * 101 + '0' + '}' * 101,
    ],
    ids=lambda body: repr(body)[:12],
)
def test_a_response_that_would_break_a_callback(firefly: FakeFirefly, body: str | bytes) -> None:
    firefly.fail(Fault(body=body, path=f'/v2/{PROJECT}'))
    error, result = failure(firefly, PROJECT)
    assert (error.code, error.status, result['json'], result['attempts']) == ('invalid_response', 200, None, 1)
    assert len(str(error)) < 400
    firefly.fail(Fault(status=500, body=body, path=f'/v2/{PROJECT}'))
    assert failure(firefly, PROJECT)[1]['json'] is None


def test_numbers_and_texts_stay_as_they_are(firefly: FakeFirefly) -> None:
    content = {'a': [0, -1, 10**300, 0.1, 1e300, -0.0, True, False, None, '', ' x ', 'ü\u2028'], 'b': nested(98)}
    firefly.fail(Fault(body=json.dumps(content), path=f'/v2/{PROJECT}'))
    assert repr(values(firefly, PROJECT)['json']) == repr(content)


# Tokens that are refused


@pytest.mark.parametrize('what', [(PROJECT,), CREATE, (PROJECT, 'DELETE')])
def test_a_token_that_was_revoked_costs_a_login(firefly: FakeFirefly, what: t.Any) -> None:
    revoked(firefly)
    result = values(firefly, *what, body={} if what == CREATE else None)
    assert (result['attempts'], logins(firefly)) == (2, 2)
    assert values(firefly, PROJECT, status_code=[200, 404])['attempts'] == 1
    assert logins(firefly) == 2


def test_a_token_that_was_revoked_costs_one_login_for_all_pages(firefly: FakeFirefly) -> None:
    revoked(firefly)
    result = values(firefly, *SEARCH, all_pages=True)
    assert (result['attempts'], result['pages'], logins(firefly)) == (4, 3, 2)


def always_401(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, body='{"message": "no"}', path=f'/v2/{PROJECT}'), times=None)


@pytest.mark.parametrize('changes', [False, True])
def test_a_token_that_is_new_is_not_replaced(firefly: FakeFirefly, changes: bool) -> None:
    always_401(firefly)
    for cache in (True, False):
        error, result = failure(firefly, PROJECT, token_cache=cache, read_only=not changes)
        assert (error.code, error.retryable, result['changed'], result['json']) == (
            'unauthorized',
            False,
            False,
            {'message': 'no'},
        )
        assert result['attempts'] == 1
        firefly.requests.clear()


def test_an_endpoint_that_refuses_every_token_costs_one_login_a_minute(
    firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch
) -> None:
    values(firefly, *SEARCH)
    always_401(firefly)
    assert [failure(firefly, PROJECT)[1]['attempts'] for _unused in range(5)] == [2, 1, 1, 1, 1]
    assert logins(firefly) == 2
    assert values(firefly, *SEARCH)['attempts'] == 1  # it is not remembered as the keys'
    now = time.monotonic
    monkeypatch.setattr(time, 'monotonic', lambda: now() + 61)
    assert [failure(firefly, PROJECT)[1]['attempts'] for _unused in range(3)] == [2, 1, 1]
    assert logins(firefly) == 3


def test_a_403_costs_no_login_and_is_not_remembered(firefly: FakeFirefly) -> None:
    values(firefly, PROJECT)
    firefly.fail(Fault(status=403, path=f'/v2/{PROJECT}'))
    assert failure(firefly, PROJECT)[0].code == 'forbidden'
    assert values(firefly, PROJECT)['attempts'] == 1
    assert logins(firefly) == 1


def test_a_401_that_is_listed_is_a_success(firefly: FakeFirefly) -> None:
    revoked(firefly)
    assert values(firefly, PROJECT, status_code=[401])['attempts'] == 1
    assert logins(firefly) == 1


def test_a_login_that_gives_the_refused_token_again(firefly: FakeFirefly) -> None:
    revoked(firefly)
    firefly.fail(Fault(replace={'accessToken': firefly.tokens[0]}, path='/v2/login'))
    error, result = failure(firefly, PROJECT)
    assert (error.code, result['attempts']) == ('unauthorized', 1)
    assert logins(firefly) == 2


@pytest.mark.parametrize('status', [201, 401, 500])
def test_a_login_that_fails_after_a_refusal(firefly: FakeFirefly, status: int) -> None:
    revoked(firefly)
    body = json.dumps({'accessToken': 'HUNTER2-token', 'message': 'of the login'})
    firefly.fail(Fault(status=status, body=body, path='/v2/login'))
    error, result = failure(firefly, *CREATE, body={})
    assert '/v2/login was answered with' in str(error)
    assert result['changed'] is False
    assert 'HUNTER2' not in str(result)  # what the login was answered with is not the answer of this request


def test_a_first_login_that_fails(firefly: FakeFirefly) -> None:
    firefly.fail(Fault(status=401, path='/v2/login'))
    with pytest.raises(FireflyError) as failed:
        ask(firefly, *CREATE)
    assert (failed.value.code, firefly.count('POST', f'/v2/{PROJECTS}')) == ('unauthorized', 0)


# Trying again


@pytest.mark.parametrize(
    'fault,code,writes',
    [
        (Fault(status=429), None, 2),
        (Fault(reset='before'), 'connect', 1),
        (Fault(reset='headers'), 'connect', 1),
        (Fault(reset='body'), 'connect', 1),
        (Fault(truncate=True), 'connect', 1),
        (Fault(delay=2), 'timeout', 1),
        (Fault(status=502), 'server_error', 1),
        (Fault(status=503), 'server_error', 1),
        (Fault(status=504), 'server_error', 1),
    ],
    ids=lambda fault: re.sub(r'.*?(status=\d+|reset=.\w+|truncate=True|delay=[1-9]).*', r'\1', str(fault)),
)
def test_a_write_is_sent_again_only_where_it_was_refused(
    firefly: FakeFirefly, pauses: list[float], fault: Fault, code: str | None, writes: int
) -> None:
    values(firefly, PROJECT)
    firefly.fail(fault)
    outcome = ask(firefly, *CREATE, body={}, retries=2, timeout=1)
    assert (outcome.error and outcome.error.code, outcome.values['changed']) == (code, True)
    assert firefly.count('POST', f'/v2/{PROJECTS}') == outcome.values['attempts'] == writes
    firefly.fail(fault)
    assert values(firefly, PROJECT, retries=2, timeout=1)['attempts'] == 2


def test_a_write_that_is_always_refused_has_changed_nothing(firefly: FakeFirefly, pauses: list[float]) -> None:
    values(firefly, PROJECT)
    firefly.fail(Fault(status=429), times=None)
    error, result = failure(firefly, *CREATE, body={}, retries=1)
    assert (error.code, result['changed']) == ('rate_limited', False)


@pytest.mark.parametrize('read_only', [False, True])
@pytest.mark.parametrize('way', ['refused', 'no name', 'no connection', 'tls'])
def test_what_cannot_have_arrived_is_sent_again(
    firefly: FakeFirefly, pauses: list[float], monkeypatch: pytest.MonkeyPatch, way: str, read_only: bool
) -> None:
    def never(*args: t.Any, **options: t.Any) -> t.NoReturn:
        raise TimeoutError

    url = {'no name': 'https://nonexistent.invalid', 'refused': 'https://127.0.0.1:1'}.get(way)
    url = url or firefly.url.replace('http', 'https')  # where it speaks plain HTTP
    if way == 'no connection':
        monkeypatch.setattr('urllib3.util.connection.create_connection', never)
    options = {'api_url': url, 'access_key': 'a', 'secret_key': 's', 'retries': 1, 'timeout': 5, 'path': 'x'}
    client = FireflyClient(API.validate(options), print)
    with pytest.raises(FireflyError) as failed:
        client.request(Request('POST', '/v2/x', expect=(200,), read_only=read_only))
    code = {'refused': 'connect', 'no name': 'dns', 'no connection': 'timeout'}.get(way, 'tls')
    assert (failed.value.code, failed.value.attempts) == (code, 1 if way == 'tls' else 2)


# Pages


@pytest.mark.parametrize(
    'path,method,name',
    [
        (*SEARCH, 'workspaces'),
        ('workspaces/workspace-1/runs/search', 'POST', 'workspaces/workspace-1/runs'),
        ('guardrails/search', 'POST', 'guardrails'),
        ('governance/insights', 'POST', 'governance/insights'),
        (LIST, 'GET', PROJECTS),
        ('runners/variables/variable-sets', 'GET', 'runners/variables/variable-sets'),
        ('api/inventory', 'POST', 'api/inventory'),
    ],
)
@pytest.mark.parametrize('page_limit', [None, 2])
@pytest.mark.parametrize('count', [None, 1])
def test_all_pages_of_each_style(path: str, method: str, name: str, page_limit: int | None, count: int | None) -> None:
    with FakeFirefly(page_limit=page_limit) as firefly:
        firefly.data[name] = firefly.data[name][:count]
        result = values(firefly, path, method, all_pages=True)
        assert result.keys() == {*KEYS - {'json'}, 'entries', 'pages'}
        assert result['entries'] == firefly.data[name]
        assert result['pages'] == result['attempts'] == firefly.count(method, f'/v2/{path}')
        assert result['changed'] is False


@pytest.mark.parametrize('query,size', [({}, '25'), ({'pageSize': 7}, '7')])
def test_the_size_of_a_page(firefly: FakeFirefly, query: dict[str, int], size: str) -> None:
    firefly.data['workspaces'] = make_workspaces(50)
    assert len(values(firefly, *SEARCH, query=query, all_pages=True)['entries']) == 50
    sent = [dict(parse_qsl(request.query)) for request in firefly.requests[1:]]
    assert sent == [{'page': str(page), 'pageSize': size} for page in range(len(sent))]


def test_a_failure_in_the_middle_counts_all_requests(firefly: FakeFirefly) -> None:
    values(firefly, PROJECT)
    firefly.fail(Fault(replace={'totalCount': 9}, path=f'/v2/{LIST}'), times=None)
    error, result = failure(firefly, LIST, query={'pageSize': 2}, all_pages=True)
    assert (error.code, result['attempts']) == ('invalid_response', 3)
    firefly.clear()
    error, result = failure(firefly, LIST, all_pages=True, max_entries=2)
    assert (error.code, result['attempts'], result['json']) == ('response_too_large', 1, None)
    assert values(firefly, LIST, all_pages=True, max_entries=3)['entries'] == firefly.data[PROJECTS]


def test_all_pages_together_have_a_limit(firefly: FakeFirefly, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _api._LIMIT == 32 * 1024 * 1024
    pages = [firefly.data['workspaces'][start : start + 2] for start in (0, 2)]
    size = sum(len(json.dumps(page)) for page in pages)
    monkeypatch.setattr(_api, '_LIMIT', size)
    assert values(firefly, *SEARCH, query={'pageSize': 2})['status'] == 200
    error, result = failure(firefly, *SEARCH, query={'pageSize': 2}, all_pages=True)
    assert (error.code, result['attempts']) == ('response_too_large', 3)
    firefly.fail(Fault(body=b'"' + b'x' * size + b'"', path=f'/v2/{PROJECT}'))
    assert failure(firefly, PROJECT)[0].code == 'response_too_large'


# Secrets


def echoes(secret: str) -> dict[str, t.Any]:
    """What a server can make of a secret, with something before and behind it."""
    shifted = {f'base64 {n}': base64.b64encode(b'x' * n + secret.encode() + b':more').decode() for n in range(3)}
    return {
        'header': f'Bearer {secret}',
        'list': [[secret]],
        secret: 1,
        'object': {f'a {secret} b': secret},
        'base64': base64.b64encode(secret.encode()).decode(),
        'base64 for a URL': base64.urlsafe_b64encode(secret.encode()).decode(),
        'url': quote(secret, safe=''),
        'form': quote_plus(secret),
        **shifted,
    }


ESCAPE = {char: f'\\u{ord(char):04x}' for char in '/' + string.ascii_letters}


@pytest.mark.parametrize('style', ['json', 'entries', 'failure'])
@pytest.mark.parametrize('escaped', [False, True])
def test_a_server_that_echoes_is_not_a_leak(style: str, escaped: bool) -> None:
    with FakeFirefly(keys={'access/ключ-1': 'secret+/=& "\\ü>?~~~>>>???'}) as firefly:
        values(firefly, PROJECT)
        secrets = [firefly.tokens[0], firefly.access_key, firefly.secret_key]
        content: t.Any = [echoes(secret) for secret in secrets]
        body: str = json.dumps([content] if style == 'json' else content)
        if escaped:  # as JSON may escape any character
            body = re.sub(r'\\u[0-9a-f]{4}|\\.|[a-zA-Z/]', lambda found: ESCAPE.get(found[0], found[0]), body)
            assert json.loads(body)
        path, status = f'/v2/{SEARCH[0]}', 500 if style == 'failure' else 200
        firefly.fail(Fault(status=status, body=body, path=path))
        firefly.fail(Fault(body='[]', path=path))
        outcome = ask(firefly, *SEARCH, all_pages=style == 'entries')
        found = outcome.values['entries' if style == 'entries' else 'json']
        shown = json.dumps(outcome.values, ensure_ascii=False) + str(outcome.error or '')
        assert shown.count('********') >= 3 * 9
        for secret, echo in zip(secrets, (found[0] if style == 'json' else found), strict=True):
            assert echo['header'] == 'Bearer ********'
            assert echo['list'] == [['********']]
            assert {echo[name] for name in ('url', 'form', 'base64', 'base64 for a URL')} == {'********'}
            assert echo['object'] == {'a ******** b': '********'}
            for form in (secret, *(text[4:-12] for name, text in echoes(secret).items() if name.startswith('base64'))):
                assert form not in shown


def test_short_keys_are_not_masked_in_a_response() -> None:
    with FakeFirefly(keys={'project': '1'}) as firefly:
        assert values(firefly, PROJECT)['json'] == {'id': 'project-1', 'name': 'project 1'}
