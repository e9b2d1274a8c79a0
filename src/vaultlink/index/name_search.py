"""Search the names, aliases, headings and tags of a vault by a typed part."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, islice
from typing import NamedTuple

import msgspec

from vaultlink.index.index import Index, SteppedValue, link_name
from vaultlink.index.near_names import WORD_BREAKS, list_titles, normalize_words
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import is_note, normalize_name, spelling_key
from vaultlink.index.suggest import rank_similar
from vaultlink.model import Heading, Note, Property, Tag
from vaultlink.text import lazy_pattern, strip_accents

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


class _NoteNames(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of a `Note` that contain names. The others are not built."""

    path: str
    pieces: msgspec.Raw
    properties: tuple[Property, ...] | None
    headings: tuple[Heading, ...]
    blocks: msgspec.Raw
    links: msgspec.Raw
    tags: tuple[Tag, ...]


class NameTable(SteppedValue):
    """The names of a vault, in the form in which they are compared, in one text.

    `paths` are sorted, `text` has the keys of the names of each path, in the order of `list_names`,
    each behind a line feed, and `sizes` the bytes of each path in `text`, which is UTF-8: a single
    emoji would quadruple the memory of other texts.
    """

    def __init__(self, paths: list[str], sizes: "array[int]", text: bytes):
        self._paths, self._sizes, self._text = paths, sizes, text

    def update(self, index: Index, paths: Iterable[str]) -> "NameTable":
        later, sizes, parts, done = list[str](), array("I"), list[bytes](), 0
        for path in sorted(paths):
            at = bisect_left(self._paths, path)
            later += self._paths[done:at]
            sizes += self._sizes[done:at]
            parts.append(self._text[self._starts[done] : self._starts[at]])
            if path in index.files:
                names = list_names(path, index.notes.get(path))
                later.append(path)
                parts.append(_encode_keys([_make_key(name.text) for name in names]))
                sizes.append(len(parts[-1]))
            done = at + (self._paths[at : at + 1] == [path])
        later += self._paths[done:]
        parts.append(self._text[self._starts[done] :])
        return NameTable(later, sizes + self._sizes[done:], b"".join(parts))

    def search(self, text: str, index: Index, limit: int) -> list[FoundName]:
        """Return the names that match a text, best first: see `find_names`."""
        words = _make_key(text).encode("utf-8", "surrogatepass").split()
        if not words:
            return []
        found: dict[object, FoundName] = {}
        for before in (b"\n", b" ", b""):  # at its start, at the start of a word, anywhere
            if len(found) < limit and (before or len(words[0]) > 1):
                _add_new(found, self._find_words(before, words, index))
        if len(found) < limit and len(spelling_key(text)) >= _MIN_FORGIVEN:
            _add_new(found, self._find_misspelt(text, index))
        return list(found.values())[:limit]

    def _find_words(self, before: bytes, words: list[bytes], index: Index) -> list[FoundName]:
        """Return names that have the first word behind a sign, and all others anywhere."""
        hits = []
        for number, start in enumerate(_find_all(self._text, before + words[0])):
            if number == _MAX_HITS:
                break
            begin, end = self._find_line(start + len(before))
            key = self._text[begin:end]
            if all(word in key for word in words[1:]):
                hits.append((key != b" ".join(words), len(key.decode(*_CODING)), begin))
        names = [(miss, size, self._read(begin, index)) for miss, size, begin in sorted(hits)]
        names.sort(key=lambda item: (item[0], _RANKS[item[2].kind], item[1], item[2].path))
        return [name for _, _, name in names]

    def _find_misspelt(self, text: str, index: Index) -> list[FoundName]:
        """Return names of files that are similar to a text, most similar first."""
        numbers = rank_similar(spelling_key(text), self._spellings, _MIN_LIKENESS, _MAX_HITS)
        return [self._read(self._starts[number] + 1, index) for number in numbers]

    @cached_property
    def _starts(self) -> "array[int]":
        """The offset of each path's keys, and the end of the last."""
        return array("I", accumulate(self._sizes, initial=0))

    @cached_property
    def _spellings(self) -> list[str]:
        """The first key of each path, that of its name, without spaces."""
        lines = (self._find_line(start + 1) for start in self._starts[:-1])
        return [self._text[at:end].decode(*_CODING).replace(" ", "") for at, end in lines]

    def _find_line(self, at: int) -> tuple[int, int]:
        end = self._text.find(b"\n", at)
        return self._text.rfind(b"\n", 0, at) + 1, end if end != -1 else len(self._text)

    def _read(self, begin: int, index: Index) -> FoundName:
        """Return the name whose key is at an offset."""
        number = bisect_right(self._starts, begin - 1) - 1
        path = self._paths[number]
        line = self._text.count(b"\n", self._starts[number], begin) - 1
        return list(list_names(path, index.notes.get(path)))[line]


_CODING = ("utf-8", "surrogatepass")

_NOTES_AT_ONCE = 500
"""Notes whose names are compared in one text. Names of all would take much memory."""


def build_name_table(index: Index) -> NameTable:
    """Return the names of a vault, for `Index.derive`."""
    notes = index.notes
    read = iter(notes.read_as(_NoteNames) if isinstance(notes, PackedMap) else notes.values())
    keys: dict[str, bytes] = {}
    while some := list(islice(read, _NOTES_AT_ONCE)):
        keys.update(_make_all_keys({note.path: _list_texts(note) for note in some}))
    others = [path for path in index.files if path not in keys]
    keys.update(_make_all_keys({path: [link_name(path)] for path in others}))
    paths = sorted(keys)
    parts = [keys[path] for path in paths]
    return NameTable(paths, array("I", map(len, parts)), b"".join(parts))


def _list_texts(note: "_NoteNames | Note") -> list[str]:
    """Return the names of a note as `list_names` does."""
    titles = list_titles(Note(note.path, properties=note.properties)) if note.properties else ()
    return [
        link_name(note.path),
        *(name for _, name in titles),
        *(heading.text for heading in note.headings),
        *dict.fromkeys([tag.name for tag in note.tags]),
    ]


_PLAIN = lazy_pattern(r"[\n\t -~]*")


def _make_all_keys(texts: Mapping[str, list[str]]) -> Iterator[tuple[str, bytes]]:
    """Yield the encoded keys of each path, those of ASCII names by way of one text."""
    plain: dict[str, str] = {}
    for path, names in texts.items():
        whole = "\n".join(names)
        if _PLAIN.fullmatch(whole) and whole.count("\n") == len(names) - 1:
            plain[path] = whole
        else:
            yield path, _encode_keys(map(_make_key, names))
    folded = f"\0{normalize_name(chr(0).join(plain.values()))}\0".translate(WORD_BREAKS)
    while "  " in folded:
        folded = folded.replace("  ", " ")
    for end in "\n\0":
        folded = folded.replace(f" {end}", end).replace(f"{end} ", end)
    for path, keys in zip(plain, folded[1:-1].split("\0"), strict=bool(plain)):
        yield path, f"\n{keys}".encode()


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


def _encode_keys(keys: Iterable[str]) -> bytes:
    return "".join([f"\n{key}" for key in keys]).encode(*_CODING)


def _make_key(text: str) -> str:
    return normalize_words(text if text.isascii() else strip_accents(text))


def _find_all(text: bytes, part: bytes) -> Iterator[int]:
    at = text.find(part)
    while at != -1:
        yield at
        at = text.find(part, at + 1)
