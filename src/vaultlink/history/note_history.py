"""The former paths of one note, as git recorded them.

Without git, or where git fails, there are none and no error.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.location import find_git_dir
from vaultlink.git.program import run_git
from vaultlink.text import lazy_pattern

_MIN_SIMILARITY = 60
"""Minimum similarity of a renamed note, in percent."""

_STATUS = lazy_pattern(r"([A-Z])\d*")


class CommitMark(NamedTuple):
    """A commit: its abbreviated hash, and its date such as "2026-05-02"."""

    commit: str
    date: str


class FormerPath(NamedTuple):
    """A path that a note had.

    `until` is the commit that renamed the note; None if the rename is not committed or if git does
    not know it.
    """

    path: str
    until: CommitMark | None


class NoteHistory(NamedTuple):
    """The past of a note, from git.

    Attributes:
        paths: Its former paths, the latest one first.
        created: The commit that added the note to the vault; None if it is unknown.
        deleted: The commit that deleted the note; None if it exists.
    """

    paths: tuple[FormerPath, ...] = ()
    created: CommitMark | None = None
    deleted: CommitMark | None = None


NO_NOTE_HISTORY = NoteHistory()


def read_note_history(root: Path, path: str) -> NoteHistory:
    """Return what git knows of the note that is, or was last, at a vault path.

    A copy of another note begins with its own creation.
    """
    prefix = run_git(root, "rev-parse", "--show-prefix") if find_git_dir(root) else None
    if prefix is None:
        return NO_NOTE_HISTORY
    log = run_git(
        root,
        "--literal-pathspecs",
        "log",
        "--follow",
        "--name-status",
        "-z",
        "--root",
        f"-M{_MIN_SIMILARITY}%",
        "--no-ext-diff",
        "--no-textconv",
        "--no-show-signature",
        "--no-color",
        "--date=short",
        "--abbrev=7",
        "--format=%x00%h%x00%cd",
        "--",
        path,
    )
    return build_note_history(log or b"", os.fsdecode(prefix).removesuffix("\n"), path)


def build_note_history(log: bytes, prefix: str, path: str) -> NoteHistory:
    """Return the history of a note from the output of git.

    The output starts with the latest commit. `prefix` is the path of the vault in the repository,
    with a slash at the end, or "".
    """
    paths: list[FormerPath] = []
    deleted = None
    for mark, status, old, new in _parse_log(log):
        if status == "D" and not paths and deleted is None:
            deleted = mark
        elif status in "AC":
            return NoteHistory(tuple(paths), mark, deleted)
        elif status == "R" and new == prefix + path:
            if not old.startswith(prefix):
                return NoteHistory(tuple(paths), mark, deleted)
            path = old.removeprefix(prefix)
            paths.append(FormerPath(path, mark))
    return NoteHistory(tuple(paths), None, deleted)


def _parse_log(log: bytes) -> Iterator[tuple[CommitMark, str, str, str]]:
    """Yield the commit, status, old and new path of each change."""
    fields = iter([field for field in os.fsdecode(log).split("\0") if field])
    mark = CommitMark("", "")
    for field in fields:
        match = _STATUS.fullmatch(field.lstrip("\n"))
        if match is None:
            mark = CommitMark(field, next(fields, ""))
            continue
        old = next(fields, "")
        yield mark, match[1], old, next(fields, "") if match[1] in "RC" else old
