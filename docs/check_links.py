# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the links of a built site: inner ones lead somewhere, outer ones are well-formed. Asks nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

MADE_BY_SCRIPTS = {'searchbox'}


class Page(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors = {'', *MADE_BY_SCRIPTS}
        self.links: list[str] = []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name == 'id' or (tag == 'a' and name == 'name')):
                self.anchors.add(value)
            elif value is not None and name in ('href', 'src'):
                self.links.append(value)


def broken(site: Path) -> Iterator[str]:
    """A line for each link that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in sorted(site.rglob('*.html'))}
    for path, page in pages.items():
        for link in page.links:
            wrong = _outer(link) if urlsplit(link).scheme or link.startswith('//') else _inner(link, path, pages)
            if wrong:
                yield f'{path.relative_to(site.resolve())}: {link}: {wrong}'


def _outer(link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme in ('data', 'mailto'):
        return ''
    if parts.scheme != 'https':
        return 'is not https'
    well_formed = parts.hostname and '.' in parts.hostname and not any(c.isspace() for c in link)
    return '' if well_formed else 'is not an address'


def _inner(link: str, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return 'is not a file'
    if target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return 'has no such anchor'
    return ''


if __name__ == '__main__':
    sys.exit('\n'.join(broken(Path(sys.argv[1]))) or 0)
