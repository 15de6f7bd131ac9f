# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README works on Galaxy and Automation Hub, which do not resolve relative links."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REPOSITORY = yaml.safe_load((ROOT / 'galaxy.yml').read_text())['repository']
LINKS = [
    link
    for page in ('README.md', 'roles/preflight/README.md')
    for link in re.findall(r'\]\(([^)]*)\)', (ROOT / page).read_text())
]


def test_links_are_full_addresses() -> None:
    assert LINKS
    assert [link for link in LINKS if not link.startswith('https://')] == []


def test_links_into_the_repository_lead_to_a_file() -> None:
    """They start with the address in galaxy.yml, the one place to set it."""
    ours = [link for link in LINKS if '/firefly.platform' in link]
    assert [link for link in ours if not link.startswith(f'{REPOSITORY}/')] == []
    files = re.findall(rf'^{re.escape(REPOSITORY)}/(?:blob|tree)/main/(.+)$', '\n'.join(ours), re.MULTILINE)
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
