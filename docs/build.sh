#!/usr/bin/env bash
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make docs`: the site in docs/build/html. Any warning and any broken link is an error.
set -euo pipefail
cd "$(dirname "$0")"
site=build/html
pages=build/rst
rm -rf "$pages" "$site"
mkdir -p "$pages/collection"
chmod 755 "$pages/collection"
cp site/* "$pages/"
antsibull-docs --config-file antsibull-docs.cfg collection --use-current --squash-hierarchy --fail-on-error \
  --dest-dir "$pages/collection" firefly.platform
cp ../CHANGELOG.md "$pages/release_notes.md" 2> /dev/null || printf '# Release notes\n\nThere is no release yet.\n' > "$pages/release_notes.md"
sphinx-build -q -W --keep-going -d build/doctrees -c . "$pages" "$site"
python check_links.py "$site"
echo "The documentation is in $PWD/$site/index.html."
