"""Notes by path, unpacked when first asked for: a run that changes one note need not unpack the others."""

from collections.abc import Iterator, Mapping

import msgspec

from vaultlink.model import Note

_decode_note = msgspec.msgpack.Decoder(Note).decode
_encode_note = msgspec.msgpack.Encoder().encode


class PackedNotes(Mapping[str, Note]):
    """A read-only mapping of paths to notes, some of them still packed as the cache keeps them."""

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
        """The notes after some came, changed or went (None)."""
        kept, packed = self._notes.copy(), self._packed.copy()
        for path, note in notes.items():
            packed.pop(path, None)
            if note is None:
                kept.pop(path, None)
            else:
                kept[path] = note
        return PackedNotes(kept, packed)

    def unpack_all(self) -> None:
        """Unpack all notes now and keep none packed: what changes from here on is made faster, and notes are kept once."""
        notes = {path: self[path] for path in self}
        self._notes, self._packed = notes, {}

    def pack_note(self, path: str) -> bytes:
        """A note as the cache keeps it."""
        return self._packed.get(path) or _encode_note(self._notes[path])
