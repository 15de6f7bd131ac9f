# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a template fails, without a word of its text and its values.

The texts of ansible-core's exceptions repeat both. Their types tell the kind, and the names of lookups and variables
come from the templates themselves.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.vault import AnsibleVaultError
from ansible.plugins.loader import lookup_loader
from jinja2 import Environment, TemplateSyntaxError, nodes

#: From ansible-core 2.19 on, this is what templating makes of an AnsibleVaultError. It is in a private module.
_UNDECRYPTABLE = 'UndecryptableVaultError'

_LOOKUP_FUNCTIONS = ('lookup', 'query', 'q')
#: What ansible-core defines in each template.
_GLOBALS = (*_LOOKUP_FUNCTIONS, 'hostvars', 'now', 'omit', 'undef', 'vars')


class Template(t.NamedTuple):
    """What a template uses, itself or through variables whose values are templates."""

    variables: list[str]
    lookups: list[str]
    has_filters: bool


def is_vault_error(error: BaseException) -> bool:
    """Whether the error means that a value could not be decrypted."""
    return any(
        isinstance(link, AnsibleVaultError) or link.__class__.__name__ == _UNDECRYPTABLE for link in _chain(error)
    )


def reason(error: BaseException, template: Template) -> str:
    """Why the template failed with this error, in a sentence."""
    links = list(_chain(error))
    if is_vault_error(error):
        return 'It refers to a value that cannot be decrypted: the vault password is missing or wrong.'
    if any(isinstance(link, AnsibleUndefinedVariable) for link in links):
        return 'It refers to a variable or an attribute that is undefined.'
    missing = [name for name in template.lookups if not lookup_loader.has_plugin(name)]
    if missing:
        return f'The lookup plugin {missing[0]} is not installed.'
    if any(isinstance(link, TemplateSyntaxError) for link in links):
        return 'It is not a valid template, or uses a filter or a test that is not installed.'
    if template.lookups:
        failed = ' or '.join(template.lookups)
        return f'The lookup {failed}, or a filter, failed.' if template.has_filters else f'The lookup {failed} failed.'
    return 'An expression in it failed.'


def read_template(value: t.Any, variables: t.Mapping[str, t.Any]) -> Template:
    """What the templates in the value use."""
    names: list[str] = []
    lookups: list[str] = []
    has_filters = False
    values = [value]
    while values:
        for tree in map(_parsed, _texts(values.pop(0))):
            has_filters = has_filters or tree.find(nodes.Filter) is not None
            lookups += [name for name in _lookup_names(tree) if name not in lookups]
            for name in [node.name for node in tree.find_all(nodes.Name)]:
                if name not in names and name not in _GLOBALS:
                    names.append(name)
                    values.append(variables.get(name))
    return Template(names, lookups, has_filters)


def is_one_expression(value: t.Any) -> bool:
    """Whether the value is ``{{ ... }}`` and nothing else. Then it is not a key that looks like a template."""
    if not isinstance(value, str):
        return False
    body = _parsed(value).body
    return len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1


def _parsed(text: str) -> nodes.Template:
    """The parsed template. It is empty if it is not valid."""
    try:
        return Environment(autoescape=True).parse(text)
    except TemplateSyntaxError:
        return Environment(autoescape=True).parse('')


def _lookup_names(tree: nodes.Template) -> t.Iterator[str]:
    """The names of the lookups that the template calls, where they are constants."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _LOOKUP_FUNCTIONS and call.args:
            name = call.args[0]
            if isinstance(name, nodes.Const) and isinstance(name.value, str):
                yield name.value


def _texts(value: t.Any) -> t.Iterator[str]:
    """All texts in the value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """The error and its causes, outermost first."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
