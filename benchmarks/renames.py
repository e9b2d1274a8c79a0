"""Rename at random in copies of real vaults, and check that every link keeps its meaning.

    python benchmarks/renames.py [--count 200] [--seed 1] VAULT...

VAULT is a folder or an archive without a top folder. Each rename is a command; the links before and
after are compared as vaultlink's index has them, the bytes by this script, and `undo` must restore
the vault. Failures are printed with the command that shows them.
"""

import argparse
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from vaultlink import Settings, open_vault
from vaultlink.__main__ import main as run_vaultlink
from vaultlink.index.index import Index

KINDS = ("note",) * 9 + ("move",) * 4 + ("folder",) * 2 + ("attachment",) * 2 + ("heading",) * 3
LINK = re.compile(rb"\[\[[^\n]*?\]\]|\]\([^\n]*?\)+|\]:[^\n]*|<!-- vaultlink:.*?/vaultlink:", re.S)
"""Where a rename may change bytes of a note: in links, definitions and managed sections."""

Tree = Mapping[str, bytes]
Arguments = tuple[str, ...]


class LinkMeaning(NamedTuple):
    """A link: its form, its text, where it leads, and whether it has a heading or block there."""

    form: tuple[object, ...]
    display: str | None
    target: str | None
    anchor: bool


def unpack(source: Path, folder: Path) -> Path:
    """Return a copy of a vault that can be written."""
    vault = folder / source.name.partition(".")[0]
    if source.is_dir():
        shutil.copytree(source, vault, ignore=shutil.ignore_patterns(".git"))
    else:
        with tarfile.open(source) as archive:
            archive.extractall(vault, filter="data")
    for path in (vault, *vault.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return vault


def read_tree(vault: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a vault by path; links on disk are left out."""
    return {
        os.path.relpath(os.path.join(folder, name), vault): Path(folder, name).read_bytes()  # noqa: PTH118
        for folder, _, names in os.walk(vault)
        for name in names
        if not os.path.islink(os.path.join(folder, name))  # noqa: PTH114, PTH118
    }


def run(*words: str, vault: Path) -> tuple[int, str, str]:
    """Run a command in this process and return its exit code and output."""
    out, errors = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = run_vaultlink([*words, "--vault", str(vault)])
    return code, out.getvalue(), errors.getvalue()


# -- links ----------------------------------------------------------------------------------------


def list_meanings(index: Index) -> dict[str, list[LinkMeaning]]:
    """Return the links of each note and canvas, in their order."""
    return {
        path: [
            LinkMeaning(
                (link.kind, link.embed, link.place, link.external),
                link.display,
                target,
                bool(index.has_anchor(link, target)),
            )
            for link, target in index.resolved_links(path)
        ]
        for path in index.notes
    }


def compare_meanings(
    before: Mapping[str, list[LinkMeaning]],
    after: Mapping[str, list[LinkMeaning]],
    files: Mapping[str, str],
    captured: str,
) -> Iterator[str]:
    """Yield the links that lead elsewhere.

    Links of notes that the message `captured` names may resolve only afterwards.
    """
    for path, links in before.items():
        links_after = after.get(files.get(path, path))
        if links_after is None or len(links_after) != len(links):
            yield f"{path}: {len(links)} links before, {len(links_after or ())} after"
            continue
        for number, (old, new) in enumerate(zip(links, links_after, strict=True), 1):
            target = files.get(old.target, old.target) if old.target else None
            is_captured = old.target is None and new.target is not None and path in captured
            if (old.form, target) != (new.form, new.target) and not is_captured:
                yield f"{path}: link {number} leads to {new.target}, not to {target}"
            if old.anchor and not new.anchor:
                yield f"{path}: link {number} lost its heading or block"
            if old.display not in (None, new.display):
                yield f"{path}: link {number} shows {new.display!r}, not {old.display!r}"


# -- bytes ----------------------------------------------------------------------------------------


def compare_bytes(
    before: Tree, after: Tree, files: Mapping[str, str], edits: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the files whose bytes are not those of the edits, and edits outside links."""
    contents = dict(before)
    for edit in sorted(edits, key=lambda item: -int(item["start"])):
        path, start, end = edit["path"], edit["start"], edit["end"]
        text = contents[path]
        if path.endswith(".md") and not is_in_link(before[path], start, end):
            yield f"{path}: an edit of {before[path][start:end]!r} is in no link"
        contents[path] = text[:start] + edit["text"].encode() + text[end:]
    wanted = {files.get(path, path): text for path, text in contents.items()}
    for path in wanted.keys() | after.keys():
        if wanted.get(path) != after.get(path):
            yield f"{path}: its bytes are not those of the edits"


def is_in_link(text: bytes, start: int, end: int) -> bool:
    """Return True if a span is in a link, a property or a heading of a note."""
    line_start = text.rfind(b"\n", 0, start) + 1
    front = text.find(b"\n---", 3) if text.startswith((b"---", b"\xef\xbb\xbf---")) else -1
    if start < front or text[line_start : line_start + 1] == b"#":
        return True
    return any(found.start() <= start and end <= found.end() for found in LINK.finditer(text))


# -- renames --------------------------------------------------------------------------------------


def choose_rename(random: Random, index: Index, paths: Sequence[str]) -> Arguments | None:
    """Return the arguments of a random rename; None if the vault has nothing of the kind."""
    kind = random.choice(KINDS)
    notes = [path for path in paths if path.endswith(".md") and path in index.notes]
    number = random.randrange(10_000)
    if kind == "note":
        return "rename", random.choice(notes), random.choice((f"Renamed {number}", f"x-{number}"))
    if kind == "move":
        note = random.choice(notes)
        known = {path.rpartition("/")[0] or "/" for path in paths} | {"new folder"}
        return "move", note, random.choice(sorted(known - {note.rpartition("/")[0] or "/"}))
    if kind == "folder":
        folders = sorted({path.rpartition("/")[0] for path in paths} - {""})
        return ("rename", f"{random.choice(folders)}/", f"Folder {number}") if folders else None
    if kind == "attachment":
        others = [path for path in paths if not path.endswith(".md") and "." in path]
        return ("rename", random.choice(others), f"File ({number})") if others else None
    with_links = sorted(
        path for path in index.anchor_sources if path in notes and index.notes[path].headings
    )
    if not with_links:
        return None
    path = random.choice(with_links)
    heading = random.choice(index.notes[path].headings)
    return "rename", f"{path}#{heading.text}", f"Heading {number}"


class Trial:
    """The renames of one vault."""

    def __init__(self, vault: Path, seed: int):
        self.vault, self.random = vault, Random(seed)
        self.before, self.index = read_tree(vault), self._open()
        self.meanings = list_meanings(self.index)
        self.paths = sorted(
            path
            for path in self.before
            if not any(part.startswith(".") for part in path.split("/"))
        )

    def _open(self) -> Index:
        return open_vault(self.vault, Settings()).index

    def make_rename(self, words: Arguments) -> Iterator[str]:
        """Make a rename, yield what is wrong, and revert it."""
        code, out, errors = run(*words, "--output-format", "json", vault=self.vault)
        if code == 2:
            yield f"refused: {errors.strip()[:300]}"
            if read_tree(self.vault) != self.before:
                yield "a refused rename wrote something"
            return
        if code:
            yield f"exit code {code}: {errors.strip()[:300]}"
        done = msgspec.json.decode(out)
        files = {item["from"]: item["to"] for item in done["files"]}
        after = read_tree(self.vault)
        yield from compare_bytes(self.before, after, files, done["edits"])
        yield from compare_meanings(self.meanings, list_meanings(self._open()), files, errors)
        code, _, errors = run("undo", vault=self.vault)
        if code or read_tree(self.vault) != self.before:
            yield f"undo did not restore the vault: exit code {code}: {errors.strip()[:300]}"


def try_vault(source: Path, count: int, seed: int, work: Path) -> int:
    """Make random renames in a copy of a vault, print the failures and return their number."""
    vault = unpack(source, work)
    trial = Trial(vault, seed)
    failed = refused = made = 0
    while made < count:
        words = choose_rename(trial.random, trial.index, trial.paths)
        if words is None:  # the vault has nothing of the kind
            continue
        made += 1
        problems = list(trial.make_rename(words))
        if problems and problems[0].startswith("refused") and len(problems) == 1:
            refused += 1
            print(f"  {' '.join(map(repr, words))}: {problems[0]}", flush=True)
        elif problems:
            failed += 1
            print(f"  FAILED vaultlink {' '.join(map(repr, words))}", flush=True)
            for problem in problems[:5]:
                print(f"    {problem}")
            if any("undo" in problem for problem in problems):
                break
    print(f"{source.name}: {made} renames, {refused} refused, {failed} failed", flush=True)
    shutil.rmtree(vault)
    return failed


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--count", type=int, default=200, help="renames in each vault")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices; default: 1")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vaultlink-renames-") as folder:
        os.environ["VAULTLINK_CACHE_DIR"] = f"{folder}/cache"
        os.environ["VAULTLINK_STATE_DIR"] = f"{folder}/state"
        failed = [
            try_vault(source, given.count, given.seed, Path(folder, "vaults"))
            for source in given.vaults
        ]
    sys.exit(1 if any(failed) else 0)


if __name__ == "__main__":
    main()
