# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search what a run wrote for secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def forms(secret: str) -> set[bytes]:
    """The secret as it is, its halves, and its encodings for a URL and in base64 at each alignment."""
    half = len(secret) // 2
    found = {secret, secret[:half], secret[half:], quote(secret, safe=''), quote(base64.b64encode(secret.encode()))}
    for shift in range(3):
        encoded = base64.b64encode(b'\0' * shift + secret.encode()).decode()
        # without the characters that depend on what comes before and after
        found.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return {form.encode() for form in found}


def leaks(secrets: Iterable[str], places: Iterable[str | Path]) -> Iterator[str]:
    """Each form of a secret that is in a text, in a file or below a folder, and where it is."""
    needles = {form for secret in secrets for form in forms(secret)}
    for place in places:
        if isinstance(place, str):
            paths = [('the output', place.encode())]
        else:
            files = [path for path in [place, *place.rglob('*')] if path.is_file()]
            paths = [(str(path), str(path).encode() + b'\0' + path.read_bytes()) for path in files]
        for name, content in paths:
            yield from (f'{needle!r} in {name}' for needle in needles if needle in content)
