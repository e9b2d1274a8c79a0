"""Search the names, aliases, headings and tags of a vault by a typed part."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, islice, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from vaultlink.index.index import Index, SteppedValue, link_name
from vaultlink.index.near_names import WORD_BREAKS, list_titles, normalize_words
from vaultlink.index.note_parts import NoteOutline, NoteTags
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import is_note, normalize_name, spelling_key
from vaultlink.index.suggest import rank_similar
from vaultlink.model import Note, Property
from vaultlink.text import lazy_pattern, strip_accents

_MAX_HITS = 500
"""Hits that are ranked, of each kind of match. More are as good as none to choose from."""

_FEW = 5
"""Names that match; if there are fewer, the text may contain typing errors."""

_MAX_TEXT = 300
"""Characters of a typed text that are looked for. Nobody types more, but somebody pastes it."""

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


class NoteProperties(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of a `Note`. The others are not built."""

    path: str
    pieces: msgspec.Raw
    properties: tuple[Property, ...] | None


class _NameHit(NamedTuple):
    """A name that was found. Hits are ordered as their names are, best first.

    Attributes:
        differs: True if the text is not the whole name.
        rank: That of its kind.
        size: The bytes of its key.
        number: That of the path that has it.
        begin: Offset of the line feed before its key.
    """

    differs: bool
    rank: int
    size: int
    number: int
    begin: int


class NameTable(SteppedValue):
    """Names of a vault, in the form in which they are compared, in one text.

    `paths` are sorted, `text` has the keys of the names of each path, in the order of `list_names`,
    each behind a line feed, and `sizes` the bytes of each path in `text`, which is UTF-8: a single
    emoji would quadruple the memory of other texts. Paths without names are left out.
    """

    def __init__(
        self,
        group: "_NameGroup",
        paths: list[str],
        sizes: "array[int]",
        text: bytes,
        spellings: list[str] | None = None,
    ):
        self._group, self._paths, self._sizes, self._text = group, paths, sizes, text
        self._known = spellings

    def update(self, index: Index, paths: Iterable[str]) -> "NameTable":
        """Return the names of a later index, in which only these paths may differ."""
        changes = list[tuple[int, int, str, list[str]]]()
        for path in sorted(paths):
            at = bisect_left(self._paths, path)
            end = at + (self._paths[at : at + 1] == [path])
            is_there = path in index.files
            names = self._group.list_names(path, index.notes.get(path)) if is_there else ()
            keys = [_make_key(name.text) for name in names]
            if self._text[self._starts[at] : self._starts[end]] != _encode_keys(keys):
                changes.append((at, end, path, keys))
        return self._splice(changes) if changes else self

    def _splice(self, changes: list[tuple[int, int, str, list[str]]]) -> "NameTable":
        """Return the names with those of some paths replaced: by number, path and keys."""
        later, sizes, parts, done = list[str](), array("I"), list[bytes](), 0
        spellings, known = list[str](), self._known
        for at, end, path, keys in changes:
            later += self._paths[done:at]
            sizes += self._sizes[done:at]
            spellings += known[done:at] if known else ()
            parts.append(self._text[self._starts[done] : self._starts[at]])
            if keys:
                later.append(path)
                parts.append(_encode_keys(keys))
                sizes.append(len(parts[-1]))
                spellings.append(keys[0].replace(" ", ""))
            done = end
        later += self._paths[done:]
        parts.append(self._text[self._starts[done] :])
        spellings += known[done:] if known else ()
        sizes += self._sizes[done:]
        return NameTable(self._group, later, sizes, b"".join(parts), spellings if known else None)

    def find_words(self, before: bytes, words: list[bytes]) -> list[_NameHit]:
        """Return names that have the first word behind a sign, and all others anywhere.

        The longest word, which is the rarest, is looked for first.
        """
        text, starts, hits = self._text, self._starts, list[_NameHit]()
        first, whole, longest = before + words[0], b" ".join(words), max(words, key=len)
        part = first if longest == words[0] else longest
        others = [first, *words[1:]] if len(words) > 1 else []
        at = text.find(part)
        while at != -1 and len(hits) < _MAX_HITS:
            begin, end = text.rfind(b"\n", 0, at + 1), text.find(b"\n", at + 1)
            end = end if end != -1 else len(text)
            key = text[begin:end]
            if not others or all([word in key for word in others]):  # noqa: C419 - faster so
                number = bisect_right(starts, begin) - 1
                kind = self._group.guess_kind(is_first=begin == starts[number])
                is_other = key[1:] != whole
                hits.append(_NameHit(is_other, _RANKS[kind], end - begin, number, begin))
            at = text.find(part, end)
        return hits

    def find_misspelt(self, text: str) -> list[str]:
        """Return files whose names are similar to a text, most similar first."""
        numbers = rank_similar(spelling_key(text), self._spellings, _MIN_LIKENESS, _MAX_HITS)
        return [self._paths[number] for number in numbers]

    def list_paths(self, folder: str) -> Iterator[str]:
        """Yield all paths, those in or below a folder, which ends with a slash, first."""
        start = bisect_left(self._paths, folder)
        end = bisect_left(self._paths, f"{folder}\U0010ffff")
        yield from islice(self._paths, start, end)
        yield from islice(self._paths, start)
        yield from islice(self._paths, end, None)

    def read(self, hit: _NameHit, index: Index) -> FoundName:
        """Return the name that was found."""
        path = self._paths[hit.number]
        line = self._text.count(b"\n", self._starts[hit.number], hit.begin)
        is_file = line == 0 and self._group in _FILES
        note = None if is_file else index.notes.read_one(path, self._group.fields)
        return next(islice(self._group.list_names(path, note), line, None))

    @cached_property
    def _starts(self) -> "array[int]":
        """The offset of each path's keys, and the end of the last."""
        return array("I", accumulate(self._sizes, initial=0))

    @property
    def _spellings(self) -> list[str]:
        """The first key of each path, that of its name, without spaces."""
        if self._known is None:
            starts = self._starts
            firsts = [self._text[at + 1 : end].partition(b"\n")[0] for at, end in pairwise(starts)]
            self._known = [key.decode(*_CODING).replace(" ", "") for key in firsts]
        return self._known


_CODING = ("utf-8", "surrogatepass")

_NOTES_AT_ONCE = 500
"""Notes whose names are compared in one text. Names of all would take much memory."""


def _build_table(group: "_NameGroup", index: Index) -> NameTable:
    notes, keys = index.notes, dict[str, bytes]()
    is_packed = isinstance(notes, PackedMap)
    read = iter(notes.read_as(group.fields) if is_packed else notes.values())
    while some := list(islice(read, _NOTES_AT_ONCE)) if group is not _ATTACHMENTS else ():
        texts = {
            note.path: [name.text for name in group.list_names(note.path, note)] for note in some
        }
        keys.update(_make_all_keys(texts))
    if group is _ATTACHMENTS:
        others = (path for path in index.files if not is_note(path))
        keys.update(_make_all_keys({path: [link_name(path)] for path in others}))
    paths = sorted(keys)
    parts = [keys[path] for path in paths]
    return NameTable(group, paths, array("I", map(len, parts)), b"".join(parts))


_PLAIN = lazy_pattern(r"[\n\t -~]*")


def _make_all_keys(texts: Mapping[str, list[str]]) -> Iterator[tuple[str, bytes]]:
    """Yield the encoded keys of each path with names.

    Those of ASCII names are made by way of one text.
    """
    plain: dict[str, str] = {}
    for path, names in texts.items():
        whole = "\n".join(names)
        if _PLAIN.fullmatch(whole) and whole.count("\n") == len(names) - 1:
            plain[path] = whole
        elif names:
            yield path, _encode_keys(map(_make_key, names))
    folded = f"\0{normalize_name(chr(0).join(plain.values()))}\0".translate(WORD_BREAKS)
    while "  " in folded:
        folded = folded.replace("  ", " ")
    for end in "\n\0":
        folded = folded.replace(f" {end}", end).replace(f"{end} ", end)
    for path, keys in zip(plain, folded[1:-1].split("\0"), strict=bool(plain)):
        yield path, f"\n{keys}".encode()


# -- the names of a file --------------------------------------------------------------------------


def list_names(path: str, note: Note | None) -> Iterator[FoundName]:
    """Yield the names of a file, its own first. `note` is None for an attachment."""
    for group in NAME_GROUPS:
        yield from group.list_names(path, note)


def name_file(path: str) -> FoundName:
    """Return the name of a note or attachment."""
    kind = SearchedKind.NOTE if is_note(path) else SearchedKind.ATTACHMENT
    return FoundName(kind, link_name(path), path)


def _list_note_names(path: str, note: Any) -> Iterator[FoundName]:
    if is_note(path):
        yield name_file(path)
    if note and note.properties:
        for reason, name in list_titles(Note(path, properties=note.properties)):
            yield FoundName(SearchedKind(reason), name, path)


def _list_attachment_names(path: str, _note: Any) -> Iterator[FoundName]:
    if not is_note(path):
        yield name_file(path)


def _list_heading_names(path: str, note: Any) -> Iterator[FoundName]:
    for heading in note.headings if note else ():
        yield FoundName(SearchedKind.HEADING, heading.text, path, heading.line)


def _list_tag_names(path: str, note: Any) -> Iterator[FoundName]:
    for tag in dict.fromkeys([item.name for item in note.tags]) if note else ():
        yield FoundName(SearchedKind.TAG, tag, path)


class _NameGroup(msgspec.Struct, frozen=True):
    """Names that are searched together.

    Attributes:
        kinds: Their kinds.
        list_names: Yields those of a file, from its path and note.
        fields: A type with the fields of a note that these need.
    """

    kinds: tuple[SearchedKind, ...]
    list_names: Callable[[str, Any], Iterator[FoundName]]
    fields: type[Any]

    def __call__(self, index: Index) -> NameTable:
        """Return the names of a vault, for `Index.derive`."""
        return _build_table(self, index)

    def guess_kind(self, *, is_first: bool) -> SearchedKind:
        """Return the kind of a name; those of titles and aliases count as one."""
        return self.kinds[0 if is_first or len(self.kinds) == 1 else 1]


_NOTES = _NameGroup(
    (SearchedKind.NOTE, SearchedKind.TITLE, SearchedKind.ALIAS), _list_note_names, NoteProperties
)
_ATTACHMENTS = _NameGroup((SearchedKind.ATTACHMENT,), _list_attachment_names, NoteProperties)
_FILES = (_NOTES, _ATTACHMENTS)
NAME_GROUPS = (
    *_FILES,
    _NameGroup((SearchedKind.HEADING,), _list_heading_names, NoteOutline),
    _NameGroup((SearchedKind.TAG,), _list_tag_names, NoteTags),
)
"""A vault has ten times more headings than files, among which most names are looked for."""


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


_ALL_KINDS = frozenset(SearchedKind)


def find_names(
    index: Index, text: str, limit: int = 10, kinds: Set[SearchedKind] = _ALL_KINDS
) -> list[FoundName]:
    """Return the names, headings and tags that match a typed text, best first.

    Case, accents, and signs between words don't matter. Names that begin with the text come first,
    then those with a word that begins with it, those that contain it, and, if these are few, names
    of files that differ in a few letters. All words of the text must be in the name. A tag is
    listed once. `kinds` are those of the names to return.
    """
    text = text[:_MAX_TEXT]
    words = _make_key(text).encode(*_CODING).split()
    tables = _list_tables(index, kinds)
    if not words or not tables:
        return []
    found: dict[object, FoundName] = {}
    for before in (b"\n", b" ", b""):  # at its start, at the start of a word, anywhere
        if len(found) < limit and (before or len(words[0]) > 1):
            hits = [(hit, table) for table in tables for hit in table.find_words(before, words)]
            names = (table.read(hit, index) for hit, table in sorted(hits, key=itemgetter(0)))
            _add_new(found, names, limit, kinds)
    if len(found) < min(limit, _FEW) and len(spelling_key(text)) >= _MIN_FORGIVEN:
        files = _list_tables(index, kinds, _FILES)
        paths = (path for table in files for path in table.find_misspelt(text))
        _add_new(found, (name_file(path) for path in paths), limit, kinds)
    return list(found.values())


def list_named_paths(index: Index, folder: str, kinds: Set[SearchedKind]) -> Iterator[str]:
    """Yield the paths of notes or attachments, those in a folder first."""
    for table in _list_tables(index, kinds, _FILES):
        yield from table.list_paths(folder)


def _list_tables(
    index: Index, kinds: Set[SearchedKind], groups: Sequence[_NameGroup] = NAME_GROUPS
) -> list[NameTable]:
    return [index.derive(group) for group in groups if not kinds.isdisjoint(group.kinds)]


def _add_new(
    found: dict[object, FoundName], names: Iterable[FoundName], limit: int, kinds: Set[SearchedKind]
) -> None:
    """Add names of some kinds that are not there yet; a tag is the same in all notes."""
    for name in names:
        if name.kind in kinds:
            found.setdefault(name.text.lower() if name.kind is SearchedKind.TAG else name, name)
            if len(found) == limit:
                return


def _encode_keys(keys: Iterable[str]) -> bytes:
    return "".join([f"\n{key}" for key in keys]).encode(*_CODING)


def _make_key(text: str) -> str:
    return normalize_words(text if text.isascii() else strip_accents(text))
