"""The former paths of one note, as the commits of git show them.

Without git, or where git fails, there are none and no error.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.location import find_git_dir
from vaultlink.git.objects import find_blobs
from vaultlink.git.program import run_git
from vaultlink.history.file_pairs import UNKNOWN, FateKind
from vaultlink.history.git_log import LogCommit, format_date


class CommitMark(NamedTuple):
    """A commit: its abbreviated hash, and its date such as "2026-05-02"."""

    commit: str
    date: str


class FormerPath(NamedTuple):
    """A former path of a note; `until` is the commit that renamed it, if known."""

    path: str
    until: CommitMark | None


class NoteHistory(NamedTuple):
    """The past of a note, from git: its former paths, the latest one first.

    `created` and `deleted` are the commits that did that, as far as they are known.
    """

    paths: tuple[FormerPath, ...] = ()
    created: CommitMark | None = None
    deleted: CommitMark | None = None


NO_NOTE_HISTORY = NoteHistory()


def read_note_history(root: Path, commits: Sequence[LogCommit], path: str) -> NoteHistory:
    """Return what git knows of the note that is, or was last, at a vault path.

    A copy of another note begins with its own creation. `commits` are those in which files
    vanished, the latest one first.
    """
    if find_git_dir(root) is None:
        return NO_NOTE_HISTORY
    paths: list[FormerPath] = []
    deleted, since = None, "HEAD"
    may_be_deleted = not find_blobs(root, [f"HEAD:./{path}"])
    for commit in commits:
        former = [old for old, fate in commit.fates.items() if fate == (FateKind.MOVED, path)]
        if former:
            path = former[0]
            paths.append(FormerPath(path, _mark(commit)))
        elif may_be_deleted and commit.fates.get(path, UNKNOWN)[0] == FateKind.DELETED:
            deleted = _mark(commit)
        elif path in commit.fates:
            break  # another file was at this path before
        else:
            continue
        may_be_deleted, since = False, f"{commit.name}^"
    return NoteHistory(tuple(paths), _find_creation(root, since, path), deleted)


def _mark(commit: LogCommit) -> CommitMark:
    return CommitMark(commit.name[:7], format_date(commit.time))


def _find_creation(root: Path, since: str, path: str) -> CommitMark | None:
    """Return the last commit up to another one that added a file."""
    output = run_git(
        root,
        *("log", "-1", "--diff-filter=A", "--no-renames", "--format=%h%x00%ct", "--abbrev=7"),
        *("--no-show-signature", "--no-color", since, "--", f":(literal){path}"),
        ok_codes=(0, 128),
    )
    name, _, time = os.fsdecode(output or b"").strip().partition("\0")
    return CommitMark(name, format_date(int(time))) if time.isdigit() else None
