# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context
from helpers.client import failure
from helpers.needles import leaks
from helpers.operations import perform
from helpers.wire_faults import ACCESS_KEY, BY_NAME, FAULTS, PROXY_PASSWORD, SECRET_KEY, TOKEN, stage

TEMPORARY = ('dns', 'connect', 'timeout', 'rate_limited')
#: Those with which a proxy refuses to connect.
PROXY_STATUSES = {'a proxy that wants a password': 407, 'a proxy that says no': 403, 'a proxy that redirects': 302}
# these never get as far as a response
NOT_OF_THE_WIRE = {'invalid_option', 'missing_credentials', 'insecure_url', 'missing_library'}


def test_the_table_has_every_code_and_no_name_twice() -> None:
    assert {fault.code for fault in FAULTS} == {'ok', *HINTS} - NOT_OF_THE_WIRE
    assert len(BY_NAME) == len(FAULTS)
    assert all(hint.endswith('.') for hint in HINTS.values())


@pytest.mark.parametrize('name', BY_NAME)
def test_a_login_reports_the_code_of_each_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = BY_NAME[name]
    lines: list[str] = []
    with stage(fault, tmp_path) as scene:
        for variable, value in scene.environment.items():
            monkeypatch.setenv(variable, value)
        given, context = {**scene.options, 'token_cache': False}, Context(report=lines.append)
        started = time.monotonic()
        if fault.code == 'ok':
            values = perform(Login(), given, context).values
            assert values['access_token'] == TOKEN
            assert values['expires_in'] >= 60
        else:
            error = failure(perform, Login(), given, context)
            text = f'{error} {json.dumps(error.failure)}'
            assert error.code == fault.code, text
            assert str(error) == f'{error.what} {error.hint}'
            assert error.failure == {'code': error.code, 'status': error.status, 'retryable': error.retryable}
            assert text.startswith(f'POST {given["api_url"]}/v2/login ')
            no_response = fault.proxy or fault.code in ('dns', 'connect', 'timeout', 'tls')
            assert (error.status is None) == (no_response and name not in PROXY_STATUSES)
            assert error.status == PROXY_STATUSES.get(name, error.status)
            assert ('through the proxy from the environment' in text) == (fault.proxy and fault.code != 'proxy')
            if fault.code not in ('tls', 'server_error'):  # some of these are temporary
                assert error.retryable == (fault.code in TEMPORARY)
            # what it was made from can hold the keys
            assert error.__cause__ is None
            assert error.__suppress_context__ or error.__context__ is None
            assert len(text) < 1000
            assert text.isprintable()
            assert list(leaks([SECRET_KEY, ACCESS_KEY, TOKEN, PROXY_PASSWORD], [text, *lines])) == []
        assert time.monotonic() - started < 15  # generous, for a busy machine
