"""Which tests run a line of the program, kept between runs of `make mutants`."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from difflib import SequenceMatcher
from functools import cache, cached_property
from pathlib import Path

from coverage import CoverageData
from coverage.numbits import numbits_to_nums, nums_to_numbits

from mutant_map import KNOWN, SETTINGS, START, TIMES
from mutations import Mutant

ROOT = Path(__file__).parent.parent
SOURCE = "src/vaultlink"
TEST_SECONDS = 20.0
"""Time of the tests that are tried for a mutant, as measured for the map."""

PYTEST = ["-m", "pytest", "-p", "no:cacheprovider", "-m", "product", "-o", "timeout=60"]


def list_files(*folders: str) -> list[str]:
    """Return the files below folders of this checkout that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    found = subprocess.run(
        [*command, *folders], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [path for path in sorted(set(found.split("\0"))) if path and (ROOT / path).is_file()]


def copy_tree(folder: Path) -> Path:
    """Copy this checkout, so that nothing can change it, and return the copy."""
    for path in list_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    return folder


def make_environment(tree: Path, **more: str) -> dict[str, str]:
    """Return an environment in which the program is that of a copy."""
    paths = f"{tree / 'src'}:{tree / 'benchmarks'}"
    return {**os.environ, "PYTHONPATH": paths, "HOME": str(tree), **more}


_BITS = """\
select line_bits.rowid, context, numbits from line_bits
join context on context.id = context_id join file on file.id = file_id where path = ?
"""


class LineMap:
    """The lines that each test runs, and its time, in a folder.

    - copies: the files whose lines were recorded. Only tests that a change concerns run again.
    - known_file: the tests that did not run again, while the others run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.times_file = folder / "data", folder / "times.json"
        self.copies, self.known_file = folder / "files", folder / "known.json"

    def update(self) -> None:
        """Run the tests that are not known, or may run other lines than before."""
        now = read_files(ROOT, list_files("src", "rules", "tests", "fixtures"))
        known: dict[str, float | None] = {}
        if self.times_file.exists():
            found = [path for path in self.copies.rglob("*") if path.is_file()]
            names = [path.relative_to(self.copies).as_posix() for path in found]
            before = read_files(self.copies, names)
            if before == now and not self.known_file.exists():
                return
            times = self.read_times()
            stale = find_stale_tests(times, before, now) | self.move_lines(before, now)
            self.forget(stale - {""})
            known = {name: times[name] for name in times.keys() - find_named(stale, times)}
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        self.known_file.write_text(json.dumps([*known]), "utf-8")
        self.times_file.write_text(json.dumps(known), "utf-8")
        shutil.rmtree(self.copies, ignore_errors=True)
        for path, data in now.items():
            (self.copies / path).parent.mkdir(parents=True, exist_ok=True)
            (self.copies / path).write_bytes(data)
        new_times = self.record()
        self.times_file.write_text(json.dumps({**known, **new_times}), "utf-8")
        self.known_file.unlink()

    def move_lines(self, before: Mapping[str, bytes], now: Mapping[str, bytes]) -> set[str]:
        """Give recorded lines their new numbers; return what runs a changed one.

        These are tests, and modules whose tests share a process; "" stands for an import.
        """
        stale: set[str] = set()
        with sqlite3.connect(self.data) as data:
            for path in before:
                if not path.startswith(SOURCE) or before[path] == now.get(path):
                    continue
                numbers = match_lines(before[path], now.get(path, b""))
                for row, name, bits in data.execute(_BITS, (str(ROOT / path),)).fetchall():
                    lines = numbits_to_nums(bits)
                    moved = [numbers[line] for line in lines if line in numbers]
                    if len(moved) < len(lines):
                        stale.add(name)
                    change = "update line_bits set numbits = ? where rowid = ?"
                    data.execute(change, (nums_to_numbits(moved), row))
        return stale

    def forget(self, names: Iterable[str]) -> None:
        """Remove the lines of tests, and of modules whose tests share a process."""
        with sqlite3.connect(self.data) as data:
            for name in names:
                chosen = "select id from context where context = ?"
                data.execute(f"delete from line_bits where context_id in ({chosen})", (name,))

    def record(self) -> dict[str, float | None]:
        """Run all tests but the known ones, add the lines that they run, and return their times."""
        print("recording which lines tests run ...", flush=True)
        settings, times = self.folder / "settings", self.folder / "new-times.json"
        with tempfile.TemporaryDirectory() as place:
            tree = copy_tree(Path(place))
            values = {"root": ROOT, "tree": tree, "folder": self.folder}
            settings.write_text(SETTINGS.format(**values), "utf-8")
            more = {START: str(settings), KNOWN: str(self.known_file), TIMES: str(times)}
            subprocess.run(
                [sys.executable, *PYTEST, "-q", "-p", "mutant_map", "--forks", "4"],
                cwd=tree,
                env=make_environment(tree, **more),
                stdout=subprocess.DEVNULL,
                check=False,
            )
            combine = ["-m", "coverage", "combine", "-q", "--append", f"--rcfile={settings}"]
            subprocess.run(
                [sys.executable, *combine, self.folder], stderr=subprocess.DEVNULL, check=True
            )
        new_times: dict[str, float | None] = json.loads(times.read_text("utf-8"))
        return new_times

    def read_times(self) -> dict[str, float | None]:
        """Return the seconds of each test; None if it was skipped."""
        times: dict[str, float | None] = json.loads(self.times_file.read_text("utf-8"))
        return times

    @cached_property
    def times(self) -> dict[str, float]:
        """The seconds of each test that can run."""
        return {name: time for name, time in self.read_times().items() if time is not None}

    @cache  # noqa: B019 - there is one map
    def read_lines(self, file: str) -> dict[int, list[str]]:
        """Return the tests that run each line of a file; no name stands for an import."""
        data = CoverageData(str(self.data))
        data.read()
        return data.contexts_by_lineno(str(ROOT / SOURCE / file))

    def find_tests(self, mutant: Mutant) -> list[str] | None:
        """Return the tests that run a mutant, in the order in which to try them.

        None for what runs only at import.
        """
        lines = self.read_lines(mutant.file)
        names = {*lines.get(mutant.line, []), *lines.get(mutant.statement, [])}
        if names == {""}:
            return None
        return sort_tests({name: self.times[name] for name in find_named(names, self.times)})

    def choose_tests(self, mutant: Mutant) -> tuple[list[str], float]:
        """Return the first tests that run a mutant, and their time in seconds."""
        chosen: list[str] = []
        seconds = 0.0
        for name in self.find_tests(mutant) or []:
            if chosen and seconds + self.times[name] > TEST_SECONDS:
                break
            chosen.append(name)
            seconds += self.times[name]
        return chosen, seconds


def find_named(names: Set[str], tests: Iterable[str]) -> set[str]:
    """Return the tests with one of these names, or in a module with one."""
    modules = tuple([f"{name}::" for name in names if "::" not in name])
    return {test for test in tests if test in names or test.startswith(modules)}


def sort_tests(times: Mapping[str, float]) -> list[str]:
    """Return the names of tests, fast ones first.

    The second one of a function counts as twice as slow, the third as three times, and so on:
    it tells less than the first of another function.
    """
    cost, counts = dict[str, float](), Counter[str]()
    for name in sorted(times, key=times.__getitem__):
        function = name.partition("[")[0]
        counts[function] += 1
        cost[name] = times[name] * counts[function]
    return sorted(cost, key=cost.__getitem__)


def read_files(folder: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of files of a folder."""
    return {path: (folder / path).read_bytes() for path in paths}


def match_lines(before: bytes, now: bytes) -> dict[int, int]:
    """Return the number that each line has after a change, from 1.

    Changed lines have none, nor have those before and after an added one.
    """
    numbers: dict[int, int] = {}
    old, new = before.splitlines(), now.splitlines()
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    for start, place, size in blocks:
        first = start > 0 or place > 0
        last = start + size < len(old) or place + size < len(new)
        for offset in range(first, size - last):
            numbers[start + offset + 1] = place + offset + 1
    return numbers


def find_stale_tests(
    names: Iterable[str], before: Mapping[str, bytes], now: Mapping[str, bytes]
) -> set[str]:
    """Return the tests of changed files, or that import or name a changed file.

    The name of a test can name a data file: `test_rules.py::test_examples[extra-space]`.
    """
    changed = {path for path in {*before, *now} if before.get(path) != now.get(path)}
    modules = {path: now[path] for path in now if re.match(r"tests/.*\.py$", path)}
    stale = {path for path in changed if path in modules}
    data = {Path(path) for path in changed if not path.endswith(".py")}
    for path, text in modules.items():
        if any(file.name.encode() in text for file in data):
            stale.add(path)
    while True:
        found = "|".join(Path(path).stem for path in stale)
        users = re.compile(rf"^\s*(?:from|import) (?:\w+\.)*({found})\b".encode(), re.MULTILINE)
        more = {path for path, text in modules.items() if users.search(text)} - stale
        if not more or not stale:
            break
        stale |= more
    words = {Path(*file.parts[:2]).stem for file in data}
    return {
        name
        for name in names
        if name.partition("::")[0] in stale or any(word in name for word in words)
    }
