#!/usr/bin/python
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation. The code is plugins/action/firefly_api.py, which runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: firefly_api
short_description: Make a request to any endpoint of the Firefly API
version_added: 1.0.0
description:
  - Makes one request to an endpoint of the Firefly API, or gets all pages of a list.
  - Takes the token of the run, logs in where there is none, and sends the C(Authorization) header itself. The token is in no
    argument, in no result and in no output, whatever the verbosity, and though the task has no C(no_log).
  - A request that changes something is sent again only where Firefly has refused it with 401 or 429, or where it cannot have
    arrived. See O(read_only).
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
      - A request with O(read_only=true) is sent in check mode too, since later tasks need the result.
      - Any other is not sent, and neither is a login. The task is V(changed), RV(msg) says what would have been sent, and
        RV(status) and RV(json) are V(null).
  diff_mode:
    support: none
    details:
      - What a request would change is not known before it is sent.
  facts:
    support: none
  idempotent:
    support: partial
    details:
      - A request with O(read_only=true) is never V(changed).
      - Any other is V(changed) whenever its response is 2xx, whether anything is different afterwards or not. Read first, and send it
        only where something has to change.
options:
  path:
    description:
      - The path of the endpoint below C(/v2), like V(workspaces/search). A leading C(/) or C(/v2/) is taken too.
      - Refused are C(login), which would return a token, and C(api/v1...), which is deprecated. So are a scheme, C(//), a backslash,
        C(?), C(#), C(%), C(.) and C(..) as a part of the path, white space and control characters.
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
      - The parameters of the query. A list repeats its name, booleans are sent as C(true) and C(false), and V(null) is left out.
    type: dict
  body:
    description:
      - What to send as JSON. Text must be JSON itself.
    type: raw
  read_only:
    description:
      - Whether the request changes nothing. By default V(true) for a C(GET) and for the searches of O(all_pages) and of the event
        center, which are a C(POST); V(false) for all others.
      - V(true) is sent in check mode, is never V(changed), and is retried as O(retries) says.
      - V(false) is not sent in check mode, and is V(changed) when the response is 2xx. It is retried only where it cannot have
        arrived, since there was no connection, and after a 429. Where it failed but can have arrived, the task is V(changed) and
        failed.
    type: bool
  status_code:
    description:
      - The HTTP statuses, from 100 to 599, that count as success. By default, all that are 2xx.
      - With V([204, 404]) a C(DELETE) succeeds where there is nothing to delete any more, and is not V(changed) then.
    type: list
    elements: int
  all_pages:
    description:
      - Whether to get all pages of a list, and to return RV(entries) in place of RV(json).
      - Works for the lists whose paging is known. They are V(workspaces/search), V(workspaces/<id>/runs/search),
        V(guardrails/search), V(governance/insights) and V(api/inventory) with C(POST), and V(runners/projects/list) and
        V(runners/variables/variable-sets) with C(GET). For anything else it is the failure V(invalid_option).
      - The size of a page is the endpoint's own. To choose it, give C(pageSize), C(page_size) or C(size) as the endpoint has it, in
        O(query) or O(body).
    type: bool
    default: false
  max_entries:
    description:
      - With O(all_pages), how many entries the list may have, from 1 to a million. A longer one is a failure, never cut.
    type: int
    default: 10000
notes:
  - O(path), O(query) and O(body) are shown as the arguments of any module are, and so is the response. Give the task C(no_log=true)
    where there is a secret in one of them. The token and the key pair are masked in the response, where they have 8 characters or
    more.
  - A task for many hosts makes a request for each of them. Add C(run_once=true) where one is enough.
  - A response, or all pages together, may have up to 32 MiB. AWX drops the result of a job event above 700,000 characters; later
    tasks have it all the same. Ask for less with a filter.
  - It returns no facts. Use C(register).
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

- name: Change it
  firefly.platform.firefly_api:
    path: "runners/projects/{{ project.json.id }}"
    method: PATCH
    body:
      description: Changed by Ansible
  when: project.json is not none # as it is in check mode

- name: Delete it, or find that it is gone
  firefly.platform.firefly_api:
    path: "runners/projects/{{ project.json.id }}"
    method: DELETE
    status_code: [204, 404]
  when: project.json is not none

- name: Ask for a project that may not be there
  firefly.platform.firefly_api:
    path: runners/projects/no-such-project
    status_code: [200, 404]
  register: maybe

- name: Say whether it is
  ansible.builtin.debug:
    msg: "{{ 'There it is.' if maybe.status == 200 else 'There is no such project.' }}"
"""

RETURN = r"""
status:
  description:
    - The HTTP status of the last response. V(null) where there was none.
  returned: always, except where an option is not valid or there is no token
  type: int
  sample: 200
json:
  description:
    - The response. It is V(null) where it is empty.
    - On failure, what the response holds, if it is JSON.
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
  description: How many pages there were, the empty one at the end included.
  returned: success, with O(all_pages)
  type: int
  sample: 2
url:
  description: The address that was asked, without the query.
  returned: as RV(status)
  type: str
  sample: https://api.firefly.ai/v2/runners/projects/project-1
attempts:
  description: How many requests the task made to the endpoint. A login is not among them. V(0) in check mode, where nothing was sent.
  returned: as RV(status)
  type: int
  sample: 1
latency_ms:
  description: How long the last response took, in milliseconds. V(null) where there was none.
  returned: as RV(status)
  type: int
  sample: 84
msg:
  description:
    - What happened, where, and what to do next.
    - In check mode, what would have been sent.
  returned: failure, or in check mode where nothing was sent
  type: str
failure:
  description: The failure for a program to read.
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
      description: The HTTP status, if there was a response.
      returned: always
      type: int
      sample: 404
    retryable:
      description: Whether the same request may succeed later.
      returned: always
      type: bool
      sample: false
"""
