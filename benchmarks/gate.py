"""Compare standard runs with the last release; exit with 1 if one of them costs too much.

    python benchmarks/gate.py [--program .venv/bin/vaultlink] [--record] [--processor-time]

A figure is the number of instructions of a run, counted by valgrind, divided by those of
calibration.py in the same Python. So figures compare across machines and builds of Python. Without
valgrind it is processor time, with a wider margin. --record writes the figures of the program to
release.json: run it with the release that later versions are compared with. It also writes the
limits, which no later record raises: that of a run is the figure of the release with the run's
margin, or the limit so far if that is lower.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from standard_runs import METHODS, STANDARD_RUNS, Method, choose_method, measure_figures

RELEASE = Path(__file__).with_name("release.json")


def find_regressions(limits: Mapping[str, float], current: Mapping[str, float]) -> list[str]:
    """Return a sentence for each run whose figure is above its limit.

    A run that has only one of the two is reported too.
    """
    found = []
    for name in {**limits, **current}:
        if name not in current:
            found.append(f"{name}: not measured")
        elif name not in limits:
            found.append(f"{name}: no limit; record it with `make gate-record`")
        elif current[name] > limits[name]:
            found.append(f"{name}: {current[name] / limits[name] - 1:+.1%} above the limit")
    return found


def find_limits(
    recorded: Mapping[str, float], accepted: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    """Return the recorded limits, with what is accepted as the cost of new features.

    `accepted` maps a run to a `factor` and its `reason`.
    """
    return {
        run: value * accepted.get(run, {"factor": 1})["factor"] for run, value in recorded.items()
    }


def lower_limits(
    limits: Mapping[str, float], figures: Mapping[str, float], method: Method
) -> dict[str, float]:
    """Return the limits after a record. They are lowered, never raised; a new run gets one."""
    shares = {run: standard.find_share(method) for run, standard in STANDARD_RUNS.items()}
    new = {run: value * shares[run] for run, value in figures.items()}
    return {
        run: round(min(found), 4)
        for run in STANDARD_RUNS
        if (found := [one[run] for one in (limits, new) if run in one])
    }


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


def record_release(program: Path, file: Path, methods: list[Method]) -> None:
    """Measure a program, and write its figures and the limits."""
    before = json.loads(file.read_text(encoding="utf-8")).get("limits", {}) if file.exists() else {}
    figures = {
        method.name: {
            run: round(value, 4) for run, value in measure_figures(program, method).items()
        }
        for method in methods
    }
    record = {
        "release": read_version(program),
        "python": read_python_version(program),
        "figures": figures,
        "limits": {
            method.name: lower_limits(before.get(method.name, {}), figures[method.name], method)
            for method in methods
        },
    }
    file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(file.read_text(encoding="utf-8"), end="")


def compare_with_release(program: Path, record: Mapping[str, Any], method: Method) -> list[str]:
    """Measure a program, print its figures beside those of the release, and return regressions."""
    accepted = record.get("accepted", {})
    limits = find_limits(record["limits"].get(method.name, {}), accepted)
    released, current = record["figures"].get(method.name, {}), measure_figures(program, method)
    now = f"{read_version(program)} (Python {read_python_version(program)})"
    print(f"{method.name}, as a multiple of the calibration")
    for run, cost in accepted.items():
        print(f"accepted: {run}: {cost['factor'] - 1:+.0%}, {cost['reason']}")
    print(f"released: {record['release']} (Python {record['python']}); now: {now}, {program}")
    print(f"  {'':<26}{'released':>9}{'now':>9}{'ratio':>8}{'limit':>9}")
    for name, value in current.items():
        before, limit = (one.get(name, float("nan")) for one in (released, limits))
        print(f"  {name:<26}{before:9.3f}{value:9.3f}{value / before:8.3f}{limit:9.3f}")
    return find_regressions(limits, current)


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
    parser.add_argument(
        "--processor-time", action="store_true", help="do not count instructions with valgrind"
    )
    given = parser.parse_args()
    program = given.program.resolve()
    if not program.with_name("python").exists():
        parser.error(f"{program} is not in the folder of a virtual environment's Python")
    method = choose_method(given.processor_time)
    if given.record:
        if not method.exact:
            parser.error("--record requires valgrind")
        record_release(program, given.release, METHODS)
        return 0
    if not method.exact:
        print(
            "warning: instructions are not counted"
            + ("" if given.processor_time else ", because valgrind is not installed")
            + f". Processor time is compared instead, which only shows changes above "
            f"{method.margin:.0%}.",
            file=sys.stderr,
        )
    record = json.loads(given.release.read_text(encoding="utf-8"))
    regressions = compare_with_release(program, record, method)
    for sentence in regressions:
        print(f"costs more than {record['release']}: {sentence}", file=sys.stderr)
    if not regressions:
        print("no run costs more")
    return 1 if regressions else 0


if __name__ == "__main__":
    sys.exit(main())
