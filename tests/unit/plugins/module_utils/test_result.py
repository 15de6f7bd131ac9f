# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.firefly.platform.plugins.module_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.module_utils._result import failed, succeeded


def test_success_is_the_result_and_the_same_as_a_fact() -> None:
    assert succeeded('firefly_login', {'expires_in': 5, 'reused': False}) == {
        'changed': False,
        'expires_in': 5,
        'reused': False,
        'ansible_facts': {'firefly_login': {'expires_in': 5, 'reused': False}},
    }


def test_warnings_are_no_fact() -> None:
    values = succeeded('firefly_login', {'expires_in': 5, 'warnings': ['the clock']})
    assert values['warnings'] == ['the clock']
    assert values['ansible_facts'] == {'firefly_login': {'expires_in': 5}}


def test_the_fact_is_a_copy_and_the_result_stays() -> None:
    result = {'expires_in': 5, 'warnings': []}
    values = succeeded('firefly_login', result)
    del values['ansible_facts']['firefly_login']['expires_in']
    assert values['expires_in'] == 5
    assert result == {'expires_in': 5, 'warnings': []}


def test_failure_without_a_result_has_no_facts() -> None:
    error = FireflyError('unauthorized', 'It said no.', status=401)
    assert failed('firefly_login', error) == error.as_result()
    assert 'ansible_facts' not in failed('firefly_login', error)


def test_failure_with_a_result_has_it_as_a_fact_too() -> None:
    error = FireflyError('server_error', 'It is down.', status=503)
    error.result = {'healthy': False, 'status_code': 503}
    values = failed('firefly_health', error)
    assert values == {**error.as_result(), 'ansible_facts': {'firefly_health': error.result}}
    assert (values['healthy'], values['failed']) == (False, True)
