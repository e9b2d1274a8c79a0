"""Merge the properties of a note into those of another, as text.

Nothing is lost: a property that both notes have with different values is kept as text.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import Edit, Note, PropertyValue
from vaultlink.parse.properties import frontmatter_span, parse_plain_scalar
from vaultlink.text import lazy_pattern

_LIST_KEYS = ("tags", "aliases")
_PLAIN_ITEM = lazy_pattern(r"[^\W\d_][\w/ -]*(?<! )")
_KEY_LINE = lazy_pattern(r"[^:\n]+:[ \t]*\r?\n")
_ITEM_LINE = lazy_pattern(r"([ \t]*)- .*\n")


class MergedProperties(NamedTuple):
    """The properties of two notes in one of them, which `edits` change.

    `conflicts` are the lines of the other note's properties that it can't have too, `values` all
    properties afterwards (None if they are not known), `added` the keys that it gets as they are.
    """

    edits: tuple[Edit, ...] = ()
    conflicts: str = ""
    values: Mapping[str, PropertyValue] | None = None
    added: frozenset[str] = frozenset()


class _Entry(NamedTuple):
    """A property with its lines, up to the next property.

    `start` is the offset of the first line, `comments` are the lines that are comments.
    """

    key: str
    value: PropertyValue
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def comments(self) -> str:
        if isinstance(self.value, str):  # a line of a text can start with a number sign
            return ""
        lines = self.text.splitlines(keepends=True)[1:]
        return "".join([line for line in lines if line.lstrip().startswith("#")])


class _Block(NamedTuple):
    """The comments before the properties of a note, the properties, and their end."""

    comments: str
    entries: tuple[_Entry, ...]
    end: int


def merge_properties(
    note: Note, text: str, other: Note, other_text: str, line_end: str
) -> MergedProperties:
    """Merge the properties of another note into those of a note, which keeps its own."""
    other_span = frontmatter_span(other_text)
    own = _read_block(note, text)
    if other_span is None or not other_text[other_span[0] : other_span[1]].strip():
        return MergedProperties(values=_list_values(note) if own else None)
    if frontmatter_span(text) is None:
        block = _convert(other_text[: other_span[2]], line_end)
        block += "" if block.endswith("\n") else line_end
        keys = frozenset(item.key for item in other.properties or ())
        return MergedProperties((Edit(note.path, 0, 0, block),), "", _list_values(other), keys)
    theirs = _read_block(other, other_text)
    if own is None or theirs is None:
        lines = _convert(other_text[other_span[0] : other_span[1]], line_end)
        return MergedProperties((), lines, _list_values(note) if own else None)
    return _Merge(note, own, line_end).add(theirs)


def _read_block(note: Note, text: str) -> _Block | None:
    """Return the properties of a note with their lines.

    Returns None for invalid YAML, and unless each property starts a line.
    """
    span, found = frontmatter_span(text), note.properties or ()
    if span is None:
        return _Block("", (), 0)
    if not found:
        return None if text[span[0] : span[1]].strip() else _Block("", (), span[1])
    if any(item.column != 1 for item in found):
        return None
    ends = [item.start for item in found[1:]] + [span[1]]
    entries = tuple(
        _Entry(item.key, item.value, item.start, text[item.start : end])
        for item, end in zip(found, ends, strict=True)
    )
    return _Block(text[span[0] : found[0].start], entries, span[1])


def _list_values(note: Note) -> dict[str, PropertyValue]:
    return {item.key: item.value for item in note.properties or ()}


def _convert(text: str, line_end: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", line_end)


class _Merge:
    def __init__(self, note: Note, own: _Block, line_end: str) -> None:
        self._path, self._own, self._line_end = note.path, own, line_end
        self._by_key = {item.key.lower(): item for item in own.entries}
        self._values = _list_values(note)
        self._edits: list[Edit] = []
        self._appended = ""
        self._conflicts = ""
        self._added: set[str] = set()
        self._changed: set[str] = set()

    def add(self, theirs: _Block) -> MergedProperties:
        self._append(theirs.comments if theirs.comments.strip() else "")
        for item in theirs.entries:
            own = self._by_key.get(item.key.lower())
            if own is None:
                self._append(item.text)
                self._add_value(item)
            else:
                self._add_to(own, item)
        if self._appended:
            self._edits.append(Edit(self._path, self._own.end, self._own.end, self._appended))
        return MergedProperties(
            tuple(sorted(self._edits, key=lambda edit: edit.start)),
            self._conflicts,
            self._values,
            frozenset(self._added),
        )

    def _append(self, lines: str) -> None:
        self._appended += _convert(lines, self._line_end)

    def _add_value(self, item: _Entry) -> None:
        self._values[item.key] = item.value
        self._by_key[item.key.lower()] = item
        self._added.add(item.key)
        self._changed.add(item.key.lower())

    def _add_to(self, own: _Entry, item: _Entry) -> None:
        if _is_equal(own.value, item.value) or item.value is None:
            self._append(item.comments)
        elif own.key.lower() in self._changed:
            self._conflicts += _convert(item.text, self._line_end)
        elif own.value is None:
            lines = _convert(item.text, self._line_end)
            self._edits.append(Edit(self._path, own.start, own.end, lines + own.comments))
            del self._values[own.key]
            self._add_value(item)
        elif not self._join_lists(own, item):
            self._conflicts += _convert(item.text, self._line_end)

    def _join_lists(self, own: _Entry, item: _Entry) -> bool:
        """Add the items of a list to a list; False if that is not possible."""
        if own.key.lower() not in _LIST_KEYS or not (_is_list(own.value) and _is_list(item.value)):
            return False
        known = {_item_key(own.key, text) for text in own.value}
        new = [text for text in item.value if _item_key(own.key, text) not in known]
        if new:
            edit = self._extend_list(own, [_format_item(text) for text in new])
            if edit is None:
                return False
            self._edits.append(edit)
            self._changed.add(own.key.lower())
        self._values[own.key] = [*own.value, *new]
        self._append(item.comments)
        return True

    def _extend_list(self, own: _Entry, items: Sequence[str]) -> Edit | None:
        """Return the edit that adds items to a block list or a flow list; None for others."""
        key_line = _KEY_LINE.match(own.text)
        if key_line is None:
            return _extend_flow_list(self._path, own, items)
        lines = own.text[key_line.end() :].splitlines(keepends=True)
        while lines and not lines[-1].strip():
            lines.pop()
        indents = {match[1] if (match := _ITEM_LINE.fullmatch(line)) else None for line in lines}
        if len(indents) != 1 or None in indents:
            return None
        at = own.start + key_line.end() + sum(map(len, lines))
        (indent,) = indents
        added = "".join([f"{indent}- {item}{self._line_end}" for item in items])
        return Edit(self._path, at, at, added)


def _extend_flow_list(path: str, own: _Entry, items: Sequence[str]) -> Edit | None:
    """Return the edit that adds items to a list in brackets on one line."""
    line = own.text.rstrip()
    start = line.find("[")
    inner = line[start + 1 : -1]
    if start == -1 or not line.endswith("]") or any(char in inner for char in "[]{}\n#"):
        return None
    lead = "" if not inner.strip() else " " if inner.rstrip().endswith(",") else ", "
    at = own.start + start + 1 + len(inner.rstrip())
    return Edit(path, at, at, lead + ", ".join(items))


def _is_equal(one: PropertyValue, other: PropertyValue) -> bool:
    """Return True for equal values of the same types: 1 is not true."""
    return bool(one == other) and repr(one) == repr(other)


def _is_list(value: PropertyValue) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _item_key(key: str, item: str) -> str:
    return item.removeprefix("#").lower() if key.lower() == "tags" else item


def _format_item(text: str) -> str:
    is_plain = _PLAIN_ITEM.fullmatch(text) and isinstance(parse_plain_scalar(text), str)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def format_conflicts(conflicts: str, line_end: str) -> str:
    """Return properties as a block of code; "" if there are none."""
    if not conflicts:
        return ""
    fence = "```"
    while fence in conflicts:
        fence += "`"
    lines = conflicts if conflicts.endswith("\n") else conflicts + line_end
    return f"{fence}yaml{line_end}{lines}{fence}{line_end}"
