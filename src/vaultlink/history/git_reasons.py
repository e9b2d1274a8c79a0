"""Explain deletions in commits: when, and where the text of the file went."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.objects import RawDiffEntry, diff_commits, parse_raw_diff, read_blobs
from vaultlink.history.git_log import LogCommit
from vaultlink.history.paths_now import PathsNow
from vaultlink.history.rename_pairs import FateKind

_MIN_MERGED = 0.6
"""Minimum share of the text of a deleted note that is found in the notes it went into."""

_MIN_PART = 0.15
"""Minimum share of the text of a deleted note that each of several notes has."""

_MAX_EXPLAINED = 200
"""Maximum number of deleted files that are explained."""

_MAX_COMPARED = 200
"""Maximum number of notes in one commit that are searched for the text of a deleted one."""

_MIN_LINE = 4
"""Characters from which a line counts. Shorter ones are in many notes."""


class _Deletion(NamedTuple):
    """A file that was deleted in a commit under `path`, and was at `former` before."""

    commit: LogCommit
    path: str
    former: str
    kind: str


def explain_deletions(
    root: Path,
    commits: Mapping[int, LogCommit],
    paths: PathsNow,
    moves: Mapping[str, str],
    former: Collection[str],
) -> dict[str, str]:
    """Return what happened to deleted files, as clauses by former path.

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

    reasons = {}
    for name, found in deletions.items():
        search = _Search(root, entries.get(name, ()), [deletion.path for deletion in found])
        for deletion in found:
            went = [new for path in search.find(deletion.path) if (new := follow(path))]
            reason = _describe(deletion, went)
            if reason:
                reasons[deletion.former] = reason
    return reasons


def _describe(deletion: _Deletion, went: Sequence[str]) -> str:
    names = [path[:-3] if path[-3:].lower() == ".md" else path for path in went]
    if len(names) == 1:
        return f"merged into {names[0]}"
    if names:
        return f"split into {', '.join(names[:-1])} and {names[-1]}"
    if deletion.kind != FateKind.DELETED:
        return ""
    return f"deleted in {deletion.commit.description}"


class _Search:
    """The lines that the notes of a commit gained, and the lines of the deleted ones."""

    def __init__(self, root: Path, entries: Sequence[RawDiffEntry], deleted: Sequence[str]) -> None:
        wanted = set(deleted)
        removed = [entry for entry in entries if entry.old in wanted]
        others = [entry for entry in entries if entry.status in "AM"][:_MAX_COMPARED]
        names = list(
            dict.fromkeys(
                name
                for entry in (*removed, *others)
                for name in (entry.blob, entry.new_blob)
                if name.strip("0")
            )
        )
        blobs = dict(zip(names, read_blobs(root, names), strict=True))
        self._lost = {entry.old: _list_lines(blobs.get(entry.blob)) for entry in removed}
        self._gained = {
            entry.old: _list_lines(blobs.get(entry.new_blob)) - _list_lines(blobs.get(entry.blob))
            for entry in others
        }
        self._new = {entry.old for entry in others if entry.status == "A"}

    def find(self, path: str) -> list[str]:
        """Return the notes that the text of a deleted note went into.

        It is one that has most of it, or several new ones that have most of it together. The result
        is empty if there is none, or if several have most of it.
        """
        lost = self._lost.get(path)
        if not lost:
            return []
        whole = [other for other, share in self._measure(lost) if share >= _MIN_MERGED]
        if whole:
            return whole if len(whole) == 1 else []
        parts = [
            other
            for other, share in self._measure(lost)
            if share >= _MIN_PART and other in self._new
        ]
        together = frozenset[bytes]().union(*(self._gained[other] for other in parts))
        return parts if len(parts) > 1 and _share(lost, together) >= _MIN_MERGED else []

    def _measure(self, lost: frozenset[bytes]) -> Iterator[tuple[str, float]]:
        for other, gained in self._gained.items():
            yield other, _share(lost, gained)


def _list_lines(data: bytes | None) -> frozenset[bytes]:
    lines = map(bytes.strip, (data or b"").splitlines())
    return frozenset(line for line in lines if len(line) >= _MIN_LINE)


def _share(lines: frozenset[bytes], others: frozenset[bytes]) -> float:
    """Return the share of the text of some lines that is among others."""
    return sum(map(len, lines & others)) / sum(map(len, lines))
