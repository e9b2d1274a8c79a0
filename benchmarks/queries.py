"""Sections of the bench about repeated commands, output formats, and questions on one note."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from checks import CHECK, VAULTLINK
from figures import Ratio
from generate import generate_vault
from histories import change_notes, list_notes
from measure import (
    Bench,
    TimedCommand,
    create_environment,
    measure_medians,
    measure_rounds,
    measure_run,
)
from peers import read_tool_version
from renaming import NEW_NAME, find_notes

FORMATS = ("full", "concise", "json", "json-lines")
FORGE_FORMATS = ("github", "gitlab", "sarif", "junit", "markdown")


class RepeatedRun(NamedTuple):
    """A command that ran before, and the multiple of an unchanged check that it may cost.

    `change` is made in between.
    """

    words: Sequence[str]
    target: float | None = None
    change: Callable[[], None] = lambda: None
    text: bytes = b""


UNCHANGED = "check, unchanged"


def plan_repeated(bench: Bench) -> dict[str, RepeatedRun]:
    """Return the commands whose cost after an earlier run has a target."""
    notes = list_notes(bench.vault)
    note, page = notes[len(notes) // 2], str(bench.work_folder / "page")
    path = note.relative_to(bench.vault).as_posix()
    draft = note.read_bytes() + b"\nOne more line, and a [[topic that nobody wrote]].\n"

    def change() -> None:
        change_notes([note])

    return {
        UNCHANGED: RepeatedRun(("check",)),
        "check, one note changed": RepeatedRun(("check",), 1.4, change),
        "check of a draft": RepeatedRun(("check", "--stdin-filename", path, "-"), 1.4, text=draft),
        "unresolved": RepeatedRun(("unresolved",), 2),
        "orphans": RepeatedRun(("orphans",), 2),
        "check --statistics": RepeatedRun(("check", "--statistics"), 2),
        "check as JSON": RepeatedRun(("check", "--output-format", "json"), 4),
        "check as full": RepeatedRun(("check", "--output-format", "full"), 4),
        "mentions": RepeatedRun(("mentions",), 4),
        "mentions, one note changed": RepeatedRun(("mentions",), 6, change),
        "fix --diff": RepeatedRun(("fix", "--diff"), 6),
        "report": RepeatedRun(("report", "--output-file", page), 10),
        "report, one note changed": RepeatedRun(("report", "--output-file", page), None, change),
        "rename --diff of a note with one link": RepeatedRun(
            ("rename", find_notes(bench)[1], NEW_NAME, "--diff"), 2.5
        ),
        "sections check": RepeatedRun(("sections", "check"), 2),
    }


def bench_repeated(bench: Bench) -> None:
    """Commands that ran before, as multiples of an unchanged check (processor time)."""
    planned, programs = plan_repeated(bench), {"": VAULTLINK[0]}
    if bench.before:
        programs[f", {read_tool_version(str(bench.before)).split()[-1]}"] = str(bench.before)
    runs: dict[str, TimedCommand] = {}
    for suffix, program in programs.items():
        runs |= _plan_runs(bench, planned, program, suffix)
    spent = {
        name: statistics.median(one.processor for one in taken)
        for name, taken in measure_rounds(runs, bench.rounds, bench.environment).items()
    }
    for name, run in planned.items():
        for suffix in programs:
            if name == UNCHANGED:
                bench.figures.add(name + suffix, spent[name + suffix])
            elif name + suffix in spent:
                title = f"{name} / unchanged check{suffix}"
                ratio = spent[name + suffix] / spent[UNCHANGED + suffix]
                bench.figures.add(title, ratio, "", None if suffix else run.target)


def _plan_runs(
    bench: Bench, planned: dict[str, RepeatedRun], program: str, suffix: str
) -> Iterator[tuple[str, TimedCommand]]:
    """Yield the runs that a program can do. Each is preceded by one that is not measured."""
    folder = bench.work_folder / f"repeated{suffix}"
    environment = create_environment(folder / "cache", folder / "state")
    for name, run in planned.items():
        command = (program, *run.words)
        timed = TimedCommand(command, bench.vault, text=run.text, more_environment=environment)
        try:
            measure_run(timed, bench.environment)
        except SystemExit:
            print(f"  {name}{suffix}: this program can't do it")
            continue

        def prepare(timed: TimedCommand = timed, run: RepeatedRun = run) -> None:
            measure_run(timed, bench.environment)
            run.change()

        yield name + suffix, replace(timed, prepare=prepare)


def bench_queries(bench: Bench) -> None:
    """Questions on one note with a warm cache: a text that is not saved, links, related notes."""
    notes = list_notes(bench.vault)
    note = notes[len(notes) // 2]
    path = note.relative_to(bench.vault).as_posix()
    draft = note.read_bytes() + b"\nOne more line, and a [[topic that nobody wrote]].\n"
    runs = {
        "check --stdin-filename NOTE": TimedCommand(
            (*CHECK, "--stdin-filename", path, "-"), bench.vault, text=draft
        ),
        "backlinks NOTE": TimedCommand((*VAULTLINK, "backlinks", path), bench.vault),
        "links NOTE": TimedCommand((*VAULTLINK, "links", path), bench.vault),
        "related NOTE": TimedCommand((*VAULTLINK, "related", path), bench.vault),
    }
    targets = {
        ("check --stdin-filename NOTE", "processor"): 0.3,
        ("backlinks NOTE", "wall"): 0.2,
        ("links NOTE", "wall"): 0.2,
        ("related NOTE", "processor"): 2.0,
    }
    measure_run(TimedCommand(CHECK, bench.vault), bench.environment)
    for name, spent in measure_rounds(runs, bench.rounds, bench.environment).items():
        for kind in ("wall", "processor"):
            value = statistics.median(getattr(one, kind) for one in spent)
            bench.figures.add(f"{name}, warm, {kind} time", value, "s", targets.get((name, kind)))


def bench_formats(bench: Bench) -> None:
    """About 70,000 findings printed in every format, compared with a run that prints none."""
    vault, page = bench.work_folder / "dangling", bench.work_folder / "page"
    generate_vault(vault, 7_000, links=10, dangling=1)
    silent = ("--statistics", "--quiet")
    for kind, prepare in (("cold", bench.clear_cache), ("warm", lambda: None)):
        runs = {"none": TimedCommand((*CHECK, *silent), vault, prepare, page)}
        for name in (*FORMATS, *FORGE_FORMATS):
            runs[name] = TimedCommand((*CHECK, "--output-format", name), vault, prepare, page)
        time = measure_medians(runs, min(bench.rounds, 3), bench.environment)
        bench.figures.add(f"{kind}, printing none", time["none"])
        bench.figures.add_ratios(
            time,
            [
                Ratio(f"{kind}, {name} / printing none", name, "none", target)
                for names, target in ((FORMATS, 1.3), (FORGE_FORMATS, None))
                for name in names
            ],
        )
