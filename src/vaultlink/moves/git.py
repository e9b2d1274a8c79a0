"""What git tells of files that moved. Without git, or with a repository that can't be asked, there are no moves, and no
error.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha1, sha256
from pathlib import Path

from vaultlink.files import Stamp
from vaultlink.moves.naming import extension, of_a_series, still_true
from vaultlink.repository import RawEntry, ask_git, git_blobs, git_folder, raw_entries
from vaultlink.resolve import file_name

_COMMITS = 200
_SIMILAR = 60
"""How many hundredths of a renamed file's text stay, at least."""

_CLEARLY = 0.15
"""By how much of its lines a file has to be nearer than any other."""

_MOST = 200
"""More files that are gone, or new, are not compared line by line."""

_LARGEST = 4_000_000

_OPTIONS = ("--raw", "--no-abbrev", f"-M{_SIMILAR}%", "-z", "--relative")


def git_moves(root: Path, files: Mapping[str, Stamp], *, any_alike: bool = False) -> dict[str, str]:
    """The files that git knows to have moved: renamed in the last commits, or since the last one. Where several are as like, who
    became which is unknown; with `any_alike` one is taken all the same, which is enough to know again what stood in them."""
    if git_folder(root) is None:
        return {}
    latest = _moved(root, files, "HEAD", any_alike)
    if latest is None:
        return {}
    log = ask_git(
        root, "log", *_OPTIONS, "--diff-filter=R", "--format=%H", "-n", str(_COMMITS), "--", "."
    )
    moves = dict(latest)
    for old, new in _pairs(raw_entries(log or b""), any_alike).items():
        moves.setdefault(old, latest.get(new, new))
    return still_true(moves, files)


def moves_since(root: Path, files: Mapping[str, Stamp], commit: str) -> dict[str, str]:
    """The files that were renamed since a commit, in later ones or in the working tree. Of several as like, one is taken."""
    return still_true(_moved(root, files, commit, any_alike=True) or {}, files)


def _moved(
    root: Path, files: Mapping[str, Stamp], commit: str, any_alike: bool
) -> dict[str, str] | None:
    """Old path to new path of what the working tree has renamed since a commit; None if git can't tell."""
    now = ask_git(root, "diff-index", *_OPTIONS, "--diff-filter=RD", commit, "--", ".")
    if now is None:
        return None
    entries = list(raw_entries(now))
    gone = {
        entry.old: entry.blob for entry in entries if entry.kind == "D" and entry.old not in files
    }
    renamed = [entry for entry in entries if entry.kind == "R"]
    pairs = _pairs(renamed, any_alike)
    return {**_unlisted(root, files, gone, any_alike), **pairs} if gone else pairs


def _pairs(entries: Iterable[RawEntry], any_alike: bool) -> dict[str, str]:
    """Old path to new path of renames, the last ones first."""
    listed = list(entries)
    alike = Counter((entry.commit, entry.blob) for entry in listed)
    pairs: dict[str, str] = {}
    for entry in listed:
        alone = alike[entry.commit, entry.blob] == 1 and entry.blob not in _EMPTY
        if entry.old not in pairs and (
            any_alike or (alone and not of_a_series(entry.old, entry.new, same=entry.same))
        ):
            pairs[entry.old] = pairs.get(entry.new, entry.new)
    return pairs


_EMPTY = frozenset((sha1(b"blob 0\0").hexdigest(), sha256(b"blob 0\0").hexdigest()))


# -- since the last commit, without git's being told ----------------------------------------------------------------


def _unlisted(
    root: Path, files: Mapping[str, Stamp], gone: Mapping[str, str], any_alike: bool
) -> dict[str, str]:
    """Tracked files that are gone, and the files that git does not know yet which hold the same text, or nearly."""
    tracked = ask_git(root, "ls-files", "-z")
    if tracked is None:
        return {}
    known = set(os.fsdecode(tracked).split("\0"))
    extensions = {extension(path) for path in gone}
    new = [path for path in files if path not in known and extension(path) in extensions]
    moves = _same_bytes(root, files, gone, new, any_alike) if new else {}
    left = {
        path: blob
        for path, blob in gone.items()
        if path not in moves and path[-3:].lower() == ".md"
    }
    fresh = [path for path in new if path not in set(moves.values()) and path[-3:].lower() == ".md"]
    if 0 < len(left) <= _MOST and 0 < len(fresh) <= _MOST:
        likeness = _likeness(
            _blobs(root, left), {path: _lines(_bytes(root, path)) for path in fresh}
        )
        moves.update(_paired(likeness) if any_alike else _nearest(likeness))
    return moves


def _same_bytes(
    root: Path,
    files: Mapping[str, Stamp],
    gone: Mapping[str, str],
    new: Iterable[str],
    any_alike: bool,
) -> dict[str, str]:
    """Old to new path where a file that is gone and one that is new hold the same bytes: exactly one of each, or any."""
    asked = "".join(f"{blob}\n" for blob in gone.values()).encode()
    told = ask_git(root, "cat-file", "--batch-check=%(objectsize)", given=asked)
    sizes = {int(size) for size in (told or b"").split() if size.isdigit()}
    wanted: dict[str, list[str]] = {}
    for path, blob in gone.items():
        wanted.setdefault(blob, []).append(path)
    there: dict[str, list[str]] = {}
    for path in new:
        if files[path].size in sizes and files[path].size:
            data = _bytes(root, path)
            name = (sha256 if len(next(iter(wanted))) == 64 else sha1)(
                b"blob %d\0" % len(data) + data
            ).hexdigest()
            there.setdefault(name, []).append(path)
    if any_alike:
        return _paired(
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
        and not of_a_series(wanted[blob][0], paths[0], same=True)
    }


def _bytes(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError:
        return b""


def _blobs(root: Path, blobs: Mapping[str, str]) -> dict[str, Counter[bytes]]:
    """The lines of files as git has them."""
    return {
        path: _lines(data or b"")
        for path, data in zip(blobs, git_blobs(root, list(blobs.values())), strict=True)
    }


def _lines(data: bytes) -> Counter[bytes]:
    """The lines of a text that say something, and how often each occurs."""
    return Counter(line for line in map(bytes.strip, data[:_LARGEST].splitlines()) if line)


_Likeness = Mapping[tuple[str, str], float]
"""Old and new path of texts that are nearly the same, and the share of lines they have in common."""


def _likeness(old: Mapping[str, Counter[bytes]], new: Mapping[str, Counter[bytes]]) -> _Likeness:
    return {
        (one, other): share
        for one in old
        for other in new
        if (share := _share(old[one], new[other])) >= _SIMILAR / 100
    }


def _nearest(likeness: _Likeness) -> dict[str, str]:
    """Old to new path where no other text comes as near, seen from either."""
    likeness = {
        pair: share for pair, share in likeness.items() if not of_a_series(*pair, same=False)
    }
    return {
        one: other
        for (one, other), share in likeness.items()
        if all(
            share >= rival + _CLEARLY
            for pair, rival in likeness.items()
            if pair != (one, other) and (pair[0] == one or pair[1] == other)
        )
    }


def _paired(likeness: _Likeness) -> dict[str, str]:
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


def _share(one: Counter[bytes], other: Counter[bytes]) -> float:
    """The share of lines that two texts have in common."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
