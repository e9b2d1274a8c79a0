"""The notes that name an attachment although no link resolves to it."""

from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import name_key, normalize_name
from vaultlink.model import Note


class NamingNote(NamedTuple):
    """The first note that names a file, and how: `a broken link`, `the text`."""

    note: str
    how: str


class NamingNotes:
    """Notes by the names of files in their unresolved links and in their texts."""

    def __init__(self, index: Index):
        self._by_link: dict[str, str] = {}
        self._by_text: dict[str, str] = {}
        for path in sorted(index.notes):
            note = index.notes[path]
            for name in _find_broken_names(note, index.targets[path]):
                self._by_link.setdefault(name, path)
            for text in note.named_files:
                for name in _list_possible_names(normalize_name(text)):
                    self._by_text.setdefault(name, path)

    def find(self, path: str) -> NamingNote | None:
        """Return the note that names the file at a path; None if no note does."""
        name = name_key(path)
        stem = name[: name.rfind(".")]
        for notes, key, how in (
            (self._by_link, name, "a broken link"),
            (self._by_link, stem, "a broken embed without extension"),
            (self._by_text, name, "the text"),
        ):
            if key in notes:
                return NamingNote(notes[key].removesuffix(".md"), how)
        return None


def _find_broken_names(note: Note, targets: tuple[str | None, ...]) -> Iterator[str]:
    for link, target in zip(note.links, targets, strict=True):
        if target is None and not link.external:
            name = name_key(link.target)
            if link.embed or "." in name:
                yield name


def _list_possible_names(text: str) -> Iterator[str]:
    """Yield the ends of a text that may be a file's name.

    A name starts behind a space, or where letters of Latin script follow others.
    """
    decoded = text.replace("%20", " ")
    for at, char in enumerate(decoded):
        before = decoded[at - 1] if at else " "
        if not char.isspace() and (before.isspace() or before.isascii() != char.isascii()):
            yield decoded[at:]
