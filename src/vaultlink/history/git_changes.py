"""Read what commits changed, and the texts before and after."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from vaultlink.git.objects import (
    RawDiffEntry,
    diff_commits,
    list_commit_changes,
    read_blobs,
    summarize_commits,
)
from vaultlink.history.file_pairs import Content, FileChanges
from vaultlink.history.matcher import Pieces, read_data_pieces

_MAX_READ = 20_000
"""Maximum number of contents that are read to find renamed and edited files."""

_DIFFS = 200
"""Commits whose changes are read at once."""


class BlobPieces:
    """The pieces of blobs. It notes which are needed, and reads them in batches.

    `is_complete` becomes False if git can't read one.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pieces: dict[Content, Pieces | None] = {}
        self._left = _MAX_READ
        self.needed: dict[Content, None] = {}
        self.is_complete = True

    def plan(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        """Note that these blobs are needed; return nothing."""
        self.needed.update(dict.fromkeys(names))
        return {}

    def read_needed(self) -> None:
        """Read the blobs that are needed, in place of those read before."""
        self._pieces = {}
        self._read([*self.needed])
        self.needed = {}

    def get(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        self._read([name for name in names if name not in self._pieces])
        found = {name: self._pieces[name] for name in names if name in self._pieces}
        if None in found.values():
            self.is_complete = False
        return found

    def _read(self, names: Sequence[Content]) -> None:
        names = names[: self._left]
        if names:
            self._left -= len(names)
            blobs = read_blobs(self.root, [str(name) for name in names])
            self._pieces.update(zip(names, map(read_data_pieces, blobs), strict=True))


_SUBMODULE = "160000"
"""Mode of a submodule."""


class ChangeReader:
    """Reads the changes of commits in which files vanished or were replaced, once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, FileChanges] = {}
        self.added: dict[str, list[str]] = {}

    def read(self, names: Sequence[str]) -> tuple[dict[str, FileChanges], list[str]]:
        missing = [name for name in names if name not in self._known]
        relevant, unreadable = list[str](), list[str]()
        for start in range(0, len(missing), _DIFFS):
            part = missing[start : start + _DIFFS]
            output, failed = diff_commits(self.root, part)
            for commit in summarize_commits(output, part):
                relevant += [commit.name] if commit.is_relevant else []
                self.added[commit.name] = commit.added
            unreadable += failed
        changes = list_commit_changes(self.root, relevant)
        for name, entries in groupby(changes, attrgetter("commit")):
            files = list_changes(entries)
            if files.removed or files.changed:
                self._known[name] = files
        return {name: self._known[name] for name in names if name in self._known}, unreadable


def list_changes(entries: Iterable[RawDiffEntry]) -> FileChanges:
    removed, added, changed = dict[str, str](), dict[str, str](), dict[str, tuple[str, str]]()
    for entry in entries:
        if is_hidden(entry.old) or entry.mode == _SUBMODULE:
            continue
        if entry.status == "D":
            removed[entry.old] = entry.blob
        elif entry.status == "A":
            added[entry.old] = entry.new_blob
        elif entry.blob != entry.new_blob:
            changed[entry.old] = entry.blob, entry.new_blob
    return FileChanges(removed, added, changed)


def is_hidden(path: str) -> bool:
    """Return True for paths outside the vault: a segment starts with a dot."""
    return path.startswith(".") or "/." in path
