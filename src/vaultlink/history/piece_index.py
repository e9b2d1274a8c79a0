"""Find the present notes that have a line or sentence: templates and copies."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from vaultlink.history.matcher import COMMON, Pieces, weigh_all
from vaultlink.index.packed_map import PackedMap
from vaultlink.model import Note
from vaultlink.parse.pieces import list_pieces, weigh

_MAX_HOLDERS = 50
"""Number of notes from which a piece does not tell which note is like another one."""

_MAX_RIVALS = 3
"""Maximum number of present notes that are compared with a renamed one."""


class _NotePieces(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of a note. Nothing else is decoded."""

    path: str
    pieces: bytes = b""


class PieceIndex:
    """The pieces of the present notes of a vault."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        self._notes = notes

    def find_holders(self, wanted: Pieces) -> dict[int, list[str]]:
        places: dict[int, list[str]] = {}
        for note in self._read() if wanted else ():
            for piece in wanted.intersection(list_pieces(note.pieces)):
                places.setdefault(piece, []).append(note.path)
        return places

    def _read(self) -> Iterable[Note | _NotePieces]:
        notes = self._notes
        return notes.read_as(_NotePieces) if isinstance(notes, PackedMap) else notes.values()

    def find_common(self, wanted: Pieces) -> set[int]:
        return {piece for piece, paths in self.find_holders(wanted).items() if len(paths) >= COMMON}


def choose_rivals(
    shared: Pieces, places: Mapping[int, list[str]], limit: float, without: Collection[str]
) -> list[str]:
    """Return some notes that have more than this share of some pieces."""
    weights: dict[str, float] = {}
    for piece in shared & places.keys():
        paths = places[piece]
        for path in paths if len(paths) <= _MAX_HOLDERS else paths[:_MAX_HOLDERS]:
            if path not in without:
                weights[path] = weights.get(path, 0.0) + weigh(piece)
    least = limit * weigh_all(shared)
    found = [path for path, weight in weights.items() if weight > least]
    return sorted(found, key=lambda path: (-weights[path], path))[:_MAX_RIVALS]
