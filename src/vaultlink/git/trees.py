"""Read the commits of a vault from git, and the files in their trees."""

import os
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.objects import RawDiffEntry, check_objects, parse_raw_diff
from vaultlink.git.program import run_git

_MAX_COMMITS = 2**31 - 1
"""The largest number that git understands."""


class CommitTree(NamedTuple):
    """A commit and the tree of a vault in it.

    Attributes:
        commit: Full hash.
        date: Committer date in the committer's time zone, `YYYY-MM-DD`.
        tree: Object name of the tree of the vault's folder; "" if the commit has no such folder.
    """

    commit: str
    date: str
    tree: str


class TreeEntry(NamedTuple):
    """A file in a tree: mode, object name of the content, path in the tree."""

    mode: str
    blob: str
    path: str


def can_read_repository(root: Path) -> bool:
    """Return True if git accepts the repository that a folder lies in."""
    return run_git(root, "rev-parse", "--git-dir") is not None


def has_no_commit_yet(root: Path) -> bool:
    """Return True if nothing was committed on the current branch.

    In a damaged repository, HEAD names a commit that git can't read, or no branch.
    """
    names_commit = run_git(root, "rev-parse", "--verify", "--quiet", "HEAD") is not None
    return not names_commit and run_git(root, "symbolic-ref", "--quiet", "HEAD") is not None


def is_shallow_clone(root: Path) -> bool:
    """Return True if git has only the last commits of the repository."""
    return (run_git(root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"


def list_first_parents(root: Path, count: int) -> list[CommitTree] | None:
    """Return the last `count` commits that changed a folder, latest first.

    From HEAD on, only the first parent of each commit is followed: a merge counts as one change.
    Return None if git fails.
    """
    output = run_git(
        root,
        *(
            "rev-list",
            "--first-parent",
            f"--max-count={min(count, _MAX_COMMITS)}",
            "--format=%cs",
            "HEAD",
        ),
        *("--", "."),
    )
    if output is None:
        return None
    lines = output.decode("ascii", "replace").split("\n")
    commits = [line.removeprefix("commit ") for line in lines[::2] if line]
    trees = check_objects(root, [f"{name}:./" for name in commits], "%(objecttype) %(objectname)")
    return [
        CommitTree(commit, date, words[1] if words[:1] == ["tree"] else "")
        for commit, date, words in zip(commits, lines[1::2], trees, strict=False)
    ]


def list_tree(root: Path, tree: str) -> list[TreeEntry] | None:
    """Return the files of a tree and its subtrees; None if git can't read them."""
    output = run_git(root, "ls-tree", "-r", "-z", "--full-tree", tree)
    if output is None:
        return None
    entries = []
    for line in os.fsdecode(output).split("\0")[:-1]:
        fields, _, path = line.partition("\t")
        mode, _, blob = fields.split(" ")
        entries.append(TreeEntry(mode, blob, path))
    return entries


def diff_trees(root: Path, old: str, new: str) -> list[RawDiffEntry] | None:
    """Return the changes from one tree to another; None if git can't read them."""
    output = run_git(
        root,
        *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", old, new, "--"),
    )
    return None if output is None else list(parse_raw_diff(output))
