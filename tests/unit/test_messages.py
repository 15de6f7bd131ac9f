# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No message repeats a value that it was given; it names the option."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.firefly.platform.plugins.plugin_utils._api import Api
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import FireflyError
from ansible_collections.firefly.platform.plugins.plugin_utils._health import Health
from ansible_collections.firefly.platform.plugins.plugin_utils._login import Login
from ansible_collections.firefly.platform.plugins.plugin_utils._lookup import TERMS, look_up
from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation
from ansible_collections.firefly.platform.plugins.plugin_utils._option_sources import Sources, resolve
from ansible_collections.firefly.platform.plugins.plugin_utils._options import (
    OPTIONS,
    SHARED_OPTIONS,
    environment_names,
    variable_name,
)
from helpers.wrong_values import (
    KINDS,
    NEEDLE,
    REASONS,
    TEMPLATE_VARIABLES,
    TEMPLATES,
    Place,
    is_refusal,
    make_place,
    names,
    shows,
    without_url,
)

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string is a template that is not marked as unsafe

    def trust_as_template(value: str) -> str:
        return value


# which kinds these options can be
USABLE = {
    'access_key_file': ['file'],
    'secret_key_file': ['file'],
    'ca_path': ['folder'],
    'query': ['dict', 'dict with it as a key', 'URL with a query'],  # ansible-core takes key=value for a dictionary
    'body': ['list', 'dict', 'dict with it as a key', 'number', 'negative number', 'number as text'],
}
MISSING = ['text', 'relative path', 'home folder', 'variable', 'variable that is set']


@pytest.fixture(scope='module')
def whole_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from make_place(tmp_path_factory.mktemp('playbook'))


@pytest.fixture
def place(whole_place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(whole_place.folder)
    monkeypatch.setenv('HIDING', NEEDLE)
    return whole_place


def make_sources(place: Place, wrong: str, value: Any, source: str) -> Sources:
    """Sources of which one gives the wrong value."""
    arguments, variables, environment = place.right_options(wrong), {}, {}
    if source == 'argument':
        arguments[wrong] = value
    elif source == 'variable':
        variables = {variable_name(wrong): value, 'pair': trust_as_template(TEMPLATE_VARIABLES['pair'])}
    else:
        environment[source] = value
    loader = DataLoader()
    loader.set_basedir(str(place.folder))
    template = Templar(loader=loader, variables=variables).template
    return Sources(
        arguments=arguments,
        variables=variables,
        environment=environment,
        template=template,
        resolve_path=loader.path_dwim,
    )


def source_names(option: str, value: Any) -> list[str]:
    """Which sources can give the value: ``argument``, ``variable`` and environment variables."""
    if not OPTIONS[option].fallback:
        return ['argument']
    is_text = isinstance(value, str) and '\0' not in value
    return ['argument', 'variable', *(environment_names(option) if is_text else ())]


def chain(error: BaseException | None) -> Iterator[str]:
    """The texts of an exception and of those that are shown with it."""
    while error:
        yield from (str(error), repr(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def said_by(operation: Operation, sources: Sources) -> tuple[str, str]:
    """The message of an operation that fails, and everything that it says."""
    said: list[str] = []
    message = ''
    try:
        options = operation.validate(resolve(operation.options, sources))
        outcome = operation.run(options, Context(said.append))
        error, values = outcome.error, outcome.values if outcome.error else {}
    except FireflyError as failed:
        error, values = failed, operation.values_without_response(failed)
    if error:
        message = str(error)
        said += [*chain(error), error.what, json.dumps([error.failure, values], default=str)]
    return message, '\n'.join(said)


def said_by_lookup(terms: list[Any], sources: Sources) -> tuple[str, str]:
    """The message of a lookup that fails, and everything that it says."""
    try:
        look_up(terms, sources)
    except AnsibleLookupError as error:
        return str(error), '\n'.join(chain(error))
    return '', ''


def said(option: str, value: Any, source: str, place: Place) -> dict[str, tuple[str, str]]:
    """What each edge says about the value: its message, and everything that it says."""
    sources = make_sources(place, option, value, source)
    wait = {'wait': True} if option.startswith('wait_') else {}
    path = {} if option == 'path' else {'path': 'workspaces'}
    message, text = said_by(Api(), replace(sources, arguments={**path, **sources.arguments}))
    return {
        'login': said_by(Login(), sources),
        'health': said_by(Health(), replace(sources, arguments={**sources.arguments, **wait})),
        'api': (message, without_url(option, text)),
        'basic': said_by_lookup(['basic_authorization'], sources),
        'lookup': said_by_lookup(['token'], sources),
    }


@pytest.mark.parametrize('option', OPTIONS)
def test_no_message_repeats_the_value_of_an_option(place: Place, option: str) -> None:
    edge = 'login' if option in SHARED_OPTIONS else 'health' if option in Health.options else 'api'
    for kind, source in [(kind, source) for kind, value in KINDS.items() for source in source_names(option, value)]:
        about = f'{option} by {source} as {kind}'
        found = said(option, wrap_var(KINDS[kind]), source, place)
        assert {edge: text for edge, (_message, text) in found.items() if shows(text)} == {}, about
        refusals = [message for message, _text in found.values() if is_refusal(message)]
        assert [message for message in refusals if not names(message, option)] == [], about
        message = found[edge][0]
        if OPTIONS[option].type != 'str' and kind not in USABLE.get(option, ()) or option == 'api_url':
            assert message in refusals, about
        if OPTIONS[option].type == 'path' and kind.startswith('PEM'):
            assert 'PEM' in message, about
        if OPTIONS[option].type == 'path' and kind in MISSING:
            assert f'not found in {place.folder}.' in message, about


def test_the_address_of_a_request_is_shown(place: Place) -> None:
    address = f'http://127.0.0.1:{place.port}/{NEEDLE}'
    for source in source_names('api_url', address):
        for edge, (message, text) in said('api_url', address, source, place).items():
            assert address in message or edge == 'basic'
            assert not shows(text.replace(address, ''))


@pytest.mark.parametrize('option', SHARED_OPTIONS)
def test_a_variable_that_cannot_be_templated(place: Place, option: str) -> None:
    for kind, template in TEMPLATES.items():
        sources = make_sources(place, option, trust_as_template(template), 'variable')
        for message, text in (said_by(Login(), sources), said_by_lookup(['token'], sources)):
            assert message.startswith(f'The variable {variable_name(option)} cannot be templated. '), kind
            assert REASONS[kind] in message, kind
            is_expression = template.startswith('{{') and template.endswith('}}') and '}}{{' not in template
            assert ('If "{{", "{%" or "{#" is part of its value, mark it as !unsafe.' in message) != is_expression
            assert not shows(text), kind


@pytest.mark.parametrize('is_expression', [True, False])
def test_the_variables_of_a_template_are_named_at_vvv(
    place: Place, is_expression: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not where the template may be a part of a key."""
    text = trust_as_template('{{ pair.secret_key ~ nothing }}' if is_expression else 'a{{ nothing }}')
    said_by(Login(), make_sources(place, 'secret_key', text, 'variable'))
    assert capsys.readouterr() == ('', '')
    monkeypatch.setattr(Display(), 'verbosity', 3)
    said_by(Login(), make_sources(place, 'secret_key', text, 'variable'))
    line = 'The variable firefly_secret_key refers to pair, nothing (not set).\n' if is_expression else ''
    assert capsys.readouterr().out == line


@pytest.mark.parametrize('kind', KINDS)
def test_an_unknown_term_or_option(place: Place, kind: str) -> None:
    value = wrap_var(KINDS[kind])
    sources = make_sources(place, 'retries', 0, 'argument')
    for terms in ([value], ['token', value], [[value]]):
        message, text = said_by_lookup(terms, sources)
        assert ', '.join(TERMS) in message
        assert not shows(text)
    sources = replace(sources, arguments={**sources.arguments, 'retrys': value})
    found = [said_by(operation, sources) for operation in (Login(), Health(), Api())]
    for message, text in (*found, *(said_by_lookup([term], sources) for term in TERMS)):
        assert 'There is no option retrys.' in message
        assert not shows(text)
