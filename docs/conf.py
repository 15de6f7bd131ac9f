# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's configuration; docs/build.sh calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / 'docs/extensions'))

project = 'Firefly for Ansible'
author = 'Firefly Platform collection contributors'
project_copyright = f'{author}, GPL-3.0-or-later'
version = release = yaml.safe_load((ROOT / 'galaxy.yml').read_text())['version']

extensions = ['sphinx_antsibull_ext', 'sphinx_copybutton', 'myst_parser', 'firefly_docs']
source_suffix = {'.rst': 'restructuredtext', '.md': 'markdown'}
nitpicky = True
default_role = 'any'

pygments_style = 'ansible'
pygments_dark_style = 'github-dark'
highlight_language = 'yaml+jinja'
antsibull_ext_color_scheme = 'default-autodark'
copybutton_prompt_text = '$ '

html_theme = 'furo'
html_title = f'{project} {version}'
html_copy_source = False
html_show_sphinx = False
html_static_path = ['static']
html_css_files = ['firefly.css']
