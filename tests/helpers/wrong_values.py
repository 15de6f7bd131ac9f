# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are wrong for an option, or a secret in the wrong place. Each holds a needle that no message may show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from ansible_collections.firefly.platform.plugins.plugin_utils._errors import HINTS
from ansible_collections.firefly.platform.plugins.plugin_utils._options import KEY_FILES, OPTIONS, environment_names

from .needles import forms
from .raw_server import nobody

# in lower case, since it becomes a host name
NEEDLE = 'needle-4b1c9e77-of-no-use'
NUMBER = 48151623420017
#: A key that is right while another option is wrong.
KEY = 'hairpin-a05d31c2-of-no-use'

_FORMS = {form for needle in (NEEDLE, NEEDLE.replace('-', '_'), str(NUMBER), KEY) for form in forms(needle)}

KINDS: dict[str, Any] = {
    'text': NEEDLE,
    'text with white space around it': f'\n  {NEEDLE}\n',
    'lines': f'user: someone\npassword: {NEEDLE}\n',
    'PEM text': f'-----BEGIN PRIVATE KEY-----\n{NEEDLE}\n-----END PRIVATE KEY-----\n',
    'PEM text in one line': f'-----BEGIN PRIVATE KEY----- {NEEDLE} -----END PRIVATE KEY-----',
    'list': [NEEDLE],
    'dict': {'key': NEEDLE},
    'dict with it as a key': {NEEDLE: 1},
    'bytes': NEEDLE.encode(),
    'number': NUMBER,
    'negative number': -NUMBER,
    'number as text': str(NUMBER),
    'number and more': f'12{NEEDLE}',
    'relative path': f'folder/{NEEDLE}',
    'absolute path': f'/nonexistent/{NEEDLE}',
    'path with NUL': f'/nonexistent/{NEEDLE}\0',
    'relative path with NUL': f'{NEEDLE}\0',
    'home folder with NUL': f'~{NEEDLE}\0/file',
    'long path': f'/{NEEDLE}' * 400,
    'long name': f'/{NEEDLE * 400}',
    'long relative name': NEEDLE * 400,
    'home folder': f'~{NEEDLE}/file',
    'variable': f'${NEEDLE}/file',
    'variable that is set': '$HIDING/file',
    'absolute path of a variable': '/nonexistent/${HIDING}',
    'file': f'{NEEDLE}.txt',
    'folder': f'{NEEDLE}.folder',
    'template': '{{ ' + NEEDLE.replace('-', '_') + " ~ '" + NEEDLE + "' }}",
    'URL with a password': f'https://someone:{NEEDLE}@127.0.0.1/',
    'URL with a user': f'https://{NEEDLE}@127.0.0.1/',
    'URL with a query': f'https://127.0.0.1/?key={NEEDLE}',
    'URL with a fragment': f'https://127.0.0.1/#{NEEDLE}',
    'URL with an invalid port': f'https://127.0.0.1:{NEEDLE}/',
    'URL with a port out of range': f'https://127.0.0.1:{NUMBER}/',
    'URL with brackets': f'https://[{NEEDLE}]/',
    'URL with white space': f'https://127.0.0.1/ {NEEDLE}',
    'URL with a backslash': f'https://127.0.0.1\\{NEEDLE}',
    'URL without a host': f'https:///{NEEDLE}',
    'URL without TLS': f'http://192.0.2.1/{NEEDLE}',
    'URL of another scheme': f'ftp://127.0.0.1/{NEEDLE}',
    'URL with it as the scheme': f'{NEEDLE}://127.0.0.1/',
}

#: Templates that fail.
TEMPLATES = {
    'syntax': '{{ ' + NEEDLE,
    'statement': '{% ' + NEEDLE + ' %}',
    'undefined': '{{ ' + NEEDLE.replace('-', '_') + ' }}',
    'attribute': "{{ {}['" + NEEDLE + "'] }}",
    'filter': "{{ '" + NEEDLE + "' | int_of_nothing }}",
    'failing filter': "{{ '" + NEEDLE + "' | from_json }}",
    'lookup': "{{ lookup('ansible.builtin.file', '/nonexistent/" + NEEDLE + "') }}",
    'missing lookup': "{{ lookup('no.such.lookup', '" + NEEDLE + "') }}",
    'lookup and filter': "{{ query('ansible.builtin.file', '/nonexistent/" + NEEDLE + "') | first }}",
    'lookup of another variable': '{{ pair.access_key }}{{ pair.secret_key }}',
    'in the middle': NEEDLE + '{{ nothing }}' + NEEDLE,
}

#: Variables that TEMPLATES refer to.
TEMPLATE_VARIABLES = {'pair': TEMPLATES['lookup']}

#: Why each of TEMPLATES fails.
REASONS = {
    'syntax': 'It is not a valid template',
    'statement': 'It is not a valid template',
    'undefined': 'It refers to a variable or an attribute that is undefined.',
    'attribute': 'It refers to a variable or an attribute that is undefined.',
    'filter': 'or uses a filter or a test that is not installed.',
    'failing filter': 'An expression in it failed.',
    'lookup': 'The lookup ansible.builtin.file failed.',
    'missing lookup': 'The lookup plugin no.such.lookup is not installed.',
    'lookup and filter': 'The lookup ansible.builtin.file, or a filter, failed.',
    'lookup of another variable': 'The lookup ansible.builtin.file failed.',
    'in the middle': 'It refers to a variable or an attribute that is undefined.',
}


class Place(NamedTuple):
    """Where the options are looked for: a folder with the files that KINDS names, and a port where nobody listens."""

    folder: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The environment that gives right_options()."""
        options = {environment_names(name)[0]: str(value) for name, value in self.right_options('').items()}
        return {**options, 'HIDING': NEEDLE}

    def right_options(self, wrong: str) -> dict[str, Any]:
        """Options with which a request is made, without those that would replace the wrong one."""
        options = {
            'api_url': f'http://127.0.0.1:{self.port}',
            'access_key': 'ACCESS',
            'secret_key': KEY,
            'retries': 0,
            'timeout': 5,
            **({'client_cert': str(self.folder / 'client.pem')} if wrong == 'client_key' else {}),
        }
        hidden = [wrong, *(key for key, file in KEY_FILES.items() if file == wrong)]
        return {name: value for name, value in options.items() if name not in hidden}


def make_place(folder: Path) -> Iterator[Place]:
    """The body of a fixture."""
    (folder / f'{NEEDLE}.txt').write_text(f'{NEEDLE}\n')
    (folder / f'{NEEDLE}.folder').mkdir()
    trustme.CA().issue_cert('client.test').private_key_and_cert_chain_pem.write_to_path(str(folder / 'client.pem'))
    with nobody() as port:
        yield Place(folder, port)


def shows(text: str) -> bool:
    """Whether the text shows a needle."""
    return any(form in text.encode(errors='replace') for form in _FORMS)


def without_url(option: str, text: str) -> str:
    """The text without the address of the request, which holds the option ``path``."""
    return re.sub(r'http://127\.0\.0\.1:\d+/v2/[^ "]*', '', text) if option == 'path' else text


def is_refusal(message: str) -> bool:
    """Whether the message is about an option, not about a request."""
    return HINTS['invalid_option'] in message or HINTS['insecure_url'] in message


def names(message: str, option: str) -> bool:
    """Whether the message names the option, or the variable that gives it."""
    places = [f'option {option}', f'variable firefly_{option}']
    if option in OPTIONS:
        places += [f'environment variable {name}' for name in environment_names(option)]
    return any(re.search(rf'{place}\b', message) for place in places)
