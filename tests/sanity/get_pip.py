# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the get-pip.py that ansible-test would download: uv installs what is asked for, and is faster."""

import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if not argument.startswith('--')]
sys.exit(subprocess.call(['uv', 'pip', 'install', '--system-certs', '--python', sys.executable, *packages]))
