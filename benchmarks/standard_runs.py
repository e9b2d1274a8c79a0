"""Measure the standard runs of a vaultlink program, in multiples of a fixed calibration.

    python benchmarks/standard_runs.py VAULT STEPS

runs the process whose memory is measured: it keeps a vault in memory as `mcp` does, takes over
STEPS changed notes, and prints the bytes that are allocated then.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from generate import generate_vault
from measure import TimedCommand, create_environment, measure_run

COLD_NOTES = 600
"""As many as a cold check reads in the time of the other runs. It outweighs the start."""
WARM_NOTES = 2_000
"""So many that a cost for each note shows beside the start."""
LISTING_NOTES = 1_000
"""Fewer for the commands that search all notes where nothing is kept: valgrind makes them slow."""
STEPS = 40
"""Changes of notes before the memory of a workspace is measured."""
MOST = 1.05
"""The multiple of the release that a run may cost: figures of two builds of Python differ by 4%."""
LACKING = 3
"""The exit code of a process whose program has no workspace."""
PAST = 1_700_000_000
"""The time of all notes in seconds: a cache can't take them for notes that are still written."""
FIXED = {"PYTHONHASHSEED": "0", "PYTHONPATH": ""}
CALIBRATION = Path(__file__).with_name("calibration.py")


class Method(NamedTuple):
    """A way to measure a command.

    - name: what is measured.
    - measure: return the value of one run.
    - margin: the share by which a figure may exceed that of the release, unless it is exact.
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
    Method("instructions", count_instructions, 0.0, 1, parallel=True, exact=True),
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

    def plan_repeated(self, *words: str) -> TimedCommand:
        """Return a command that ran before, after which nothing changed."""
        run = self.plan(words)
        for _ in range(2):
            measure_run(run, {})
        return run

    def plan_fixes(self) -> TimedCommand:
        """Return a run that prints fixes of links in every fifth note, and did so before."""
        notes = sorted(self.vault.rglob("*.md"))
        for note, other in zip(notes[::5], notes[1::5], strict=False):
            title = other.stem.replace("_", " ").capitalize()
            with note.open("a", encoding="utf-8") as text:
                text.write(f"\nAlso [[{title}]].\n")
            os.utime(note, (PAST, PAST))
        return self.plan_repeated("fix", "--diff")

    def plan_workspace(self) -> TimedCommand:
        """Return a process that keeps the vault in memory while notes change."""
        command = (str(self.program.with_name("python")), __file__, str(self.vault), str(STEPS))
        run = TimedCommand(command, self.vault, more_environment=self.environment)
        measure_run(replace(run, accepted_codes=(0, LACKING)), {})  # writes bytecode
        return run


class StandardRun(NamedTuple):
    """A run that is compared with the release.

    - notes: the number of notes in its vault.
    - plan: return its command.
    - most: the multiple of the release that it may cost, by an exact method.
    - is_memory: whether its memory is measured, in megabytes. That is exact, too.
    """

    notes: int
    plan: Callable[[StandardVault], TimedCommand]
    most: float = MOST
    is_memory: bool = False

    def find_share(self, method: Method) -> float:
        """Return the multiple of the release that a figure may reach."""
        return self.most if method.exact or self.is_memory else 1 + method.margin

    def measure(self, method: Method, command: TimedCommand, unit: float) -> float | None:
        """Return the figure; None if the program lacks what is measured."""
        if not self.is_memory:
            return method.measure(command) / unit
        done = subprocess.run(
            command.command,
            capture_output=True,
            check=False,
            cwd=command.folder,
            env=dict(command.more_environment),
            text=True,
        )
        if done.returncode not in (0, LACKING):
            raise SystemExit(f"the workspace ended with {done.returncode}: {done.stderr[-500:]}")
        return None if done.returncode else int(done.stdout) / 1e6


def plan_listing(*words: str) -> StandardRun:
    """Return the run of a command that searches all notes, and keeps what it prints."""
    return StandardRun(LISTING_NOTES, lambda vault: vault.plan_repeated(*words))


STANDARD_RUNS: Mapping[str, StandardRun] = {
    "cold check": StandardRun(COLD_NOTES, StandardVault.plan_cold_check, 1.1),
    "unchanged check": StandardRun(WARM_NOTES, StandardVault.plan_unchanged_check, 1.1),
    "one note changed": StandardRun(WARM_NOTES, StandardVault.plan_changed_check),
    "check --stdin-filename": StandardRun(WARM_NOTES, StandardVault.plan_stdin_check),
    "unresolved": plan_listing("unresolved"),
    "mentions": plan_listing("mentions"),
    "fix --diff": StandardRun(LISTING_NOTES, StandardVault.plan_fixes),
    "workspace, MB": StandardRun(COLD_NOTES, StandardVault.plan_workspace, 1.02, is_memory=True),
}


def plan_calibration(program: Path, folder: Path) -> TimedCommand:
    """Return the fixed work, in the Python of a program."""
    command = (str(program.with_name("python")), "-S", "-s", str(CALIBRATION))
    return TimedCommand(command, folder, more_environment={**os.environ, **FIXED})


def measure_figures(program: Path, method: Method) -> dict[str, float]:
    """Return the figure of each standard run that a program can do."""
    with tempfile.TemporaryDirectory(prefix="vaultlink-gate-") as name:
        folder = Path(name)

        def create(run: str) -> TimedCommand:
            vault = StandardVault(folder / run.replace(" ", "-"), program, STANDARD_RUNS[run].notes)
            vault.create()
            return STANDARD_RUNS[run].plan(vault)

        def measure(run: str) -> float | None:
            return STANDARD_RUNS[run].measure(method, plans[run], unit)

        with ThreadPoolExecutor((os.cpu_count() or 1) if method.parallel else 1) as pool:
            plans = dict(zip(STANDARD_RUNS, pool.map(create, STANDARD_RUNS), strict=True))
            calibration = plan_calibration(program, folder)
            unit = min(method.measure(calibration) for _ in range(method.rounds))
            rounds = [list(pool.map(measure, STANDARD_RUNS)) for _ in range(method.rounds)]
    best = {
        run: min((value for value in values if value is not None), default=None)
        for run, values in zip(STANDARD_RUNS, zip(*rounds, strict=True), strict=True)
    }
    return {run: value for run, value in best.items() if value is not None}


def weigh_workspace(folder: Path, steps: int) -> int:
    """Return the bytes that a vault in memory has allocated after changes of `steps` notes."""
    try:
        from vaultlink.serve.workspace import Workspace  # noqa: PLC0415 - in the measured process
    except ImportError:
        sys.exit(LACKING)
    from vaultlink import Settings  # noqa: PLC0415
    from vaultlink.disk.scan import scan_vault  # noqa: PLC0415

    tracemalloc.start()
    workspace = Workspace(scan_vault(folder, Settings(jobs=1)), poll_seconds=3_600)
    workspace.refresh()
    notes = sorted(folder.rglob("*.md"))
    for number in range(steps):
        note = notes[number * len(notes) // steps]
        with note.open("a", encoding="utf-8") as text:
            text.write(f"\n## Step {number}\n\nA [[topic {number % 7} that nobody wrote]].\n")
        workspace.events.add_path(note.relative_to(folder).as_posix())
        workspace.refresh()
    workspace.fold()
    return tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    print(weigh_workspace(Path(sys.argv[1]), int(sys.argv[2])))
