"""Section of the bench about unlinked mentions, with the library and with the plain fallback.

    python benchmarks/mentions.py VAULT check|library|plain

runs the process that is measured: it opens the vault, which is a check, and unless told `check`
searches all notes for mentions.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from measure import Bench, TimedCommand, measure_peak_megabytes, measure_rounds, measure_run
from vaultlink import Settings, Vault, open_vault
from vaultlink.index.resolve import is_note
from vaultlink.mentions.finder import MentionFinder
from vaultlink.mentions.matcher import sample_paths
from vaultlink.mentions.mention import MentionOptions

WAYS = {"library": False, "plain": True}
"""The ways to search, and if they are plain."""

VAULT_SECONDS = 4.0
NOTE_MILLISECONDS = 30.0
NAME_SECONDS = 2.0
MORE_MEGABYTES = 150.0
NOTES = 200
"""Number of notes that are searched one by one, at equal distances."""


class Search(NamedTuple):
    """An open vault, the texts of its notes, and a finder for all of them."""

    vault: Vault
    texts: Mapping[str, str]
    finder: MentionFinder

    def find_all(self, to: frozenset[str] | None = None) -> int:
        """Search all notes, and return the number of mentions."""
        return sum(len(self.finder.find(path, self.texts[path], to)) for path in self.texts)


def create_finder(vault: Vault, *, plain: bool) -> MentionFinder:
    """Return a finder with default options."""
    sample = {path: vault.text(path) for path in sample_paths(vault.index)}
    return MentionFinder(vault.index, MentionOptions(), sample, plain=plain)


def count_mentions(vault: Vault, *, plain: bool) -> int:
    """Return the number of mentions in a vault. Keeps no text, as a command would."""
    finder, notes = create_finder(vault, plain=plain), vault.index.notes
    return sum(len(finder.find(path, vault.text(path))) for path in notes if is_note(path))


def bench_mentions(bench: Bench) -> None:
    """Mentions of all notes beyond a check, of one note, and of one new name (processor time)."""
    finder_ways = [way for way in WAYS if way == "plain" or _has_library(bench)]
    if "library" not in finder_ways:
        print("  with the library: not measured, ahocorasick-rs is not installed")
    _bench_vault(bench, finder_ways)
    vault = open_vault(bench.vault, Settings(cache=False))
    texts = {path: vault.text(path) for path in sorted(vault.notes)}
    for way in finder_ways:
        _bench_process(bench, way, Search(vault, texts, create_finder(vault, plain=WAYS[way])))


def _has_library(bench: Bench) -> bool:
    vault = open_vault(bench.vault, Settings(cache=False))
    return create_finder(vault, plain=False).is_fast


def _bench_vault(bench: Bench, ways: list[str]) -> None:
    """Measure whole processes with a warm cache: a check, and a check with a search."""
    runs = {
        way: TimedCommand((sys.executable, __file__, str(bench.vault), way), bench.vault)
        for way in ("check", *ways)
    }
    for _ in range(2):
        measure_run(runs["check"], bench.environment)
    spent = measure_rounds(runs, min(bench.rounds, 3), bench.environment)
    seconds = {way: statistics.median(one.processor for one in spent[way]) for way in runs}
    bench.figures.add("check, warm", seconds["check"])
    for way in ways:
        target = VAULT_SECONDS if way == "library" else None
        more = seconds[way] - seconds["check"]
        bench.figures.add(f"mentions of the whole vault beyond a check, {way}", more, "s", target)
    peaks = {way: measure_peak_megabytes(run, bench.environment) for way, run in runs.items()}
    check = peaks["check"]
    for way in ways:
        peak = peaks[way]
        if peak is None or check is None:
            print("  memory: not measured, requires Linux")
            return
        name = f"mentions of the whole vault, peak beyond a check, {way}"
        bench.figures.add(name, peak - check, "MB", MORE_MEGABYTES)


def _bench_process(bench: Bench, way: str, search: Search) -> None:
    """Measure a running process, whose vault and texts are in memory."""
    paths = list(search.texts)[:: max(1, len(search.texts) // NOTES)]
    longest = max(search.texts, key=lambda path: len(search.texts[path]))
    times = {
        path: _measure(lambda path=path: search.finder.find(path, search.texts[path]))  # type: ignore[misc]
        for path in (*paths, longest)
    }
    median = statistics.median(times[path] for path in paths) * 1000
    bench.figures.add(f"mentions of one note, {way}, median", median, "ms", NOTE_MILLISECONDS)
    slowest = max(times.values()) * 1000
    bench.figures.add(f"mentions of one note, {way}, slowest of {len(times)}", slowest, "ms")
    size = len(search.texts[longest])
    name = f"mentions of the longest note ({size:,} characters), {way}"
    bench.figures.add(name, times[longest] * 1000, "ms")
    build = _measure(lambda: create_finder(search.vault, plain=WAYS[way]))
    bench.figures.add(f"collecting all names and counting words, {way}", build)
    new = paths[len(paths) // 2]
    spent = build + _measure(lambda: search.find_all(frozenset((new,))))
    bench.figures.add(
        f"mentions of one new name in all notes, names collected anew, {way}",
        spent,
        "s",
        NAME_SECONDS,
    )


def _measure(act: Callable[[], object]) -> float:
    """Return the least processor time of three calls in seconds."""
    times = []
    for _ in range(3):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Run the process that is measured."""
    folder, way = sys.argv[1:]
    vault = open_vault(Path(folder))
    if way != "check":
        print(count_mentions(vault, plain=WAYS[way]))


if __name__ == "__main__":
    main()
