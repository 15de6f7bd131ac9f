# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's configuration, as `antsibull-docs sphinx-init --sphinx-theme furo` makes it."""

from __future__ import annotations

import zlib
from pathlib import Path

project = 'Firefly for Ansible'
author = 'Firefly Platform collection contributors'
html_title = project

extensions = ['sphinx.ext.intersphinx', 'sphinx_antsibull_ext']
nitpicky = True
default_role = 'any'
highlight_language = 'yaml+jinja'
pygments_style = 'ansible'
pygments_dark_style = 'github-dark'
antsibull_ext_color_scheme = 'default-autodark'

html_theme = 'furo'
html_show_sphinx = False
html_copy_source = False
html_show_copyright = False
html_static_path = ['static']
html_css_files = ['site.css']

# What the pages refer to in Ansible's own documentation. Its whole inventory would be a download.
LABELS = """\
action_plugins std:label -1 plugins/action.html Action plugins
ansible_collections.ansible.builtin.uri_module std:label -1 collections/ansible/builtin/uri_module.html uri
ansible_configuration_settings std:label -1 reference_appendices/config.html Ansible Configuration Settings
common_return_values std:label -1 reference_appendices/common_return_values.html Common return values
"""
HEAD = """\
# Sphinx inventory version 2
# Project: Ansible
# Version: latest
# The remainder of this file is compressed using zlib.
"""
inventory = Path(__file__).with_name('build') / 'ansible.inv'
inventory.write_bytes(HEAD.encode() + zlib.compress(LABELS.encode()))
intersphinx_mapping = {'ansible': ('https://docs.ansible.com/projects/ansible/latest/', str(inventory))}
