"""Explain deletions in commits: when, and where the text of the file went."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.objects import RawDiffEntry, diff_commits, parse_raw_diff, read_blobs
from vaultlink.history.file_pairs import FateKind
from vaultlink.history.git_log import LogCommit
from vaultlink.history.matcher import Pieces, Texts, read_data_pieces
from vaultlink.history.paths_now import PathsNow
from vaultlink.index.resolve import file_name
from vaultlink.links.naming import strip_note_extension

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


class _Deletion(NamedTuple):
    """A file that was deleted in a commit under `path`, and was at `former` before."""

    commit: LogCommit
    path: str
    former: str
    kind: str


class Explanation(NamedTuple):
    """The fate of a deleted file.

    `reason` is a clause. `now` is the path of the file that it may be now, or "".
    """

    reason: str
    now: str


def explain_deletions(
    root: Path,
    commits: Mapping[int, LogCommit],
    paths: PathsNow,
    moves: Mapping[str, str],
    former: Collection[str],
) -> dict[str, Explanation]:
    """Return what happened to deleted files, by former path.

    Args:
        root: Folder of the vault.
        commits: Commits by the numbers that `paths` has.
        paths: The vanished files.
        moves: Former to present path of moved files.
        former: The former paths to explain.
    """
    deletions: dict[str, list[_Deletion]] = {}
    for path in sorted(former)[:_MAX_EXPLAINED]:
        since, last_path = paths.ends.get(path, (0, ""))
        if since in commits:
            deletion = _Deletion(commits[since], last_path, path, paths.found[path][0])
            deletions.setdefault(deletion.commit.name, []).append(deletion)
    if not deletions:
        return {}
    output, _ = diff_commits(root, list(deletions))
    entries: dict[str, list[RawDiffEntry]] = {}
    for entry in parse_raw_diff(output):
        if entry.old[-3:].lower() == ".md":
            entries.setdefault(entry.commit, []).append(entry)

    def follow(path: str) -> str:
        return path if path in paths.files else moves.get(path, "")

    explained = {}
    for name, found in deletions.items():
        gone = {deletion.path for deletion in found}
        commit = _Commit(root, entries.get(name, ()), gone)
        for deletion in found:
            went = commit.find_text(deletion.path)
            present = [new for part in went if (new := follow(part.path))]
            is_same = len(went) == len(present) == 1 and (
                file_name(went[0].path) == file_name(deletion.path)
                or (went[0].is_new and went[0].share >= _MIN_WHOLE)
            )
            reason = _describe(deletion, present)
            explained[deletion.former] = Explanation(reason, present[0] if is_same else "")
    return explained


def _describe(deletion: _Deletion, went: Sequence[str]) -> str:
    names = [strip_note_extension(path) for path in went]
    if len(names) == 1:
        return f"merged into {names[0]}"
    if names:
        return f"split into {', '.join(names[:-1])} and {names[-1]}"
    if deletion.kind != FateKind.DELETED:
        return ""
    return f"deleted in {deletion.commit.description}"


class _Part(NamedTuple):
    """A note that a share of the text of a deleted one went into."""

    path: str
    share: float
    is_new: bool


class _Commit:
    """The text that the notes of a commit gained, and the text of the deleted ones."""

    def __init__(
        self, root: Path, entries: Sequence[RawDiffEntry], deleted: Collection[str]
    ) -> None:
        removed = [entry for entry in entries if entry.old in deleted]
        others = [entry for entry in entries if entry.status in "AM"][:_MAX_COMPARED]
        names = dict.fromkeys(
            name
            for entry in (*removed, *others)
            for name in (entry.blob, entry.new_blob)
            if name.strip("0")
        )
        pieces = dict(zip(names, map(read_data_pieces, read_blobs(root, list(names))), strict=True))

        def read(name: str) -> Pieces:
            return pieces.get(name) or frozenset()

        self._new = {entry.old for entry in others if entry.status == "A"}
        self._texts = Texts(
            {entry.old: read(entry.blob) for entry in removed},
            {entry.old: read(entry.new_blob) - read(entry.blob) for entry in others},
        )

    def find_text(self, path: str) -> list[_Part]:
        """Return the notes that the text of a deleted note went into.

        It is one that has most of it, or several new ones that have most of it together. The result
        is empty if there is none, or if several have most of it.
        """
        weight = self._texts.measure(path) if path in self._texts.old else 0.0
        if not weight:
            return []
        parts = [
            _Part(other, shared / weight, other in self._new)
            for other, shared in self._texts.shared[path].items()
        ]
        whole = [part for part in parts if part.share >= _MIN_MERGED]
        if whole:
            return whole if len(whole) == 1 else []
        parts = sorted(part for part in parts if part.share >= _MIN_PART and part.is_new)
        is_whole = sum(part.share for part in parts) >= _MIN_MERGED
        return parts if len(parts) > 1 and is_whole else []
