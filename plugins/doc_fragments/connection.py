# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How to reach Firefly: ``connection`` for all, and ``connection.plugin`` with the sources of a lookup's options."""

    DOCUMENTATION = r"""
notes:
  - An option that neither the task nor C(module_defaults) sets comes from the variable C(firefly_<option>), then from the environment
    variable C(FIREFLY_<OPTION>) on the controller. The C(environment) of the task comes before that of Ansible. The options for waiting
    and those of a request have no such sources.
  - A fact with the name of such a variable is refused, because a target must not set options.
  - An empty string counts as not set, from every source, and so does C(omit). White space around a value is removed.
  - A relative path in a task or a variable starts at the folder of the playbook. In the environment it starts at the current folder of
    the shell.
options:
  api_url:
    description:
      - The address of the Firefly API. A trailing slash or C(/v2) and the path prefix of a reverse proxy are accepted.
      - V(http://) is refused for any host but loopback, because it would send the secret key in clear text.
    type: str
    default: https://api.firefly.ai
  validate_certs:
    description:
      - Verifies the server's TLS certificate. With V(false), anyone in between can read the secret key, and a run
        warns of that once.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the CA certificates to trust instead of the usual ones, or a folder that C(openssl rehash) has prepared.
      - The default is the file or folder that C(REQUESTS_CA_BUNDLE) or else C(SSL_CERT_FILE) names in the environment. If neither is set,
        the usual CA certificates are trusted.
      - Like every file here, it is on the controller.
    type: path
  client_cert:
    description:
      - A PEM file with the client certificate. It may hold the private key as well.
    type: path
  client_key:
    description:
      - A PEM file with the private key of O(client_cert), without a passphrase.
    type: path
  use_proxy:
    description:
      - Uses the proxy that C(https_proxy), or else C(all_proxy), names in the environment. C(no_proxy) has the hosts and domains without a
        proxy, as for M(ansible.builtin.uri).
    type: bool
    default: true
  timeout:
    description:
      - The time limit in seconds, up to a day. It applies to the connection, to the TLS handshake, to the start of the response, and to the
        arrival of the body. If a host has several addresses, it applies to the connection to each of them.
      - Looking up the host name is not included.
      - It does not stop a server that sends its headers byte by byte, or C(100 Continue) without end. Neither does
        O(firefly.platform.firefly_health#module:wait_timeout). If that happens to a login, all tasks that need its token wait.
    type: float
    default: 30.0
  retries:
    description:
      - The number of times to retry temporary failures, up to 100. They are C(dns), C(connect) and C(timeout) failures, a TLS handshake
        that breaks off, and the statuses 502, 503 and 504. Other failures are not retried, such as a 401 for a wrong key.
      - A request of M(firefly.platform.firefly_api) that changes something is retried only after a 429, or if it cannot have reached
        Firefly.
      - The pauses between retries grow up to 60 seconds. If C(Retry-After) asks for a longer pause, the request is not retried, and the
        message says how long the pause is.
      - A 429 is the rate limit, 500 requests a minute from one address. Retries after a 429 are not counted. Pauses of random length come
        before them, of up to 5 minutes each, for as many minutes in all as this option says.
      - Progress goes to stderr, at the start of a pause and every 30 seconds.
    type: int
    default: 3
"""

    PLUGIN = r"""
options:
  api_url:
    env:
      - name: FIREFLY_API_URL
    vars:
      - name: firefly_api_url
  validate_certs:
    env:
      - name: FIREFLY_VALIDATE_CERTS
    vars:
      - name: firefly_validate_certs
  ca_path:
    env:
      - name: FIREFLY_CA_PATH
      - name: REQUESTS_CA_BUNDLE
      - name: SSL_CERT_FILE
    vars:
      - name: firefly_ca_path
  client_cert:
    env:
      - name: FIREFLY_CLIENT_CERT
    vars:
      - name: firefly_client_cert
  client_key:
    env:
      - name: FIREFLY_CLIENT_KEY
    vars:
      - name: firefly_client_key
  use_proxy:
    env:
      - name: FIREFLY_USE_PROXY
    vars:
      - name: firefly_use_proxy
  timeout:
    env:
      - name: FIREFLY_TIMEOUT
    vars:
      - name: firefly_timeout
  retries:
    env:
      - name: FIREFLY_RETRIES
    vars:
      - name: firefly_retries
"""
