"""A mapping of notes that are decoded on first access.

A run that changes one note does not need to decode the others.
"""

from collections.abc import Iterator, Mapping

import msgspec

from vaultlink.model import Note

_decode_note = msgspec.msgpack.Decoder(Note).decode
_encode_note = msgspec.msgpack.Encoder().encode


class PackedNotes(Mapping[str, Note]):
    """Read-only mapping from path to note.

    Some notes are still encoded, as in the cache.
    """

    __slots__ = ("_notes", "_packed")

    def __init__(
        self, notes: dict[str, Note] | None = None, packed: dict[str, bytes] | None = None
    ):
        self._notes = notes or {}
        self._packed = packed or {}

    def __getitem__(self, path: str) -> Note:
        note = self._notes.get(path)
        if note is None:
            note = self._notes[path] = _decode_note(self._packed[path])
        return note

    def __contains__(self, path: object) -> bool:
        return path in self._notes or path in self._packed

    def __iter__(self) -> Iterator[str]:
        yield from self._notes
        yield from (path for path in self._packed if path not in self._notes)

    def __len__(self) -> int:
        return len(self._notes.keys() | self._packed.keys()) if self._packed else len(self._notes)

    def with_changes(self, notes: Mapping[str, Note | None]) -> "PackedNotes":
        """Return a new mapping with some notes added, replaced or removed.

        Args:
            notes: Path to the new note; None removes the note.
        """
        decoded, packed = self._notes.copy(), self._packed.copy()
        for path, note in notes.items():
            packed.pop(path, None)
            if note is None:
                decoded.pop(path, None)
            else:
                decoded[path] = note
        return PackedNotes(decoded, packed)

    def unpack_all(self) -> None:
        """Decode all notes and drop the encoded ones.

        Later updates are faster, and each note is in memory once.
        """
        notes = {path: self[path] for path in self}
        self._notes, self._packed = notes, {}

    def pack_note(self, path: str) -> bytes:
        """Return a note in the encoding of the cache."""
        return self._packed.get(path) or _encode_note(self._notes[path])
