"""Search the names, aliases, headings and tags of a vault by a typed part."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import msgspec

from vaultlink.index.index import Index, SteppedValue, link_name
from vaultlink.index.near_names import list_titles, normalize_words
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import is_note, spelling_key
from vaultlink.index.suggest import rank_similar
from vaultlink.model import Heading, Note, Property, Tag
from vaultlink.text import strip_accents

_MAX_HITS = 2_000
"""Hits that are ranked, of each kind of match. More are as good as none to choose from."""

_MIN_FORGIVEN = 4
"""Letters of the shortest text that may contain typing errors."""

_MIN_LIKENESS = 80
"""Least likeness of a misspelt text and a name, in percent."""


class SearchedKind(StrEnum):
    """The kind of a name."""

    NOTE = "note"
    TITLE = "title"
    ALIAS = "alias"
    ATTACHMENT = "attachment"
    HEADING = "heading"
    TAG = "tag"
    BLOCK = "block"


_RANKS = {kind: rank for rank, kind in enumerate(SearchedKind)}


class FoundName(NamedTuple):
    """A name that matches a typed text.

    Attributes:
        kind: What has the name.
        text: The name as written; a note's without `.md`, a tag's without `#`.
        path: Vault path of the file that has it; of the first one, for a tag.
        line: Line of a heading, 1-based; 0 for other kinds.
    """

    kind: SearchedKind
    text: str
    path: str
    line: int = 0


class Symbol(NamedTuple):
    """A name, heading, tag or block of a note, with its place.

    Attributes:
        kind: What it is.
        text: The name, the text of a heading, or the id of a block without its caret.
        start: Offset in code points, 0-based; 0 for the name of the file.
        end: Offset behind it.
        line: Its line, 1-based.
        level: The level of a heading, 1 to 6; 0 for other kinds.
    """

    kind: SearchedKind
    text: str
    start: int = 0
    end: int = 0
    line: int = 1
    level: int = 0


class _Named(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of a `Note` that contain names. The others are not built."""

    path: str
    pieces: msgspec.Raw
    properties: tuple[Property, ...] | None
    headings: tuple[Heading, ...]
    blocks: msgspec.Raw
    links: msgspec.Raw
    tags: tuple[Tag, ...]


class NameTable(SteppedValue):
    """The names of a vault, in the form in which they are compared.

    `keys` are, by path, the keys of its names in the order of `list_names`, each in a line.
    """

    def __init__(self, keys: Mapping[str, str]):
        self._keys = keys

    def update(self, index: Index, paths: Iterable[str]) -> "NameTable":
        later = dict(self._keys)
        for path in paths:
            if path in index.files:
                later[path] = _join_keys(list_names(path, index.notes.get(path)))
            else:
                later.pop(path, None)
        return NameTable(later)

    def search(self, text: str, index: Index, limit: int) -> list[FoundName]:
        """Return the names that match a text, best first: see `find_names`."""
        words = _make_key(text).split()
        if not words:
            return []
        found: dict[object, FoundName] = {}
        for before in ("\n", " ", ""):  # at its start, at the start of a word, anywhere
            if len(found) < limit and (before or len(words[0]) > 1):
                _add_new(found, self._find_words(before, words, index))
        if len(found) < limit and len(spelling_key(text)) >= _MIN_FORGIVEN:
            _add_new(found, self._find_misspelt(text, index))
        return list(found.values())[:limit]

    def _find_words(self, before: str, words: list[str], index: Index) -> list[FoundName]:
        """Return names that have the first word behind a sign, and all others anywhere."""
        hits = []
        for number, start in enumerate(_find_all(self._text, before + words[0])):
            if number == _MAX_HITS:
                break
            begin, end = self._find_line(start + len(before))
            key = self._text[begin:end]
            if all(word in key for word in words[1:]):
                hits.append((key != " ".join(words), len(key), begin))
        names = [(miss, size, self._read(begin, index)) for miss, size, begin in sorted(hits)]
        names.sort(key=lambda item: (item[0], _RANKS[item[2].kind], item[1], item[2].path))
        return [name for _, _, name in names]

    def _find_misspelt(self, text: str, index: Index) -> list[FoundName]:
        """Return names of files that are similar to a text, most similar first."""
        numbers = rank_similar(spelling_key(text), self._spellings, _MIN_LIKENESS, _MAX_HITS)
        return [self._read(self._name_starts[number], index) for number in numbers]

    # -- the keys as one text, which is searched at once ---------------------------------------

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self._keys)

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of each path's keys."""
        sizes = (len(self._keys[path]) for path in self._paths)
        return list(accumulate(sizes, initial=0))

    @cached_property
    def _text(self) -> str:
        return "".join([self._keys[path] for path in self._paths]) + "\n"

    @cached_property
    def _name_starts(self) -> list[int]:
        """The offset of the first key of each path: that of its name."""
        return [start + 1 for start in self._starts[:-1]]

    @cached_property
    def _spellings(self) -> list[str]:
        return [
            self._text[at : self._text.find("\n", at)].replace(" ", "") for at in self._name_starts
        ]

    def _find_line(self, at: int) -> tuple[int, int]:
        return self._text.rfind("\n", 0, at) + 1, self._text.find("\n", at)

    def _read(self, begin: int, index: Index) -> FoundName:
        """Return the name whose key is at an offset."""
        number = bisect_right(self._starts, begin - 1) - 1
        path = self._paths[number]
        line = self._text.count("\n", self._starts[number], begin) - 1
        return list(list_names(path, index.notes.get(path)))[line]


def build_name_table(index: Index) -> NameTable:
    """Return the names of a vault, for `Index.derive`."""
    notes = index.notes
    read = notes.read_as(_Named) if isinstance(notes, PackedMap) else notes.values()
    keys = {
        item.path: _join_keys(
            list_names(
                item.path,
                Note(item.path, properties=item.properties, headings=item.headings, tags=item.tags),
            )
        )
        for item in read
    }
    others = (path for path in index.files if path not in keys)
    return NameTable({**keys, **{path: _join_keys(list_names(path, None)) for path in others}})


def list_names(path: str, note: Note | None) -> Iterator[FoundName]:
    """Yield the names of a file, its own first. `note` is None for an attachment."""
    kind = SearchedKind.NOTE if is_note(path) else SearchedKind.ATTACHMENT
    yield FoundName(kind, link_name(path), path)
    if note is None:
        return
    for reason, name in list_titles(note):
        yield FoundName(SearchedKind(reason), name, path)
    for heading in note.headings:
        yield FoundName(SearchedKind.HEADING, heading.text, path, heading.line)
    for tag in dict.fromkeys(item.name for item in note.tags):
        yield FoundName(SearchedKind.TAG, tag, path)


def list_symbols(path: str, note: Note | None) -> list[Symbol]:
    """Return the names, headings, tags and blocks of a file, by their places."""
    names = {SearchedKind.TITLE: "title", SearchedKind.ALIAS: "aliases"}
    properties = {item.key.lower(): item for item in (note.properties or () if note else ())}
    found = []
    for item in list_names(path, note):
        if item.kind not in (SearchedKind.HEADING, SearchedKind.TAG):
            place = properties.get(names.get(item.kind, ""))
            span = (place.value_start, place.value_end, place.line) if place else ()
            found.append(Symbol(item.kind, item.text, *span))
    for heading in note.headings if note else ():
        span = (heading.start, heading.end, heading.line)
        found.append(Symbol(SearchedKind.HEADING, heading.text, *span, heading.level))
    for tag in note.tags if note else ():
        found.append(Symbol(SearchedKind.TAG, tag.name, tag.start, tag.end, tag.line))
    for block in note.blocks if note else ():
        found.append(Symbol(SearchedKind.BLOCK, block.id, block.start, block.end, block.line))
    return sorted(found, key=lambda item: item.start)


def find_names(index: Index, text: str, limit: int = 10) -> list[FoundName]:
    """Return the names, headings and tags that match a typed text, best first.

    Case, accents, and signs between words don't matter. Names that begin with the text come first,
    then those with a word that begins with it, those that contain it, and names of files that
    differ in a few letters. All words of the text must be in the name. A tag is listed once.
    """
    return index.derive(build_name_table).search(text, index, limit)


def _add_new(found: dict[object, FoundName], names: Iterable[FoundName]) -> None:
    """Add names that are not there yet; a tag is the same in all notes."""
    for name in names:
        found.setdefault(name.text.lower() if name.kind is SearchedKind.TAG else name, name)


def _join_keys(names: Iterable[FoundName]) -> str:
    return "".join([f"\n{_make_key(name.text)}" for name in names])


def _make_key(text: str) -> str:
    return normalize_words(text if text.isascii() else strip_accents(text))


def _find_all(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at != -1:
        yield at
        at = text.find(part, at + 1)
