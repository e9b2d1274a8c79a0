"""Measure the time (seconds) and memory (megabytes) of whole processes."""

import os
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from figures import Figures


def create_environment(cache: Path, state: Path) -> dict[str, str]:
    """Return the caller's environment with other cache and state folders, and with bytecode."""
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # without bytecode, every start compiles the program
        "VAULTLINK_CACHE_DIR": str(cache),
        "VAULTLINK_STATE_DIR": str(state),
    }


@dataclass(frozen=True, slots=True)
class Bench:
    """The work folder, the vault, the other tools and the number of rounds, for every section."""

    work_folder: Path
    vault: Path
    peer_folder: Path
    rounds: int
    figures: Figures
    before: Path | None = None
    """The program of an earlier release, measured in the same rounds."""

    @property
    def cache(self) -> Path:
        """Return the cache folder."""
        return self.work_folder / "cache"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of all runs."""
        return create_environment(self.cache, self.work_folder / "state")

    def clear_cache(self) -> None:
        """Delete the cache, so that the next check is cold."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def tool_path(self, name: str) -> str:
        """Return the path of another tool."""
        return str(self.peer_folder / name)


@dataclass(frozen=True, slots=True)
class TimedCommand:
    """A command, its working folder, and a preparation that is not measured."""

    command: Sequence[str]
    folder: Path
    prepare: Callable[[], None] = lambda: None
    output: Path | None = None
    accepted_codes: tuple[int, ...] = (0, 1)
    text: bytes = b""
    more_environment: Mapping[str, str] = field(default_factory=dict)


class Spent(NamedTuple):
    """Wall time and processor time of a run and its child processes, in seconds."""

    wall: float
    processor: float


def measure_run(run: TimedCommand, environment: Mapping[str, str]) -> Spent:
    """Prepare and run a command once. Raises SystemExit on an unexpected exit code."""
    run.prepare()
    with open(run.output or os.devnull, "wb") as out:  # noqa: PTH123
        before, start = _read_processor_seconds(), time.perf_counter()
        done = subprocess.run(
            run.command,
            cwd=run.folder,
            env={**environment, **run.more_environment},
            input=run.text,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
        spent = Spent(time.perf_counter() - start, _read_processor_seconds() - before)
    if done.returncode not in run.accepted_codes:
        tail = done.stderr.decode(errors="replace")[-500:]
        raise SystemExit(f"{' '.join(run.command)} ended with exit code {done.returncode}:\n{tail}")
    return spent


def measure_rounds(
    runs: Mapping[str, TimedCommand], rounds: int, environment: Mapping[str, str]
) -> dict[str, list[Spent]]:
    """Return what each run spends in every round.

    Each round runs all of them, so that load affects all equally.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            spent[name].append(measure_run(run, environment))
    return spent


def measure_medians(
    runs: Mapping[str, TimedCommand], rounds: int, environment: Mapping[str, str]
) -> dict[str, float]:
    """Return the median wall time of each run in seconds."""
    return {
        name: statistics.median(one.wall for one in spent)
        for name, spent in measure_rounds(runs, rounds, environment).items()
    }


def measure_peak_megabytes(run: TimedCommand, environment: Mapping[str, str]) -> float | None:
    """Return the peak memory of a run and its child processes in megabytes; None except on Linux.

    Shared pages are counted once.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    run.prepare()
    peak = 0
    with subprocess.Popen(
        run.command,
        cwd=run.folder,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            peak = max(
                peak, sum(_read_pss_kilobytes(pid) for pid in _list_process_tree(process.pid))
            )
            time.sleep(0.005)
    return peak / 1024


def measure_first_share(run: TimedCommand, environment: Mapping[str, str]) -> float | None:
    """Return the first process's share of the processor time of a run; None except on Linux.

    The other part is that of the processes which it started and waited for.
    """
    run.prepare()
    with subprocess.Popen(
        run.command,
        cwd=run.folder,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # /proc still has its times
        try:
            status = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return None
    own_user, own_system, others_user, others_system = map(
        int, status.rpartition(")")[2].split()[11:15]
    )
    own = own_user + own_system
    return own / (own + others_user + others_system)


def _read_processor_seconds() -> float:
    """Return the processor time of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _list_process_tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(member for child in started for member in _list_process_tree(int(child)))]


def _read_pss_kilobytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
