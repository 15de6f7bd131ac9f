# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: firefly
short_description: Get a Firefly API token, or the health of the API, in an expression
version_added: 1.0.0
description:
  - Returns a Firefly API token, a value made from it, or the health of the API.
  - One login serves all lookups and all M(firefly.platform.firefly_login) and M(firefly.platform.firefly_api) tasks of a run. See
    O(token_cache).
  - An option comes from the arguments of the lookup, then from a variable, then from the environment.
author:
  - Firefly Platform collection contributors (@ansible-collections)
requirements:
  - The Python library C(requests) on the controller.
extends_documentation_fragment:
  - firefly.platform.connection
  - firefly.platform.connection.plugin
  - firefly.platform.credentials
  - firefly.platform.credentials.token
  - firefly.platform.credentials.plugin
options:
  _terms:
    description:
      - The values to return, one or more of these.
      - V(token) is the access token.
      - V(authorization) is the value of an C(Authorization) header with the token.
      - V(basic_authorization) is the value of an C(Authorization) header for HTTP basic authentication with the key pair. It makes no
        request. It is not documented which endpoints accept it.
      - V(expires_at) is the time when the token expires, in Unix seconds.
      - V(login) is the dictionary that M(firefly.platform.firefly_login) returns.
      - V(health) is the dictionary that M(firefly.platform.firefly_health) returns. The lookup returns it even when Firefly is down.
    type: list
    elements: str
    choices: [token, authorization, basic_authorization, expires_at, login, health]
    default: [token]
notes:
  - The C(environment) of a task does not reach a lookup.
  - A task shows a token from a lookup like any other value, unless it has C(no_log=true). From ansible-core 2.22 on, the token is masked
    there too.
  - Use M(firefly.platform.firefly_api) for a request to the API. It never shows the token.
seealso:
  - module: firefly.platform.firefly_api
  - module: firefly.platform.firefly_login
  - module: firefly.platform.firefly_health
"""

EXAMPLES = r"""
- name: Save a response to a file, which firefly_api cannot do
  ansible.builtin.uri:
    url: "{{ login.api_url }}/v2/runners/projects/list"
    headers:
      Authorization: "{{ login.authorization }}"
    dest: "{{ playbook_dir }}/projects.json"
    mode: "0600"
  vars:
    login: "{{ lookup('firefly.platform.firefly', 'login') }}"
  no_log: true
  delegate_to: localhost

- name: Run a task only while Firefly is up
  ansible.builtin.debug:
    msg: Firefly is up.
  when: lookup('firefly.platform.firefly', 'health').healthy

- name: Get two values at once
  ansible.builtin.set_fact:
    expires_at: "{{ firefly[0] }}"
    healthy: "{{ firefly[1].healthy }}"
  vars:
    firefly: "{{ query('firefly.platform.firefly', 'expires_at', 'health') }}"

- name: Use keys from other variables
  ansible.builtin.set_fact:
    expires_at: >-
      {{ lookup('firefly.platform.firefly', 'expires_at',
                access_key=my_access_key, secret_key=my_secret_key) }}
"""

RETURN = r"""
_raw:
  description: One value for each term, in the order of the terms.
  type: list
  elements: raw
"""

# With it, ansible-core would resolve these options itself, in its own way. "ansible-config dump -t lookup" would print the
# secret key from the environment, and each task that uses the lookup would parse it.
del DOCUMENTATION

import os
import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._lookup import look_up
from ..plugin_utils._option_sources import Sources


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        kwargs.pop('wantlist', None)  # ansible-core before 2.19 passes it on from with_firefly.platform.firefly
        sources = Sources(
            arguments=kwargs,
            variables=variables or {},
            environment=os.environ,
            template=self._templar.template,
            resolve_path=self._loader.path_dwim,
        )
        return look_up(terms, sources)
