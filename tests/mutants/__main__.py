# Copyright (c) Firefly Platform collection contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many small defects in plugins/ the tests find: `python -m tests.mutants --sample 60 --seed 1`.

A mutant is the collection with one such defect, in a temporary copy. It is killed when a test that covers the changed
statement fails or does not end. survivors.yml lists the mutants that no test can kill, and why.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData
from parso.python.tree import Name

HERE = Path(__file__).parent
ALL_LINES = range(sys.maxsize)
COVERAGE = """[run]
source = {folder}/ansible_collections/firefly/platform/plugins
data_file = {folder}/coverage
parallel = true
patch = fork, _exit
context = ${{PYTEST_CURRENT_TEST-}}
"""


class Mutant(NamedTuple):
    path: str
    line: int
    kind: str
    source: str
    diff: str


class Drop(Operator):
    """Drops a call whose value nobody takes, a raise, or an argument with a name: Cosmic Ray has nothing like it."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        statement = node.type in ('atom_expr', 'raise_stmt') and node.parent.type == 'simple_stmt'
        if statement or (node.type == 'argument' and node.children[1] == '='):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Name('**{}' if node.type == 'argument' else 'pass', node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


def mutants(sources: dict[str, str], seed: int) -> Iterator[Mutant]:
    """A mutant for each place that has any, in an order that the seed decides, and that other changes leave alone."""
    operators = [Drop(), *(kind() for kind in map(get_operator, operator_names()) if not kind.arguments())]
    places: dict[tuple[str, Any, str], list[tuple[Operator, int]]] = defaultdict(list)
    for path, source in sources.items():
        notes = [getattr(node, 'annotation', None) or getattr(node, 'returns', None) for node in nodes(source, ast.AST)]
        types = [((note.lineno, note.col_offset), (note.end_lineno, note.end_col_offset)) for note in notes if note]
        tree = get_ast(source)
        for operator in operators:
            matches = ((node, at) for node in ast_nodes(tree) for at, end in operator.mutation_positions(node))
            for occurrence, (node, at) in enumerate(matches):
                star = node.parent is not None and node.parent.type == 'parameters'  # def f(*, x)
                if not star and not any(start <= at < end for start, end in types):
                    places[path, at, type(operator).__name__.partition('_')[0]].append((operator, occurrence))
    drawn = []
    for (path, (line, column), kind), found in places.items():
        dice = random.Random(f'{seed} {path} {column} {kind} {sources[path].splitlines()[line - 1]}')
        drawn.append((dice.random(), path, line, kind, *dice.choice(found)))
    for _rank, path, line, kind, operator, occurrence in sorted(drawn, key=itemgetter(0)):
        mutated = mutate_code(sources[path], operator, occurrence)
        with contextlib.suppress(SyntaxError):
            ast.parse(mutated)
            changes = difflib.unified_diff(sources[path].splitlines(), mutated.splitlines(), n=0, lineterm='')
            yield Mutant(path, line, kind, mutated, '\n'.join(list(changes)[3:]))


def nodes(source: str, *kinds: type[ast.AST]) -> list[Any]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


def lines_to_cover(source: str, line: int) -> range:
    """The lines of the statement; of one that runs at import, all lines, since no test is seen to use it."""
    functions = nodes(source, ast.FunctionDef)
    if not any(function.body[0].lineno <= line <= function.end_lineno for function in functions):
        return ALL_LINES
    statements = nodes(source, ast.stmt, ast.excepthandler)
    spans = [
        range(one.lineno, one.body[0].lineno if hasattr(one, 'body') else one.end_lineno + 1) for one in statements
    ]
    return min((span for span in spans if line in span), key=len)


class Copy:
    """A copy of a checkout, in which tests run."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.folder, self.root = folder, folder / 'ansible_collections/firefly/platform'
        listing = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z']
        for name in subprocess.check_output(listing, cwd=checkout, text=True).split('\0'):
            if (checkout / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / name, self.root / name)
        (checkout / '.build').mkdir(exist_ok=True)
        (self.root / '.build').unlink(missing_ok=True)
        (self.root / '.build').symlink_to(checkout / '.build')  # has the collections that some tests need
        paths = (
            path for part in ('action', 'lookup', 'plugin_utils') for path in self.root.glob(f'plugins/{part}/*.py')
        )
        self.sources = {str(path.relative_to(self.root)): path.read_text() for path in paths}

    def pytest(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """The exit code of pytest, and what it printed."""
        command = [sys.executable, '-m', 'pytest', '-p', 'mutant_run', '-p', 'no:cacheprovider', '--tb=no', '-rfE']
        where = {'PYTHONPATH': str(HERE), 'ANSIBLE_COLLECTIONS_PATH': str(self.folder)}
        quick = {'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1'}  # each mutant starts pytest
        output = self.folder / 'output'
        with output.open('w') as file:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=self.root,
                env={**os.environ, **where, **quick, **environment},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a test that was ended has left
        return process.returncode, output.read_text()

    def measure(self, tests: list[str]) -> tuple[dict[str, float], CoverageData]:
        """The seconds of each test that passes, the quickest first, and what they cover, in other processes too."""
        measured, settings = self.folder / 'seconds.json', self.folder / 'coveragerc'
        if not measured.exists():
            settings.write_text(COVERAGE.format(folder=self.folder))
            recording = {'COVERAGE_PROCESS_START': str(settings), 'COVERAGE_CORE': 'ctrace'}
            output = self.pytest(f'--measure={measured}', *tests, **recording)[1]
            print('Measured.', *re.findall('^(?:FAILED|ERROR).*', output, re.MULTILINE), sep='\n', flush=True)
            subprocess.check_call([sys.executable, '-m', 'coverage', 'combine', '--quiet', f'--rcfile={settings}'])
        data = CoverageData(str(self.folder / 'coverage'))
        data.read()
        seconds: dict[str, float] = json.loads(measured.read_text())
        return {test: time for test, time in sorted(seconds.items(), key=itemgetter(1)) if time < math.inf}, data

    def killer(self, mutant: Mutant, tests: dict[str, float]) -> str:
        """The test that kills the mutant, or else the exit code that does; empty where it survives."""
        if not tests:
            return ''
        only, file = self.folder / 'only.json', self.root / mutant.path
        only.write_text(json.dumps(tests))
        file.write_text(mutant.source)
        try:
            code, output = self.pytest('-x', f'--only={only}', *sorted({test.partition('::')[0] for test in tests}))
        finally:
            file.write_text(self.sources[mutant.path])
        failed = re.search('^(?:FAILED|ERROR) (.+?)(?: - |$)', output, re.MULTILINE)
        return failed[1] if failed else f'exit code {code}' if code else ''


def equivalents(sources: dict[str, str]) -> set[tuple[str, str]]:
    """The files and diffs of survivors.yml."""
    listed = yaml.safe_load((HERE / 'survivors.yml').read_text())
    for one in listed:
        gone = {line[1:] for line in one['diff'].splitlines() if line[0] == '-'} - {*sources[one['file']].splitlines()}
        if gone:
            sys.exit(f'survivors.yml: {one["file"]} does not have {gone}.')
    return {(one['file'], one['diff'].rstrip()) for one in listed}


def results(copy: Copy, options: argparse.Namespace) -> Iterator[str]:
    """Run the tests of each mutant: how it survived, or nothing where it was killed."""
    seconds, data = copy.measure(options.tests)
    known = equivalents(copy.sources)
    sources = {path: source for path, source in copy.sources.items() if options.file in path}
    unknown = (mutant for mutant in mutants(sources, options.seed) if (mutant.path, mutant.diff) not in known)
    for mutant in islice(unknown, options.sample):
        lines = lines_to_cover(sources[mutant.path], mutant.line)
        contexts = data.contexts_by_lineno(str(copy.root / mutant.path)).items()
        # a process that a test starts says "TEST (call)"
        names = {name.removesuffix(' (call)') for line, tests in contexts if line in lines for name in tests}
        covering = [test for test in seconds if test in names]
        if lines == ALL_LINES:
            covering += [test for test in seconds if test not in names]  # a test may use nothing but a constant
        spent = accumulate(seconds[test] for test in covering)
        tests = {test: seconds[test] for test, so_far in zip(covering, spent, strict=True) if so_far <= options.seconds}
        killer = copy.killer(mutant, tests)
        where = f'{mutant.path}:{mutant.line} {mutant.kind}'
        print(f'{where}: {killer or "SURVIVED"}', flush=True)
        yield '' if killer else f'\n{where}, {len(tests)} of {len(covering)} tests that cover it:\n{mutant.diff}'


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m tests.mutants', description=__doc__)
    parser.add_argument('tests', nargs='*', default=['tests/unit', 'tests/playbooks'])
    parser.add_argument('--sample', type=int, default=60, help='how many mutants')
    parser.add_argument('--seed', type=int, default=1, help='which mutants')
    parser.add_argument('--file', default='', help='only files that have this in their path')
    parser.add_argument('--seconds', type=float, default=300, help='how long the tests of a mutant may take')
    parser.add_argument('--at-least', type=float, default=95, help='the score to reach, in per cent')
    parser.add_argument('--checkout', type=Path, default=HERE.parents[1])
    parser.add_argument('--folder', type=Path, help='keep what was measured here, for the next run')
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        ran = list(results(Copy(options.checkout.absolute(), options.folder or Path(folder)), options))
    print(*filter(None, ran), sep='\n')
    score = 100 * ran.count('') / len(ran)
    print(f'\n{ran.count("")} of {len(ran)} mutants killed: {score:.1f} %')
    return 0 if score >= options.at_least else 1


if __name__ == '__main__':
    sys.exit(main())
