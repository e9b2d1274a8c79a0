"""Measure vaultlink as whole processes, and print ratios to other tools and to targets.

    python benchmarks/bench.py [--vault DIR] [--rounds 5] [--peers BIN] [--only SECTION]
                               [--before FILE] [--output figures.json]

All runs have default settings. The vault is copied first. Without --vault, 5,000 notes are
generated. Other tools are installed from the package index into benchmarks/.venv, unless --peers
names a folder that has them. --before names the vaultlink of an earlier release, whose repeated
commands are measured in the same rounds. All figures are written to the output file too, as a JSON
list; each says of which Python it is.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from checks import (
    VAULTLINK,
    bench_clone,
    bench_memory,
    bench_peers,
    bench_scale,
    bench_serial,
    bench_since,
    bench_start,
)
from figures import Figures
from generate import generate_vault
from histories import list_notes
from hit_rates import bench_hit_rates
from language_servers import bench_language_server
from measure import Bench
from peers import describe_python, install_peers, read_tool_version
from probe import bench_probe
from queries import bench_formats, bench_queries, bench_repeated
from renaming import bench_rename
from watches import bench_watch
from writes import bench_backlinks, bench_fixing

IGNORED_ON_COPY = shutil.ignore_patterns(".git", ".rumdl_cache", ".lycheecache")
PEER_COMMANDS = ("rumdl", "lychee", "graphmark")
SECTIONS: dict[str, Callable[[Bench], None]] = {
    "probe": bench_probe,
    "peers": bench_peers,
    "serial": bench_serial,
    "clone": bench_clone,
    "repeated": bench_repeated,
    "formats": bench_formats,
    "queries": bench_queries,
    "backlinks": bench_backlinks,
    "fixing": bench_fixing,
    "rename": bench_rename,
    "related": bench_hit_rates,
    "memory": bench_memory,
    "since": bench_since,
    "start": bench_start,
    "watch": bench_watch,
    "lsp": bench_language_server,
    "scale": bench_scale,
}


def read_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--vault", type=Path, help="the vault to measure, as a copy; default: 5,000 generated notes"
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command; default: 5")
    parser.add_argument("--before", type=Path, help="the vaultlink of an earlier release")
    parser.add_argument("--peers", type=Path, help="a folder with the other tools' commands")
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="run only this section"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).with_name("figures.json"),
        help="the file of all figures; default: benchmarks/figures.json",
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    given = read_arguments()
    wanted = given.only or list(SECTIONS)
    with tempfile.TemporaryDirectory(prefix="vaultlink-bench-") as folder:
        work = Path(folder)
        vault = work / "vault"
        if given.vault:
            shutil.copytree(given.vault, vault, ignore=IGNORED_ON_COPY)
        else:
            generate_vault(vault, 5_000)
        tools = given.peers or (work if {"peers", "probe"}.isdisjoint(wanted) else install_peers())
        python = describe_python(VAULTLINK[0])
        figures = Figures(python)
        bench = Bench(work, vault, tools.resolve(), given.rounds, figures, given.before)
        machine = f"{os.cpu_count()} cores; {read_tool_version(VAULTLINK[0])}"
        print(f"{given.vault or 'generated'}: {len(list_notes(vault)):,} notes; {machine}")
        print(f"vaultlink runs with {python}")
        if given.before:
            print(f"{read_tool_version(given.before)}: {describe_python(given.before)}")
        if not given.vault:
            print("the targets apply to a large real vault: --vault DIR")
        if "peers" in wanted:
            versions = [read_tool_version(bench.tool_path(name)) for name in PEER_COMMANDS]
            print("against " + ", ".join(versions))
        for name in wanted:
            print(f"\n{name}: {(SECTIONS[name].__doc__ or '').splitlines()[0]}")
            SECTIONS[name](bench)
            bench.figures.write(given.output)
        print(f"\nwritten to {given.output}")


if __name__ == "__main__":
    main()
