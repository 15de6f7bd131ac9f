# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a request to any endpoint."""

from __future__ import annotations

import json
import math
import types
import typing as t
from urllib.parse import urlencode

from ._endpoints import documented
from ._errors import FireflyError
from ._login import RunToken, validate_login
from ._operation import Context, Operation, Outcome
from ._option_sources import decrypt
from ._options import API_OPTIONS, Options
from ._pages import Params, all_entries
from ._request import Request, Response
from ._secrets import MASKED_LENGTH, scrub
from ._url import endpoint_path

#: The most that a task reads in all, in bytes.
_LIMIT = 32 * 1024 * 1024


def validate_api(raw: t.Mapping[str, t.Any]) -> Options:
    """The options of a request. ``paging`` says how to get all pages. It is ``None`` if they are not wanted.

    :raises FireflyError: if an option has an invalid value, or half of the key pair is missing.
    """
    options = dict(validate_login(raw, API_OPTIONS))
    if options['path'] is None:
        raise _invalid('path is missing')
    options['path'] = endpoint_path(options['path'])
    options['body'], options['query'] = _body(options['body']), _query(options['query'] or {})
    endpoint = documented(options['method'], options['path'])
    if options['read_only'] is None:
        options['read_only'] = options['method'] == 'GET' or endpoint is not None
    paging = endpoint.paging if endpoint and options['all_pages'] else None
    if options['all_pages'] and not (paging and options['read_only']):
        raise _invalid('all_pages works only for a list whose paging is known, and not with "read_only: false"')
    if paging and (not isinstance(own := options[paging.where] or {}, dict) or paging.cursor in own):
        raise _invalid(f'{paging.where} must be a dictionary without {paging.cursor}, which all_pages sets')
    return types.MappingProxyType({**options, 'paging': paging})


def _body(value: t.Any) -> t.Any:
    """The body in plain types. A string must be JSON text, which is what a template of a dictionary returns before
    ansible-core 2.19."""
    try:
        return _content((value if isinstance(value, str) else json.dumps(value, default=decrypt)).encode(), ())
    except (TypeError, ValueError, RecursionError):
        raise _invalid('body must be data that can be sent as JSON, or a string that is JSON text') from None


def _query(query: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """The parameters as text. A list repeats its name, and null is left out."""
    try:
        listed = {str(name): value if isinstance(value, list) else [value] for name, value in query.items()}
        texts = {name: [_text(decrypt(each)) for each in values if each is not None] for name, values in listed.items()}
        urlencode(texts, doseq=True)
    except (TypeError, ValueError):
        raise _invalid('query must hold only strings, numbers, booleans and lists of these') from None
    return texts


def _text(value: t.Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise TypeError
    return str(value).lower() if isinstance(value, bool) else str(value)


def _invalid(what: str) -> FireflyError:
    return FireflyError('invalid_option', f'The option {what}.')


def call(options: Options, context: Context) -> Outcome:
    """Make the request. The values are what the module ``firefly_api`` returns, on success and on failure.

    :raises FireflyError: if nothing was sent.
    """
    if context.check_mode and not options['read_only']:
        said = f'{options["method"]} {_url(options)} was not sent, because this is check mode.'
        return Outcome(_values(options, changed=True, json=None, msg=said))
    caller = _Caller(options, context)
    try:
        found = caller.call()
    except FireflyError as error:
        attempts = caller.attempts + error.attempts
        return Outcome(_values(options, error.changed, attempts, error, json=caller.said(error)), error)
    changed = not options['read_only'] and caller.last is not None and caller.last.status in range(200, 300)
    return Outcome(_values(options, changed, caller.attempts, caller.last, **found))


class _Caller:
    """Sends the requests of a task. ``attempts`` counts them, and ``last`` is the last response."""

    def __init__(self, options: Options, context: Context) -> None:
        from ._client import FireflyClient  # imports requests, which check mode does not need

        self._options = options
        self._client = FireflyClient(options, context.report)
        self._token = RunToken(options, context)
        self._left = _LIMIT
        self.attempts = 0
        self.last: Response | None = None

    def call(self) -> dict[str, t.Any]:
        """The ``json`` of the response, or the ``entries`` of all ``pages``.

        :raises FireflyError: if a response has the wrong status or content, or there is none.
        """
        paging, query, body = (self._options[name] for name in ('paging', 'query', 'body'))
        if paging is None:
            return {'json': self._ask(query, body)}
        entries, pages = all_entries(paging, query, body, self._options['max_entries'], self._ask)
        return {'entries': entries, 'pages': pages}

    def _ask(self, query: Params, body: t.Any) -> t.Any:
        options, path = self._options, f'/v2/{self._options["path"]}'
        expect, text = options['status_code'] or range(200, 300), urlencode(query, doseq=True)
        asked = (options['method'], path, expect, text, body, self._token, options['read_only'], self._left)
        self.last = response = self._client.request(Request(*asked))
        self.attempts += response.attempts
        self._left -= len(response.body)
        if response.status >= 300:  # the content of errors is not documented
            return self.said(response)
        try:
            return self._content(response.body)
        except ValueError as error:
            what = f'{options["method"]} {_url(options)} returned {response.status}, but {error}.'
            raise FireflyError(
                'invalid_response', what, status=response.status, changed=not options['read_only']
            ) from None

    def said(self, ended: Response | FireflyError) -> t.Any:
        """The content of the response to a failure, if it is JSON."""
        try:
            return self._content(ended.body)
        except ValueError:
            return None

    def _content(self, body: bytes) -> t.Any:
        return _content(body, (str(self._token), self._options['secret_key'], self._options['access_key']))


def _content(body: bytes, secrets: t.Iterable[str]) -> t.Any:
    """The JSON in a body, or ``None`` if it is empty. Secrets in it are masked, unless they are very short.

    :raises ValueError: if it is not JSON, or would break a callback. The text says why, and repeats nothing of it.
    """
    if not body.strip():
        return None
    try:
        content = json.loads(body, parse_int=_finite, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise ValueError('the response is not valid JSON') from None
    return scrub(content, [secret for secret in secrets if len(secret) >= MASKED_LENGTH])


def _finite(text: str) -> float:
    number = float(text)  # infinite if there are hundreds of digits
    if not math.isfinite(number):
        raise ValueError
    return int(text) if text.removeprefix('-').isdigit() else number


def _values(
    options: Options, changed: bool, attempts: int = 0, ended: Response | FireflyError | None = None, **found: t.Any
) -> dict[str, t.Any]:
    told = {'status': ended and ended.status, 'latency_ms': ended and ended.latency_ms}
    return {**told, 'url': _url(options), 'attempts': attempts, 'changed': changed, **found}


def _url(options: Options) -> str:
    return f'{options["api_url"]}/v2/{options["path"]}'


API = Operation('firefly_api', API_OPTIONS, validate_api, call, fact=False)
