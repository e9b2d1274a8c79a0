"""Read a few fields of many notes, without decoding the others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.index.packed_map import PackedMap
from vaultlink.model import Heading, Link, Note, Property, SourceSpan, Tag


class NoteHashes(NamedTuple):
    """The path of a note, and its `pieces`: the hashes of its lines and sentences."""

    path: str
    hashes: bytes


class _Hashes(msgspec.Struct, array_like=True, frozen=True, gc=False):
    path: str
    pieces: bytes = b""


class NoteHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of a note, as `Note` describes them."""

    path: str
    pieces: bytes = b""
    properties: tuple[Property, ...] | None = None
    headings: tuple[Heading, ...] = ()


class NoteOutline(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of a `Note` up to its headings."""

    path: str
    pieces: msgspec.Raw
    properties: msgspec.Raw
    headings: tuple[Heading, ...]


class LinkPlace(SourceSpan, array_like=True, frozen=True, gc=False):
    """The span of a link, and its text in the source."""

    raw: str


class _LinkPlaces(msgspec.Struct, array_like=True, frozen=True, gc=False):
    path: str
    pieces: msgspec.Raw
    properties: msgspec.Raw
    headings: msgspec.Raw
    blocks: msgspec.Raw
    links: tuple[LinkPlace, ...] = ()


class NoteTags(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of a `Note` up to its tags."""

    path: str
    pieces: msgspec.Raw
    properties: msgspec.Raw
    headings: msgspec.Raw
    blocks: msgspec.Raw
    links: msgspec.Raw
    tags: tuple[Tag, ...] = ()


def read_hashes(notes: Mapping[str, Note]) -> Iterator[NoteHashes]:
    """Yield the hashes of all notes and canvases."""
    found: Iterable[Note | _Hashes] = (
        notes.read_as(_Hashes) if isinstance(notes, PackedMap) else notes.values()
    )
    return (NoteHashes(note.path, note.pieces) for note in found)


def read_heads(notes: Mapping[str, Note]) -> Iterable[Note | NoteHead]:
    """Yield the first fields of all notes and canvases."""
    return notes.read_as(NoteHead) if isinstance(notes, PackedMap) else notes.values()


def read_headings(notes: Mapping[str, Note]) -> Iterator[str]:
    """Yield the texts of the headings of all notes."""
    found: Iterable[Note | NoteOutline] = (
        notes.read_as(NoteOutline) if isinstance(notes, PackedMap) else notes.values()
    )
    return (heading.text for note in found for heading in note.headings)


def read_link_places(
    notes: Mapping[str, Note], paths: Iterable[str]
) -> Iterator[tuple[str, Sequence[Link | LinkPlace]]]:
    """Yield the paths of some notes with the places of their links."""
    found: Iterable[Note | _LinkPlaces] = (
        notes.read_as(_LinkPlaces, paths)
        if isinstance(notes, PackedMap)
        else (notes[path] for path in paths)
    )
    return ((note.path, note.links) for note in found)


def read_tags(
    notes: Mapping[str, Note], paths: Iterable[str] | None = None
) -> Iterator[tuple[str, Sequence[Tag]]]:
    """Yield the paths of some notes, or of all, with their tags."""
    wanted = notes if paths is None else paths
    found: Iterable[Note | NoteTags] = (
        notes.read_as(NoteTags, wanted)
        if isinstance(notes, PackedMap)
        else (notes[path] for path in wanted)
    )
    return ((note.path, note.tags) for note in found)
