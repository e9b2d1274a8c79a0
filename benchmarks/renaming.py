"""The section of the bench about `rename`, of notes with many links and with one."""

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from checks import CHECK, VAULTLINK, run_quietly
from measure import Bench, TimedCommand, measure_peak_megabytes, measure_run
from vaultlink import Settings, open_vault

MOST_SECONDS = 3.0
ONE_SECONDS = 0.5
MOST_MEGABYTES = 400.0
LIMIT_SECONDS = 60
NEW_NAME = "Renamed for the bench"
PEERS = ("mdsmith move", "foam rename note")
"""Commands of other tools that rename a note. The last argument of foam is a name, not a path."""


def bench_rename(bench: Bench) -> None:
    """Renaming the note that most notes link to, and a note with one link (processor time)."""
    most, one = find_notes(bench)
    for name, note, target in (
        ("the most-linked note", most, MOST_SECONDS),
        ("a note with one link", one, ONE_SECONDS),
    ):
        run = TimedCommand((*VAULTLINK, "rename", note, NEW_NAME), bench.vault, _restore(bench))
        rounds = [measure_run(run, bench.environment).processor for _ in range(bench.rounds)]
        seconds = statistics.median(rounds)
        bench.figures.add(f"rename of {name}: {note}", seconds, target=target)
    many = TimedCommand((*VAULTLINK, "rename", most, NEW_NAME), bench.vault, _restore(bench))
    peak = measure_peak_megabytes(many, bench.environment)
    if peak is not None:
        bench.figures.add("rename of the most-linked note, peak", peak, "MB", MOST_MEGABYTES)
    _restore(bench)()
    for name in PEERS:
        _bench_peer(bench, name, most)


def find_notes(bench: Bench) -> tuple[str, str]:
    """Return the note that most notes link to, and one to which one other note links."""
    index = open_vault(bench.vault, Settings(cache=False)).index
    sources = {
        path: len(index.backlinks.get(path, ())) for path in index.notes if path.endswith(".md")
    }
    most = max(sources, key=lambda path: (sources[path], path))
    one = next((path for path in sorted(sources) if sources[path] == 1), most)
    return most, one


def _restore(bench: Bench) -> Callable[[], None]:
    """Return a function that reverts the last rename and fills the cache."""

    def restore() -> None:
        run_quietly(bench, bench.vault, "undo")
        measure_run(TimedCommand(CHECK, bench.vault), bench.environment)

    return restore


def _bench_peer(bench: Bench, name: str, note: str) -> None:
    """Measure another tool on a copy of the vault, once, for a minute at most."""
    command, *words = name.split()
    own = bench.peer_folder / command
    program = str(own) if own.exists() else shutil.which(command)
    if program is None:
        print(f"  {name}: not installed")
        return
    copy = bench.work_folder / "copy for other tools"
    shutil.copytree(bench.vault, copy)
    new = str(Path(note).with_name(f"{NEW_NAME}.md"))
    names = (Path(note).stem, NEW_NAME) if command == "foam" else (note, new)
    run = TimedCommand(
        ("timeout", str(LIMIT_SECONDS), program, *words, *names),
        copy,
        accepted_codes=tuple(range(256)),
    )
    spent = measure_run(run, bench.environment)
    is_done = (copy / new).exists()
    suffix = "" if is_done else f", not done after {spent.wall:.0f} s"
    bench.figures.add(f"{name} of the most-linked note{suffix}", spent.processor)
    shutil.rmtree(copy)
