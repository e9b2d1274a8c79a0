"""Replay histories of vaults, and count how often programs lead links to where targets went.

    python benchmarks/replay.py [--program NAME=FILE]... [--details FILE] REPOSITORY...

Each repository is a vault in git, bare or not. Nothing in it is run or changed. The script finds
commits in which the targets of links went elsewhere. The texts, or the authors' own edits, say what
the links lead to now. Each program then checks the vault as it was after these commits.

Variants: b is a fresh clone without an earlier run. d is a folder without git, with one earlier run
on the state before. a has the changes uncommitted. The kind "alarms" only lists findings.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from replay_cases import Event, Limits, sample_events
from replay_history import History
from replay_links import find_retargets, list_chains, list_retarget_commits
from replay_notes import find_author_edits, find_pairs
from replay_runs import EventResults, ProgramFolder, Replay
from replay_sections import find_sections

KINDS = ("pairs", "authors", "headings", "chains", "retargets", "alarms")
RESULTS = ("right", "suggested", "nothing", "wrong", "wrong-suggested", "resolves")
RETARGET_RESULTS = ("led back", "noticed", "ambiguous", "nothing", "wrong")
WINDOW = 12
"""Commits that are checked one after the other for false alarms."""

Row = dict[str, Any]
"""A link, or a finding of the kind "alarms", as `--details` has it."""


class ReplayTask(NamedTuple):
    """A history to replay, and the options."""

    source: Path
    programs: Sequence[tuple[str, Path]]
    kinds: Sequence[str]
    commits: int
    cases: int
    tries: int
    seed: int


def list_events(history: History, kinds: Sequence[str], limits: Limits) -> Iterator[Event]:
    """Yield the events of a history."""
    numbers = range(1, len(history.commits))
    plain = [number for number in numbers if not history.commits[number].is_merge]
    gone = [number for number in plain if history.commits[number].list_notes("D")]
    paired = [number for number in gone if history.commits[number].list_notes("A")]
    changed = [number for number in plain if history.commits[number].list_notes("M")]
    if "pairs" in kinds:
        part = replace(limits, tries=limits.tries // 5)  # each needs the lines of all notes
        yield from sample_events(history, paired, find_pairs, part, "pairs")
        alone = sorted(set(gone) - set(paired))
        part = replace(limits, commits=max(limits.commits // 4, 1), tries=limits.tries // 20)
        yield from sample_events(history, alone, find_pairs, part, "deleted")
    if "authors" in kinds:
        yield from sample_events(history, gone, find_author_edits, limits, "authors")
    if "headings" in kinds:
        part = replace(limits, commits=2 * limits.commits, tries=2 * limits.tries)
        yield from sample_events(history, changed, find_sections, part, "headings")
    if "chains" in kinds:
        yield from list_chains(history, limits)
    if "retargets" in kinds:
        commits = list_retarget_commits(history, plain)
        part = replace(limits, tries=4 * limits.tries)  # most of them make no case
        yield from sample_events(history, commits, find_retargets, part, "retargets")


def merge_events(events: Iterable[Event]) -> list[Event]:
    """Return the events, those between the same commits as one."""
    merged: dict[tuple[int, int], Event] = {}
    for event in events:
        known = merged.setdefault((event.before, event.after), Event(event.before, event.after))
        known.cases.extend(event.cases)
    return [merged[key] for key in sorted(merged)]


def replay_history(task: ReplayTask) -> list[Row]:
    """Replay a history and return a row for each link, and for each alarm."""
    start, rows = time.monotonic(), list[Row]()
    with tempfile.TemporaryDirectory(prefix="vaultlink-replay-") as name:
        folder = Path(name)
        programs = [ProgramFolder(label, path, folder / label) for label, path in task.programs]
        history = History(task.source, folder / "objects")
        limits = Limits(task.commits, task.cases, task.tries, f"{task.seed}:{history.name}")
        events = merge_events(list_events(history, task.kinds, limits))
        found = time.monotonic() - start
        replay = Replay(history, programs, folder / "vaults")
        for event in events:
            rows += list_rows(history, event, replay.run_event(event))
        if "alarms" in task.kinds:
            rows += list_alarms(history, replay, limits)
    checked = time.monotonic() - start - found
    print(
        f"{history.name}: {len(history.commits)} commits, {len(events)} replayed, {len(rows)} rows,"
        f" {found:.0f} s to find them, {checked:.0f} s to check them",
        file=sys.stderr,
        flush=True,
    )
    return rows


def list_rows(history: History, event: Event, results: EventResults) -> Iterator[Row]:
    """Yield a row for each case."""
    for number, case in enumerate(results.cases):
        yield {
            "history": history.name,
            "commit": history.commits[event.after].name,
            "before": history.commits[event.before].name,
            "kind": case.kind,
            "sort": case.sort,
            "source": case.source,
            "former": str(case.former),
            "truth": str(case.truth) if case.truth else None,
            "scored": case.is_scored,
            "outcomes": {
                f"{variant} {name}": list(found[number])
                for (variant, name), found in results.outcomes.items()
            },
        }


def list_alarms(history: History, replay: Replay, limits: Limits) -> Iterator[Row]:
    """Yield a row for each new finding about the past in windows of commits."""
    places = range(0, max(len(history.commits) - WINDOW, 1), WINDOW)
    count = min(max(limits.commits // 4, 1), len(places))
    for first in sorted(Random(f"{limits.seed}:alarms").sample(places, count)):
        last = min(first + WINDOW, len(history.commits)) - 1
        for number, program, finding in replay.run_window(first, last):
            fix = finding["fix"]
            yield {
                "history": history.name,
                "commit": history.commits[number].name,
                "kind": "alarms",
                "sort": finding["rule"],
                "source": finding["path"],
                "former": finding["target"],
                "message": finding["message"],
                "safety": fix["safety"] if fix else None,
                "program": program,
            }


# -- output ---------------------------------------------------------------------------------------


def print_tables(rows: Sequence[Row]) -> None:
    """Print a table for each kind: a line for each sort of case, variant and program."""
    for kind in KINDS[:-1]:
        chosen = [row for row in rows if row["kind"] == kind]
        scored = [row for row in chosen if row["scored"]]
        results = RETARGET_RESULTS if kind == "retargets" else RESULTS
        if chosen:
            titles = "".join(f"{name:>{_width(name)}}" for name in ("tested", *results))
            print(f"\n{kind:25}{'':16}{titles}")
        sorts = sorted({row["sort"] for row in scored})
        for sort in (*sorts, *(["all"] if len(sorts) > 1 else [])):
            _print_lines(sort, [row for row in scored if sort in ("all", row["sort"])], results)
        _print_unscored([row for row in chosen if not row["scored"]])


def _width(title: str) -> int:
    return max(len(title) + 2, 8)


def _list_runs(rows: Iterable[Row]) -> list[str]:
    """Return the variants and programs of rows, sorted."""
    return sorted({run for row in rows for run in row["outcomes"]})


def _print_lines(sort: str, rows: Sequence[Row], results: Sequence[str]) -> None:
    for run in _list_runs(rows):
        counts = Counter(row["outcomes"][run][0] for row in rows if run in row["outcomes"])
        counts["tested"] = counts.total() - counts["resolves"]
        cells = "".join(f"{counts[name]:>{_width(name)}}" for name in ("tested", *results))
        print(
            f"  {sort:23}{run:16}{cells}"
            + (f"  {counts['error']} errors" if counts["error"] else "")
        )


def _print_unscored(rows: Sequence[Row]) -> None:
    for run in _list_runs(rows):
        counts = Counter(row["outcomes"][run][0] for row in rows if run in row["outcomes"])
        print(
            f"  {'(truth unknown)':23}{run:16}{counts.total():>8} links:"
            f" {counts['fixed']} safe fixes, {counts['offered']} others"
        )


def print_alarms(rows: Iterable[Row]) -> None:
    """Print the number of alarms by program, rule and safety, and each of them."""
    alarms = [row for row in rows if row["kind"] == "alarms"]
    counts = Counter((row["program"], row["sort"], row["safety"] or "no fix") for row in alarms)
    print("\nalarms" if alarms else "", end="\n" if alarms else "")
    for (program, rule, safety), count in sorted(counts.items()):
        print(f"  {program:16}{rule:20}{safety:8}{count:>6}")
    for row in alarms:
        place = f"{row['history']} {row['commit'][:10]} {row['source']}"
        print(f"  {row['program']}: {place}: {row['message']} [{row['safety']}]")


def print_changes(rows: Iterable[Row], earlier: Iterable[Row]) -> None:
    """Print the cases whose results differ from those of an earlier run.

    Compares the programs that were named last.
    """
    known = {_identify(row): row for row in earlier if "outcomes" in row}
    for row in rows:
        other = known.get(_identify(row)) if "outcomes" in row else None
        if other is None:
            continue
        old, new = _results_by_variant(other), _results_by_variant(row)
        changes = [
            f"{variant}: {old[variant][0]} -> {new[variant][0]}"
            for variant in sorted(old.keys() & new.keys())
            if old[variant][0] != new[variant][0]
        ]
        if changes:
            print(f"{row['history']} {row['commit'][:10]} {row['kind']}, {row['sort']}: ", end="")
            print(f"{row['former']} => {row['truth']} ({row['source']})")
            print(f"    {'; '.join(changes)}; now: {next(iter(new.values()))[1]}")


def _identify(row: Row) -> tuple[str, ...]:
    return tuple(str(row[key]) for key in ("history", "commit", "kind", "source", "former"))


def _results_by_variant(row: Row) -> dict[str, list[str]]:
    return {run.partition(" ")[0]: outcome for run, outcome in row["outcomes"].items()}


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("histories", nargs="+", type=Path, metavar="REPOSITORY")
    add("--program", action="append", metavar="NAME=FILE", help="default: this vaultlink")
    add(
        "--kinds", default=",".join(KINDS[:-1]), help=f"of {', '.join(KINDS)}; default: %(default)s"
    )
    add("--details", type=Path, metavar="FILE", help="write a line of JSON for each link")
    add("--compare", type=Path, metavar="FILE", help="print what differs from earlier details")
    add("--commits", type=int, default=4, help="commits of each kind and history")
    add("--cases", type=int, default=12, help="links of each kind and commit")
    add("--tries", type=int, default=150, help="commits to look at for each kind")
    add("--seed", type=int, default=1, help="of the random choices; default: 1")
    add("--jobs", type=int, default=2, help="histories at the same time")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    given = parse_options()
    words = given.program or [f"this={Path(sys.executable).with_name('vaultlink')}"]
    programs = [(word.partition("=")[0], Path(word.partition("=")[2]).absolute()) for word in words]
    numbers = (given.commits, given.cases, given.tries, given.seed)
    kinds = given.kinds.split(",")
    tasks = [ReplayTask(source, programs, kinds, *numbers) for source in given.histories]
    earlier = given.compare.read_text(encoding="utf-8").splitlines() if given.compare else []
    with ProcessPoolExecutor(given.jobs) as executor:
        rows = [row for part in executor.map(replay_history, tasks) for row in part]
    if given.details:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        given.details.write_text(text, encoding="utf-8", errors="surrogateescape")
    print_tables(rows)
    print_alarms(rows)
    print_changes(rows, map(json.loads, earlier))


if __name__ == "__main__":
    main()
