"""Explain deletions in commits: when, and where the text of the file went."""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.objects import RawDiffEntry, list_commit_changes, read_blobs
from vaultlink.history.file_pairs import FateKind
from vaultlink.history.git_log import LogCommit
from vaultlink.history.matcher import Pieces, Texts, read_data_pieces
from vaultlink.history.paths_now import PathsNow
from vaultlink.index.resolve import file_name, is_note
from vaultlink.links.naming import strip_note_extension
from vaultlink.text import group_by

_MIN_MERGED = 0.6
"""Minimum share of the text of a deleted note that is found in the notes it went into."""

_MIN_WHOLE = 0.9
"""The same for a new note that may be the deleted one under another name, with more text."""

_MIN_PART = 0.15
"""Minimum share of the text of a deleted note that each of several notes has."""

_MAX_EXPLAINED = 200
"""Maximum number of deleted files that are explained."""

_MAX_COMPARED = 200
"""Maximum number of notes in one commit that are searched for the text of a deleted one."""


class DeletionReasons(NamedTuple):
    """Clauses on deleted files, and the paths they may have now, by former path."""

    clauses: dict[str, str]
    now: dict[str, str]


def explain_deletions(
    root: Path,
    commits: Mapping[int, LogCommit],
    paths: PathsNow,
    moves: Mapping[str, str],
    former: Collection[str],
) -> DeletionReasons:
    """Return what happened to the deleted files at the `former` paths.

    `commits` are by the numbers that `paths` has, `moves` are those to present paths.
    """
    explained = DeletionReasons({}, {})
    deletions: dict[str, list[tuple[str, str]]] = {}  # the last path, and the former one
    by_name = {commit.name: commit for commit in commits.values()}
    for path in sorted(former)[:_MAX_EXPLAINED]:
        since, last_path = paths.ends.get(path, (0, ""))
        if since in commits:
            deletions.setdefault(commits[since].name, []).append((last_path, path))
    if not deletions:
        return explained
    changes = list_commit_changes(root, list(deletions))
    entries = group_by((entry for entry in changes if is_note(entry.old)), attrgetter("commit"))
    for name, found in deletions.items():
        went = _find_texts(root, entries.get(name, ()), {path for path, _ in found})
        for last_path, path in found:
            parts = went.get(last_path, [])
            present = [
                new
                for part in parts
                if (new := part.path if part.path in paths.files else moves.get(part.path, ""))
            ]
            if reason := _describe(by_name[name], paths.found[path][0], present):
                explained.clauses[path] = reason
            if len(parts) == len(present) == 1 and (
                file_name(parts[0].path) == file_name(last_path)
                or (parts[0].is_new and parts[0].share >= _MIN_WHOLE)
            ):
                explained.now[path] = present[0]
    return explained


def _describe(commit: LogCommit, kind: str, went: Sequence[str]) -> str:
    names = [strip_note_extension(path) for path in went]
    if len(names) == 1:
        return f"merged into {names[0]}"
    if names:
        return f"split into {', '.join(names[:-1])} and {names[-1]}"
    return f"deleted in {commit.description}" if kind == FateKind.DELETED else ""


class _Part(NamedTuple):
    path: str
    share: float
    is_new: bool


def _find_texts(
    root: Path, entries: Sequence[RawDiffEntry], deleted: Collection[str]
) -> dict[str, list[_Part]]:
    """Return the notes of a commit that texts of deleted ones went into, by old path.

    It is the only one that has most of a text, or several new ones that have most of it together.
    """
    removed = [entry for entry in entries if entry.old in deleted]
    others = [entry for entry in entries if entry.status in "AM"][:_MAX_COMPARED]
    new = {entry.old for entry in others if entry.status == "A"}
    blobs = (name for entry in (*removed, *others) for name in (entry.blob, entry.new_blob))
    names = list(dict.fromkeys(filter(None, blobs)))
    pieces = dict(zip(names, map(read_data_pieces, read_blobs(root, names)), strict=True))

    def read(name: str) -> Pieces:
        return pieces.get(name) or frozenset()

    texts = Texts(
        {entry.old: read(entry.blob) for entry in removed},
        {entry.old: read(entry.new_blob) - read(entry.blob) for entry in others},
    )
    found: dict[str, list[_Part]] = {}
    for path in texts.old:
        weight = texts.measure(path)
        parts = [
            _Part(other, shared / weight, other in new)
            for other, shared in texts.shared[path].items()
            if weight
        ]
        whole = [part for part in parts if part.share >= _MIN_MERGED]
        some = sorted(part for part in parts if part.share >= _MIN_PART and part.is_new)
        if len(whole) == 1:
            found[path] = whole
        elif not whole and len(some) > 1 and sum(part.share for part in some) >= _MIN_MERGED:
            found[path] = some
    return found
