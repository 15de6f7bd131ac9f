# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs, against an embedded Firefly. Exit with 1 if a goal is missed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

#: Tasks come first: the memory of this process, which the other parts make larger, counts as its children's.
PARTS = {
    'tasks': 'CPU time and memory of a task, compared to those of ansible-core',
    'herd': 'many clients at the rate limit',
    'pages': 'time and memory of a long list',
}


def main() -> int:
    """Run the parts and return the exit code."""
    parser = argparse.ArgumentParser(prog='python -m tests.bench', description=__doc__)
    parser.add_argument('--only', choices=PARTS, help='; '.join(f'{name}: {what}' for name, what in PARTS.items()))
    parser.add_argument('--quick', action='store_true', help='try whether it runs; no goal is missed')
    arguments = parser.parse_args()
    sys.path[:0] = [str(Path(__file__).parents[1]), os.environ['ANSIBLE_COLLECTIONS_PATH']]
    missed = False
    for name in [arguments.only] if arguments.only else PARTS:
        missed |= importlib.import_module(f'.{name}', __package__).main(arguments.quick)
    return int(missed and not arguments.quick)


if __name__ == '__main__':
    sys.exit(main())
