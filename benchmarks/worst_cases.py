"""Measure how processor time grows with the size of a note, for many shapes of notes.

    python benchmarks/worst_cases.py [--sizes 1000 2000 4000] [--only TEXT] [--operations check]

Sizes are in thousands of characters. Prints a row for each shape and operation: the seconds at each
size and the exponent, which is 1 if the time doubles with the size and 2 if it quadruples. Exits
with 1 if an exponent or a time exceeds its limit.

Each run is a process that is forked when all modules are loaded, so that starting Python does not
count. A run that exceeds the time limit is stopped, and larger sizes of its shape are left out.
"""

import argparse
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from shapes import list_shapes, render_shape
from vaultlink.__main__ import main as run_vaultlink
from vaultlink.parse.canvas import parse_canvas
from vaultlink.parse.note import parse_note

MAX_EXPONENT = 1.2
"""n log n at these sizes, and what memory and the measurement add."""

LEAST_SECONDS = 0.1
"""A shorter time says nothing about growth."""

COMMANDS = {
    "check": ("check", "--output-format", "concise"),
    "fix": ("fix", "--diff"),
    "links": ("links",),
    "backlinks": ("sections", "check"),
}
OPERATIONS = ("parse", *COMMANDS)


class Growth(NamedTuple):
    """The processor time of an operation on a shape, by size in thousands of characters.

    `failure` names what stopped the last run.
    """

    shape: str
    operation: str
    seconds: dict[int, float]
    failure: str = ""

    @property
    def exponent(self) -> float:
        """Return the exponent between two sizes; 0 if the time is too short."""
        sizes = sorted(self.seconds)
        if len(sizes) < 2 or self.seconds[sizes[-1]] < LEAST_SECONDS:
            return 0.0
        first, last = self.seconds[sizes[0]], self.seconds[sizes[-1]]
        return math.log(last / max(first, 0.001)) / math.log(sizes[-1] / sizes[0])


class Run(NamedTuple):
    """The processor time of a run in seconds, and its exit status: negative for a signal."""

    seconds: float
    status: int


def measure_forked(function: Callable[[], object], limit: int) -> Run:
    """Run a function in a child process that may use `limit` seconds of processor time."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        status = 3
        try:
            status = int(bool(function() == 2))
            sys.stdout.flush()
        finally:
            os._exit(status)
    _, code, used = os.wait4(child, 0)
    return Run(used.ru_utime + used.ru_stime, os.waitstatus_to_exitcode(code))


def prepare_operation(operation: str, vault: Path) -> Callable[[], object]:
    """Return the call that an operation on a vault consists of."""
    if operation == "parse":
        file = next(file for file in vault.iterdir() if file.stem == "shape")
        text = file.read_bytes().decode("utf-8")
        parse = parse_canvas if file.suffix == ".canvas" else parse_note
        return lambda: parse(file.name, text)
    options = ("--vault", str(vault), "--no-cache", "--no-history", "--jobs", "1")
    return lambda: run_vaultlink([*COMMANDS[operation], *options])


def measure_growth(
    shape: str, operations: Sequence[str], sizes: Sequence[int], limit: int
) -> Iterator[Growth]:
    """Yield the growth of each operation on a shape."""
    folders = {size: Path(tempfile.mkdtemp()) for size in sizes}
    try:
        for size, folder in folders.items():
            (folder / ".obsidian").mkdir()
            for path, text in render_shape(shape, size * 1000).items():
                (folder / path).write_text(text, encoding="utf-8", newline="")
        for operation in operations:
            growth = Growth(shape, operation, {})
            for size, folder in folders.items():
                run = measure_forked(prepare_operation(operation, folder), limit)
                if run.status:
                    stopped = run.status in (-signal.SIGXCPU, -signal.SIGKILL)
                    reason = f"> {limit} s" if stopped else f"exit {run.status}"
                    growth = growth._replace(failure=f"{reason} at {size}")
                    break
                growth.seconds[size] = run.seconds
            yield growth
    finally:
        for folder in folders.values():
            shutil.rmtree(folder)


def warm_up() -> None:
    """Load the modules of all operations, so that no run loads them."""
    for shape in ("wikilinks", "anchors in properties", "section headings with entries", "canvas"):
        folder = Path(tempfile.mkdtemp())
        try:
            (folder / ".obsidian").mkdir()
            for path, text in render_shape(shape, 200).items():
                (folder / path).write_text(text, encoding="utf-8")
            for operation in OPERATIONS:
                prepare_operation(operation, folder)()
        finally:
            shutil.rmtree(folder)


def format_growth(growth: Growth) -> str:
    """Return a row of the table."""
    seconds = "".join(f"{value:9.2f}" for value in growth.seconds.values())
    exponent = f"{growth.exponent:6.2f}" if growth.exponent else "     -"
    return (
        f"{exponent} {growth.operation:<10}{growth.shape:<44}{seconds}  {growth.failure}".rstrip()
    )


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[1000, 2000, 4000],
        help="in thousands of characters",
    )
    parser.add_argument(
        "--operations", nargs="+", default=OPERATIONS, choices=OPERATIONS, help="default: all"
    )
    parser.add_argument("--only", default="", help="only shapes whose name contains this")
    parser.add_argument("--limit", type=int, default=20, help="processor time of a run in seconds")
    parser.add_argument("--most", type=float, default=3.0, help="seconds that the largest may take")
    given = parser.parse_args()
    output, errors = os.dup(1), os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    warm_up()
    sys.stdout.flush()
    os.dup2(output, 1)
    os.dup2(errors, 2)
    above = 0
    for shape in list_shapes():
        if given.only not in shape:
            continue
        for growth in measure_growth(shape, given.operations, sorted(given.sizes), given.limit):
            longest = max(growth.seconds.values(), default=0.0)
            bad = growth.failure or growth.exponent > MAX_EXPONENT or longest > given.most
            above += bool(bad)
            print(f"{'!' if bad else ' '} {format_growth(growth)}", flush=True)
    print(f"{above} above {MAX_EXPONENT} or {given.most:g} s" if above else "all within the limits")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
