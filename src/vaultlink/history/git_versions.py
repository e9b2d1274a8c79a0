"""Earlier versions of notes, read from git and parsed when needed."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from vaultlink.git.objects import read_blobs
from vaultlink.model import Note
from vaultlink.parse.note import parse_note

_MAX_BYTES = 50_000_000
"""Maximum size of all versions of notes that are parsed."""


class NoteVersions:
    """Earlier versions of notes by blob name, parsed when needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._data: dict[str, bytes | None] = {}
        self._notes: dict[tuple[str, str], Note | None] = {}
        self._texts: dict[str, str] = {}
        self._left = _MAX_BYTES

    def read(self, names: Iterable[str]) -> None:
        missing = [name for name in dict.fromkeys(names) if name not in self._data]
        if missing:
            blobs = read_blobs(self._root, missing)
            self._data.update(zip(missing, blobs, strict=True))

    def is_readable(self, name: str) -> bool:
        return self._left > 0 and self._data.get(name) is not None

    def has_text(self, name: str, text: str) -> bool:
        self.read([name])
        return text.encode("utf-8", "surrogatepass") in (self._data[name] or b"")

    def may_have(self, name: str, key: str) -> bool:
        """Return False if a blob lacks a word of a heading or block, and so lacks it."""
        if name not in self._texts:
            self.read([name])
            self._texts[name] = (self._data[name] or b"").decode("utf-8", "replace").lower()
        return max(key.split(), key=len, default="") in self._texts[name]

    def parse(self, path: str, name: str) -> Note | None:
        """Return a version of a note; None if git can't read it, or if it is no text."""
        if (path, name) not in self._notes:
            self.read([name])
            data, note = self._data[name], None
            self._left -= len(data or b"")
            if data is not None and self._left > 0:
                with suppress(UnicodeDecodeError):
                    note = parse_note(path, data.removeprefix(BOM_UTF8).decode("utf-8"))
            self._notes[path, name] = note
        return self._notes[path, name]
