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
      - The access key, one half of a Firefly key pair. In YAML, put it in quotes. A number, a boolean or a date is refused.
      - Create a key pair in Firefly under Settings > Users > Create Key Pair. The Viewer role is enough for the health and a login. Other
        endpoints may need more.
    type: str
  secret_key:
    description:
      - The secret key, the other half of the key pair. In YAML, put it in quotes.
    type: str
  access_key_file:
    description:
      - A file with the access key, on the controller. If one source sets both, the key is used and not the file.
      - The file has at most 64 KiB, in UTF-8. It may be a pipe from the process substitution of a shell, which only one task can read.
      - A file that is encrypted with Ansible Vault is refused. Use the lookup C(ansible.builtin.unvault) as the key instead.
    type: path
  secret_key_file:
    description:
      - A file with the secret key, on the controller. See O(access_key_file).
    type: path
"""

    TOKEN = r"""
options:
  token_cache:
    description:
      - Shares one login among all tasks, hosts and lookups of a run that use the same key pair, O(api_url), certificates and proxy. The
        token is stored, encrypted, in the temporary folder of the run.
      - All hosts of a task share a failed login for 60 seconds. With the strategy C(free), each host or group of hosts that reaches an
        C(include_tasks) gets tasks of its own, and a failed login for each.
      - V(false) logs in each time.
    type: bool
    default: true
  min_ttl:
    description:
      - The shortest remaining lifetime of the token, in seconds. A cached token with less is replaced. A new token with less is a failure.
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
