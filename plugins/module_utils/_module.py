# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge of a module: an operation's result or error becomes the module's."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._errors import FireflyError
from ._options import argument_spec
from ._result import failed, succeeded

_Dict = t.Dict[str, t.Any]


def run_module(
    name: str, names: t.Iterable[str], check: t.Callable[[_Dict], _Dict], operation: t.Callable[[_Dict], _Dict]
) -> None:
    """Run the operation, with options that ``check`` has taken from the arguments, as the module ``name``, and end."""
    module = AnsibleModule(argument_spec=argument_spec(names), supports_check_mode=True)
    try:
        result = operation(check(module.params))
    except FireflyError as error:
        module.fail_json(**failed(name, error))
    for warning in result.pop('warnings', []):
        module.warn(warning)
    module.exit_json(**succeeded(name, result))
