"""Find moves and deletions with git: committed ones, staged ones and plain ones.

Without git, or where git fails, there is no history and no error.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from hashlib import sha1, sha256
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from vaultlink.git import RawDiffEntry, find_git_dir, parse_raw_diff, read_blobs, run_git
from vaultlink.history.rename_checks import (
    file_extension,
    is_same_series,
    resolve_history,
    resolve_moves,
)
from vaultlink.index.resolve import file_name
from vaultlink.model import NO_HISTORY, FileStamp, History

_MAX_COMMITS = 200
_MIN_SIMILARITY = 60
"""Minimum similarity of a renamed file, in percent."""

_CLEAR_MARGIN = 0.15
"""Minimum lead of the most similar file over any other, as a share of its lines."""

_MAX_COMPARED = 200
"""Maximum number of deleted or untracked notes that are compared line by line."""

_MAX_DELETED_AT_ONCE = 1_000
"""Maximum number of files deleted in one commit. Git does not compare more for renames."""

_MAX_BYTES = 4_000_000

_DIFF_OPTIONS = ("--raw", "--no-abbrev", f"-M{_MIN_SIMILARITY}%", "-z", "--relative")


def git_history(root: Path, files: Mapping[str, FileStamp], *, any_alike: bool = False) -> History:
    """Return the moves and deletions of the last 200 commits and of the working tree.

    Where several files are equally similar, none of them is returned as moved. With `any_alike` one
    of them is, which is enough to recognise known findings.
    """
    if find_git_dir(root) is None:
        return NO_HISTORY
    uncommitted = _working_tree_history(root, files, "HEAD", any_alike)
    if uncommitted is None:
        return NO_HISTORY
    log = run_git(
        root,
        "log",
        *_DIFF_OPTIONS,
        "--diff-filter=RD",
        "--format=%H",
        "-n",
        str(_MAX_COMMITS),
        "--",
        ".",
    )
    entries = list(parse_raw_diff(log or b""))
    moves = dict(uncommitted.moves)
    renamed = (entry for entry in entries if entry.status == "R")
    for old, new in _pair_renames(renamed, any_alike).items():
        moves.setdefault(old, uncommitted.moves.get(new, new))
    return resolve_history(
        moves, chain(sorted(uncommitted.deleted), _list_deleted(entries, uncommitted.gone)), files
    )


def _list_deleted(entries: Sequence[RawDiffEntry], later: Collection[str]) -> list[str]:
    """Return the paths whose last change was their deletion.

    `entries` start with the latest commit. The paths in `later` changed after these entries.
    """
    counts = Counter(entry.commit_number for entry in entries if entry.status == "D")
    last: dict[str, RawDiffEntry] = {}
    for entry in entries:
        last.setdefault(entry.old, entry)
    return [
        path
        for path, entry in last.items()
        if entry.status == "D"
        and counts[entry.commit_number] <= _MAX_DELETED_AT_ONCE
        and path not in later
        and not path.startswith(".")
        and "/." not in path
    ]


def git_moves(
    root: Path, files: Mapping[str, FileStamp], *, any_alike: bool = False
) -> Mapping[str, str]:
    """Return the moves of `git_history`."""
    return git_history(root, files, any_alike=any_alike).moves


def moves_since(root: Path, files: Mapping[str, FileStamp], commit: str) -> dict[str, str]:
    """Return the moves since a commit, in later commits or in the working tree.

    Where several files are equally similar, one of them is returned.
    """
    history = _working_tree_history(root, files, commit, any_alike=True)
    return resolve_moves(history.moves if history else {}, files)


class _WorkingTreeHistory(NamedTuple):
    """Moves and deletions in the working tree since a commit.

    `gone` are the paths of that commit that no longer exist: moved, deleted or neither for sure.
    """

    moves: dict[str, str]
    deleted: Collection[str]
    gone: Collection[str]


def _working_tree_history(
    root: Path, files: Mapping[str, FileStamp], commit: str, any_alike: bool
) -> _WorkingTreeHistory | None:
    """Return the history of the working tree since a commit; None if git fails."""
    output = run_git(root, "diff-index", *_DIFF_OPTIONS, "--diff-filter=RD", commit, "--", ".")
    if output is None:
        return None
    entries = list(parse_raw_diff(output))
    deleted = {
        entry.old: entry.blob for entry in entries if entry.status == "D" and entry.old not in files
    }
    renamed = [entry for entry in entries if entry.status == "R"]
    pairs = _pair_renames(renamed, any_alike)
    moves, unsure = (
        _untracked_moves(root, files, deleted, any_alike) if deleted else ({}, frozenset[str]())
    )
    return _WorkingTreeHistory(
        {**moves, **pairs},
        [path for path in _list_deleted(entries, unsure) if path in deleted],
        {entry.old for entry in entries},
    )


def _pair_renames(entries: Iterable[RawDiffEntry], any_alike: bool) -> dict[str, str]:
    """Map old to new paths of renames; `entries` start with the latest commit."""
    listed = list(entries)
    blob_counts = Counter((entry.commit_number, entry.blob) for entry in listed)
    pairs: dict[str, str] = {}
    for entry in listed:
        is_unique = (
            blob_counts[entry.commit_number, entry.blob] == 1 and entry.blob not in _EMPTY_BLOBS
        )
        if entry.old not in pairs and (
            any_alike
            or (is_unique and not is_same_series(entry.old, entry.new, same=entry.identical))
        ):
            pairs[entry.old] = pairs.get(entry.new, entry.new)
    return pairs


_EMPTY_BLOBS = frozenset((sha1(b"blob 0\0").hexdigest(), sha256(b"blob 0\0").hexdigest()))


# -- moves that are not staged -------------------------------------------------------------------


def _untracked_moves(
    root: Path, files: Mapping[str, FileStamp], deleted: Mapping[str, str], any_alike: bool
) -> tuple[dict[str, str], Set[str]]:
    """Match deleted tracked files to untracked files with the same or a similar text.

    Also return the deleted files that any untracked file may be, whether they were matched or not.
    """
    tracked = run_git(root, "ls-files", "-z")
    if tracked is None:
        return {}, deleted.keys()
    tracked_paths = set(os.fsdecode(tracked).split("\0"))
    extensions = {file_extension(path) for path in deleted}
    untracked = [
        path for path in files if path not in tracked_paths and file_extension(path) in extensions
    ]
    moves, unsure = (
        _match_identical(root, files, deleted, untracked, any_alike)
        if untracked
        else ({}, set[str]())
    )
    deleted_notes = {
        path: blob
        for path, blob in deleted.items()
        if path not in moves and path[-3:].lower() == ".md"
    }
    untracked_notes = [
        path for path in untracked if path not in set(moves.values()) and path[-3:].lower() == ".md"
    ]
    if not deleted_notes or not untracked_notes:
        return moves, unsure
    if len(deleted_notes) > _MAX_COMPARED or len(untracked_notes) > _MAX_COMPARED:
        return moves, unsure | deleted_notes.keys()
    similarities = _measure_similarities(
        _blob_lines(root, deleted_notes),
        {path: _count_lines(_read_bytes(root, path)) for path in untracked_notes},
    )
    moves.update(_pick_best(similarities) if any_alike else _pick_unambiguous(similarities))
    return moves, unsure | {old for old, _ in similarities}


def _match_identical(
    root: Path,
    files: Mapping[str, FileStamp],
    deleted: Mapping[str, str],
    untracked: Iterable[str],
    any_alike: bool,
) -> tuple[dict[str, str], set[str]]:
    """Match deleted and untracked files with the same bytes.

    There must be exactly one of each, unless `any_alike` is set. Also return all deleted files with
    the bytes of an untracked one.
    """
    request = "".join(f"{blob}\n" for blob in deleted.values()).encode()
    output = run_git(root, "cat-file", "--batch-check=%(objectsize)", stdin=request)
    sizes = {int(size) for size in (output or b"").split() if size.isdigit()}
    deleted_by_blob: dict[str, list[str]] = {}
    for path, blob in deleted.items():
        deleted_by_blob.setdefault(blob, []).append(path)
    untracked_by_blob: dict[str, list[str]] = {}
    for path in untracked:
        if files[path].size in sizes and files[path].size:
            data = _read_bytes(root, path)
            blob = (sha256 if len(next(iter(deleted_by_blob))) == 64 else sha1)(
                b"blob %d\0" % len(data) + data
            ).hexdigest()
            untracked_by_blob.setdefault(blob, []).append(path)
    unsure = {path for blob in untracked_by_blob for path in deleted_by_blob.get(blob, ())}
    if any_alike:
        return _pick_best(
            {
                (old_path, new_path): 1.0
                for blob, paths in untracked_by_blob.items()
                for old_path in deleted_by_blob.get(blob, ())
                for new_path in paths
            }
        ), unsure
    return {
        deleted_by_blob[blob][0]: paths[0]
        for blob, paths in untracked_by_blob.items()
        if len(paths) == 1
        and len(deleted_by_blob.get(blob, ())) == 1
        and not is_same_series(deleted_by_blob[blob][0], paths[0], same=True)
    }, unsure


def _read_bytes(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError:
        return b""


def _blob_lines(root: Path, blobs: Mapping[str, str]) -> dict[str, Counter[bytes]]:
    """Return the line counts of files as git stores them."""
    return {
        path: _count_lines(data or b"")
        for path, data in zip(blobs, read_blobs(root, list(blobs.values())), strict=True)
    }


def _count_lines(data: bytes) -> Counter[bytes]:
    """Count the lines of a text that are not blank, without white space around them."""
    return Counter(line for line in map(bytes.strip, data[:_MAX_BYTES].splitlines()) if line)


_Similarities = Mapping[tuple[str, str], float]
"""Share of common lines by old and new path, for pairs above the minimum."""


def _measure_similarities(
    old: Mapping[str, Counter[bytes]], new: Mapping[str, Counter[bytes]]
) -> _Similarities:
    return {
        (old_path, new_path): share
        for old_path in old
        for new_path in new
        if (share := _line_similarity(old[old_path], new[new_path])) >= _MIN_SIMILARITY / 100
    }


def _pick_unambiguous(similarities: _Similarities) -> dict[str, str]:
    """Return pairs that are clearly more similar than any other with either path."""
    similarities = {
        pair: share for pair, share in similarities.items() if not is_same_series(*pair, same=False)
    }
    return {
        old_path: new_path
        for (old_path, new_path), share in similarities.items()
        if all(
            share >= other_share + _CLEAR_MARGIN
            for pair, other_share in similarities.items()
            if pair != (old_path, new_path) and (pair[0] == old_path or pair[1] == new_path)
        )
    }


def _pick_best(similarities: _Similarities) -> dict[str, str]:
    """Return the best pairs; of equals, those with the same file name."""
    pairs: dict[str, str] = {}
    used = set[str]()
    for old_path, new_path in sorted(
        similarities,
        key=lambda pair: (-similarities[pair], file_name(pair[0]) != file_name(pair[1]), pair),
    ):
        if old_path not in pairs and new_path not in used:
            pairs[old_path] = new_path
            used.add(new_path)
    return pairs


def _line_similarity(one: Counter[bytes], other: Counter[bytes]) -> float:
    """Return the share of lines that two texts have in common, from 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
