# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The key pair and its token: ``credentials`` for all, ``token`` for login, ``plugin`` for a lookup's sources."""

    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The access key, one half of a Firefly key pair.
      - A pair is made in Firefly under Settings > Users > Create Key Pair. A Viewer's pair is enough for the health
        and a login; what a request needs is up to its endpoint.
    type: str
  secret_key:
    description:
      - The secret key, the other half of the pair.
    type: str
  access_key_file:
    description:
      - File with the access key, on the controller. Where one source has both, the key goes before its file.
    type: path
  secret_key_file:
    description:
      - File with the secret key, on the controller.
    type: path
"""

    TOKEN = r"""
options:
  token_cache:
    description:
      - Whether one login serves all tasks, hosts and lookups of a run that use the same key pair and O(api_url). The token is
        kept, encrypted, in the temporary folder of the run.
      - V(false) logs in each time.
    type: bool
    default: true
  min_ttl:
    description:
      - Seconds that the token must still live. A cached token that does not is replaced; a new one that does not is a failure.
    type: int
    default: 60
"""

    PLUGIN = r"""
options:
  access_key:
    env:
      - name: FIREFLY_ACCESS_KEY
    vars:
      - name: firefly_access_key
  secret_key:
    env:
      - name: FIREFLY_SECRET_KEY
    vars:
      - name: firefly_secret_key
  access_key_file:
    env:
      - name: FIREFLY_ACCESS_KEY_FILE
    vars:
      - name: firefly_access_key_file
  secret_key_file:
    env:
      - name: FIREFLY_SECRET_KEY_FILE
    vars:
      - name: firefly_secret_key_file
  token_cache:
    env:
      - name: FIREFLY_TOKEN_CACHE
    vars:
      - name: firefly_token_cache
  min_ttl:
    env:
      - name: FIREFLY_MIN_TTL
    vars:
      - name: firefly_min_ttl
"""
