"""Stage moved files in git's index, as `git mv` does. Contents are not staged."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.location import find_git_dir
from vaultlink.git.program import NO_GIT, has_git, run_git
from vaultlink.index.resolve import list_outer_folders

_SUBMODULE_MODE = b"160000"


class _IndexEntry(NamedTuple):
    """An entry of git's index: mode, object id and stage, as git prints them."""

    mode: bytes
    object_id: bytes
    stage: bytes


def stage_moves(root: Path, files: Mapping[str, str | None]) -> str | None:
    """Give moved files their new paths in git's index; return why not, as a sentence.

    `files` maps old vault paths to new ones, or to None for removed files. Files that git does
    not track are left out. If one move can't be staged, none is.
    """
    if find_git_dir(root) is None:
        return f"{root} is in no git repository."
    if not has_git():
        return f"{NO_GIT}."
    prefix = run_git(root, "rev-parse", "--show-prefix")
    listing = run_git(root, "ls-files", "--full-name", "-s", "-z")
    if prefix is None or listing is None:
        return "git can't list its index."
    top = prefix.removesuffix(b"\n")
    entries = _parse_entries(listing)
    names = {
        os.fsencode(old): None if new is None else os.fsencode(new) for old, new in files.items()
    }
    tracked = {old: new for old, new in names.items() if top + old in entries}
    problem = _find_problem(root, top, entries, files, tracked)
    if problem:
        return problem
    changes = [
        b"0 %b\t%b\0" % (b"0" * len(entries[top + old][0].object_id), top + old) for old in tracked
    ]
    for old, new in tracked.items():
        if new is not None:
            found = entries[top + old]
            changes += [b"%b %b 0\t%b\0" % (it.mode, it.object_id, top + new) for it in found]
    request = b"".join(changes)
    if request and run_git(root, "update-index", "-z", "--index-info", stdin=request) is None:
        return "git can't write its index. Another program may be using the repository."
    return None


def _parse_entries(listing: bytes) -> dict[bytes, list[_IndexEntry]]:
    """Return the entries by path in the repository; a file in conflict has several."""
    entries: dict[bytes, list[_IndexEntry]] = {}
    for line in listing.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        entries.setdefault(path, []).append(_IndexEntry(*head.split(b" ")))
    return entries


def _find_problem(
    root: Path,
    top: bytes,
    entries: Mapping[bytes, list[_IndexEntry]],
    files: Mapping[str, str | None],
    tracked: Iterable[bytes],
) -> str | None:
    """Return why moves can't be staged, as a sentence."""
    paths = [path for pair in files.items() for path in pair if path is not None]
    for folder in sorted({folder for path in paths for folder in list_outer_folders(path)}):
        modes = [item.mode for item in entries.get(top + os.fsencode(folder), ())]
        if _SUBMODULE_MODE in modes or os.path.lexists(root / folder / ".git"):
            return f"{folder} is a git repository of its own."
    for old in tracked:
        if any(item.stage != b"0" for item in entries[top + old]):
            return f"git has a merge conflict in {os.fsdecode(old)}."
    return None
