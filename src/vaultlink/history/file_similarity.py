"""Measure how similar files are, as git does when it detects renames."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

_FEW_PAIRS = 40_000
"""Maximum number of pairs of files that are all compared.

Of more pairs, those are compared that share a line which few other files have.
"""

_COMMON_LINE = 50
"""Number of files from which a line that they share says nothing."""

_CLOSEST_COMPARED = 8
"""Number of files that each file is compared with if there are too many pairs."""


class FileChunks(NamedTuple):
    """The content of a file, split into lines of at most 64 bytes.

    `counts` has the number of bytes by chunk. Windows line ends count as Unix ones.
    """

    counts: Mapping[bytes, int]
    size: int


def split_chunks(data: bytes) -> FileChunks:
    """Split the content of a file into chunks, as git does to compare files."""
    text = data.replace(b"\r\n", b"\n")
    counts = Counter(_compile_chunk().findall(text))
    return FileChunks({chunk: len(chunk) * n for chunk, n in counts.items()}, len(text))


@cache
def _compile_chunk() -> re.Pattern[bytes]:
    return re.compile(rb"[^\n]{64}|[^\n]{0,63}\n|[^\n]+")


def measure_similarity(one: FileChunks, other: FileChunks) -> int:
    """Return the similarity of two files in percent, as git does.

    It is the share of bytes that the files have in common, relative to the larger file.
    """
    largest = max(one.size, other.size)
    if not largest or one.size * 2 < largest or other.size * 2 < largest:
        return 0
    return 100 * shared_bytes(one, other) // largest


def shared_bytes(one: FileChunks, other: FileChunks) -> int:
    """Return the number of bytes of the lines that two files have in common."""
    if len(other.counts) < len(one.counts):
        one, other = other, one
    counts = other.counts
    return sum(min(size, counts.get(chunk, 0)) for chunk, size in one.counts.items())


def compare_files(
    old: Mapping[str, FileChunks], new: Mapping[str, FileChunks], minimum: int
) -> dict[tuple[str, str], int]:
    """Return the similarities of files that are at least `minimum` percent."""
    places: dict[bytes, list[tuple[str, int]]] = {}
    for path, chunks in new.items():
        for chunk, size in chunks.counts.items():
            places.setdefault(chunk, []).append((path, size))
    if len(old) * len(new) > _FEW_PAIRS:
        places = {chunk: found for chunk, found in places.items() if len(found) < _COMMON_LINE}
        return {
            (path, other): similarity
            for path, chunks in old.items()
            for other, _ in _share(chunks, places).most_common(_CLOSEST_COMPARED)
            if (similarity := measure_similarity(chunks, new[other])) >= minimum
        }
    return {
        (path, other): similarity
        for path, chunks in old.items()
        for other, shared in _share(chunks, places).items()
        if (similarity := 100 * shared // max(chunks.size, new[other].size)) >= minimum
    }


def _share(chunks: FileChunks, places: Mapping[bytes, Sequence[tuple[str, int]]]) -> Counter[str]:
    """Return the number of bytes that a file shares with others, by path."""
    shared = Counter[str]()
    for chunk, size in chunks.counts.items():
        for path, other_size in places.get(chunk, ()):
            shared[path] += size if size < other_size else other_size
    return shared
