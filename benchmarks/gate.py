"""Measure standard runs; exit with 1 if one of them costs too much.

    python benchmarks/gate.py [--program .venv/bin/vaultlink] [--record]

Three figures are compared with the last release: a cold check of more notes, an unchanged check,
and the memory of a vault that is kept up to date. The first two are instructions, counted by
valgrind and divided by those of calibration.py in the same Python. --record writes them and their
limits to release.json: run it with the release that later versions are compared with. No record
raises a limit. All other figures are quotients of two runs of the program, with limits in
standard_runs.py.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from standard_runs import FIXED_LIMITS, RELATIVE, measure_figures

RELEASE = Path(__file__).with_name("release.json")
OTHER_PYTHON = 1.06
"""The margin for another Python than that of the record: figures of two of them differ by 5 %."""


def find_regressions(limits: Mapping[str, float], current: Mapping[str, float]) -> list[str]:
    """Return a sentence for each figure above its limit, and each that has only one of the two."""
    found = []
    for name in {**limits, **current}:
        if name not in current:
            found.append(f"{name}: not measured")
        elif name not in limits:
            found.append(f"{name}: no limit; record it with `make gate-record`")
        elif current[name] > limits[name]:
            found.append(f"{name}: {current[name] / limits[name] - 1:+.1%} above the limit")
    return found


def lower_limits(limits: Mapping[str, float], figures: Mapping[str, float]) -> dict[str, float]:
    """Return the limits after a record. They are lowered, never raised; a new figure gets one."""
    new = {name: figures[name] * factor for name, factor in RELATIVE.items()}
    return {name: round(min(limits.get(name, value), value), 4) for name, value in new.items()}


def read_version(program: Path) -> str:
    """Return the version of a vaultlink program."""
    return subprocess.run(
        (program, "--version"), capture_output=True, text=True, check=True
    ).stdout.split()[-1]


def read_python_version(program: Path) -> str:
    """Return the version of the Python that runs a program."""
    return subprocess.run(
        (program.with_name("python"), "-c", "import platform; print(platform.python_version())"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--program",
        type=Path,
        default=Path(sys.executable).with_name("vaultlink"),
        help="the vaultlink to measure, in a virtual environment; default: that of this Python",
    )
    parser.add_argument("--release", type=Path, default=RELEASE, help="the recorded figures")
    parser.add_argument("--record", action="store_true", help="write the figures of the program")
    given = parser.parse_args()
    program = given.program.resolve()
    if not program.with_name("python").exists():
        parser.error(f"{program} is not in the folder of a virtual environment's Python")
    if not shutil.which("valgrind"):
        parser.error("valgrind, which counts instructions, is not installed")
    record = json.loads(given.release.read_text(encoding="utf-8")) if given.release.exists() else {}
    python, current = read_python_version(program), measure_figures(program)
    if given.record:
        figures = {name: round(current[name], 4) for name in RELATIVE}
        limits = lower_limits(record.get("limits", {}), figures)
        record = {
            "release": read_version(program),
            "python": python,
            "figures": figures,
            "limits": limits,
        }
        given.release.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    margin = 1 if python == record["python"] else OTHER_PYTHON
    limits = {name: limit * margin for name, limit in record["limits"].items()} | FIXED_LIMITS
    print(f"released: {record['release']} (Python {record['python']})")
    print(f"now: {read_version(program)} (Python {python}), {program}")
    if margin > 1:
        print(f"limits of recorded figures are {margin - 1:.0%} higher: it is another Python")
    print(f"  {'':<34}{'released':>9}{'now':>9}{'limit':>9}")
    for name, value in current.items():
        released = record["figures"].get(name)
        before = "" if released is None else f"{released:.3f}"
        print(f"  {name:<34}{before:>9}{value:9.3f}{limits.get(name, 0):9.3f}")
    regressions = find_regressions(limits, current)
    for sentence in regressions:
        print(f"costs too much: {sentence}", file=sys.stderr)
    return 1 if regressions else 0


if __name__ == "__main__":
    sys.exit(main())
