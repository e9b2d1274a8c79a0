"""Section of the bench about `watch`."""

import time

from checks import VAULTLINK
from measure import Bench
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
