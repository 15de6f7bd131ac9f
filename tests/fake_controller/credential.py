# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX makes of a credential when it starts a job, by AWX's own code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from awx_plugins.interfaces._temporary_private_api import Credential, EnvVarsType, ManagedCredentialType
from awx_plugins.interfaces._temporary_private_container_api import CONTAINER_ROOT
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

FILES = Path(__file__).parents[2] / 'roles/awx_credential_type/files'


def load(name: str) -> Any:
    """The role's file ``inputs`` or ``injectors``."""
    return yaml.safe_load((FILES / f'{name}.yml').read_text())


@dataclass
class Injected:
    """What a job gets from a credential. ``shown`` is the environment as AWX stores it and shows it with the job."""

    environment: dict[str, str]
    shown: dict[str, str]
    arguments: list[str]


def inject(inputs: dict[str, Any], job_folder: Path) -> Injected:
    """Fill in the role's credential type with these inputs, for a job in this folder."""
    (job_folder / 'env').mkdir(parents=True, exist_ok=True)
    credential_type = ManagedCredentialType('firefly', 'Firefly', 'cloud', load('inputs'), load('injectors'))
    environment: EnvVarsType = {}
    shown: EnvVarsType = {}
    arguments: list[str] = []
    inject_credential(credential_type, Credential(inputs), environment, shown, arguments, str(job_folder))

    def without_container(values: EnvVarsType) -> dict[str, str]:
        # a container would have the job's folder at another place
        return {name: re.sub(f'^{CONTAINER_ROOT}/', f'{job_folder}/', str(value)) for name, value in values.items()}

    return Injected(without_container(environment), without_container(shown), arguments)
