"""Measure the trend of a report: twenty commits, each of which changes one note of sixteen."""

import shutil

from checks import VAULTLINK
from histories import choose_notes, commit_changes, create_history, list_notes
from measure import Bench, TimedCommand, measure_medians, measure_run

_COMMITS = 20

_CHANGED_SHARE = 16
"""Each commit changes one note of so many, as the bot of obsidian-hub does: 400 of 6,571."""


def bench_trend(bench: Bench) -> None:
    """`report --history` of twenty commits, beyond a report without it.

    Before the first runs no commit is known; before each later one there is a new commit.
    """
    vault = bench.work_folder / "commits"
    create_history(bench.vault, vault, (*VAULTLINK, "baseline", "--quiet"), bench.environment)
    notes = list_notes(vault)
    for number in range(_COMMITS):
        commit_changes(vault, notes[number % 3 :: _CHANGED_SHARE])

    def forget() -> None:
        for file in bench.cache.glob("*/trend"):
            file.unlink()

    report = (*VAULTLINK, "report", "--output-format", "json")
    history = (*report, "--history", str(_COMMITS))
    runs = {
        "plain": TimedCommand(report, vault),
        "first": TimedCommand(history, vault, forget),
        "known": TimedCommand(history, vault),
        "later": TimedCommand(history, vault, lambda: commit_changes(vault, choose_notes(vault))),
    }
    measure_run(runs["plain"], bench.environment)
    time = measure_medians(runs, bench.rounds, bench.environment)
    bench.figures.add("report", time["plain"])
    for name, subject, target in (
        ("first", f"{_COMMITS} commits, beyond the report (the target is for 6,571 notes)", 10.0),
        ("known", "the same commits again, beyond the report", None),
        ("later", "one more commit, beyond the report", None),
    ):
        bench.figures.add(subject, time[name] - time["plain"], target=target)
    shutil.rmtree(vault)
