#!/usr/bin/python
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation. The code is plugins/action/firefly_health.py, which runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: firefly_health
short_description: Check that Firefly is up, or wait until it is
version_added: 1.0.0
description:
  - Requests C(GET /v2/health) of the Firefly API from the controller.
  - Firefly is up only if the status is 204. A 200 with a page comes from a proxy or a captive portal.
  - Needs no key pair and sends none.
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
      - Not used. The module accepts all options that C(module_defaults) of the action group may hold.
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
      - Wait until Firefly is up. Errors that waiting cannot fix fail immediately, such as a certificate that is not trusted.
      - If V(true), O(retries) is not used, and the O(timeout) of each request is at most 30 seconds.
      - Progress goes to stderr, on every change and every 30 seconds.
    type: bool
    default: false
  wait_timeout:
    description:
      - The longest time to wait, in seconds, from 1 to a day. If the last request stalls, it can take a few seconds more.
    type: int
    default: 120
  wait_sleep:
    description:
      - The pause between two requests, in seconds, from 1 to a day. After a 429 the pause is random, and grows each time.
    type: int
    default: 5
notes:
  - Use the registered variable rather than the fact. A stored fact may come from an earlier run, and a check that fails does not change
    the fact.
  - A task for many hosts makes a request for each of them. Add C(run_once=true) if one is enough.
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

# Any other failure, such as an invalid option, still ends the play.
- name: Continue without Firefly while it is down
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
  description: V(true) if Firefly is up, that is, if the status was 204.
  returned: always
  type: bool
  sample: true
reachable:
  description: V(true) if there was any HTTP response.
  returned: always
  type: bool
  sample: true
status:
  description: The HTTP status of the last response, if there was one.
  returned: always
  type: int
  sample: 204
code:
  description: V(ok), or what is wrong. RV(failure.code) lists the other values.
  returned: always
  type: str
  sample: ok
latency_ms:
  description: The time that the last response took, in milliseconds, if there was one.
  returned: always
  type: int
  sample: 84
requests:
  description: The number of requests that the task made.
  returned: always
  type: int
  sample: 1
waited:
  description: The time between the first request and the last one, in seconds. V(0) without O(wait).
  returned: always
  type: float
  sample: 0.0
checked_at:
  description: The time of the last request in ISO 8601 format.
  returned: always
  type: str
  sample: "2026-11-24T00:00:00Z"
api_url:
  description: The address of the API, without a trailing slash or C(/v2).
  returned: always
  type: str
  sample: https://api.firefly.ai
msg:
  description: What happened and, if Firefly is not up, what to do next.
  returned: always
  type: str
  sample: Firefly at https://api.firefly.ai is up, seen from the controller.
ansible_facts:
  description: The facts that the task sets. Ansible sets them only if the task succeeds.
  returned: always
  type: dict
  contains:
    firefly_health:
      description: The health, its code and the other return values of the check.
      returned: always
      type: dict
failure:
  description: The failure in a form that a playbook can test.
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
      description: The HTTP status of the response, or of a proxy that refused to connect.
      returned: always
      type: int
      sample: 503
    retryable:
      description: V(true) if the same request may succeed later.
      returned: always
      type: bool
      sample: true
"""
