"""What git tells of files that moved. Without git, or with a repository that can't be asked, there are no moves, and no
error.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha1, sha256
from pathlib import Path

from vaultlink.git import RawDiffEntry, find_git_dir, parse_raw_diff, read_blobs, run_git
from vaultlink.history.rename_checks import file_extension, is_same_series, resolve_moves
from vaultlink.index.resolve import file_name
from vaultlink.model import FileStamp

_MAX_COMMITS = 200
_MIN_SIMILARITY = 60
"""How many hundredths of a renamed file's text stay, at least."""

_CLEAR_MARGIN = 0.15
"""By how much of its lines a file has to be nearer than any other."""

_MAX_COMPARED = 200
"""More files that are gone, or new, are not compared line by line."""

_MAX_BYTES = 4_000_000

_DIFF_OPTIONS = ("--raw", "--no-abbrev", f"-M{_MIN_SIMILARITY}%", "-z", "--relative")


def git_moves(
    root: Path, files: Mapping[str, FileStamp], *, any_alike: bool = False
) -> dict[str, str]:
    """The files that git knows to have moved: renamed in the last commits, or since the last one. Where several are as like, who
    became which is unknown; with `any_alike` one is taken all the same, which is enough to know again what stood in them."""
    if find_git_dir(root) is None:
        return {}
    latest = _working_tree_moves(root, files, "HEAD", any_alike)
    if latest is None:
        return {}
    log = run_git(
        root,
        "log",
        *_DIFF_OPTIONS,
        "--diff-filter=R",
        "--format=%H",
        "-n",
        str(_MAX_COMMITS),
        "--",
        ".",
    )
    moves = dict(latest)
    for old, new in _pair_renames(parse_raw_diff(log or b""), any_alike).items():
        moves.setdefault(old, latest.get(new, new))
    return resolve_moves(moves, files)


def moves_since(root: Path, files: Mapping[str, FileStamp], commit: str) -> dict[str, str]:
    """The files that were renamed since a commit, in later ones or in the working tree. Of several as like, one is taken."""
    return resolve_moves(_working_tree_moves(root, files, commit, any_alike=True) or {}, files)


def _working_tree_moves(
    root: Path, files: Mapping[str, FileStamp], commit: str, any_alike: bool
) -> dict[str, str] | None:
    """Old path to new path of what the working tree has renamed since a commit; None if git can't tell."""
    now = run_git(root, "diff-index", *_DIFF_OPTIONS, "--diff-filter=RD", commit, "--", ".")
    if now is None:
        return None
    entries = list(parse_raw_diff(now))
    gone = {
        entry.old: entry.blob for entry in entries if entry.status == "D" and entry.old not in files
    }
    renamed = [entry for entry in entries if entry.status == "R"]
    pairs = _pair_renames(renamed, any_alike)
    return {**_untracked_moves(root, files, gone, any_alike), **pairs} if gone else pairs


def _pair_renames(entries: Iterable[RawDiffEntry], any_alike: bool) -> dict[str, str]:
    """Old path to new path of renames, the last ones first."""
    listed = list(entries)
    alike = Counter((entry.commit_number, entry.blob) for entry in listed)
    pairs: dict[str, str] = {}
    for entry in listed:
        alone = alike[entry.commit_number, entry.blob] == 1 and entry.blob not in _EMPTY_BLOBS
        if entry.old not in pairs and (
            any_alike or (alone and not is_same_series(entry.old, entry.new, same=entry.identical))
        ):
            pairs[entry.old] = pairs.get(entry.new, entry.new)
    return pairs


_EMPTY_BLOBS = frozenset((sha1(b"blob 0\0").hexdigest(), sha256(b"blob 0\0").hexdigest()))


# -- since the last commit, without git's being told ----------------------------------------------------------------


def _untracked_moves(
    root: Path, files: Mapping[str, FileStamp], gone: Mapping[str, str], any_alike: bool
) -> dict[str, str]:
    """Tracked files that are gone, and the files that git does not know yet which hold the same text, or nearly."""
    tracked = run_git(root, "ls-files", "-z")
    if tracked is None:
        return {}
    known = set(os.fsdecode(tracked).split("\0"))
    extensions = {file_extension(path) for path in gone}
    new = [path for path in files if path not in known and file_extension(path) in extensions]
    moves = _match_identical(root, files, gone, new, any_alike) if new else {}
    left = {
        path: blob
        for path, blob in gone.items()
        if path not in moves and path[-3:].lower() == ".md"
    }
    fresh = [path for path in new if path not in set(moves.values()) and path[-3:].lower() == ".md"]
    if 0 < len(left) <= _MAX_COMPARED and 0 < len(fresh) <= _MAX_COMPARED:
        likeness = _measure_similarities(
            _blob_lines(root, left), {path: _count_lines(_read_bytes(root, path)) for path in fresh}
        )
        moves.update(_pick_best(likeness) if any_alike else _pick_unambiguous(likeness))
    return moves


def _match_identical(
    root: Path,
    files: Mapping[str, FileStamp],
    gone: Mapping[str, str],
    new: Iterable[str],
    any_alike: bool,
) -> dict[str, str]:
    """Old to new path where a file that is gone and one that is new hold the same bytes: exactly one of each, or any."""
    asked = "".join(f"{blob}\n" for blob in gone.values()).encode()
    told = run_git(root, "cat-file", "--batch-check=%(objectsize)", given=asked)
    sizes = {int(size) for size in (told or b"").split() if size.isdigit()}
    wanted: dict[str, list[str]] = {}
    for path, blob in gone.items():
        wanted.setdefault(blob, []).append(path)
    there: dict[str, list[str]] = {}
    for path in new:
        if files[path].size in sizes and files[path].size:
            data = _read_bytes(root, path)
            name = (sha256 if len(next(iter(wanted))) == 64 else sha1)(
                b"blob %d\0" % len(data) + data
            ).hexdigest()
            there.setdefault(name, []).append(path)
    if any_alike:
        return _pick_best(
            {
                (one, other): 1.0
                for blob, paths in there.items()
                for one in wanted.get(blob, ())
                for other in paths
            }
        )
    return {
        wanted[blob][0]: paths[0]
        for blob, paths in there.items()
        if len(paths) == 1
        and len(wanted.get(blob, ())) == 1
        and not is_same_series(wanted[blob][0], paths[0], same=True)
    }


def _read_bytes(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError:
        return b""


def _blob_lines(root: Path, blobs: Mapping[str, str]) -> dict[str, Counter[bytes]]:
    """The lines of files as git has them."""
    return {
        path: _count_lines(data or b"")
        for path, data in zip(blobs, read_blobs(root, list(blobs.values())), strict=True)
    }


def _count_lines(data: bytes) -> Counter[bytes]:
    """The lines of a text that say something, and how often each occurs."""
    return Counter(line for line in map(bytes.strip, data[:_MAX_BYTES].splitlines()) if line)


_Similarities = Mapping[tuple[str, str], float]
"""Old and new path of texts that are nearly the same, and the share of lines they have in common."""


def _measure_similarities(
    old: Mapping[str, Counter[bytes]], new: Mapping[str, Counter[bytes]]
) -> _Similarities:
    return {
        (one, other): share
        for one in old
        for other in new
        if (share := _line_similarity(old[one], new[other])) >= _MIN_SIMILARITY / 100
    }


def _pick_unambiguous(likeness: _Similarities) -> dict[str, str]:
    """Old to new path where no other text comes as near, seen from either."""
    likeness = {
        pair: share for pair, share in likeness.items() if not is_same_series(*pair, same=False)
    }
    return {
        one: other
        for (one, other), share in likeness.items()
        if all(
            share >= rival + _CLEAR_MARGIN
            for pair, rival in likeness.items()
            if pair != (one, other) and (pair[0] == one or pair[1] == other)
        )
    }


def _pick_best(likeness: _Similarities) -> dict[str, str]:
    """Old to new path, the nearest first, and among equals those that kept their name."""
    pairs: dict[str, str] = {}
    taken = set[str]()
    for one, other in sorted(
        likeness, key=lambda pair: (-likeness[pair], file_name(pair[0]) != file_name(pair[1]), pair)
    ):
        if one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return pairs


def _line_similarity(one: Counter[bytes], other: Counter[bytes]) -> float:
    """The share of lines that two texts have in common."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
