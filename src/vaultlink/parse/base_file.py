"""Parse an Obsidian base (`.base`)."""

from vaultlink.model import Note, Property


def parse_base(path: str, text: str) -> Note:
    """Return a base as a note with its text in the property `base`.

    A base is not a source of links (8.7), but the files that its text names count as used.
    """
    return Note(path, properties=(Property(0, 0, 1, 1, "base", text, 0, len(text)),))
