# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a request to any endpoint."""

from __future__ import annotations

import contextlib
import json
import math
import re
import typing as t
from datetime import date

from . import _json
from ._credentials import validate_with_keys
from ._endpoints import Paging, documented
from ._errors import FireflyError
from ._operation import Context, Operation, Outcome
from ._option_sources import decrypt
from ._options import API_OPTIONS, Options
from ._pages import ListMovedError, PagedList
from ._request import Query, Request, Response
from ._secrets import MASKED_LENGTH, masked
from ._session import Session
from ._url import endpoint_path

#: The most that a response, or all pages of a list together, may have, in bytes.
_LIMIT = 32 * 1024 * 1024


class Api(Operation):
    """Make a request, or get all pages of a list."""

    name = 'firefly_api'
    options = API_OPTIONS
    sets_fact = False

    def validate(self, raw: Options) -> Options:
        """The validated options, and ``paging``: how to get all pages, or ``None`` if they are not wanted."""
        options = validate_with_keys(self.options, raw)
        if options['path'] is None:
            raise _invalid('path is missing. Use a path such as workspaces/search')
        path = endpoint_path(options['path'])
        endpoint = documented(options['method'], path)
        read_only = options['read_only']
        if read_only is None:
            read_only = options['method'] == 'GET' or endpoint is not None
        options = options.replace(
            path=path,
            read_only=read_only,
            query=_query(options['query'] or {}),
            body=_body(options['body']),
            status_code=options['status_code'] or range(200, 300),
        )
        if not options['all_pages']:
            return options.replace(paging=None)
        if not read_only:
            raise _invalid('all_pages does not work with "read_only: false"')
        if endpoint is None or endpoint.paging is None:
            raise _invalid('all_pages works only for a list whose paging is known')
        _refuse_cursor(options, endpoint.paging)
        return options.replace(paging=endpoint.paging)

    def run(self, options: Options, context: Context) -> Outcome:
        if context.check_mode and not options['read_only']:
            return _not_sent(options, context)
        return _Call(options, Session(options, context)).run()


class _Call:
    """The requests of a task."""

    def __init__(self, options: Options, session: Session) -> None:
        self._options = options
        self._session = session

    def run(self) -> Outcome:
        paging = self._options['paging']
        try:
            return self._all_pages(paging) if paging else self._single_request()
        except FireflyError as error:
            return self._failed(error)

    def _single_request(self) -> Outcome:
        response = self._send(self._options['query'], self._options['body'], _LIMIT)
        changed = not self._options['read_only'] and response.status in range(200, 300)
        content = self._content(response)
        return Outcome(self._values(response=response, status=response.status, changed=changed, json=content))

    def _all_pages(self, paging: Paging) -> Outcome:
        """The whole list. It is read once more if it moved, with the same limits as before."""
        with contextlib.suppress(ListMovedError):
            return self._read_list(paging)
        return self._read_list(paging)

    def _read_list(self, paging: Paging) -> Outcome:
        options = self._options
        pages = PagedList(
            paging=paging, query=options['query'], body=options['body'], max_entries=options['max_entries']
        )
        bytes_left = _LIMIT
        while True:
            response = self._send(pages.query, pages.body, bytes_left)
            bytes_left -= len(response.body)
            pages.add(self._content(response), response.status)
            if pages.is_complete:
                break
        return Outcome(
            self._values(
                response=response, status=response.status, changed=False, entries=pages.entries, pages=pages.pages
            )
        )

    def _failed(self, error: FireflyError) -> Outcome:
        content = None
        if error.response:
            with contextlib.suppress(ValueError):
                content = self._session.content(error.response)
        values = self._values(response=error.response, status=error.status, changed=error.changed, json=content)
        return Outcome(values, error)

    def _send(self, query: Query, body: t.Any, limit: int) -> Response:
        return self._session.send(
            Request(
                method=self._options['method'],
                path=f'/v2/{self._options["path"]}',
                expect=self._options['status_code'],
                query=query,
                json=body,
                read_only=self._options['read_only'],
                limit=limit,
            )
        )

    def _content(self, response: Response) -> t.Any:
        """The JSON of the response. That of an error, whose content is not documented, is ``None`` if it is not JSON.

        :raises FireflyError: ``invalid_response`` if a success is not JSON.
        """
        try:
            return self._session.content(response)
        except ValueError as error:
            if response.status >= 300:
                return None
            where = f'{self._options["method"]} {_url(self._options)}'
            raise FireflyError(
                'invalid_response',
                f'{where} returned {response.status}, but the response is {error}.',
                response=response,
                changed=not self._options['read_only'],
            ) from None

    def _values(
        self, *, response: Response | None, status: int | None, changed: bool, **content: t.Any
    ) -> dict[str, t.Any]:
        return {
            'status': status,
            'latency_ms': response.latency_ms if response else None,
            'url': _url(self._options),
            'requests': self._session.requests,
            'changed': changed,
            **content,
        }


def _not_sent(options: Options, context: Context) -> Outcome:
    """What a write returns in check mode."""
    where = f'{options["method"]} {_url(options)}'
    values: dict[str, t.Any] = {
        'status': None,
        'latency_ms': None,
        'url': _url(options),
        'requests': 0,
        'changed': True,
        'json': None,
        'msg': f'{where} was not sent, because this is check mode.',
    }
    if context.diff_mode and options['body'] is not None:
        secrets = [key for key in (options['secret_key'],) if len(key) >= MASKED_LENGTH]
        body = json.dumps(masked(options['body'], secrets), indent=2, ensure_ascii=False)
        values['diff'] = {'before': '', 'after': f'{body}\n', 'before_header': '', 'after_header': where}
    return Outcome(values)


def _url(options: Options) -> str:
    return f'{options["api_url"]}/v2/{options["path"]}'


def _body(value: t.Any) -> t.Any:
    """The body in plain types. A string must be JSON text, which is what a template of a dictionary returns before
    ansible-core 2.19."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else json.dumps(_sendable(value, 'body'))
        return _json.parse(text)
    except (TypeError, ValueError, RecursionError):
        raise _invalid('body must be data that can be sent as JSON, or a string that is JSON text') from None


def _sendable(value: t.Any, place: str) -> t.Any:
    """The value with what JSON has a type for. Dates become text in ISO 8601.

    ``place`` says in a message where in an option the value is, such as ``body.filters[2]``.
    """
    if isinstance(value, dict):
        return {key: _sendable(part, _place_of(key, place)) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(part, f'{place}[{index}]') for index, part in enumerate(value)]
    return _scalar(value, place)


def _place_of(key: t.Any, place: str) -> str:
    # a key that does not look like a name may be a secret in the wrong place
    return f'{place}.{key}' if isinstance(key, str) and re.fullmatch(r'[A-Za-z_]\w{0,40}', key) else f'{place}[...]'


def _scalar(value: t.Any, place: str) -> t.Any:
    value = decrypt(value, f'option {place}')
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    if value is None or isinstance(value, str) or _is_finite(value):
        return value
    raise _invalid(f'{place} cannot be sent as JSON')


def _is_finite(value: t.Any) -> bool:
    """Whether it is a number, or a boolean, of less than 309 digits."""
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:
        return False


def _query(query: t.Mapping[str, t.Any]) -> Query:
    """The parameters as text. A list repeats its name, and null is left out."""
    texts: dict[str, list[str]] = {}
    for name, value in query.items():
        place = _place_of(name, 'query')
        parts = {place: value}
        if isinstance(value, list):
            parts = {f'{place}[{index}]': part for index, part in enumerate(value)}
        values = [_text(part, where) for where, part in parts.items() if part is not None]
        texts[_encodable(name, place)] = values
    return texts


def _text(value: t.Any, place: str) -> str:
    """The value of a parameter as text."""
    if isinstance(value, (dict, list, tuple)):
        raise _invalid(f'{place} must be a string, a number, a boolean, a date or a list of these')
    scalar = _scalar(value, place)
    if isinstance(scalar, bool):
        return str(scalar).lower()
    return _encodable(scalar, place)


def _encodable(value: t.Any, place: str) -> str:
    """The value as text that a URL can hold."""
    try:
        text = str(value)
        text.encode()
    except ValueError:  # a number of thousands of digits, or half of a surrogate pair
        raise _invalid(f'{place} must be text that UTF-8 can hold') from None
    return text


def _refuse_cursor(options: Options, paging: Paging) -> None:
    """Refuse parameters that cannot take the cursor of a page.

    :raises FireflyError: ``invalid_option`` if they are not a dictionary, or hold a cursor.
    """
    parameters = options[paging.where] or {}
    if not isinstance(parameters, dict) or paging.parameter in parameters:
        raise _invalid(f'{paging.where} must be a dictionary without {paging.parameter}, which all_pages sets')


def _invalid(what: str) -> FireflyError:
    return FireflyError('invalid_option', f'The option {what}.')
