"""Decide if a link's target and a file are of the same kind: note, image, audio, …"""

from vaultlink.index.resolve import file_name, is_note
from vaultlink.text import lazy_pattern

_EXTENSION = lazy_pattern(r"\.([A-Za-z][A-Za-z0-9]{1,9})$")
_KINDS = tuple(
    frozenset(kind.split())
    for kind in (
        "png jpg jpeg gif svg webp bmp avif heic tiff ico",
        "mp3 m4a wav ogg flac aac opus 3gp",
        "mp4 mov webm mkv ogv avi",
        "pdf",
        "canvas",
        "base",
        "excalidraw",
        "docx doc odt xlsx xls ods pptx ppt csv tsv zip epub djvu html htm txt",
    )
)
"""Extensions of the files that may stand for each other in a link."""


def is_same_kind(target: str, path: str) -> bool:
    """Return True if a target and a file are notes, or attachments of one kind.

    Files without an extension are of no kind, because Obsidian does not open them.
    """
    wanted, actual = _kind_of(target), _kind_of(path)
    if actual is None:
        return wanted is None and (is_note(path) or "." in file_name(path))
    return wanted == actual


def _kind_of(name: str) -> frozenset[str] | None:
    """Return the kind of a file; None for a note or an unknown extension."""
    extension = _EXTENSION.search(name)
    key = extension[1].lower() if extension else ""
    return next((kind for kind in _KINDS if key in kind), None)


def has_known_extension(path: str) -> bool:
    """Return True if a path ends with a known extension, such as `.png`."""
    return _kind_of(file_name(path)) is not None
