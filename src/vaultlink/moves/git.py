"""What git tells of files that moved. Without git, or with a repository that can't be asked, there are no moves, and no
error.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha1, sha256
from pathlib import Path
from typing import NamedTuple

from vaultlink.files import Stamp
from vaultlink.moves.naming import extension, of_a_series, still_true
from vaultlink.repository import ask_git, git_folder

_COMMITS = 200
_SIMILAR = 60
"""How many hundredths of a renamed file's text stay, at least."""

_CLEARLY = 0.15
"""By how much of its lines a file has to be nearer than any other."""

_MOST = 200
"""More files that are gone, or new, are not compared line by line."""

_LARGEST = 4_000_000


class _Entry(NamedTuple):
    """A change as git tells it: a letter, whether the text stayed, the blob before, the path before, the path after, and in
    which commit."""

    kind: str
    same: bool
    blob: str
    old: str
    new: str
    commit: int


def git_moves(root: Path, files: Mapping[str, Stamp]) -> dict[str, str]:
    """The files that git knows to have moved: renamed in the last commits, or since the last one."""
    if git_folder(root) is None:
        return {}
    options = ["--raw", "--no-abbrev", f"-M{_SIMILAR}%", "-z", "--relative"]
    now = ask_git(root, "diff-index", *options, "--diff-filter=RD", "HEAD", "--", ".")
    log = ask_git(root, "log", *options, "--diff-filter=R", "--format=%H", "-n", str(_COMMITS), "--", ".")
    if now is None:
        return {}
    entries = list(_entries(now))
    gone = {entry.old: entry.blob for entry in entries if entry.kind == "D" and entry.old not in files}
    renamed = [entry for entry in entries if entry.kind == "R"]
    latest = {**_unlisted(root, files, gone), **_pairs(renamed)} if gone else _pairs(renamed)
    moves = dict(latest)
    for old, new in _pairs(_entries(log or b"")).items():
        moves.setdefault(old, latest.get(new, new))
    return still_true(moves, files)


def _pairs(entries: Iterable[_Entry]) -> dict[str, str]:
    """Old path to new path of renames, the last ones first. Of files with the same text, who became which is unknown."""
    listed = list(entries)
    alike = Counter((entry.commit, entry.blob) for entry in listed)
    pairs: dict[str, str] = {}
    for entry in listed:
        alone = alike[entry.commit, entry.blob] == 1 and entry.blob not in _EMPTY
        if entry.old not in pairs and alone and not of_a_series(entry.old, entry.new, same=entry.same):
            pairs[entry.old] = pairs.get(entry.new, entry.new)
    return pairs


_EMPTY = frozenset((sha1(b"blob 0\0").hexdigest(), sha256(b"blob 0\0").hexdigest()))


def _entries(raw: bytes) -> Iterator[_Entry]:
    """The changes in git's raw form: `:modes blobs letter`, then one path, or two of a rename; between them the commits."""
    fields, commit = iter(os.fsdecode(raw).split("\0")), 0
    for field in fields:
        words = field.lstrip("\n").split(" ")
        if not words[0].startswith(":") or len(words) != 5:
            commit += 1
            continue
        kind, old = words[4][:1], next(fields, "")
        yield _Entry(kind, words[4][1:] == "100", words[2], old, next(fields, "") if kind in "RC" else "", commit)


# -- since the last commit, without git's being told ----------------------------------------------------------------


def _unlisted(root: Path, files: Mapping[str, Stamp], gone: Mapping[str, str]) -> dict[str, str]:
    """Tracked files that are gone, and the files that git does not know yet which hold the same text, or nearly."""
    tracked = ask_git(root, "ls-files", "-z")
    if tracked is None:
        return {}
    known = set(os.fsdecode(tracked).split("\0"))
    extensions = {extension(path) for path in gone}
    new = [path for path in files if path not in known and extension(path) in extensions]
    moves = _same_bytes(root, files, gone, new) if new else {}
    left = {path: blob for path, blob in gone.items() if path not in moves and path[-3:].lower() == ".md"}
    fresh = [path for path in new if path not in set(moves.values()) and path[-3:].lower() == ".md"]
    if 0 < len(left) <= _MOST and 0 < len(fresh) <= _MOST:
        moves.update(_nearest(_blobs(root, left), {path: _lines(_bytes(root, path)) for path in fresh}))
    return moves


def _same_bytes(root: Path, files: Mapping[str, Stamp], gone: Mapping[str, str], new: Iterable[str]) -> dict[str, str]:
    """Old to new path where exactly one file that is gone and one that is new hold the same bytes."""
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
            name = (sha256 if len(next(iter(wanted))) == 64 else sha1)(b"blob %d\0" % len(data) + data).hexdigest()
            there.setdefault(name, []).append(path)
    return {wanted[blob][0]: paths[0] for blob, paths in there.items()
            if len(paths) == 1 and len(wanted.get(blob, ())) == 1 and not of_a_series(wanted[blob][0], paths[0], same=True)}


def _bytes(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError:
        return b""


def _blobs(root: Path, blobs: Mapping[str, str]) -> dict[str, Counter[bytes]]:
    """The lines of files as git has them."""
    told = ask_git(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs.values()).encode()) or b""
    lines, at = {}, 0
    for path in blobs:
        head, _, _ = told[at:].partition(b"\n")
        words = head.split()
        if len(words) != 3 or not words[2].isdigit():
            return {}
        start = at + len(head) + 1
        lines[path] = _lines(told[start:start + int(words[2])])
        at = start + int(words[2]) + 1
    return lines


def _lines(data: bytes) -> Counter[bytes]:
    """The lines of a text that say something, and how often each occurs."""
    return Counter(line for line in map(bytes.strip, data[:_LARGEST].splitlines()) if line)


def _nearest(old: Mapping[str, Counter[bytes]], new: Mapping[str, Counter[bytes]]) -> dict[str, str]:
    """Old to new path where the texts are nearly the same, and no other text comes as near, seen from either."""
    likeness = {(one, other): share for one in old for other in new
                if not of_a_series(one, other, same=False) and (share := _share(old[one], new[other])) >= _SIMILAR / 100}
    return {one: other for (one, other), share in likeness.items()
            if all(share >= rival + _CLEARLY for pair, rival in likeness.items()
                   if pair != (one, other) and (pair[0] == one or pair[1] == other))}


def _share(one: Counter[bytes], other: Counter[bytes]) -> float:
    """The share of lines that two texts have in common."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
