"""Sections of the bench about `check`: cold, warm, after changes, by processes and by size."""

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from figures import Ratio
from generate import generate_vault
from histories import change_notes, choose_notes, create_history, list_notes
from measure import (
    Bench,
    TimedCommand,
    measure_first_share,
    measure_medians,
    measure_peak_megabytes,
    measure_rounds,
    measure_run,
)

VAULTLINK = (str(Path(sys.executable).with_name("vaultlink")),)
CHECK = (*VAULTLINK, "check")
RUMDL_RULES = "MD042,MD051,MD052,MD053,MD057"


def touch_notes(vault: Path) -> None:
    """Give all notes the present as their time."""
    for note in list_notes(vault):
        os.utime(note)


def plan_peers(bench: Bench) -> dict[str, TimedCommand]:
    """Return the runs of other tools."""
    rumdl = (bench.tool_path("rumdl"), "check", "--enable", RUMDL_RULES, ".")
    lychee = (
        *(bench.tool_path("lychee"), "--offline", "--include-wikilinks"),
        *("--fallback-extensions", "md", "--base-url", str(bench.vault), "--no-progress", "."),
    )
    graphmark = (bench.tool_path("graphmark"), "--root", ".", "links")

    def forget_rumdl() -> None:
        shutil.rmtree(bench.vault / ".rumdl_cache", ignore_errors=True)

    runs = {
        "rumdl, cold": TimedCommand(rumdl, bench.vault, forget_rumdl),
        "rumdl, unchanged": TimedCommand(rumdl, bench.vault),
        "lychee": TimedCommand(lychee, bench.vault, accepted_codes=(0, 1, 2)),
        "graphmark": TimedCommand(graphmark, bench.vault),
    }
    if search := shutil.which("rg"):
        runs["ripgrep, counting [["] = TimedCommand((search, "-c", r"\[\[", "."), bench.vault)
    return runs


def bench_peers(bench: Bench) -> None:
    """Cold, unchanged and changed, compared with other tools (wall time)."""
    notes = list_notes(bench.vault)

    def change() -> None:
        change_notes([notes[len(notes) // 2]])

    peers = plan_peers(bench)
    runs = {
        "cold": TimedCommand(CHECK, bench.vault, bench.clear_cache),
        "unchanged": TimedCommand(CHECK, bench.vault),
        "one note changed": TimedCommand(CHECK, bench.vault, change),
        "all times changed": TimedCommand(CHECK, bench.vault, lambda: touch_notes(bench.vault)),
        **peers,
    }
    taken = measure_rounds(runs, bench.rounds, bench.environment)
    time, processor = (
        {
            name: statistics.median(getattr(one, kind) for one in all_of)
            for name, all_of in taken.items()
        }
        for kind in ("wall", "processor")
    )
    for name, spent in time.items():
        label = name if name in peers else f"vaultlink, {name}"
        bench.figures.add(label, spent)
        bench.figures.add(f"{label}, processor time", processor[name])
    bench.figures.add_ratios(time, [Ratio("cold / rumdl, cold", "cold", "rumdl, cold", 1.25)])
    bench.figures.add_ratios(
        processor, [Ratio("cold / rumdl, cold, processor time", "cold", "rumdl, cold", 1.15)]
    )
    others = ("rumdl, cold", "lychee", "graphmark")
    fastest = min(others, key=lambda name: time[name])
    bench.figures.add(
        f"cold / fastest of the others ({fastest})", time["cold"] / time[fastest], "", 0.7
    )
    bench.figures.add_ratios(
        time,
        [
            Ratio("unchanged / rumdl, unchanged", "unchanged", "rumdl, unchanged", 0.2),
            Ratio("one note changed / unchanged", "one note changed", "unchanged", 1.3),
            Ratio("all times changed, no content / unchanged", "all times changed", "unchanged", 2),
        ],
    )


def bench_serial(bench: Bench) -> None:
    """The part of a cold check that only one process can do, by Amdahl's law.

    With two processes, what the busier one spends = serial part + (1 - serial part) / 2. That is
    measured as processor time, whatever else the machine does. The same with wall time also counts
    the times at which one process waits for the other, but holds only on two idle cores.
    """
    runs = {
        count: TimedCommand((*CHECK, "--jobs", count), bench.vault, bench.clear_cache)
        for count in ("1", "2")
    }
    spent = measure_rounds(runs, bench.rounds, bench.environment)
    for count, taken in spent.items():
        for kind in ("wall", "processor"):
            median = statistics.median(getattr(one, kind) for one in taken)
            bench.figures.add(f"cold, --jobs {count}, {kind} time", median)
    waiting = statistics.median(2 * two.wall / two.processor - 1 for two in spent["2"])
    bench.figures.add("serial part by wall time: 2 * wall / processor - 1", waiting * 100, "%")
    shares = [measure_first_share(runs["2"], bench.environment) for _ in range(bench.rounds)]
    if None in shares:
        print("  serial part by processor time: not measured, requires Linux")
        return
    share = statistics.median(filter(None, shares))
    bench.figures.add("first of two processes, part of the processor time", share * 100, "%")
    serial = 2 * max(share, 1 - share) - 1
    bench.figures.add(
        "serial part of a cold check: 2 * part of the busier - 1", serial * 100, "%", 15
    )


def bench_clone(bench: Bench) -> None:
    """A fresh clone at another path, with a restored cache and twenty notes changed."""
    clone, restored = bench.work_folder / "elsewhere" / "clone", bench.work_folder / "restored"

    def restore() -> None:
        for place, source in ((clone, bench.vault), (restored, bench.cache)):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(source, place, copy_function=shutil.copyfile)  # with new times
        change_notes(choose_notes(clone))

    more = {"VAULTLINK_CACHE_DIR": str(restored)}
    runs = {
        "unchanged": TimedCommand(CHECK, bench.vault),
        "clone": TimedCommand(CHECK, clone, restore, more_environment=more),
    }
    measure_run(runs["unchanged"], bench.environment)
    time = measure_medians(runs, bench.rounds, bench.environment)
    bench.figures.add("fresh clone, restored cache, 20 notes changed", time["clone"])
    bench.figures.add_ratios(
        time,
        [
            Ratio(
                *("fresh clone, restored cache, 20 notes changed / unchanged", "clone"),
                *("unchanged", 2.5),
            )
        ],
    )
    shutil.rmtree(clone)


def bench_since(bench: Bench) -> None:
    """A change of twenty notes: --changed-since and a baseline, compared with a plain check.

    Before each warm run another file changes its time, so that no answer of an earlier run serves.
    """
    vault = bench.work_folder / "repository"
    create_history(bench.vault, vault, (*VAULTLINK, "baseline", "--quiet"), bench.environment)
    ways = {
        "plain": ("--no-baseline",),
        "--changed-since": ("--no-baseline", "--changed-since", "HEAD~1"),
        "baseline": (),
    }
    for kind, prepare in (
        ("cold", bench.clear_cache),
        ("warm", vault.joinpath("fresh.txt").touch),
    ):
        runs = {
            name: TimedCommand((*CHECK, *words), vault, prepare) for name, words in ways.items()
        }
        measure_run(runs["plain"], bench.environment)
        time = measure_medians(runs, bench.rounds, bench.environment)
        bench.figures.add(f"in a repository, {kind}, plain", time["plain"])
        target = 1.3 if kind == "warm" else None
        bench.figures.add_ratios(
            time,
            [
                Ratio(
                    *(f"--changed-since, {kind} / plain, {kind}", "--changed-since", "plain"),
                    target,
                ),
                Ratio(f"baseline, {kind} / plain, {kind}", "baseline", "plain"),
            ],
        )
    shutil.rmtree(vault)


def bench_memory(bench: Bench) -> None:
    """Peak memory of all processes together."""
    note = list_notes(bench.vault)[0].relative_to(bench.vault).as_posix()
    cold, warm = (
        TimedCommand(CHECK, bench.vault, bench.clear_cache),
        TimedCommand(CHECK, bench.vault),
    )
    rows: Sequence[tuple[str, TimedCommand, float | None]] = (
        ("cold check, cache written (the target is for 21,273 notes)", cold, 300),
        ("unchanged check", warm, None),
        *(
            (f"{name} NOTE, warm", TimedCommand((*VAULTLINK, name, note), bench.vault), 60.0)
            for name in ("backlinks", "links")
        ),
    )
    for name, run, target in rows:
        weight = measure_peak_megabytes(run, bench.environment)
        if weight is None:
            print("  not measured: requires Linux")
            return
        bench.figures.add(f"peak memory, {name}", weight, "MB", target)


def bench_start(bench: Bench) -> None:
    """Start-up time: --version, and a vault of ten notes."""
    ten = bench.work_folder / "ten"
    generate_vault(ten, 9, links=5)
    runs = {
        "python -c pass": TimedCommand((sys.executable, "-c", "pass"), ten),
        "vaultlink --version": TimedCommand((*VAULTLINK, "--version"), ten),
        "ten notes, cold": TimedCommand(CHECK, ten, bench.clear_cache),
        "ten notes, unchanged": TimedCommand(CHECK, ten),
    }
    time = measure_medians(runs, max(bench.rounds * 3, 15), bench.environment)
    targets = {"ten notes, cold": 0.25}
    for name, spent in time.items():
        bench.figures.add(name, spent, "s", targets.get(name))
    started = time["vaultlink --version"] - time["python -c pass"]
    bench.figures.add("--version over python -c pass", started, "s", 0.1)


def bench_scale(bench: Bench) -> None:
    """Time per note, cold and unchanged, from 1,000 to 100,000 generated notes."""
    first: dict[str, float] = {}
    for notes, rounds in ((1_000, 5), (10_000, 3), (100_000, 2)):
        vault = bench.work_folder / f"scale-{notes}"
        generate_vault(vault, notes)
        runs = {
            "cold": TimedCommand(CHECK, vault, bench.clear_cache),
            "unchanged": TimedCommand(CHECK, vault),
        }
        measure_run(runs["cold"], bench.environment)  # the page cache
        for kind, spent in measure_medians(runs, rounds, bench.environment).items():
            each = spent / notes * 1e6
            bench.figures.add(f"{kind}, {notes:,} notes, per note", each, "µs")
            if kind in first:
                name = f"{kind}, per note, {notes:,} notes / 1,000 notes"
                bench.figures.add(name, each / first[kind], "", 1.2)
            first.setdefault(kind, each)
        shutil.rmtree(vault)


def run_quietly(bench: Bench, folder: Path, *words: str) -> None:
    """Run vaultlink without measuring it; findings are no error."""
    subprocess.run(
        (*VAULTLINK, *words, "--quiet"),
        cwd=folder,
        env=bench.environment,
        check=False,
        stdout=subprocess.DEVNULL,
    )
