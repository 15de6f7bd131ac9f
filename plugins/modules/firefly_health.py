#!/usr/bin/python
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation. The code is plugins/action/firefly_health.py, which runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: firefly_health
short_description: Tell from the controller whether Firefly is up, or wait until it is
version_added: 1.0.0
description:
  - Asks C(GET /v2/health) of the Firefly API. Firefly is up when the response is 204, and only then. A 200 with a page is a
    proxy or a captive portal.
  - Needs no keys, and sends none.
author:
  - Firefly Platform collection contributors (@ansible-collections)
requirements:
  - The Python library C(requests) on the controller.
extends_documentation_fragment:
  - firefly.platform.attributes
  - firefly.platform.connection
  - firefly.platform.credentials
  - firefly.platform.credentials.token
options:
  access_key:
    description:
      - Not used. Like the others that are not used, it is here for the C(module_defaults) of the action group.
  secret_key:
    description:
      - Not used.
  access_key_file:
    description:
      - Not used.
  secret_key_file:
    description:
      - Not used.
  token_cache:
    description:
      - Not used.
  min_ttl:
    description:
      - Not used.
  wait:
    description:
      - Whether to ask again until Firefly is up. What waiting cannot fix, like a certificate that is not trusted, ends it at once.
      - Each of these requests is made once, whatever O(retries) says, with a O(timeout) of at most 30 seconds.
      - A line on stderr tells what Firefly is waited for, when that changes and every 30 seconds.
    type: bool
    default: false
  wait_timeout:
    description:
      - For how many seconds to wait at most, from 1 to a day.
    type: int
    default: 120
  wait_sleep:
    description:
      - How many seconds to pause between two requests, from 1 to a day. After a 429 the pause is random, and longer each time.
    type: int
    default: 5
seealso:
  - module: firefly.platform.firefly_api
  - module: firefly.platform.firefly_login
  - plugin: firefly.platform.firefly
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Stop when Firefly is down
  firefly.platform.firefly_health:

- name: Wait for up to five minutes until Firefly is up
  firefly.platform.firefly_health:
    wait: true
    wait_timeout: 300

- name: Go on without Firefly while it is down, but fail when anything else is wrong, such as an option
  firefly.platform.firefly_health:
  register: firefly
  failed_when: firefly.code not in ['ok', 'connect', 'timeout', 'server_error']

- name: Say what is missing
  ansible.builtin.debug:
    msg: "No drift report today: {{ firefly.msg }}"
  when: not firefly.healthy
"""

RETURN = r"""
healthy:
  description: Whether Firefly is up, that is, the response was 204.
  returned: always
  type: bool
  sample: true
reachable:
  description: Whether any HTTP response came.
  returned: always
  type: bool
  sample: true
status:
  description: The HTTP status of the last response, if there was one.
  returned: always
  type: int
  sample: 204
code:
  description: V(ok), or what is wrong. For the others see RV(failure.code).
  returned: always
  type: str
  sample: ok
latency_ms:
  description: How long the last response took, in milliseconds, if there was one.
  returned: always
  type: int
  sample: 84
attempts:
  description: How many requests the task made.
  returned: always
  type: int
  sample: 1
waited:
  description: How many seconds went by between the first request and the last one. V(0) without O(wait).
  returned: always
  type: float
  sample: 0.0
checked_at:
  description: When the last request was made, as an ISO 8601 time.
  returned: always
  type: str
  sample: "2026-11-24T00:00:00Z"
api_url:
  description: The address of the API that was asked, without a trailing slash or C(/v2).
  returned: always
  type: str
  sample: https://api.firefly.ai
msg:
  description: What happened, and when Firefly is not up, what to do next.
  returned: always
  type: str
  sample: Firefly at https://api.firefly.ai is up, seen from the controller.
ansible_facts:
  description: The facts that the task sets.
  returned: always
  type: dict
  contains:
    firefly_health:
      description: All of the above.
      returned: always
      type: dict
failure:
  description: The failure for a program to read.
  returned: failure
  type: dict
  contains:
    code:
      description:
        - One of V(invalid_option), V(insecure_url), V(missing_library), V(dns), V(connect), V(timeout), V(tls), V(proxy),
          V(redirect), V(unauthorized), V(forbidden), V(not_found), V(rate_limited), V(server_error), V(unexpected_status).
      returned: always
      type: str
      sample: server_error
    status:
      description: The HTTP status, if there was a response.
      returned: always
      type: int
      sample: 503
    retryable:
      description: Whether the same request may succeed later.
      returned: always
      type: bool
      sample: true
"""
