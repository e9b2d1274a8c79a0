"""Change the code in one place at a time, and print the changes that no test notices.

    python benchmarks/mutants.py --count 120 --seed 7 --packages write refactor --since HEAD~3

coverage.py records which test runs which line, again only for what changed (line_map.py). A process
that has collected all tests runs those of a changed line in forks of itself, first cheap ones of
different functions (mutant_server.py). The files are changed in copies of this checkout, so that
processes that tests start are mutants, too.

Tools for this exist. cosmic-ray runs all tests for each change. mutmut 3 and pytest-gremlins choose
tests, but change the whole program at once, about 26,000 places in functions, instead of a sample,
and mutmut looks up tests by function, not by line.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import yaml

from line_map import PYTEST, ROOT, SOURCE, LineMap, copy_tree, list_files, make_environment
from mutant_server import BROKEN, CHANNELS, FAILED, PASSED, pair_code
from mutations import Mutant, find_mutants

CACHE = ROOT / "build/mutants"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.yaml")
PACKAGES = (
    *("parse", "index", "links", "backlinks", "rules", "config", "engine", "history", "fix"),
    *(
        "mentions",
        "refactor",
        "disk",
        "write",
        "git",
        "baseline",
        "watch",
        "serve",
        "cli",
        "report",
    ),
)
"""The packages that decide, write and answer; the others draw."""


def list_mutants(packages: Sequence[str], since: str | None) -> list[Mutant]:
    """Return the mutants of packages, without those judged equivalent.

    With a revision, only those of lines that changed since.
    """
    changed = find_changed_lines(since) if since else None
    judged = {(each["file"], each["line"], each["mutant"]) for each in read_equivalent()}
    mutants: list[Mutant] = []
    for path in list_files(SOURCE):
        file = path.removeprefix(f"{SOURCE}/")
        is_chosen = get_package(file) in packages and (changed is None or path in changed)
        if is_chosen and path.endswith(".py"):
            mutants += find_mutants(file, read(file))
    return [
        mutant
        for mutant in mutants
        if (changed is None or mutant.line in changed.get(f"{SOURCE}/{mutant.file}", ()))
        and (mutant.file, mutant.before, mutant.after) not in judged
    ]


def read_equivalent() -> list[dict[str, str]]:
    """Return the mutants that were judged to change nothing that anyone can see."""
    return yaml.safe_load(EQUIVALENT.read_text("utf-8")) or []


def get_package(file: str) -> str:
    """Return the package of a file, or the name of a module beside the packages."""
    return file.partition("/")[0].removesuffix(".py")


def find_changed_lines(since: str) -> dict[str, set[int]]:
    """Return the lines of each file of the program that differ from a revision."""
    command = ["git", "diff", "--unified=0", "--no-color", "--no-ext-diff", since, "--", SOURCE]
    diff = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    lines: dict[str, set[int]] = defaultdict(set)
    path = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif found := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first = int(found[1])
            lines[path] |= set(range(first, first + int(found[2] or 1)))
    return lines


def choose_mutants(
    mutants: Sequence[Mutant], count: int, seed: int, is_run: Callable[[Mutant], bool]
) -> list[Mutant]:
    """Choose mutants that are run, by turns from each package, at most one for a line."""
    numbers = random.Random(seed)
    packages: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        packages[get_package(mutant.file)].append(mutant)
    for group in packages.values():
        numbers.shuffle(group)
    chosen: dict[tuple[str, int], Mutant] = {}
    while any(packages.values()) and len(chosen) < count:
        for group in list(packages.values()):
            while group and len(chosen) < count:
                mutant = group.pop()
                key = (mutant.file, mutant.line)
                if key not in chosen and is_run(mutant) and can_be_tried(mutant):
                    chosen[key] = mutant
                    break
    return list(chosen.values())


def can_be_tried(mutant: Mutant) -> bool:
    """Return True if a mutant is Python with the same functions, which can get its code."""
    data = read(mutant.file)
    try:
        return pair_code(mutant.file, data, mutant.apply(data)) is not None
    except SyntaxError:
        return False


def read(file: str) -> bytes:
    """Return a file of the program."""
    return (ROOT / SOURCE / file).read_bytes()


class Server:
    """A process that has collected the tests of a copy of this checkout."""

    def __init__(self, tree: Path) -> None:
        self.tree = copy_tree(tree)
        requests, answers = os.pipe(), os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, *PYTEST, "-q", "-p", "mutant_server", "--maxfail=1", "--tb=no"],
            cwd=tree,
            env=make_environment(tree, **{CHANNELS: f"{requests[0]},{answers[1]}"}),
            pass_fds=[requests[0], answers[1]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(requests[0])
        os.close(answers[1])
        self.requests = open(requests[1], "w", encoding="utf-8")  # noqa: PTH123, SIM115
        self.answers = open(answers[0], encoding="utf-8")  # noqa: PTH123, SIM115

    def judge(self, mutant: Mutant, tests: Sequence[str], seconds: float) -> dict[str, Any]:
        """Run tests of a mutant, for at most about twice the time that they need."""
        old = read(mutant.file)
        request = {
            "file": str(self.tree / SOURCE / mutant.file),
            "old": old.decode(),
            "new": mutant.apply(old).decode(),
            "tests": tests,
            "seconds": 2 * seconds + 20,
        }
        self.requests.write(json.dumps(request) + "\n")
        self.requests.flush()
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self.requests.close()
        self.process.wait()


class Result(NamedTuple):
    """What became of a mutant: killed, survived, or not tried."""

    mutant: Mutant
    outcome: str
    detail: str


def try_mutants(mutants: Sequence[Mutant], map_: LineMap, minutes: float) -> list[Result]:
    """Try mutants in two processes, until the time is over."""
    until = time.monotonic() + 60 * minutes
    servers: SimpleQueue[Server] = SimpleQueue()

    def try_one(mutant: Mutant) -> Result:
        tests, seconds = map_.choose_tests(mutant)
        if not tests:
            return Result(mutant, "survived", "no test runs this line")
        server = servers.get()
        try:
            if time.monotonic() > until:
                return Result(mutant, "not tried", "the time is over")
            return report(mutant, server.judge(mutant, tests, seconds))
        finally:
            servers.put(server)

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(2) as pool:
        for number in range(2):
            servers.put(Server(Path(folder, str(number))))
        results = list(pool.map(try_one, mutants))
        for _ in range(2):
            servers.get().close()
    return results


def report(mutant: Mutant, answer: Mapping[str, Any]) -> Result:
    """Return the result of a mutant, and print it if it survived."""
    code, tests = answer["code"], answer["tests"]
    if code == BROKEN:
        return Result(mutant, "not tried", "the tests did not start")
    if code != PASSED:
        end = "failed" if code == FAILED else "did not end"
        return Result(mutant, "killed", f"{answer['test']} {end}")
    print(f"{SOURCE}/{mutant.file}:{mutant.line}: {tests} tests pass")
    print(f"  - {mutant.before}\n  + {mutant.after}", flush=True)
    return Result(mutant, "survived", f"{tests} tests pass")


def print_scores(results: Iterable[Result]) -> None:
    """Print a table of the packages, and the score of all."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, outcome, _ in results:
        for name in (get_package(mutant.file), "all"):
            counts[name][outcome] += 1
    print(f"{'package':<12}{'killed':>8}{'survived':>10}{'not tried':>11}{'score':>8}")
    for name in sorted(counts, key=lambda name: (name == "all", name)):
        killed, survived = counts[name]["killed"], counts[name]["survived"]
        score = f"{100 * killed / (killed + survived):.1f} %" if killed + survived else "-"
        print(f"{name:<12}{killed:>8}{survived:>10}{counts[name]['not tried']:>11}{score:>8}")


def main() -> None:
    """Record the map if needed, try the mutants, and print what survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--since", metavar="REVISION", help="only lines changed since it")
    parser.add_argument("--packages", nargs="+", default=None, metavar="PACKAGE")
    parser.add_argument("--minutes", type=float, default=9.0, help="then no mutant is started")
    parser.add_argument("--output", type=Path, help="a file for all results, as JSON")
    options = parser.parse_args()
    map_ = LineMap(CACHE)
    map_.update()
    files = [path.removeprefix(f"{SOURCE}/") for path in list_files(SOURCE)]
    packages = options.packages or (sorted(map(get_package, files)) if options.since else PACKAGES)
    mutants = list_mutants(packages, options.since)
    chosen = choose_mutants(
        mutants, options.count, options.seed, lambda mutant: map_.find_tests(mutant) is not None
    )
    print(f"seed {options.seed}: {len(chosen)} of {len(mutants)} mutants", flush=True)
    results = try_mutants(chosen, map_, options.minutes)
    print_scores(results)
    if options.output:
        rows = [
            {
                "file": mutant.file,
                "line": mutant.line,
                "before": mutant.before,
                "after": mutant.after,
                "outcome": outcome,
                "detail": detail,
            }
            for mutant, outcome, detail in results
        ]
        options.output.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
