# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run operations in this process, as an action or the lookup does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.firefly.platform.plugins.plugin_utils._operation import Context, Operation, Outcome
from ansible_collections.firefly.platform.plugins.plugin_utils._options import Options


def perform(operation: Operation, raw: Mapping[str, Any], context: Context | None = None) -> Outcome:
    """The outcome of the operation with these raw options."""
    return operation.run(operation.validate(Options(raw)), context or Context(print))
