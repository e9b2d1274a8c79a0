"""Measure the standard runs of a vaultlink program, in multiples of a fixed calibration."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from generate import generate_vault
from measure import TimedCommand, create_environment, measure_run

COLD_NOTES = 600
"""As many as a cold check reads in the time of the other runs. It outweighs the start."""
WARM_NOTES = 2_000
"""So many that a cost for each note shows beside the start."""
PAST = 1_700_000_000
"""The time of all notes in seconds: a cache can't take them for notes that are still written."""
FIXED = {"PYTHONHASHSEED": "0", "PYTHONPATH": ""}
CALIBRATION = Path(__file__).with_name("calibration.py")


class Method(NamedTuple):
    """A way to measure a command.

    - name: what is measured.
    - measure: return the value of one run.
    - margin: the share by which a figure may exceed that of the release.
    - rounds: the number of runs, of which the lowest value counts.
    - parallel: whether runs may run at the same time.
    - exact: whether the load of the machine changes nothing.
    """

    name: str
    measure: Callable[[TimedCommand], float]
    margin: float
    rounds: int
    parallel: bool
    exact: bool


def count_instructions(run: TimedCommand) -> float:
    """Return the number of instructions of a run. Programs that it starts are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        valgrind = (
            "valgrind",
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
            f"--log-file={log}",
        )
        measure_run(
            TimedCommand((*valgrind, *run.command), run.folder, run.prepare, text=run.text),
            run.more_environment,
        )
        counted = re.search(r"I +refs: +([\d,]+)", log.read_text(encoding="utf-8"))
    if counted is None:
        raise SystemExit("valgrind did not count instructions")
    return float(counted[1].replace(",", ""))


def read_processor_time(run: TimedCommand) -> float:
    """Return the processor time of a run in seconds."""
    return measure_run(run, run.more_environment).processor


METHODS = [
    Method("instructions", count_instructions, 0.1, 1, parallel=True, exact=True),
    Method("processor time", read_processor_time, 0.5, 9, parallel=False, exact=False),
]


def choose_method(processor_time: bool) -> Method:
    """Return the exact method if valgrind is installed and nothing else is wanted."""
    return METHODS[1 if processor_time or not shutil.which("valgrind") else 0]


@dataclass(frozen=True, slots=True)
class StandardVault:
    """A generated vault with its own cache, in which one standard run is measured."""

    folder: Path
    program: Path
    notes: int

    @property
    def environment(self) -> dict[str, str]:
        """Return an environment in which every run does the same."""
        kept = create_environment(self.folder / "cache", self.folder / "state")
        return {**kept, **FIXED}

    @property
    def vault(self) -> Path:
        """Return the folder of the notes."""
        return self.folder / "vault"

    def create(self) -> None:
        """Write the notes, and run the program until its bytecode and its cache are there."""
        generate_vault(self.vault, self.notes)
        for note in self.vault.rglob("*.md"):
            os.utime(note, (PAST, PAST))
        for _ in range(2):
            measure_run(self.plan(("check",)), {})

    def plan(
        self, words: Sequence[str], prepare: Callable[[], None] = lambda: None, text: bytes = b""
    ) -> TimedCommand:
        """Return a command of the program in one process."""
        command = (str(self.program.with_name("python")), str(self.program), *words, "--jobs", "1")
        return TimedCommand(
            command, self.vault, prepare, text=text, more_environment=self.environment
        )

    def find_note(self) -> Path:
        """Return a note in the middle of the vault."""
        notes = sorted(self.vault.rglob("*.md"))
        return notes[len(notes) // 2]

    # -- the runs ----------------------------------------------------------------------------

    def plan_cold_check(self) -> TimedCommand:
        """Return a check without a cache."""
        return self.plan(
            ("check",), lambda: shutil.rmtree(self.folder / "cache", ignore_errors=True)
        )

    def plan_unchanged_check(self) -> TimedCommand:
        """Return a check after which nothing changed."""
        return self.plan(("check",))

    def plan_changed_check(self) -> TimedCommand:
        """Return a check after one note changed."""
        note = self.find_note()

        def change() -> None:
            length = note.stat().st_size
            with note.open("a", encoding="utf-8") as text:
                text.write("\nOne more line, and a [[topic that nobody wrote]].\n")
            os.utime(note, (PAST + length, PAST + length))  # another time at each change

        return self.plan(("check",), change)

    def plan_stdin_check(self) -> TimedCommand:
        """Return a check of a changed text that is not saved."""
        note = self.find_note()
        text = note.read_bytes() + b"\nOne more line, and a [[topic that nobody wrote]].\n"
        return self.plan(("check", "--stdin-filename", str(note), "-"), text=text)


STANDARD_RUNS: Mapping[str, tuple[int, Callable[[StandardVault], TimedCommand]]] = {
    "cold check": (COLD_NOTES, StandardVault.plan_cold_check),
    "unchanged check": (WARM_NOTES, StandardVault.plan_unchanged_check),
    "one note changed": (WARM_NOTES, StandardVault.plan_changed_check),
    "check --stdin-filename": (WARM_NOTES, StandardVault.plan_stdin_check),
}


def plan_calibration(program: Path, folder: Path) -> TimedCommand:
    """Return the fixed work, in the Python of a program."""
    command = (str(program.with_name("python")), "-S", "-s", str(CALIBRATION))
    return TimedCommand(command, folder, more_environment={**os.environ, **FIXED})


def measure_figures(program: Path, method: Method) -> dict[str, float]:
    """Return the value of each standard run of a program, divided by that of the calibration."""
    with tempfile.TemporaryDirectory(prefix="vaultlink-gate-") as name:
        folder = Path(name)

        def create(run: str) -> TimedCommand:
            notes, plan = STANDARD_RUNS[run]
            vault = StandardVault(folder / run.replace(" ", "-"), program, notes)
            vault.create()
            return plan(vault)

        with ThreadPoolExecutor((os.cpu_count() or 1) if method.parallel else 1) as pool:
            plans = [*pool.map(create, STANDARD_RUNS), plan_calibration(program, folder)]
            rounds = [list(pool.map(method.measure, plans)) for _ in range(method.rounds)]
    *values, unit = map(min, zip(*rounds, strict=True))
    return {run: value / unit for run, value in zip(STANDARD_RUNS, values, strict=True)}
