"""Runs in the process of the measured program, for what its commands do not show.

    python benchmarks/inner_runs.py workspace VAULT

keeps a vault in memory as `mcp` does, takes over changes of notes, and prints the bytes that are
allocated then.

    python benchmarks/inner_runs.py parent WORD ...

runs a command, and leaves all that a fork can do to forks. The instructions of the first process
are those during which other processors wait.
"""

import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from vaultlink import Settings
from vaultlink.__main__ import start
from vaultlink.disk import processes, workers
from vaultlink.disk.scan import scan_vault

STEPS = 40
"""Changes of notes before the memory of a workspace is measured."""


def weigh_workspace(folder: Path) -> int:
    """Return the bytes that a vault in memory has allocated after changes of notes."""
    from vaultlink.serve.workspace import Workspace  # noqa: PLC0415 - 0.5.0 has none

    tracemalloc.start()
    workspace = Workspace(scan_vault(folder, Settings(jobs=1)), poll_seconds=3_600)
    workspace.refresh()
    notes = sorted(folder.rglob("*.md"))
    for number in range(STEPS):
        note = notes[number * len(notes) // STEPS]
        with note.open("a", encoding="utf-8") as text:
            text.write(f"\n## Step {number}\n\nA [[topic {number % 7} that nobody wrote]].\n")
        workspace.events.add_path(note.relative_to(folder).as_posix())
        workspace.refresh()
    workspace.fold()
    return tracemalloc.get_traced_memory()[0]


def leave_work_to_forks() -> None:
    """Make this process take no part of work that forks share, in a small vault too."""
    parent, open_queue = os.getpid(), processes._open_queue

    def open_queue_of_forks(size: int) -> Callable[[], Iterator[int]]:
        take = open_queue(size)
        return lambda: iter(()) if os.getpid() == parent else take()

    processes._open_queue = open_queue_of_forks
    workers._FORK_THRESHOLD_NOTES = 0


if __name__ == "__main__":
    if sys.argv[1] == "workspace":
        print(weigh_workspace(Path(sys.argv[2])))
    else:
        del sys.argv[1]
        leave_work_to_forks()
        start()
