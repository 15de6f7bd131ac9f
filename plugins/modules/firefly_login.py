#!/usr/bin/python
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation. The code is plugins/action/firefly_login.py, which runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: firefly_login
short_description: Log in to Firefly and get an API token
version_added: 1.0.0
description:
  - Exchanges an access key and a secret key for a Firefly API token, at C(POST /v2/login).
  - The registered variable and the facts hold the token. No output shows it, at any verbosity, even without C(no_log).
  - One login serves the whole run, however many hosts and tasks need the token. See O(token_cache).
  - A request to the API does not need this module. M(firefly.platform.firefly_api) logs in by itself and never shows the token.
author:
  - Firefly Platform collection contributors (@ansible-collections)
requirements:
  - The Python library C(requests) on the controller.
extends_documentation_fragment:
  - firefly.platform.attributes
  - firefly.platform.connection
  - firefly.platform.credentials
  - firefly.platform.credentials.token
notes:
  - A task that passes the token to another module shows it, unless that task has C(no_log=true). From ansible-core 2.22 on, the token is
    masked there too.
  - If facts are stored outside of memory (C(fact_caching), or fact storage in AWX), they do not include the token. The same is true on
    ansible-core 2.21 if a callback could show them, which is any callback except C(default), C(minimal) and C(oneline). Use the registered
    variable or the lookup instead.
  - Use the registered variable rather than the fact. A stored fact may come from an earlier run, and a login that fails does not change
    the fact.
seealso:
  - module: firefly.platform.firefly_api
  - module: firefly.platform.firefly_health
  - plugin: firefly.platform.firefly
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Log in with keys from variables or from the environment
  firefly.platform.firefly_login:
  register: firefly

- name: Show how long the token lives
  ansible.builtin.debug:
    msg: "The key pair works. The token lives for {{ firefly.expires_in }} seconds."

- name: Make a request, which uses the same token
  firefly.platform.firefly_api:
    path: runners/projects/list
  register: projects

- name: Log in with keys from a vault, for a token that lives for at least 15 minutes
  firefly.platform.firefly_login:
    access_key: "{{ vault_firefly_access_key }}"
    secret_key: "{{ vault_firefly_secret_key }}"
    min_ttl: 900
  register: firefly
"""

RETURN = r"""
access_token:
  description: The token.
  returned: success
  type: str
  sample: eyJhbGciOi...
token_type:
  description: The type of the token.
  returned: success
  type: str
  sample: Bearer
authorization:
  description: The value of an C(Authorization) header with the token.
  returned: success
  type: str
  sample: Bearer eyJhbGciOi...
expires_at:
  description: The time when the token expires, in Unix seconds.
  returned: success
  type: int
  sample: 1795478400
expires_at_utc:
  description: The same time in ISO 8601 format.
  returned: success
  type: str
  sample: "2026-11-24T00:00:00Z"
expires_in:
  description: The remaining lifetime of the token in seconds, by the server's clock. At least O(min_ttl).
  returned: success
  type: int
  sample: 3599
api_url:
  description: The address of the API, without a trailing slash or C(/v2).
  returned: success
  type: str
  sample: https://api.firefly.ai
reused:
  description: V(true) if the token came from the token cache. See O(token_cache).
  returned: success
  type: bool
  sample: false
requests:
  description: The number of requests that this task made. V(0) if the token came from the token cache.
  returned: success
  type: int
  sample: 1
ansible_facts:
  description: The facts that the task sets.
  returned: success
  type: dict
  contains:
    firefly_login:
      description:
        - The token, its lifetime and the other return values of a successful login.
        - Without RV(access_token) and RV(authorization) if facts are stored outside of memory, or a callback could show them.
      returned: success
      type: dict
msg:
  description: What happened, where, and what to do next.
  returned: failure
  type: str
failure:
  description: The failure in a form that a playbook can test.
  returned: failure
  type: dict
  contains:
    code:
      description:
        - One of V(invalid_option), V(missing_credentials), V(insecure_url), V(missing_library), V(dns), V(connect), V(timeout),
          V(tls), V(proxy), V(redirect), V(unauthorized), V(forbidden), V(not_found), V(rate_limited), V(server_error),
          V(unexpected_status), V(invalid_response), V(response_too_large), V(expires_too_soon).
      returned: always
      type: str
      sample: unauthorized
    status:
      description: The HTTP status of the response, or of a proxy that refused to connect.
      returned: always
      type: int
      sample: 401
    retryable:
      description: V(true) if the same request may succeed later.
      returned: always
      type: bool
      sample: false
"""
