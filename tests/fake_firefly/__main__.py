# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded Firefly from a shell: on its own, or around a command."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .server import FakeFirefly
from .service import ACCESS_KEY, SECRET_KEY


def main() -> int:
    """Serve as the command line says and return the exit code."""
    arguments = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    firefly = FakeFirefly(
        keys={arguments.access_key: arguments.secret_key},
        token_lifetime=arguments.token_lifetime,
        expires_at=arguments.expires_at,
        health=arguments.health,
        health_up_after=arguments.health_up_after,
        rate_limit=arguments.rate_limit,
        retry_after=arguments.retry_after,
        tls=arguments.tls,
        prefix=arguments.prefix,
        host=arguments.host,
        port=arguments.port,
    )
    code = 0
    firefly.start()
    try:
        if arguments.address_file:
            _write_address(firefly, arguments.address_file)
        if arguments.command:
            code = _run(firefly, arguments.command)
        else:
            print(f'Embedded Firefly for tests at {firefly.url}, process {os.getpid()}', flush=True)
            time.sleep(arguments.stop_after)
    except KeyboardInterrupt:
        pass
    finally:
        firefly.stop()
    if firefly.violations:
        print('Requests that the contract does not allow:', *firefly.violations, sep='\n', file=sys.stderr)
    return code or int(bool(firefly.violations))


def _run(firefly: FakeFirefly, command: list[str]) -> int:
    environment = {
        **os.environ,
        'FIREFLY_API_URL': firefly.url,
        'FIREFLY_ACCESS_KEY': firefly.access_key,
        'FIREFLY_SECRET_KEY': firefly.secret_key,
    }
    if firefly.ca_path:
        environment['FIREFLY_CA_PATH'] = firefly.ca_path
    signal.signal(signal.SIGINT, lambda *_unused: None)  # a terminal sends it to the command too, which decides
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        print(f'{command[0]}: {error.strerror}', file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda *_unused: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def _write_address(firefly: FakeFirefly, path: Path) -> None:
    address = {
        'url': firefly.url,
        'pid': os.getpid(),
        'access_key': firefly.access_key,
        'secret_key': firefly.secret_key,
        'ca_path': firefly.ca_path,
    }
    draft = path.with_name(f'{path.name}.{os.getpid()}')
    draft.write_text(json.dumps(address), encoding='utf-8')
    draft.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m tests.fake_firefly',
        description='A server on loopback that behaves as the Firefly API does, for tests. '
        'It is controlled below /_fake. Exits with 1 if it received requests that the contract does not allow.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--host', default=FakeFirefly.host, help='address to listen on')
    add('--port', type=int, default=FakeFirefly.port, help='0: any free port')
    add('--address-file', type=Path, metavar='PATH', help='JSON file to write url, pid, keys and ca_path to')
    add('--stop-after', type=float, default=3600, metavar='S', help='stop after S seconds; not with a command')
    add('--token-lifetime', type=int, default=FakeFirefly.token_lifetime, metavar='S', help='in seconds')
    expires_at = ('absolute', 'relative', 'milliseconds')
    add('--expires-at', choices=expires_at, default=FakeFirefly.expires_at, help='what expiresAt is')
    add('--health', choices=('up', 'down'), default=FakeFirefly.health, help='down: answers 503')
    add('--health-up-after', type=float, default=0.0, metavar='S', help='be down for the first S seconds')
    add('--rate-limit', type=int, default=FakeFirefly.rate_limit, metavar='N', help='requests a minute; 0: no limit')
    add('--retry-after', metavar='VALUE', help='Retry-After header above the rate limit')
    add('--tls', action='store_true', help='serve HTTPS')
    add('--prefix', default=FakeFirefly.prefix, metavar='PATH', help='serve PATH/v2/...')
    add('--access-key', default=ACCESS_KEY, help='the access key to accept')
    add('--secret-key', default=SECRET_KEY, help='the secret key to accept')
    add('command', nargs='*', help='after --: run this, with FIREFLY_* in its environment, instead of waiting')
    return parser


if __name__ == '__main__':
    sys.exit(main())
