"""The section of the bench about what other tools read: a vault with one link of each kind."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from checks import CHECK, RUMDL_RULES
from measure import Bench

NOTES = {
    "Home.md": '---\nup: "[[Lostnote]]"\n---\n\n# Home\n\n[[Named]]\n\n'
    "[[Jettyalias]], [[Oldtitle]]\n\n"
    "[[Pier#Nohead]], [[Pier#^noblock]], [map](Mole.md#nomdhead)\n\n[[Gonenote]]\n",
    "Places/Named.md": "# Named\n\n[[Home]]\n",
    "Places/Pier.md": "---\naliases: [Jettyalias]\n---\n\n# Oldtitle\n\n[[Home]]\n",
    "Mole.md": "# Mole\n\n[[Home]]\n",
    ".obsidian/app.json": "{}",
    ".mdsmith.yml": "rules:\n  cross-file-reference-integrity:\n    wikilinks: true\n",
}
"""The probe. mdsmith reads wikilinks only if its settings say so."""

LINKS = {
    "link by alias, which Obsidian does not resolve": ("Jettyalias",),
    "link by title, which Obsidian does not resolve": ("Oldtitle",),
    "link to a note that does not exist": ("Gonenote",),
    "wikilink to a missing heading or block": ("Nohead", "noblock"),
    "Markdown link to a missing heading": ("nomdhead",),
    "broken link in a property": ("Lostnote",),
}
"""What is wrong, and the words of a report about it."""

NAMED = re.compile(r"Named(?!\.md)")
"""A report about the link by name, which resolves."""


class Peer(NamedTuple):
    """A tool: its commands, of which the last one reports, and the one that prints its version."""

    commands: Sequence[Sequence[str]]
    version: Sequence[str]


PEERS: Mapping[str, Peer] = {
    "vaultlink": Peer(
        [[*CHECK, "--output-format", "concise", "--show", "all"]], [CHECK[0], "--version"]
    ),
    "rumdl": Peer(
        [["rumdl", "check", "--no-cache", "--flavor", "obsidian", "--enable", RUMDL_RULES, "."]],
        ["rumdl", "--version"],
    ),
    "lychee": Peer(
        [
            [
                *("lychee", "--offline", "--include-wikilinks", "--include-fragments"),
                *("--fallback-extensions", "md", "--base-url", "VAULT", "--no-progress", "."),
            ]
        ],
        ["lychee", "--version"],
    ),
    "mdsmith": Peer([["mdsmith", "check", "."]], ["mdsmith", "version"]),
    "foam": Peer([["foam", "lint"]], ["foam", "--version"]),
    "hvk": Peer(
        [
            ["hvk", "--vault", ".", "--index", "INDEX", "scan"],
            ["hvk", "--vault", ".", "--index", "INDEX", "links", "--broken"],
        ],
        ["hvk", "--version"],
    ),
}
"""The tools, by the name of their column. graphmark prints counts only, so it has none."""


def bench_probe(bench: Bench) -> None:
    """What each tool reports in a probe of four notes, and its command (no times)."""
    vault, index = bench.work_folder / "probe", bench.work_folder / "hvk-index"
    for path, text in NOTES.items():
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_text(text, encoding="utf-8")
    search = f"{bench.peer_folder}{os.pathsep}{os.environ['PATH']}"
    found = {name: peer for name, peer in PEERS.items() if shutil.which(peer.version[0], 0, search)}
    told = dict[str, str]()
    places = {"VAULT": str(vault), "INDEX": str(index)}
    for name, peer in found.items():
        for command in peer.commands:
            words = [places.get(word, word) for word in command]
            told[name] = _run(bench, words, vault, search)
        version = _run(bench, peer.version, vault, search).strip().splitlines()
        print(f"  {name}: {version[-1] if version else '?'}: {' '.join(peer.commands[-1])}")
    for name in PEERS.keys() - found.keys():
        print(f"  {name}: not installed")
    print("| | " + " | ".join(found) + " |\n|" + "---|" * (len(found) + 1))
    by_name = {
        name: "yes" if "Gonenote" in text and not NAMED.search(text) else "–"
        for name, text in told.items()
    }
    print(_row("finds the note in the other folder by its name", by_name))
    for what, marks in LINKS.items():
        cells = {
            name: "reported" if all(mark in text for mark in marks) else "–"
            for name, text in told.items()
        }
        print(_row(what, cells))


def _row(what: str, cells: Mapping[str, str]) -> str:
    return f"| {what} | " + " | ".join(cells.values()) + " |"


def _run(bench: Bench, command: Sequence[str], vault: Path, search: str) -> str:
    """Return all that a command prints. Raises SystemExit if it prints nothing useful."""
    environment = bench.environment | {"PATH": search}
    done = subprocess.run(
        command, cwd=vault, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return _SOURCE_LINE.sub("", done.stdout + done.stderr)


_SOURCE_LINE = re.compile(r"^ *\d+ \| .*$", re.MULTILINE)
"""A line of a note, which mdsmith prints below its reports."""
