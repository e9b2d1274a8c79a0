"""Measure vaultlink as whole processes, and print ratios to other tools and to targets.

    python benchmarks/bench.py [--vault DIR] [--rounds 5] [--scale] [--peers BIN] [--only SECTION]

All runs have default settings. The vault is copied first. Without --vault, 5,000 notes are
generated. Other tools are installed from the package index into benchmarks/.venv, unless --peers
names a folder that has them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from generate import generate_vault
from histories import create_history
from measure import (
    Bench,
    TimedCommand,
    measure_medians,
    measure_peak_megabytes,
    measure_seconds,
    print_figure,
    print_verdict,
)
from peers import install_peers, read_tool_version
from watching import (
    QUIET_SECONDS,
    WatchProcess,
    compute_delay,
    measure_endurance,
    time_renames,
    time_saves,
)

VAULTLINK = (str(Path(sys.executable).with_name("vaultlink")),)
RUMDL_RULES = "MD042,MD051,MD052,MD053,MD057"
FORMATS = ("full", "concise", "json", "json-lines")
FORGE_FORMATS = ("github", "gitlab", "sarif", "junit", "markdown")
IGNORED_ON_COPY = shutil.ignore_patterns(".git", ".rumdl_cache", ".lycheecache")


def count_notes(vault: Path) -> int:
    """Return the number of notes in a vault."""
    return sum(1 for _ in vault.rglob("*.md"))


# -- sections ------------------------------------------------------------------------------------


def bench_peers(bench: Bench) -> None:
    """Cold, warm, and warm with one changed note, compared with other tools."""
    vault, changed = bench.vault, sorted(bench.vault.rglob("*.md"))[count_notes(bench.vault) // 2]

    def change() -> None:
        with changed.open("a", encoding="utf-8") as note:
            note.write("\nOne more line, and a [[topic that nobody wrote]].\n")

    def forget_rumdl() -> None:
        shutil.rmtree(vault / ".rumdl_cache", ignore_errors=True)

    check = (*VAULTLINK, "check")
    rumdl = (bench.tool_path("rumdl"), "check", "--enable", RUMDL_RULES, ".")
    lychee = (
        bench.tool_path("lychee"),
        "--offline",
        "--include-wikilinks",
        "--fallback-extensions",
        "md",
        "--base-url",
        str(vault),
        "--no-progress",
        ".",
    )
    runs = {
        "vaultlink, cold": TimedCommand(check, vault, bench.clear_cache),
        "vaultlink, warm, unchanged": TimedCommand(check, vault),
        "vaultlink, warm, one note changed": TimedCommand(check, vault, change),
        "rumdl, cold": TimedCommand(rumdl, vault, forget_rumdl),
        "rumdl, warm": TimedCommand(rumdl, vault),
        "lychee": TimedCommand(lychee, vault, accepted_codes=(0, 1, 2)),
        "graphmark": TimedCommand((bench.tool_path("graphmark"), "--root", ".", "links"), vault),
    }
    if search := shutil.which("rg"):
        runs["ripgrep, counting [["] = TimedCommand((search, "-c", r"\[\[", "."), vault)
    time = measure_medians(runs, bench.rounds, bench.environment)
    for name, spent in time.items():
        print_figure(name, spent)
    cold, warm = time["vaultlink, cold"], time["vaultlink, warm, unchanged"]
    fastest = min(("rumdl, cold", "lychee", "graphmark"), key=lambda name: time[name])
    print_verdict(f"cold / fastest of the others ({fastest})", cold / time[fastest], 0.5)
    print_verdict("warm, unchanged / rumdl, warm", warm / time["rumdl, warm"], 0.3)
    print_verdict(
        "warm, one note changed / warm, unchanged",
        time["vaultlink, warm, one note changed"] / warm,
        2,
    )


def bench_start(bench: Bench) -> None:
    """Start-up time: --version, and a vault of ten notes."""
    ten = bench.work_folder / "ten"
    generate_vault(ten, 9, links=5)
    runs = {
        "python -c pass": TimedCommand((sys.executable, "-c", "pass"), ten),
        "vaultlink --version": TimedCommand((*VAULTLINK, "--version"), ten),
        "ten notes, cold": TimedCommand((*VAULTLINK, "check"), ten, bench.clear_cache),
        "ten notes, warm": TimedCommand((*VAULTLINK, "check"), ten),
    }
    time = measure_medians(runs, max(bench.rounds * 3, 15), bench.environment)
    for name, spent in time.items():
        print_figure(name, spent)
    print_verdict(
        "--version over python -c pass",
        time["vaultlink --version"] - time["python -c pass"],
        0.1,
        " s",
    )
    print_verdict("ten notes, cold", time["ten notes, cold"], 0.25, " s")


def bench_memory(bench: Bench) -> None:
    """Peak memory of all processes together."""
    cold, warm = (
        TimedCommand((*VAULTLINK, "check"), bench.vault, bench.clear_cache),
        TimedCommand((*VAULTLINK, "check"), bench.vault),
    )
    for name, run in (("cold", cold), ("warm", warm)):
        weight = measure_peak_megabytes(run, bench.environment)
        if weight is None:
            print("  not measured: requires Linux")
            return
        print_verdict(
            f"peak memory, {name}, {count_notes(bench.vault):,} notes (target is for 21,000)",
            weight,
            400,
            " MB",
        )


def bench_formats(bench: Bench) -> None:
    """About 70,000 findings printed in every format, compared with a run that prints none."""
    vault, page = bench.work_folder / "dangling", bench.work_folder / "page"
    generate_vault(vault, 7_000, links=10, dangling=1)
    silent = ("--statistics", "--quiet")
    for kind, prepare in (("cold", bench.clear_cache), ("warm", lambda: None)):
        runs = {"none": TimedCommand((*VAULTLINK, "check", *silent), vault, prepare, page)}
        for name in (*FORMATS, *FORGE_FORMATS):
            runs[name] = TimedCommand(
                (*VAULTLINK, "check", "--output-format", name), vault, prepare, page
            )
        time = measure_medians(runs, 3, bench.environment)
        print_figure(f"{kind}, printing none", time["none"])
        for name in FORMATS:
            print_verdict(f"{kind}, {name} / printing none", time[name] / time["none"], 1.5)
        for name in FORGE_FORMATS:
            print_figure(f"{kind}, {name} / printing none", time[name] / time["none"], "")


def bench_fixing(bench: Bench) -> None:
    """Applying all safe fixes, and a run with nothing to fix, compared with a cold check."""

    def restore() -> None:
        subprocess.run(
            (*VAULTLINK, "undo", "--quiet"), cwd=bench.vault, env=bench.environment, check=True
        )
        bench.clear_cache()

    subprocess.run(
        (*VAULTLINK, "fix", "--quiet"),
        cwd=bench.vault,
        env=bench.environment,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    runs = {
        "fix, cold": TimedCommand((*VAULTLINK, "fix"), bench.vault, restore),
        "fix again, cold": TimedCommand((*VAULTLINK, "fix"), bench.vault, bench.clear_cache),
        "fix again, warm": TimedCommand((*VAULTLINK, "fix"), bench.vault),
        "check, cold": TimedCommand((*VAULTLINK, "check"), bench.vault, bench.clear_cache),
        "check, warm": TimedCommand((*VAULTLINK, "check"), bench.vault),
    }
    time = measure_medians(runs, bench.rounds, bench.environment)
    restore()
    for name, spent in time.items():
        print_figure(name, spent)
    print_verdict(
        "fix / check, cold (target is for 10,000 fixes)",
        time["fix, cold"] / time["check, cold"],
        2.5,
    )
    print_verdict(
        "nothing to fix / check, cold", time["fix again, cold"] / time["check, cold"], 1.1
    )


def bench_new_findings(bench: Bench) -> None:
    """A change of twenty notes: --changed-since and a baseline, compared with a plain check."""
    vault = bench.work_folder / "repository"
    create_history(bench.vault, vault, (*VAULTLINK, "baseline", "--quiet"), bench.environment)
    plainly, since = (
        ("check", "--no-baseline"),
        ("check", "--no-baseline", "--changed-since", "HEAD~1"),
    )
    runs = {
        f"{kind}, {name}": TimedCommand((*VAULTLINK, *words), vault, prepare)
        for kind, prepare in (
            ("cold", bench.clear_cache),
            ("warm", vault.joinpath("fresh.txt").touch),
        )
        for name, words in (("plain", plainly), ("changed since", since), ("baseline", ("check",)))
    }
    time = measure_medians(runs, bench.rounds, bench.environment)
    for kind in ("cold", "warm"):
        print_figure(f"{kind}, plain", time[f"{kind}, plain"])
        for name in ("changed since", "baseline"):
            print_figure(
                f"{kind}, {name} / plain", time[f"{kind}, {name}"] / time[f"{kind}, plain"], ""
            )


def bench_watch(bench: Bench) -> None:
    """Time from a save or rename to its last finding, beyond the debounce; and the idle cost."""
    watched = WatchProcess(VAULTLINK, bench.vault, bench.environment)
    print_figure("beginning, cold", watched.startup_seconds)
    taken = {
        "save": time_saves(watched, bench.vault, 60),
        "rename, 100 links": time_renames(
            watched, bench.vault, watched.find_linked_notes(90, 150), 40
        ),
    }
    for name, spent in taken.items():
        if spent:
            median, most = compute_delay(spent, 0.5), compute_delay(spent, 0.95)
            print_figure(
                f"{name} to finding, beyond {QUIET_SECONDS:g} s of quiet: median",
                median * 1000,
                " ms",
            )
            print_verdict(
                f"{name} to finding, beyond {QUIET_SECONDS:g} s of quiet: 95th percentile",
                most * 1000,
                50,
                " ms",
            )
    before = watched.read_cpu_seconds()
    time.sleep(20)
    print_verdict(
        "processor time of 20 idle seconds", watched.read_cpu_seconds() - before, 0.05, " s"
    )
    print_figure("memory", watched.read_memory_megabytes(), " MB")
    watched.stop()


def bench_endurance(bench: Bench) -> None:
    """A watcher over 100,000 saves in batches of 20: memory must not grow."""
    vault = bench.work_folder / "endured"
    generate_vault(vault, 1_000)
    watched = WatchProcess(VAULTLINK, vault, bench.environment)
    weights = measure_endurance(watched, vault, 100_000, 10_000)
    for number, weight in weights:
        print_figure(f"after {number:,} saves", weight, " MB")
    print_verdict("growth over the last 80,000 saves", weights[-1][1] - weights[2][1], 5, " MB")
    watched.stop()


def bench_scale(bench: Bench) -> None:
    """Cold time per note, from 1,000 to 100,000 generated notes."""
    first = 0.0
    for notes, rounds in ((1_000, 5), (10_000, 3), (100_000, 2)):
        vault = bench.work_folder / f"scale-{notes}"
        generate_vault(vault, notes)
        run = TimedCommand((*VAULTLINK, "check"), vault, bench.clear_cache)
        measure_seconds(run, bench.environment)  # the page cache
        spent = measure_medians({"": run}, rounds, bench.environment)[""] / notes * 1e6
        first = first or spent
        print_figure(f"{notes:,} notes", spent, " µs a note")
        print_figure(f"{notes:,} notes / 1,000 notes (target: flat)", spent / first, "")
        shutil.rmtree(vault)


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "peers": bench_peers,
    "start": bench_start,
    "memory": bench_memory,
    "formats": bench_formats,
    "fixing": bench_fixing,
    "gate": bench_new_findings,
    "watch": bench_watch,
    "endure": bench_endurance,
    "scale": bench_scale,
}


# -- setting up ----------------------------------------------------------------------------------


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description="Compare vaultlink with other tools and its own targets."
    )
    parser.add_argument(
        "--vault", type=Path, help="the vault to measure, as a copy; default: 5,000 generated notes"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--scale",
        action="store_true",
        help="also 1,000 to 100,000 notes and 100,000 saves; takes half an hour",
    )
    parser.add_argument("--peers", type=Path, help="a folder with the other tools' commands")
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="run only this section"
    )
    given = parser.parse_args()
    wanted = given.only or [
        name for name in SECTIONS if name not in ("scale", "endure") or given.scale
    ]
    with tempfile.TemporaryDirectory(prefix="vaultlink-bench-") as folder:
        work = Path(folder)
        vault = work / "vault"
        if given.vault:
            shutil.copytree(given.vault, vault, ignore=IGNORED_ON_COPY)
        else:
            generate_vault(vault, 5_000)
        tools = (given.peers or install_peers()) if "peers" in wanted else work
        bench = Bench(work, vault, tools.resolve(), given.rounds)
        machine = f"{os.cpu_count()} cores; {read_tool_version(VAULTLINK[0])}"
        print(f"{given.vault or 'generated'}: {count_notes(vault):,} notes; {machine}")
        if not given.vault:
            print("the targets apply to a large real vault: --vault DIR")
        if "peers" in wanted:
            print(
                "against "
                + ", ".join(
                    read_tool_version(bench.tool_path(name))
                    for name in ("rumdl", "lychee", "graphmark")
                )
            )
        for name in wanted:
            print(f"\n{name}: {SECTIONS[name].__doc__}")
            SECTIONS[name](bench)


if __name__ == "__main__":
    main()
