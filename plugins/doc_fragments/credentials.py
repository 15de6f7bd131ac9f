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
      - A pair is made in Firefly under Settings > Users > Create Key Pair. A Viewer's pair is enough for this collection.
    type: str
  secret_key:
    description:
      - The secret key, the other half of the pair.
    type: str
"""

    TOKEN = r"""
options:
  token_cache:
    description:
      - Where a token is kept for later tasks, hosts and lookups that use the same key pair and O(api_url).
      - V(run) keeps it, encrypted, in the temporary folder of this run of Ansible, so that a run logs in once, however many
        hosts it has. A refusal of the keys is kept as well.
      - V(user) keeps it, encrypted, for later runs too, below C(ANSIBLE_HOME) in C(firefly/tokens).
      - V(none) logs in each time.
    type: str
    choices: [run, user, none]
    default: run
  min_ttl:
    description:
      - Seconds that the token must still live. A kept token that does not is replaced; a new one that does not is a failure.
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
