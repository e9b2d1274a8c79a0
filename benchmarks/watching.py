"""Measure a running `vaultlink watch`.

Prints seconds from a save or a rename to its finding. The vault is written to.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

QUIET_SECONDS = 0.1
"""The debounce of the watcher in seconds."""


class WatchProcess:
    """A watcher in its own process. Each line has the time at which it arrived."""

    def __init__(
        self, command: Sequence[str], vault: Path, environment: Mapping[str, str], *options: str
    ):
        words = ("watch", str(vault), "--output-format", "json-lines", "--quiet", *options)
        self.process = subprocess.Popen(
            [*command, *words],
            stdout=subprocess.PIPE,
            env=dict(environment),
        )
        self._lines: Queue[tuple[float, bytes]] = Queue()
        Thread(target=self._read_lines, daemon=True).start()
        begun = time.monotonic()
        self.startup_seconds = self.wait_for(b'"event":"state"', 120) - begun
        self.vault, self._environment, self._command = vault, environment, command
        time.sleep(3)  # until the system reports changes

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put((time.monotonic(), line))

    def find_linked_notes(self, least: int, most: int) -> list[str]:
        """Return the notes that between `least` and `most` files link to."""
        listed = subprocess.run(
            [*self._command, "backlinks", "--vault", str(self.vault), "--output-format", "tsv"],
            capture_output=True,
            check=True,
            env=dict(self._environment),
            text=True,
        ).stdout
        rows = [line.split("\t") for line in listed.splitlines()]
        return [
            path for path, _, files in rows if path.endswith(".md") and least <= int(files) <= most
        ]

    def wait_for(self, words: bytes, seconds: float = 20.0) -> float:
        """Wait for a line with these words and return its time.

        Raises:
            SystemExit: There was none within `seconds`.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                moment, line = self._lines.get(timeout=max(end - time.monotonic(), 0.01))
            except Empty:
                raise SystemExit(
                    f"the watcher did not report {words!r} within {seconds} s"
                ) from None
            if words in line:
                return moment

    def next_line(self, seconds: float = 20.0) -> tuple[float, bytes]:
        """Return the next line and its time."""
        return self._lines.get(timeout=seconds)

    def drain_lines(self) -> list[tuple[float, bytes]]:
        """Return the lines that have arrived since the last call."""
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def read_cpu_seconds(self) -> float:
        """Return the processor time used so far in seconds."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat")
            .read_text(encoding="ascii")
            .rpartition(")")[2]
            .split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_memory_megabytes(self) -> float:
        """Return the resident memory in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return (
            next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
            / 1024
        )

    def stop(self) -> int:
        """Send SIGTERM as a service manager does, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def end(self) -> None:
        """End the watcher at once, also if it is still fixing."""
        self.process.kill()
        self.process.wait()


def time_saves(watched: WatchProcess, vault: Path, rounds: int) -> list[float]:
    """Return the seconds from each save of a note with a new broken link to the finding."""
    dice = random.Random(1)
    notes = sorted(vault.rglob("*.md"))
    spent = []
    for number in range(rounds):
        note = dice.choice(notes)
        text = note.read_bytes()
        time.sleep(0.3)
        note.write_bytes(text + f"\n[[benchmark topic {number}]]\n".encode())
        saved = time.monotonic()
        spent.append(watched.wait_for(f"benchmark topic {number}".encode()) - saved)
        note.write_bytes(text)
        watched.wait_for(b'"event":"healed"')
    return spent


def time_renames(
    watched: WatchProcess, vault: Path, linked: Sequence[str], rounds: int
) -> list[float]:
    """Return the seconds from each rename to the last finding in the notes that link to it."""
    spent = []
    for path in [linked[number % len(linked)] for number in range(rounds if linked else 0)]:
        time.sleep(0.5)
        watched.drain_lines()
        note = vault / path
        other = note.with_name(f"{note.stem} renamed for a while.md")
        note.rename(other)
        renamed = time.monotonic()
        spent.append(_wait_for_batch(watched) - renamed)
        time.sleep(0.3)
        watched.drain_lines()
        other.rename(note)
        _wait_for_batch(watched)
    return spent


def _wait_for_batch(watched: WatchProcess) -> float:
    """Return the time of the last finding in the next batch."""
    last = 0.0
    while True:
        moment, line = watched.next_line()
        if json.loads(line)["event"] == "batch":
            return last
        last = moment


def compute_delay(spent: Sequence[float], share: float) -> float:
    """Return the given quantile of the measurements in seconds, minus the debounce."""
    return sorted(spent)[int(len(spent) * share)] - QUIET_SECONDS
