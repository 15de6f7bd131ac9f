# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How to reach Firefly: ``connection`` for all, and ``connection.plugin`` with the sources of a lookup's options."""

    DOCUMENTATION = r"""
notes:
  - An option that neither the task nor C(module_defaults) sets is taken from the variable C(firefly_<option>), then from the
    environment variable C(FIREFLY_<OPTION>) of the controller, that of the task's C(environment) first. The options for waiting and
    those of a request have no such sources.
  - A fact with the name of such a variable is refused, since a managed host gives no options.
  - An empty string counts as not set, from every source, and so does C(omit). White space around a value is dropped.
  - A relative path of a task or a variable is looked for beside the playbook, one of the environment in the folder of the shell.
options:
  api_url:
    description:
      - Address of the Firefly API, with or without a trailing slash or C(/v2), and with the path prefix of a reverse proxy.
      - V(http://) is refused for any host but loopback, since the secret key would travel in clear.
    type: str
    default: https://api.firefly.ai
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate. With V(false), anyone in between can read the secret key.
    type: bool
    default: true
  ca_path:
    description:
      - PEM file with the CA certificates to trust instead of the usual ones, or a folder as C(openssl rehash) makes it.
      - Without it, the file or folder that C(REQUESTS_CA_BUNDLE) names in the environment, else C(SSL_CERT_FILE), else the usual ones.
      - On the controller, like every file here.
    type: path
  client_cert:
    description:
      - PEM file with the certificate to show to the server. The file may hold the private key as well.
    type: path
  client_key:
    description:
      - PEM file with the private key of O(client_cert), without a passphrase.
    type: path
  use_proxy:
    description:
      - Whether to use the proxy that C(https_proxy) and C(no_proxy) name in the environment.
    type: bool
    default: true
  timeout:
    description:
      - Seconds for the connection, for the response to begin, and for its body to arrive, up to a day.
      - Looking up the host name comes on top, and a TLS handshake or a body that stalls may take as long again. A server that
        drips its headers is not bounded by it, nor by O(firefly.platform.firefly_health#module:wait_timeout).
    type: float
    default: 30.0
  retries:
    description:
      - How often to try again when the host name is not found, when the connection fails, when the time is up, and after the
        responses 502, 503 and 504. Other responses, such as a 401 for a wrong key, are final. Up to 100.
      - A request of M(firefly.platform.firefly_api) that changes something is sent again only where it cannot have arrived, and after
        a 429.
      - There is a pause before each new attempt but the first. It grows, and is never longer than 60 seconds, whatever the
        server asks for in C(Retry-After).
      - A 429 is the rate limit, 500 requests a minute from one address. It is not counted among these attempts. Pauses of random
        length follow it, for as many minutes in all as this option says.
      - A line on stderr tells of a pause, and every 30 seconds that it goes on.
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
