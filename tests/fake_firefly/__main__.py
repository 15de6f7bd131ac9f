# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command beside an embedded Firefly."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys

from .server import FakeFirefly


def main() -> int:
    """Run the command that the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.fake_firefly',
        description='Starts a server on loopback that behaves as the Firefly API does, runs a command with its address '
        'and keys in FIREFLY_*, and stops it. Exits as the command does, or with 1 if the server received requests '
        'that the contract does not allow.',
    )
    parser.add_argument('command', nargs='+', metavar='-- command')
    command: list[str] = parser.parse_args().command
    firefly = FakeFirefly()
    firefly.start()
    try:
        code = _run(firefly, command)
    finally:
        firefly.stop()
    if firefly.violations:
        print('Requests that the contract does not allow:', *firefly.violations, sep='\n', file=sys.stderr)
    return code or int(bool(firefly.violations))


def _run(firefly: FakeFirefly, command: list[str]) -> int:
    environment = {**os.environ, **{f'FIREFLY_{name.upper()}': value for name, value in firefly.options.items()}}
    signal.signal(signal.SIGINT, lambda *_unused: None)  # a terminal sends it to the command too, which decides
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        print(f'{command[0]}: {error.strerror}', file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda *_unused: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == '__main__':
    sys.exit(main())
