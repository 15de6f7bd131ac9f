# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._request import Response

RESPONSE = Response(status=503, headers={'Retry-After': '7'}, body=b'{}', latency_ms=12, retry_after=7)


@pytest.mark.parametrize('clone', [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_an_error_can_be_copied_and_pickled(clone: Callable[[FireflyError], FireflyError]) -> None:
    error = FireflyError('server_error', 'It is down.', response=RESPONSE, retryable=True, changed=True)
    twin = clone(error)
    assert twin is not error
    assert vars(twin) == vars(error)
    assert (str(twin), twin.failure) == (str(error), error.failure)
    assert twin.failure == {'code': 'server_error', 'status': 503, 'retryable': True}
