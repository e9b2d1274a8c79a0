"""The runs of a vaultlink program that `gate.py` measures, and what they may cost.

valgrind counts instructions, which are the same whatever else the machine does. Only memory is
measured otherwise. Each run has a vault of its own, with notes like real ones.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ecosystem_runs import create_environment
from generate import generate_articles

SMALL, LARGE = 1_200, 2_400
"""Notes of the vaults, more than vaultlink keeps decoded. Only one cold check has a large one.

What such a check costs for each note is the difference of both, which is free of the start.
"""
KEPT = 600
"""Notes whose memory is measured: all stay decoded, so that it does not depend on which are."""
PAST = 1_700_000_000
"""The time of all notes in seconds: a cache can't take them for notes that are still written."""
CALIBRATION, INNER_RUNS = (
    str(Path(__file__).with_name(name)) for name in ("calibration.py", "inner_runs.py")
)
COLD = ("check", "--no-cache", "--jobs", "1")
UNCHANGED = ("check", "--jobs", "1")
MEMORY = (
    "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=-3); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
)
"""A process that prints the peak memory of its only child."""

RELATIVE = {"cold check, 1,000 notes": 1.03, "unchanged check": 1.03, "workspace, MB": 1.02}
"""Figures that are compared with the last release, and the multiple of it that they may reach."""


class Command(NamedTuple):
    """A command after a change of one note, and what it may cost.

    - words: the command.
    - most: the multiple of the instructions of an unchanged check.
    - most_memory: the multiple of its peak memory, where nothing is kept of an earlier run.
    - line: what is appended to the note.
    - is_draft: whether the changed note is not saved, but read from stdin.
    """

    words: Sequence[str]
    most: float
    most_memory: float | None = None
    line: str = "One more line."
    is_draft: bool = False


COMMANDS: Mapping[str, Command] = {
    "report": Command(("report",), 28, 6.8),
    "fix --diff": Command(("fix", "--diff"), 6.5, 4.0),
    "unresolved": Command(("unresolved",), 6.2),
    "status": Command(("status",), 4.2),
    "mentions": Command(("mentions",), 3.7),
    "check, json": Command(("check", "--output-format", "json"), 3.35, 4.4),
    "check, statistics": Command(("check", "--quiet", "--statistics"), 2.9),
    "orphans": Command(("orphans",), 2.8),
    "check": Command(("check",), 2.9),
    "check, new link": Command(("check",), 2.9, line="A [[topic that nobody wrote]]."),
    "check, draft": Command(("check",), 2.6, is_draft=True),
}
"""Limits are 3 to 5 % above what 0.7.0 costs. Lower them when a command gets cheaper.

`report` reads and compares all notes again. `fix --diff` makes all diffs again.
"""

FIXED_LIMITS = {
    "first of two processes": 0.36,
    **{f"{name}, after a change": command.most for name, command in COMMANDS.items()},
    **{f"{name}, memory": most for name, (_, _, most, *_) in COMMANDS.items() if most},
}
"""Limits of figures that are quotients of two runs of the same program."""


@dataclass(frozen=True, slots=True)
class StandardVault:
    """A generated vault with its own cache, and the program that reads it."""

    folder: Path
    program: Path

    @property
    def vault(self) -> Path:
        """Return the folder of the notes."""
        return self.folder / "vault"

    @property
    def python(self) -> str:
        """Return the Python of the program."""
        return str(self.program.with_name("python"))

    def create(self, notes: int) -> None:
        """Write the notes, and run the program until its bytecode and its cache are there."""
        generate_articles(self.vault, notes)
        for note in self.vault.rglob("*.md"):
            os.utime(note, (PAST, PAST))
        for _ in range(2):
            self.run(self.python, str(self.program), *UNCHANGED)

    def run(self, *command: str, text: bytes = b"") -> str:
        """Run a command in the vault, and return its output. Raises SystemExit if it fails."""
        environment = create_environment(self.folder)
        done = subprocess.run(
            command,
            cwd=self.vault,
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONPATH": ""},
            input=text,
            capture_output=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            tail = done.stderr.decode(errors="replace")[-500:]
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
        return done.stdout.decode()

    def count(self, *words: str, text: bytes = b"") -> float:
        """Return the instructions of a Python command, without those of its child processes."""
        valgrind = ("valgrind", "--tool=cachegrind", "--cache-sim=no")
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            files = ("--cachegrind-out-file=/dev/null", f"--log-file={name}/%p")
            self.run(*valgrind, *files, self.python, *words, text=text)
            last = max(Path(name).iterdir(), key=lambda file: file.stat().st_mtime_ns)
            counted = re.search(r"I +refs: +([\d,]+)", last.read_text(encoding="utf-8"))
        if counted is None:
            raise SystemExit("valgrind did not count instructions")
        return float(counted[1].replace(",", ""))

    # -- figures -----------------------------------------------------------------------------

    def count_cold(self) -> float:
        """Return the instructions of a check that reads all notes and keeps nothing."""
        return self.count(str(self.program), *COLD)

    def count_first_process(self) -> float:
        """Return the instructions of such a check that no other process can do."""
        return self.count(INNER_RUNS, "parent", *COLD[:-1], "2")

    def count_unchanged(self) -> float:
        """Return the instructions of a check after which nothing changed."""
        return self.count(str(self.program), *UNCHANGED)

    def count_after_change(self, command: Command) -> float:
        """Return the instructions of a command that ran before one note changed."""
        words = (str(self.program), *command.words, "--jobs", "1")
        self.run(self.python, *words)
        notes = sorted(self.vault.rglob("*.md"))
        note = notes[len(notes) // 2]
        text = note.read_bytes() + f"\n{command.line}\n".encode()
        if command.is_draft:
            return self.count(*words, "--stdin-filename", str(note), "-", text=text)
        note.write_bytes(text)
        os.utime(note, (PAST + 1, PAST + 1))
        return self.count(*words)

    def compare_memory(self, command: Command) -> float:
        """Return the peak memory of a command as a multiple of that of an unchanged check."""
        first, second = (
            float(self.run(sys.executable, "-c", MEMORY, self.python, str(self.program), *words))
            for words in ((*command.words, "--jobs", "1"), UNCHANGED)
        )
        return first / second

    def count_calibration(self) -> float:
        """Return the instructions of the fixed work in the Python of the program."""
        return self.count("-S", "-s", CALIBRATION)

    def weigh_workspace(self) -> float:
        """Return the megabytes of a vault that is kept in memory while notes change."""
        command = (self.python, INNER_RUNS, "workspace", str(self.vault))
        self.run(*command)  # writes bytecode, which takes memory
        return int(self.run(*command)) / 1e6


RUNS: Mapping[str, Callable[[StandardVault], float]] = {
    "large": StandardVault.count_cold,
    **{
        f"{name}, after a change": partial(StandardVault.count_after_change, command=command)
        for name, command in COMMANDS.items()
    },
    "small": StandardVault.count_cold,
    "first": StandardVault.count_first_process,
    "unit": StandardVault.count_calibration,
    "unchanged": StandardVault.count_unchanged,
    "workspace, MB": StandardVault.weigh_workspace,
    **{
        f"{name}, memory": partial(StandardVault.compare_memory, command=command)
        for name, command in COMMANDS.items()
        if command.most_memory
    },
}
"""What is measured, each in a vault of its own. Long runs begin first."""


def measure_figures(program: Path) -> dict[str, float]:
    """Return all figures of a program. Two processors are busy for about two minutes."""
    with tempfile.TemporaryDirectory(prefix="vaultlink-gate-") as folder:

        def measure(name: str) -> float:
            vault = StandardVault(Path(folder) / name.replace(" ", "-"), program)
            vault.create({"large": LARGE, "workspace, MB": KEPT}.get(name, SMALL))
            return RUNS[name](vault)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = dict(zip(RUNS, pool.map(measure, RUNS), strict=True))
    unchanged = found["unchanged"]
    return {
        "cold check, 1,000 notes": (found["large"] - found["small"])
        / (LARGE - SMALL)
        * 1_000
        / found["unit"],
        "unchanged check": unchanged / found["unit"],
        "workspace, MB": found["workspace, MB"],
        "first of two processes": found["first"] / found["small"],
        **{
            name: found[name] / (unchanged if name.endswith("change") else 1)
            for name in FIXED_LIMITS
            if name in found
        },
    }
