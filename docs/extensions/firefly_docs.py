# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Sphinx extension with what this documentation takes from the code, and with its links to Ansible's own."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ERRORS = Path(__file__).parents[2] / 'plugins/plugin_utils/_errors.py'

#: A comment where docs.ansible.com, which has no extension of ours, builds the guides.
HINTS_HERE = '.. firefly-hints\n'
FAULTS_HERE = '.. firefly-faults\n'

ANSIBLE_DOCS = 'https://docs.ansible.com/projects/ansible/latest/'
#: Labels of Ansible's documentation, and the pages they are on. Its inventory would have to be downloaded.
ANSIBLE_LABELS = {
    'action_plugins': 'plugins/action.html',
    'common_return_values': 'reference_appendices/common_return_values.html',
}

#: antsibull-docs knows these as the lookup's alone: it cannot see what an action plugin reads.
ENVIRONMENT_INTRO = """\
Environment variables
=====================

The modules, the lookup and the roles take these, on the controller. What a task or a variable says goes before
them, see :ref:`ansible_collections.firefly.platform.docsite.guide_keys`.

"""


def hints() -> dict[str, str]:
    """What to do next, by error code, as the collection says it."""
    found: dict[str, str] = runpy.run_path(str(ERRORS))['HINTS']
    return found


def hints_table() -> str:
    """The hints as reStructuredText, each code a link to the section of that name."""
    lines = ['.. list-table::', '   :header-rows: 1', '   :widths: 25 75', '', '   * - Code', '     - What to do next']
    for code, hint in hints().items():
        text = re.sub(r'([\\*`|_:])', r'\\\1', hint)  # the colon, so that an address is not a link
        lines += [f'   * - `{code}`_', f'     - {text}']
    return '\n'.join([*lines, ''])


def faults_table() -> str:
    """The faults that the tests try, by the code that each gives, as reStructuredText."""
    sys.path.insert(0, str(ERRORS.parents[2] / 'tests'))
    from torture.wire_faults import FAULTS

    lines = ['.. list-table::', '   :header-rows: 1', '   :widths: 25 75', '', '   * - Code', '     - Gives it']
    for code in sorted({fault.code for fault in FAULTS}):
        names = [re.sub(r'([\\*`|_:])', r'\\\1', fault.name) for fault in FAULTS if fault.code == code]
        lines += [f'   * - {"no failure" if code == "ok" else f"`{code}`_"}', f'     - {"; ".join(names)}']
    return '\n'.join([*lines, ''])


def change_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the hints where a page has the comment for them, and leave out what the theme has beside each page."""
    text = source[0].replace(HINTS_HERE, hints_table())
    if FAULTS_HERE in text:
        text = text.replace(FAULTS_HERE, faults_table())
    text = re.sub(r'^\.\. contents::\n(   .*\n)*', '', text, flags=re.MULTILINE)
    if docname == 'collection/environment_variables':
        text = re.sub(r'^Index of all .*?(?=^\.\. envvar::)', ENVIRONMENT_INTRO, text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r'^ *\*Used by:\*.*\n( +.*\n)*', '', text, flags=re.MULTILINE)
    # the front page has the plugins in a toctree of its own
    source[0] = f':orphan:\n\n{text}' if docname == 'collection/index' else text


def link_to_ansible(
    app: Sphinx, env: BuildEnvironment, node: Any, contnode: nodes.TextElement
) -> nodes.reference | None:
    """A reference into Ansible's own documentation, where the label is one of its."""
    label = node['reftarget']
    page = ANSIBLE_LABELS.get(label)
    builtin = re.fullmatch(r'ansible_collections\.ansible\.builtin\.(\w+_module)', label)
    if builtin:
        page = f'collections/ansible/builtin/{builtin[1]}.html'
    if page is None:
        return None
    return nodes.reference('', '', contnode, internal=False, refuri=ANSIBLE_DOCS + page)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect('source-read', change_source)
    app.connect('missing-reference', link_to_ansible)
    return {'parallel_read_safe': True}
