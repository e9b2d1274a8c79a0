"""Hash the lines and sentences of texts, which can then be compared without them.

A piece is a line, or the part of one up to the end of a sentence or to a link, without marks. Its
hash has 4 bytes. The upper 6 bits tell its length, so that long pieces count more than short ones.
"""

import re
from array import array
from collections.abc import Iterable, Sequence, Set
from functools import cache
from math import log2
from zlib import crc32

_LENGTH_SHIFT = 26
_HASH_MASK = (1 << _LENGTH_SHIFT) - 1
_STEPS = 4
"""Steps in which the length of a piece is told: this many between a length and its double."""

_MAX_LENGTH = 1 << 12
"""Length in bytes from which all pieces count the same."""


@cache
def _list_steps() -> list[int]:
    """Return what a length adds to a hash: its number of steps, in the upper bits."""
    steps = [0]
    for step in range(round(_STEPS * log2(_MAX_LENGTH)) + 1):
        end = min(int(2 ** ((step + 0.5) / _STEPS)), _MAX_LENGTH)
        steps += [step << _LENGTH_SHIFT] * (end + 1 - len(steps))
    return steps


PIECE_WEIGHTS = tuple(2 ** (step / _STEPS) for step in range(1 << (32 - _LENGTH_SHIFT)))
"""The weight of a piece by the upper 6 bits of its hash: about its length in bytes."""

Pieces = frozenset[int]
"""The hashes of the pieces of a text."""

NO_PIECES = Pieces()

MIN_LISTED = 10
"""Linked notes from which a note may be an index of notes, which the number of its pieces tells."""


def hash_pieces(text: bytes) -> bytes:
    """Return the hashes of the pieces of a text, 4 bytes each, in order."""
    return _hash(find_pieces(text))


def hash_sections(
    text: str, headings: Sequence[tuple[int, int]]
) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the hashes of the pieces of a note, and the span of each body among them.

    `headings` have the start of the line, and the end of the words, of each heading. Its line is
    one piece.
    """
    pieces, starts, end = list[bytes](), list[int](), 0
    data, find = _encode(text), _compile_piece().findall
    is_plain = len(data) == len(text) and b" ^" not in data  # offsets are the same in both
    for line_start, words_end in (*headings, (len(text), len(text))):
        if is_plain:
            pieces += find(data, end, line_start)
            heading = data[line_start:words_end]
        else:
            pieces += find_pieces(_encode(text[end:line_start]))
            heading = _encode(text[line_start:words_end])
        if len(starts) < len(headings):
            pieces.append(heading.lstrip(_MARKS))
            starts.append(len(pieces))
            end = words_end
    ends = [*(start - 1 for start in starts[1:]), len(pieces)][: len(starts)]
    return _hash(pieces), list(zip(starts, ends, strict=True))


_MARKS = b"# \t"


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def find_pieces(text: bytes) -> list[bytes]:
    """Return the pieces of a text, in order."""
    if b" ^" in text:
        text = _compile_block_id().sub(b"", text)
    return _compile_piece().findall(text)


def count_pieces(hashes: bytes) -> int:
    """Return the number of pieces in their hashes."""
    return len(hashes) // 4


def drop_pieces(text: str, dropped: Set[int]) -> str:
    """Return a text without the lines and sentences that have some hashes."""
    pieces = find_pieces(_encode(text))
    kept = [
        piece
        for piece, key in zip(pieces, list_pieces(_hash(pieces)), strict=True)
        if key not in dropped
    ]
    return b"\n".join(kept).decode("utf-8", "replace")


def _hash(pieces: list[bytes]) -> bytes:
    steps = _list_steps()
    try:
        found = array("I", [crc32(piece) & _HASH_MASK | steps[len(piece)] for piece in pieces])
    except IndexError:
        longest = len(steps) - 1
        lengths = [min(len(piece), longest) for piece in pieces]
        found = array(
            "I",
            [
                crc32(piece) & _HASH_MASK | steps[length]
                for piece, length in zip(pieces, lengths, strict=True)
            ],
        )
    return found.tobytes()


def list_pieces(hashes: bytes) -> "array[int]":
    """Return hashes as integers."""
    return array("I", hashes)


def read_pieces(hashes: bytes) -> Pieces:
    """Return the pieces of a text from their hashes."""
    return frozenset(list_pieces(hashes))


def weigh(piece: int) -> float:
    """Return the weight of a piece by its hash."""
    return PIECE_WEIGHTS[piece >> _LENGTH_SHIFT]


def weigh_all(pieces: Iterable[int]) -> float:
    """Return the weight of pieces: about their length in bytes."""
    return sum(map(weigh, pieces))


@cache
def _compile_piece() -> re.Pattern[bytes]:
    """Return the pattern of a piece: up to the end of a line, sentence or link."""
    return re.compile(
        rb"[^\s>#*+|=`~\-\[\]().?!\x80-\xbf](?!\x80\x82(?<=\xe3\x80\x82))[^\n\r.?!\xe3\[\]]++"
        rb"(?:(?:[.?!](?!\s|\Z)|\xe3(?!\x80\x82))[^\n\r.?!\xe3\[\]]*+)*+"
    )


@cache
def _compile_block_id() -> re.Pattern[bytes]:
    return re.compile(rb" \^[\w-]+[ \t\r]*(?=\n|\Z)")
