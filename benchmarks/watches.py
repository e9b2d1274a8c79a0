"""Sections of the bench about `watch` and `serve`."""

import statistics
import time

from checks import CHECK, VAULTLINK, run_quietly
from histories import list_notes
from measure import Bench, TimedCommand, measure_run
from watching import (
    QUIET_SECONDS,
    WatchProcess,
    compute_delay,
    time_renames,
    time_saves,
)


def bench_watch(bench: Bench) -> None:
    """Time from a save or rename to its last finding, beyond the debounce; and the idle cost."""
    watched = WatchProcess(VAULTLINK, bench.vault, bench.environment)
    bench.figures.add("watch, beginning, cold", watched.startup_seconds)
    taken = {
        "save": time_saves(watched, bench.vault, 60),
        "rename, 100 links": time_renames(
            watched, bench.vault, watched.find_linked_notes(90, 150), 40
        ),
    }
    for name, spent in taken.items():
        if spent:
            beyond = f"{name} to finding, beyond {QUIET_SECONDS:g} s of quiet"
            median, most = compute_delay(spent, 0.5), compute_delay(spent, 0.95)
            target = 30 if name == "save" else None
            bench.figures.add(f"{beyond}: median", median * 1000, "ms", target)
            bench.figures.add(f"{beyond}: 95th percentile", most * 1000, "ms", 50)
    before = watched.read_cpu_seconds()
    time.sleep(20)
    idle = watched.read_cpu_seconds() - before
    bench.figures.add("watch, processor time of 20 idle seconds", idle, "s", 0.05)
    bench.figures.add("watch, memory", watched.read_memory_megabytes(), "MB")
    watched.stop()


def bench_serve(bench: Bench) -> None:
    """The check of a draft by the command line, while `serve` keeps the vault in memory."""
    notes = list_notes(bench.vault)
    note = notes[len(notes) // 2]
    words = (*CHECK, "--stdin-filename", note.relative_to(bench.vault).as_posix(), "-")
    run_quietly(bench, bench.vault, "serve", "--background")
    spent = []
    for number in range(bench.rounds * 6):
        text = note.read_bytes() + f"\nThe [[topic {number} that nobody wrote]].\n".encode()
        run = TimedCommand(words, bench.vault, text=text)
        spent.append(measure_run(run, bench.environment))
    run_quietly(bench, bench.vault, "serve", "--stop")
    wall = statistics.median(one.wall for one in spent[1:]) * 1000
    client = statistics.median(one.processor for one in spent[1:]) * 1000
    bench.figures.add("check of a draft through serve", wall, "ms", 40)
    bench.figures.add("its client, processor time", client, "ms")
