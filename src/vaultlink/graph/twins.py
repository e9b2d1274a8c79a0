"""Find near-duplicates: notes with most lines and sentences in common.

Only the hashes that `Note.pieces` holds are compared, so no text is read. A line that many notes
have comes from a template and does not count. No number separates copies from notes that only
resemble each other, so pairs are ranked and none is a finding.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations
from typing import NamedTuple

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.note_parts import read_hashes
from vaultlink.index.resolve import is_note
from vaultlink.parse.pieces import Pieces, list_pieces, read_pieces, weigh_all

_MAX_HOLDERS = 8
"""Number of notes up to which a line or sentence counts. More have it from a template."""

_MIN_SHARED = 60.0
"""Minimum weight of what two notes share: about its length in bytes."""

MIN_TWIN = 0.6
"""Score from which notes are called twins where they are listed with others."""

_MIN_RANKED = 0.1
"""Lowest score of a pair that is ranked."""

_DIGITS = 4


class TwinPair(msgspec.Struct, frozen=True):
    """Two notes with common lines and sentences.

    Attributes:
        path: Vault path of the first note, in the order of their paths.
        twin: Vault path of the other note.
        score: The share of the longer note that the other one has too, from 0 to 1.
        shared: About the number of bytes that they have in common.
    """

    path: str
    twin: str
    score: float
    shared: int


def rank_twins(index: Index, limit: int | None = None) -> list[TwinPair]:
    """Return the pairs of notes with common lines and sentences, most similar first.

    Pairs with the same score are in the order of what they share, the longest first, then of their
    paths. `limit` is the maximum number of pairs. The time grows with the length of the vault.
    """
    places = index.derive(find_repeated)
    shared: dict[tuple[str, str], list[int]] = {}
    for piece, paths in places.items():
        if len(paths) <= _MAX_HOLDERS:
            for pair in combinations(sorted(paths), 2):
                shared.setdefault(pair, []).append(piece)
    weights = {pair: weigh_all(sorted(pieces)) for pair, pieces in shared.items()}
    long = {pair: weight for pair, weight in weights.items() if weight >= _MIN_SHARED}
    common = _find_common(places)
    sizes = {
        path: weigh_all(read_pieces(index.notes[path].pieces) - common)
        for path in sorted(set(chain.from_iterable(long)))
    }
    pairs = [
        TwinPair(one, other, score, round(weight))
        for (one, other), weight in long.items()
        if (score := _compare(weight, sizes[one], sizes[other])) >= _MIN_RANKED
    ]
    pairs.sort(key=lambda pair: (-pair.score, -pair.shared, pair.path, pair.twin))
    return pairs[:limit]


class PieceMatches(NamedTuple):
    """The lines and sentences that a note has in common with others.

    `twins` has its twins with their scores, as `rank_twins` does, and `common` the hashes of its
    lines and sentences that come from a template.
    """

    twins: Mapping[str, float]
    common: Pieces


def compare_pieces(index: Index, path: str) -> PieceMatches:
    """Compare the lines and sentences of a note with those of all others."""
    note = index.notes.get(path)
    own = read_pieces(note.pieces) if note is not None and is_note(path) else Pieces()
    places = _find_places(index, own)
    common = _find_common(places)
    size = weigh_all(own - common)
    shared: dict[str, list[int]] = {}
    for piece in own - common:
        for other in places.get(piece, ()):
            shared.setdefault(other, []).append(piece)
    likely = {
        other: pieces
        for other, pieces in shared.items()
        if other != path and _score(pieces, size, size) >= MIN_TWIN
    }
    sizes = _measure(index, likely)
    scores = {other: _score(pieces, size, sizes[other]) for other, pieces in likely.items()}
    twins = {other: score for other, score in scores.items() if score >= MIN_TWIN}
    return PieceMatches(twins, common)


def find_repeated(index: Index) -> Mapping[int, Sequence[str]]:
    """Return the pieces that more than one note has, with the paths of these.

    Derive it from an index before many notes are compared: each then takes no time.
    """
    notes = {path: hashes for path, hashes in read_hashes(index.notes) if is_note(path)}
    seen, repeated = set[int](), set[int]()
    for hashes in notes.values():
        pieces = read_pieces(hashes)
        repeated |= pieces & seen
        seen |= pieces
    places: dict[int, list[str]] = {}
    for path, hashes in notes.items():
        for piece in repeated.intersection(list_pieces(hashes)):
            places.setdefault(piece, []).append(path)
    return places


def _find_places(index: Index, wanted: Pieces) -> Mapping[int, Sequence[str]]:
    """Return the notes that have each of the wanted pieces, if there are several."""
    if find_repeated in index.memos:
        known = index.derive(find_repeated)
        return {piece: known[piece] for piece in wanted & known.keys()}
    places: dict[int, list[str]] = {}
    for path, hashes in read_hashes(index.notes) if wanted else ():
        if is_note(path):
            for piece in wanted.intersection(list_pieces(hashes)):
                places.setdefault(piece, []).append(path)
    return places


def _measure(index: Index, paths: Iterable[str]) -> dict[str, float]:
    """Return the weights of notes without the pieces that come from a template."""
    found = {path: read_pieces(index.notes[path].pieces) for path in paths}
    common = _find_common(_find_places(index, Pieces().union(*found.values())))
    return {path: weigh_all(pieces - common) for path, pieces in found.items()}


def _find_common(places: Mapping[int, Sequence[str]]) -> Pieces:
    return Pieces(piece for piece, paths in places.items() if len(paths) > _MAX_HOLDERS)


def _score(shared: Iterable[int], size: float, other_size: float) -> float:
    """Return the share of shared pieces in the larger note; 0 if they are short."""
    weight = weigh_all(sorted(shared))
    return _compare(weight, size, other_size) if weight >= _MIN_SHARED else 0.0


def _compare(weight: float, size: float, other_size: float) -> float:
    return round(weight / max(size, other_size), _DIGITS)
