# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.firefly.platform.plugins.module_utils._errors import (
    HINTS,
    FireflyError,
    OptionError,
    RefusedError,
)

# every code that a result can have, less ok
CODES = [
    'invalid_option',
    'missing_credentials',
    'insecure_url',
    'missing_library',
    'dns',
    'connect',
    'timeout',
    'tls',
    'proxy',
    'redirect',
    'unauthorized',
    'forbidden',
    'not_found',
    'rate_limited',
    'server_error',
    'unexpected_status',
    'invalid_response',
    'response_too_large',
    'expires_too_soon',
]


def test_the_codes_are_the_designed_ones() -> None:
    assert set(HINTS) == set(CODES)


@pytest.mark.parametrize('code', CODES)
def test_a_message_says_what_happened_and_what_to_do(code: str) -> None:
    error = FireflyError(code, 'It broke.')
    assert str(error) == f'It broke. {HINTS[code]}'
    assert HINTS[code].endswith('.')


def test_a_code_that_there_is_not() -> None:
    with pytest.raises(KeyError):
        raise FireflyError('ok', 'It did not break.')


@pytest.mark.parametrize('code', CODES)
@pytest.mark.parametrize('status,retryable', [(None, True), (429, True), (200, False)])
def test_from_a_result_and_back(code: str, status: int | None, retryable: bool) -> None:
    error = FireflyError(code, 'It broke.', status=status, retryable=retryable)
    again = FireflyError.from_result(error.as_result())
    assert (again.code, again.status, again.retryable, str(again)) == (code, status, retryable, str(error))
    assert again.as_result() == error.as_result()


@pytest.mark.parametrize('code', CODES)
def test_a_refusal_is_one_again_after_the_journey(code: str) -> None:
    again = FireflyError.from_result(FireflyError(code, 'It broke.').as_result())
    assert isinstance(again, RefusedError) == (code in ('unauthorized', 'forbidden'))


def test_what_a_failed_task_returns() -> None:
    error = FireflyError('server_error', 'It broke.', status=503, retryable=True)
    assert error.as_result() == {
        'changed': False,
        'failed': True,
        'msg': f'It broke. {HINTS["server_error"]}',
        'failure': {'code': 'server_error', 'status': 503, 'retryable': True},
    }


def test_the_result_comes_with_the_failure_and_does_not_hide_it() -> None:
    error = FireflyError('server_error', 'It broke.')
    error.result = {'healthy': False, 'msg': 'other', 'failed': False}
    values = error.as_result()
    assert values['healthy'] is False
    assert values['msg'] == str(error)
    assert values['failed'] is True


@pytest.mark.parametrize('code', ['invalid_option', 'missing_credentials', 'insecure_url'])
def test_an_option_error_was_never_sent(code: str) -> None:
    error = OptionError('It is wrong.', code)
    assert (error.code, error.status, error.retryable, error.attempts) == (code, None, False, 0)


def test_one_except_catches_all() -> None:
    errors: list[t.Any] = [OptionError('x'), RefusedError('forbidden', 'x')]
    assert all(isinstance(error, FireflyError) for error in errors)
    assert OptionError('x').code == 'invalid_option'
