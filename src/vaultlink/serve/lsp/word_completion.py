"""Completion of tags and properties, by what other notes of the vault have."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from lsprotocol import types

from vaultlink.index.index import Index, TraitCount
from vaultlink.index.name_search import NoteProperties
from vaultlink.index.note_parts import NoteTags
from vaultlink.index.packed_map import PackedMap
from vaultlink.links.rewrite import quote_in_yaml
from vaultlink.model import Note
from vaultlink.parse.inline import TAG_NAME
from vaultlink.parse.note import parse_note
from vaultlink.refactor.property_lists import is_plain_text
from vaultlink.serve.lsp.views import View
from vaultlink.text import escape_controls, find_line_span, lazy_pattern

MAX_ITEMS = 50
"""Items of an answer. Editors show ten at once, and ask again when more is typed."""


class Choice(NamedTuple):
    """An item of a completion: its label, and the text that replaces what is typed.

    `detail` is shown beside it, and `data` is what `completionItem/resolve` needs. `edits` are
    others of the same document, and `command` is done afterwards.
    """

    label: str
    text: str
    kind: types.CompletionItemKind
    detail: str = ""
    data: dict[str, Any] | None = None
    edits: Sequence[types.TextEdit] = ()
    command: types.Command | None = None


class Choices(NamedTuple):
    """The items of a completion, best first.

    `is_cut` is True if there are more, `is_filtered` if they are those that match a typed text.
    """

    items: Sequence[Choice]
    is_cut: bool = False
    is_filtered: bool = False


def make_list(
    view: View, path: str, span: tuple[int, int, int], choices: Choices
) -> types.CompletionList | None:
    """Return items as the editor takes them.

    Items that were filtered here have what is typed as their filter text: editors filter again, and
    would drop those that match in another way. `span` is the start of the text to replace, the
    cursor, and the end of that text.
    """
    if not choices.items:
        return None
    start, offset, end = span
    places, uri = view.places(path), view.uri(path)
    extent, typed = places.range(start, end), places.text[start:offset]
    is_incomplete = choices.is_cut or choices.is_filtered
    items = [
        types.CompletionItem(
            escape_controls(item.label),
            kind=item.kind,
            detail=escape_controls(item.detail) or None,
            sort_text=f"{number:04}",
            filter_text=typed if is_incomplete else f"{typed}{item.label}",
            text_edit=types.TextEdit(extent, item.text),
            additional_text_edits=list(item.edits) or None,
            command=item.command,
            data={"uri": uri, **item.data} if item.data else None,
        )
        for number, item in enumerate(choices.items)
    ]
    return types.CompletionList(is_incomplete, items)


# -- what notes of the vault have ------------------------------------------------------------------


def _list_tags(note: Note | NoteTags) -> Iterable[str]:
    return {tag.name for tag in note.tags} if note.tags else ()


def _list_keys(note: Note | NoteProperties) -> Iterable[str]:
    return {item.key for item in note.properties or ()}


class _ListValues(msgspec.Struct, frozen=True):
    """Returns the values of a property of a note, as they are written."""

    key: str

    def __call__(self, note: Note | NoteProperties) -> Iterable[str]:
        for item in note.properties or ():
            if item.key.lower() == self.key:
                values = item.value if isinstance(item.value, list) else [item.value]
                for value in values:
                    if isinstance(value, str | int | float) and 0 < len(str(value)) <= _MAX_VALUE:
                        yield _write_value(value)


def _write_value(value: str | float) -> str:
    is_plain = isinstance(value, str) and is_plain_text(value)
    return str(value) if is_plain else json.dumps(value, ensure_ascii=False)


_MAX_VALUE = 80
"""Letters of the longest value that is offered: longer ones are texts."""


class _NoteTraits(msgspec.Struct, frozen=True):
    """Traits of notes, as `TraitCount` has them. `fields` is a type with the fields."""

    list_traits: Callable[[Any], Iterable[str]]
    fields: type[Any]

    def __call__(self, index: Index, path: str) -> Iterable[str]:
        return self.list_traits(index.notes[path])

    def count_all(self, index: Index) -> Counter[str]:
        notes = index.notes
        read = notes.read_as(self.fields) if isinstance(notes, PackedMap) else notes.values()
        return Counter(trait for note in read for trait in self.list_traits(note))


@cache
def _make_count(list_traits: Callable[[Any], Iterable[str]], fields: type[Any]) -> TraitCount:
    """Return what counts what notes have. Updates of the index keep the counts."""
    traits = _NoteTraits(list_traits, fields)
    return TraitCount(traits, count=traits.count_all)


def count_tags(index: Index) -> Counter[str]:
    return index.derive(_make_count(_list_tags, NoteTags))


def _rank(counts: Counter[str], typed: str) -> Iterator[tuple[str, int]]:
    """Yield the texts that match a typed one: those that begin with it, the frequent."""
    key = typed.lower()
    found = [(text, count) for text, count in counts.items() if key in text.lower()]
    found.sort(
        key=lambda item: (not item[0].lower().lstrip('"').startswith(key), -item[1], item[0])
    )
    seen = set()
    for text, count in found:
        if text.lower() not in seen:
            seen.add(text.lower())
            yield text, count


# -- tags ------------------------------------------------------------------------------------------

_TAG = lazy_pattern(r"(?<!\S)#([^\s#\[\]|]*)\Z")


def complete_tag(view: View, path: str, offset: int) -> types.CompletionList | None:
    """Return the tags that begin with what is typed."""
    text = view.places(path).text
    line = text.rfind("\n", 0, offset) + 1
    found = _TAG.search(text[line:offset])
    if not found or (not found[1] and line + found.start() == line):
        return None  # alone at the start of a line it may begin a heading
    start = line + found.start()
    rest = TAG_NAME.match(text, offset)
    end = rest.end() if rest else offset
    if not _is_tag_place(view, path, text, start, end):
        return None
    counts = count_tags(view.vault.index)
    return make_list(view, path, (start, offset, end), _offer_tags(counts, found[1], "#"))


def _is_tag_place(view: View, path: str, text: str, start: int, end: int) -> bool:
    """Return True if a tag would be read there; the last answer is kept."""

    def is_read() -> bool:
        note = parse_note(path, f"{text[:start]}#x [[x]]{text[end:]}")
        has_link = any(link.start == start + 3 and not link.in_comment for link in note.links)
        return has_link and any(tag.start == start and tag.name == "x" for tag in note.tags)

    return view.keep(_is_tag_place, (path, text[:start], text[end:]), is_read)


def _offer_tags(counts: Counter[str], typed: str, mark: str) -> Choices:
    names = [
        (name, count)
        for name, count in _rank(counts, typed)
        if TAG_NAME.fullmatch(name) and not name.isdigit() and name != typed
    ]
    items = [
        Choice(f"{mark}{name}", f"{mark}{name}", types.CompletionItemKind.Keyword, f"{count}")
        for name, count in names[:MAX_ITEMS]
    ]
    return Choices(items, is_cut=len(names) > MAX_ITEMS, is_filtered=bool(typed))


# -- properties ------------------------------------------------------------------------------------

_KEY = lazy_pattern(r"(?:[^\W\d][\w -]*)?\Z")
_WRITTEN_KEY = lazy_pattern(r"^([^\W\d][\w -]*):", 8)
_VALUE = lazy_pattern(
    r"([^\s:#-][^:\n]*):[ \t]+(?:\[(?:[^\[\]\n]*,)?[ \t]*)?([\"']?)([^\[\]\"'\n]*)\Z"
)
_ITEM = lazy_pattern(r"[ \t]*-[ \t]+([\"']?)([^\"'\n]*)\Z")


class _TypedValue(NamedTuple):
    """A value that is typed: its key, start, text, and quotation mark; `ends` end it."""

    key: str
    start: int
    text: str
    quote: str
    ends: str


def complete_property(view: View, path: str, offset: int, end: int) -> types.CompletionList | None:
    """Return the keys or values that match; the properties end at `end`."""
    text = view.places(path).text
    line = text.rfind("\n", 0, offset) + 1
    if _KEY.match(text[line:offset]):
        return _complete_key(view, path, text[:end], line, offset)
    typed = _find_value(text, line, offset)
    return _complete_value(view, path, text, typed, offset) if typed else None


def _complete_key(
    view: View, path: str, text: str, line: int, offset: int
) -> types.CompletionList | None:
    rest = text[offset : find_line_span(text, offset, offset)[1]].rstrip("\r")
    key, colon, _ = rest.partition(":")
    counts = view.vault.index.derive(_make_count(_list_keys, NoteProperties))
    known = Counter({**dict.fromkeys(("aliases", "cssclasses", "tags"), 0), **counts})
    others = {item[1].lower() for item in _WRITTEN_KEY.finditer(text) if item.start() != line}
    found = [
        (name, count)
        for name, count in _rank(known, text[line:offset])
        if _KEY.fullmatch(name) and name and name.lower() not in others
    ]
    kind = types.CompletionItemKind.Property
    items = [
        Choice(name, name if colon else f"{name}: ", kind, f"{count}" if count else "")
        for name, count in found[:MAX_ITEMS]
    ]
    choices = Choices(items, is_cut=len(found) > MAX_ITEMS, is_filtered=offset > line)
    end = offset + len(key if colon else rest)
    return make_list(view, path, (line, offset, end), choices)


def _find_value(text: str, line: int, offset: int) -> _TypedValue | None:
    """Return the value that is typed in a line, also as an item of a list."""
    before = text[line:offset]
    found = _VALUE.match(before)
    if found:
        is_in_list = "[" in before[found.end(1) : found.start(3)]
        start = line + found.start(2)
        return _TypedValue(found[1].lower(), start, found[3], found[2], ",]" if is_in_list else "")
    item = _ITEM.match(before)
    if not item:
        return None
    above = list(_WRITTEN_KEY.finditer(text, 0, line))
    items = map(str.strip, text[above[-1].end() : line].split("\n")) if above else ()
    if not above or not all(not item or item.startswith("-") for item in items):
        return None
    return _TypedValue(above[-1][1].lower(), line + item.start(1), item[2], item[1], "")


def _complete_value(
    view: View, path: str, text: str, typed: _TypedValue, offset: int
) -> types.CompletionList | None:
    end = offset
    while end < len(text) and text[end] not in f"\r\n{typed.ends}{typed.quote}":
        end += 1
    end -= 0 if typed.quote else len(text[offset:end]) - len(text[offset:end].rstrip())
    if typed.quote and text.startswith(typed.quote, end):
        end += 1
    if typed.key in ("tags", "tag"):
        counts = count_tags(view.vault.index)
        found = _offer_tags(counts, typed.text.removeprefix("#"), "")
        choices = found._replace(
            items=[item._replace(text=_quote(item.text, typed.quote)) for item in found.items]
        )
    else:
        choices = _offer_values(view, typed, text[typed.start : end])
    return make_list(view, path, (typed.start, offset, end), choices)


def _offer_values(view: View, typed: _TypedValue, present: str) -> Choices:
    counts = view.vault.index.derive(_make_count(_ListValues(typed.key), NoteProperties))
    present = present.strip("\"'")
    found = [item for item in _rank(counts, typed.text) if item[0].strip('"') != present]
    items = []
    for written, count in found[:MAX_ITEMS]:
        value = json.loads(written) if written.startswith('"') else written
        new = _quote(value, typed.quote) if typed.quote else written
        items.append(Choice(value, new, types.CompletionItemKind.Value, f"{count}"))
    return Choices(items, is_cut=len(found) > MAX_ITEMS, is_filtered=bool(typed.text))


def _quote(text: str, quote: str) -> str:
    return f"{quote}{quote_in_yaml(text, quote)}{quote}" if quote else text
