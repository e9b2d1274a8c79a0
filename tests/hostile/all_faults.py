"""Break all commands that write, at every call that changes files; `make faults` runs this.

Prints a line for each command: its calls, the faults tried, and the violations of what must hold
after them, which `inject.py` lists.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from fault_scenarios import SCENARIOS
from faults import compile_faults
from inject import add_options

FOLDER = Path(__file__).parent
MEMORY = Path("/dev/shm")


class Report(NamedTuple):
    """What one scenario gave."""

    name: str
    calls: int
    changed: int
    faults: int
    empty: int
    problems: list[str]


def run_scenarios(
    library: Path, folder: Path, names: Sequence[str], options: Sequence[str]
) -> list[Report]:
    """Inject faults into scenarios, in a new process; `inject.py` has the options."""
    folder.mkdir(exist_ok=True)
    place = tempfile.mkdtemp(dir=folder)
    done = subprocess.run(
        [sys.executable, FOLDER / "inject.py", place, *names, *options],
        env={
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULT_LIBRARY": str(library),
            "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    reports = [Report(**json.loads(line)) for line in done.stdout.splitlines()]
    if done.returncode:
        reports.append(
            Report("?", 0, 0, 0, 0, [f"the faults could not be injected: {done.stderr}"])
        )
    return reports


def main() -> int:
    """Inject all faults; return 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only scenarios whose names contain this")
    add_options(parser)
    options, start = parser.parse_args(), time.monotonic()
    words = [word for word in sys.argv[1:] if word not in ("--only", options.only)]
    names = [name for name in SCENARIOS if options.only in name]
    faults = empty = problems = 0
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as place, ThreadPoolExecutor(2) as pool:
        library = compile_faults(Path(place))
        inject = partial(run_scenarios, library, Path(place), options=words)
        for [report] in pool.map(lambda name: inject([name]), names):
            faults, empty = faults + report.faults, empty + report.empty
            problems += len(report.problems)
            line = (
                f"{report.name:26}{report.calls:5} calls{report.faults:7,} faults"
                f"{len(report.problems):5} violations"
            )
            sys.stdout.write("\n    ".join([line, *report.problems]) + "\n")
            sys.stdout.flush()
    seconds = time.monotonic() - start
    sys.stdout.write(
        f"{len(names)} commands, {faults:,} faults, {problems} violations, {seconds:,.0f} s; "
        f"an empty folder is left after {empty} faults\n"
    )
    return int(problems > 0)


if __name__ == "__main__":
    try:
        code = main()
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        sys.exit(str(reason))
    sys.exit(code)
