#!/usr/bin/python
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation. The code is plugins/action/firefly_api.py, which runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: firefly_api
short_description: Make a request to any Firefly API endpoint
version_added: 1.0.0
description:
  - Makes one request to an endpoint of the Firefly API, or gets all pages of a list.
  - Uses the token of the run, logs in if there is none, and sends the C(Authorization) header itself.
  - The token never appears in an argument, a result or the output, at any verbosity, even without C(no_log).
  - Does not repeat a request that changes something if it may have reached Firefly, unless Firefly refused it with 401 or 429. See
    O(read_only).
author:
  - Firefly Platform collection contributors (@ansible-collections)
requirements:
  - The Python library C(requests) on the controller.
extends_documentation_fragment:
  - firefly.platform.attributes
  - firefly.platform.connection
  - firefly.platform.credentials
  - firefly.platform.credentials.token
attributes:
  check_mode:
    details:
      - A request with O(read_only=true) is sent in check mode too, since later tasks need its result.
      - Any other request is not sent, and there is no login. The task is V(changed), RV(msg) says what would have been sent, and
        RV(status) and RV(json) are V(null). A line on stderr shows RV(msg) too, unless the task has C(no_log=true).
  diff_mode:
    support: partial
    details:
      - In check mode, shows the body that would have been sent. The secret key is masked in it.
      - The effect of a request is not known before it is sent.
  facts:
    support: none
  idempotent:
    support: partial
    details:
      - A request with O(read_only=true) is never V(changed).
      - Any other request is V(changed) whenever the status is 2xx, even if nothing is different afterwards. Read first, and send it only
        if something has to change.
options:
  path:
    description:
      - The path of the endpoint below C(/v2), for example V(workspaces/search). A leading C(/) or C(/v2/) is accepted.
      - The module refuses C(login), which would return a token, and C(api/v1...), which is deprecated.
      - It also refuses a scheme, C(//), a backslash, C(?), C(#), C(%), C(;), C(.) and C(..) as a segment, white space and control
        characters.
      - An ID with a space or a slash cannot be sent, because it would need C(%).
    type: str
    required: true
  method:
    description:
      - The HTTP method.
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE]
    default: GET
  query:
    description:
      - The query parameters. A list repeats its name, booleans are sent as C(true) and C(false), and V(null) is left out.
      - A date that YAML recognizes is sent in ISO 8601 format.
    type: dict
  body:
    description:
      - The data to send as JSON. A string must be JSON text itself.
      - A date that YAML recognizes is sent in ISO 8601 format.
    type: raw
  read_only:
    description:
      - Marks the request as one that changes nothing.
      - The default is V(true) for a C(GET), for the lists of O(all_pages) and for searches in the event center. It is V(false) for all
        other requests.
      - If V(true), the request is sent in check mode, is never V(changed), and is retried as O(retries) says.
      - If V(false), the request is not sent in check mode, and is V(changed) when the status is 2xx. It is retried after a 429, or if it
        cannot have reached Firefly because there was no connection.
      - If V(false), a request that failed but may have reached Firefly is both V(changed) and failed.
    type: bool
  status_code:
    description:
      - The HTTP statuses that count as success, from 100 to 599. The default is any 2xx.
      - With V([204, 404]), a C(DELETE) succeeds even if there is nothing left to delete. It is not V(changed) then.
    type: list
    elements: int
  all_pages:
    description:
      - Gets all pages of a list, and returns RV(entries) in place of RV(json).
      - Works for lists whose paging is known. With C(POST) they are V(workspaces/search), V(workspaces/<id>/runs/search),
        V(guardrails/search), V(governance/insights) and V(api/inventory). With C(GET) they are V(runners/projects/list) and
        V(runners/variables/variable-sets). Other requests fail with V(invalid_option).
      - A list ends with an empty page, without a key for the next page, or else at the largest total that a page gave. It may have more
        entries than this total, never fewer.
      - If it has fewer entries, or an object is there twice, the list changed while it was read. All pages are read once more, and if they
        still do not fit together, the task fails with V(invalid_response).
      - A change that leaves neither sign is not noticed. If an entry is deleted from a page that was read, and the endpoint gives no total,
        another entry is missing.
      - The endpoint chooses the page size. To choose it yourself, set C(pageSize), C(page_size) or C(size) in O(query) or O(body). The
        name depends on the endpoint.
    type: bool
    default: false
  max_entries:
    description:
      - The largest number of entries that O(all_pages) accepts, from 1 to a million. A longer list is a failure. It is never truncated.
    type: int
    default: 10000
notes:
  - Ansible shows O(path), O(query), O(body) and the response as it does for any module. Add C(no_log=true) to the task if one of them
    holds a secret.
  - The token and the secret key are masked in the response if they have 8 characters or more.
  - A task for many hosts makes a request for each of them. Add C(run_once=true) if one is enough.
  - A response, or all pages of a list together, may have up to 32 MiB. AWX shows an empty result for a job event of more than 700,000
    characters, but later tasks have the complete variable. Use a filter to get less.
  - The module sets no facts. Use C(register).
seealso:
  - module: firefly.platform.firefly_login
  - module: firefly.platform.firefly_health
  - plugin: firefly.platform.firefly
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Get all workspaces
  firefly.platform.firefly_api:
    path: workspaces/search
    method: POST
    all_pages: true
  register: workspaces
  run_once: true

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ workspaces.entries | map(attribute='workspaceName') | list }}"
  run_once: true

- name: Get one page of the workspaces with a label
  firefly.platform.firefly_api:
    path: workspaces/search
    method: POST
    query:
      page: 0
      pageSize: 10
    body:
      filters:
        labels: [label-1]
  register: labelled

- name: Create a project
  firefly.platform.firefly_api:
    path: runners/projects
    method: POST
    body:
      name: web
      description: Made by Ansible
    status_code: [201]
  register: project

- name: Change the project
  firefly.platform.firefly_api:
    path: "runners/projects/{{ project.json.id }}"
    method: PATCH
    body:
      description: Changed by Ansible
  when: project.json is not none # it is none in check mode

- name: Delete the project, or find that it is gone
  firefly.platform.firefly_api:
    path: "runners/projects/{{ project.json.id }}"
    method: DELETE
    status_code: [204, 404]
  when: project.json is not none

- name: Ask for a project that may not exist
  firefly.platform.firefly_api:
    path: runners/projects/no-such-project
    status_code: [200, 404]
  register: maybe

- name: Say whether it exists
  ansible.builtin.debug:
    msg: "The project {{ 'exists' if maybe.status == 200 else 'does not exist' }}."
"""

RETURN = r"""
status:
  description:
    - The HTTP status of the last response, or of a proxy that refused to connect. V(null) if there was none.
  returned: always, except if an option is invalid or there is no token
  type: int
  sample: 200
json:
  description:
    - The content of the response. V(null) if it is empty.
    - On failure, the content of the response if it is JSON.
  returned: without O(all_pages), and on failure as RV(status)
  type: raw
  sample:
    id: project-1
    name: web
entries:
  description: The entries of all pages, in the order of the pages.
  returned: success, with O(all_pages)
  type: list
  elements: raw
  sample:
    - workspaceId: workspace-1
      workspaceName: network
pages:
  description: The number of pages, including the empty one at the end. If they are read twice, those of the second time.
  returned: success, with O(all_pages)
  type: int
  sample: 2
url:
  description: The address of the request, without the query.
  returned: as RV(status)
  type: str
  sample: https://api.firefly.ai/v2/runners/projects/project-1
requests:
  description: The number of requests to the endpoint, without the login. V(0) in check mode if nothing was sent.
  returned: as RV(status)
  type: int
  sample: 1
latency_ms:
  description: The time that the last response took, in milliseconds. V(null) if there was none.
  returned: as RV(status)
  type: int
  sample: 84
msg:
  description:
    - What happened, where, and what to do next.
    - In check mode, what would have been sent.
  returned: failure, or in check mode if nothing was sent
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
      sample: not_found
    status:
      description: The HTTP status of the response, or of a proxy that refused to connect.
      returned: always
      type: int
      sample: 404
    retryable:
      description: V(true) if the same request may succeed later.
      returned: always
      type: bool
      sample: false
"""
