# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of a task, with the token of the run."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace
from http import HTTPStatus

from . import _json
from ._client import FireflyClient
from ._errors import FireflyError
from ._login import RENEWAL_PAUSE, token_of_run
from ._operation import Context
from ._options import Options
from ._request import Request, Response
from ._secrets import MASKED_LENGTH, masked
from ._token import Token


class Session:
    """Sends the requests of a task. ``requests`` counts them, without those of a login.

    :raises FireflyError: if there is no token.
    """

    def __init__(self, options: Options, context: Context) -> None:
        self._options = options
        self._context = context
        self._client = FireflyClient(options, context.report)
        self._grant = token_of_run(options, context)
        self._granted_at = time.monotonic()

    @property
    def requests(self) -> int:
        return self._client.requests

    def send(self, request: Request) -> Response:
        """The response to the request, which gets the token.

        A token that has run out is replaced first. One that the endpoint refuses is replaced, and the request is sent
        once more.

        :raises FireflyError: if there is no response, or not one that the request expects.
        """
        if self._grant.token.expires_in < 1:
            self._renew()
        without_401 = replace(request, expect=set(request.expect) - {HTTPStatus.UNAUTHORIZED})
        try:
            return self._send(without_401)
        except FireflyError as error:
            if error.code != 'unauthorized':
                raise
            if self._renew_refused():
                return self._send(request)
            if error.response and error.response.status in request.expect:
                return error.response
            raise

    def content(self, response: Response) -> t.Any:
        """The JSON of the response, with secrets masked, or ``None`` if it is empty. Very short secrets are not masked.

        :raises ValueError: if it is not JSON that a callback can show. The text says why, and does not repeat it.
        """
        if not response.body.strip():
            return None
        secrets = (self._grant.token.access_token, self._options['secret_key'])
        return masked(_json.parse(response.body), [secret for secret in secrets if len(secret) >= MASKED_LENGTH])

    def _send(self, request: Request) -> Response:
        token = self._grant.token.access_token
        return self._client.request(replace(request, token=token))

    def _renew(self, refused: Token | None = None) -> None:
        self._grant = token_of_run(self._options, self._context, refused)
        self._granted_at = time.monotonic()

    def _renew_refused(self) -> bool:
        """Replace the token that an endpoint refused, and return whether there is another one.

        A login of this task just now is not repeated, unless its token has run out: the endpoint refuses these keys.
        """
        refused = self._grant.token
        is_new = time.monotonic() - self._granted_at < RENEWAL_PAUSE
        if is_new and not self._grant.is_from_cache and refused.expires_in >= 1:
            return False
        self._renew(refused)
        return self._grant.token.access_token != refused.access_token
