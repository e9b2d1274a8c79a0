"""Measure the time (seconds) and memory (megabytes) of whole processes, and print figures."""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bench:
    """The work folder, the vault, the other tools and the number of rounds, for every section."""

    work_folder: Path
    vault: Path
    peer_folder: Path
    rounds: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the caller's environment with separate cache and state folders."""
        return {
            **os.environ,
            "VAULTLINK_CACHE_DIR": str(self.work_folder / "cache"),
            "VAULTLINK_STATE_DIR": str(self.work_folder / "state"),
        }

    def clear_cache(self) -> None:
        """Delete the cache, so that the next check is cold."""
        shutil.rmtree(self.work_folder / "cache", ignore_errors=True)

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


def measure_seconds(run: TimedCommand, environment: Mapping[str, str]) -> float:
    """Return the wall time of one run in seconds. Raises SystemExit on an unexpected exit code."""
    run.prepare()
    with open(run.output or os.devnull, "wb") as out:  # noqa: PTH123
        start = time.perf_counter()
        done = subprocess.run(
            run.command,
            cwd=run.folder,
            env=dict(environment),
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
        spent = time.perf_counter() - start
    if done.returncode not in run.accepted_codes:
        tail = done.stderr.decode(errors="replace")[-500:]
        raise SystemExit(f"{' '.join(run.command)} ended with exit code {done.returncode}:\n{tail}")
    return spent


def measure_medians(
    runs: Mapping[str, TimedCommand], rounds: int, environment: Mapping[str, str]
) -> dict[str, float]:
    """Return the median of each run in seconds.

    Each round runs all of them, so that load affects all equally.
    """
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            spent[name].append(measure_seconds(run, environment))
    return {name: statistics.median(times) for name, times in spent.items()}


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
            time.sleep(0.01)
    return peak / 1024


def print_verdict(label: str, value: float, target: float, unit: str = "") -> None:
    """Print a figure and its target."""
    word = "met" if value <= target else "MISSED"
    print(f"  {label:<58} {value:8.2f}{unit:<3} target {target:g}{unit} {word}")


def print_figure(label: str, value: float, unit: str = " s") -> None:
    """Print a figure without a target."""
    print(f"  {label:<58} {value:8.2f}{unit}")


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
