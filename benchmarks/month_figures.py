"""Collect the figures of a vault's month, and print them as a table."""

import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from month_programs import summarize
from peers import describe_python
from vaultlink import __version__

if TYPE_CHECKING:
    from month import Month


def collect_figures(month: "Month") -> dict[str, Any]:
    """Return all figures of a month as data."""
    month.ledger.take_runs()
    runs = Counter(" ".join(run.command.split()[1:2]) for run in month.ledger.runs)
    seen = month.programs.fixer.seen
    waits = sorted(seen[name] - saved for name, saved in month.planned.items() if name in seen)
    return {
        "schema": 1,
        "version": __version__,
        "python": describe_python(str(Path(sys.executable).with_name("vaultlink"))),
        "seed": month.seed,
        "days": month.day,
        "notes": len(month.ledger.list_notes()),
        "events": dict(month.events),
        "runs": dict(runs),
        "fixed": month.programs.fixer.fixed,
        "interrupted": month.ledger.interrupted,
        "restored": month.ledger.undone_files,
        "compared": month.ledger.compared_files,
        "paragraphs": len(month.ledger.paragraphs),
        "deleted_paragraphs": len(month.ledger.dropped),
        "findings": month.findings,
        "forgotten": month.forgotten,
        "refusals": month.refusals,
        "restarts": month.programs.restarts,
        "seconds_to_finding": {
            "count": len(waits),
            "p50": statistics.median(waits) if waits else None,
            "p95": waits[int(len(waits) * 0.95)] if waits else None,
        },
        "memory": {
            name: {
                "samples": len(samples),
                "first": samples[0][0],
                "second_quarter": summarize(samples)[0][0],
                "last_quarter": summarize(samples)[1][0],
                "most": max(weight for weight, _ in samples),
            }
            for name, samples in month.programs.memory.items()
        },
        "violations": [item._asdict() for item in month.violations],
    }


def describe_figures(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"A month of {figures['days']} days, seed {figures['seed']}, {figures['notes']:,} notes"
    yield f"vaultlink {figures['version']}, {figures['python']}"
    for title, rows in (("Events", figures["events"]), ("Runs", figures["runs"])):
        yield f"\n{title:<44}{sum(rows.values()):>8,}"
        yield from (f"  {name:<42}{count:>8,}" for name, count in sorted(rows.items()))
    yield ""
    for name, key in (
        ("Fixes of the watcher", "fixed"),
        ("Runs that were killed and reverted", "interrupted"),
        ("Files that an undo restored", "restored"),
        ("Texts compared before and after a run", "compared"),
        ("Paragraphs written", "paragraphs"),
        ("Paragraphs that somebody deleted", "deleted_paragraphs"),
        (
            "Findings at the end, all explained" if not figures["violations"] else "Findings",
            "findings",
        ),
        ("Of these, links to a former name of a note", "forgotten"),
        ("Restarts of the watcher", "restarts"),
    ):
        yield f"{name:<44}{figures[key]:>8,}"
    yield f"{'Requests refused with a reason':<44}{len(figures['refusals']):>8,}"
    times = figures["seconds_to_finding"]
    if times["count"]:
        yield (
            f"{'Seconds from a save to its finding':<44}{times['p50']:>8.2f} median, "
            f"{times['p95']:.2f} p95, {times['count']} saves"
        )
    yield f"\n{'Memory in MB':<24}{'first':>8}{'2nd quarter':>14}{'last quarter':>14}{'most':>8}"
    for name, row in figures["memory"].items():
        yield (
            f"  {name:<22}{row['first']:>8.0f}{row['second_quarter']:>14.0f}"
            f"{row['last_quarter']:>14.0f}{row['most']:>8.0f}"
        )
    yield f"\n{'Violations':<44}{len(figures['violations']):>8,}"
    for item in figures["violations"]:
        yield f"  day {item['day']}, step {item['step']} ({item['event']}): {item['problem']}"
