#!/usr/bin/env bash
# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Builds the site in docs/build/html. Every warning is an error.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf build
mkdir -p build/rst
chmod go-w build/rst # antsibull-docs refuses a folder that others can write to
antsibull-docs --config-file antsibull-docs.cfg collection --use-current --squash-hierarchy --cleanup everything \
  --fail-on-error --dest-dir build/rst firefly.platform
sphinx-build -M html build/rst build -c . --quiet --fail-on-warning --keep-going
echo "The documentation is in $PWD/build/html/index.html."
