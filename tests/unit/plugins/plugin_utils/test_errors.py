# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS, FireflyError

CODES = {
    'invalid_option', 'missing_credentials', 'insecure_url', 'missing_library', 'dns', 'connect', 'timeout', 'tls',
    'proxy', 'redirect', 'unauthorized', 'forbidden', 'not_found', 'rate_limited', 'server_error', 'unexpected_status',
    'invalid_response', 'response_too_large', 'expires_too_soon',
}  # fmt: skip


def test_a_message_says_what_happened_and_what_to_do_next() -> None:
    assert set(HINTS) == CODES
    for code, hint in HINTS.items():
        assert str(FireflyError(code, 'It broke.')) == f'It broke. {hint}'
        assert hint.endswith('.'), code
    with pytest.raises(KeyError):
        str(FireflyError('ok', 'It did not break.'))


def test_the_failure_that_a_playbook_reads() -> None:
    error = FireflyError('server_error', 'It broke.', status=503, retryable=True)
    assert error.failure == {'code': 'server_error', 'status': 503, 'retryable': True}
