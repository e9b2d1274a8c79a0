"""Plan to append a note to another one, with its properties."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.backlinks.placement import detect_line_end, has_open_comment, remove_section
from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.links.edit_math import OffsetShift, apply_edits, sort_edits
from vaultlink.mentions.visible import body_start
from vaultlink.model import Edit, Note, Owner, Place, PropertyValue, SourceSpan
from vaultlink.parse.properties import frontmatter_span, parse_plain_scalar
from vaultlink.refactor.regrouping import (
    LinkPlace,
    NotePart,
    RegroupedNotes,
    Regrouping,
    count_open_blocks,
    find_common_labels,
    list_changed_kinds,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap
from vaultlink.text import lazy_pattern

# -- merge the properties of a note into those of another, as text ---------------------------------
# Nothing is lost: a property that both notes have with different values is kept as text.


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


# -- plan to append a note to another one ----------------------------------------------------------


def plan_merge(state: State, sources: FixInputs, path: str, into: str) -> Plan:
    """Plan to append a note to another one and to remove it. Does not write.

    Links to the first note, and to its headings and blocks, lead to the second one. Raises
    RefusedError if the notes can't be one note, or a link would lose its meaning.
    """
    if path == into:
        raise RefusedError(f"“{path}” can't be merged with itself.")
    return _Merging(state, sources, path, into).plan(Rename(RenameKind.NOTE, path, into))


class _Combined(RegroupedNotes, frozen=True):
    """Two notes in one. `body` is the span of the first note's text in the new text."""

    body: tuple[int, int]
    properties: MergedProperties

    def is_appended(self, item: SourceSpan) -> bool:
        return self.body[0] <= item.start < self.body[1]


class _Merging(Regrouping[_Combined]):
    def __init__(self, state: State, sources: FixInputs, path: str, into: str) -> None:
        super().__init__(state, sources, path, into, removes_old=True)
        self._text, self._into_text = self.text(path), self.text(into)
        self._note, self._into_note = self.index.notes[path], self.index.notes[into]
        self._at = _find_end(self._into_note, self._into_text)
        self._check_names()

    # -- the text --------------------------------------------------------------------------------

    def _regroup(self, staying: Sequence[Edit], going: Sequence[Edit]) -> _Combined:
        """Return both notes in one, given the edits of links in each."""
        line_end = detect_line_end(self._into_text if "\n" in self._into_text else self._text)
        text = apply_edits(self._text, going)
        note = self.parse(self.old_path, text)
        properties = merge_properties(self._into_note, self._into_text, note, text, line_end)
        body = _list_own_text(note, text).replace("\r\n", "\n").replace("\n", line_end)
        self._check_labels(body)
        conflicts = format_conflicts(properties.conflicts, line_end)
        if conflicts and body:
            conflicts += line_end
        lead, tail = self._separate(conflicts + body, line_end)
        content = conflicts + (body.rstrip("\r\n") if self._into_text[self._at :].strip() else body)
        added = Edit(self.new_path, self._at, self._at, lead + content + tail)
        edits = sort_edits([*staying, *properties.edits, *([added] if content else [])])
        shift = OffsetShift(edits)
        start, end = next(
            (span for edit, span in zip(edits, shift.new_spans, strict=True) if edit is added),
            (0, 0),
        )
        combined = self.parse(self.new_path, apply_edits(self._into_text, edits))
        return _Combined(
            tuple(edits),
            combined,
            combined,
            None,
            (start + len(lead) + len(conflicts) if end else 0, end),
            properties,
        )

    def _separate(self, content: str, line_end: str) -> tuple[str, str]:
        """Return the line ends to add before and after the appended text."""
        before = self._into_text[: self._at].replace("\r\n", "\n")
        after = self._into_text[self._at :].replace("\r\n", "\n")
        if not content:
            return "", ""
        own = before[body_start(before) :]
        missing = 0
        if own.strip():
            missing = max(0, 2 - len(own) + len(own.rstrip("\n")))
        elif before and not before.endswith("\n"):
            missing = 1
        behind = max(0, 2 - len(after) + len(after.lstrip("\n"))) if after.strip() else 0
        return line_end * missing, line_end * behind

    # -- headings and blocks ---------------------------------------------------------------------

    def _is_kept(self, item: SourceSpan) -> bool:
        managed = (item for item in self._note.sections if item.owner is not Owner.AUTHOR)
        return not any(section.start <= item.start < section.end for section in managed)

    def _use_maps(self, notes: _Combined) -> None:
        after, going, staying = notes.kept, [], []
        for had, own, has in (
            (self._note.headings, self._into_note.headings, after.headings),
            (self._note.blocks, self._into_note.blocks, after.blocks),
        ):
            kept = [number for number, item in enumerate(had) if self._is_kept(item)]
            before = sum(item.start < self._at for item in own)
            if len(kept) + len(own) != len(has):
                raise self._refuse("the headings or blocks")
            going.append({number: before + at for at, number in enumerate(kept)})
            staying.append({n: n if n < before else n + len(kept) for n in range(len(own))})
        self.maps[self.old_path] = SubpathMap(self._note, after, *going)
        self.maps[self.new_path] = SubpathMap(self._into_note, after, *staying)

    # -- checks ----------------------------------------------------------------------------------

    def _check_names(self) -> None:
        """Refuse notes with the same block ids, and blocks without an end."""
        ids = {block.id.lower(): block for block in self._into_note.blocks}
        both = [f"^{item.id}" for item in self._note.blocks if item.id.lower() in ids]
        if both:
            raise RefusedError(
                f"both notes have the blocks {', '.join(both)}. Rename them in one of the notes."
            )
        before = self._into_text[: self._at] + "\n\n"
        probe = self.parse(self.new_path, f"{before}# x\n")
        if all(item.start != len(before) + 2 for item in probe.headings):
            raise RefusedError(
                f"“{self.new_path}” ends in code, math, HTML or a comment that is not closed."
            )
        own = _list_own_text(self._note, self._text)
        if has_open_comment(self._into_text[: self._at]) or (
            self._into_text[self._at :].strip() and has_open_comment(own)
        ):
            raise RefusedError("a comment (%%) without an end would hide the text behind it.")

    def _check_labels(self, body: str) -> None:
        """Refuse a text with footnotes or definitions of the second note's names."""
        labels = find_common_labels(body, self._into_text)
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            raise RefusedError(
                f"both notes use {listed} with different meanings. Rename them in one of the notes."
            )

    def _find_differences(self, notes: _Combined) -> Iterator[str]:
        own, into, after = self._note, self._into_note, notes.kept
        own_start, into_start = body_start(self._text), body_start(self._into_text)
        new_start = body_start(apply_edits(self._into_text, notes.edits))
        yield from list_changed_kinds(
            NotePart(own, lambda item: item.start >= own_start and self._is_kept(item)),
            NotePart(after, notes.is_appended),
        )
        yield from list_changed_kinds(
            NotePart(into, lambda item: item.start >= into_start),
            NotePart(after, lambda item: item.start >= new_start and not notes.is_appended(item)),
        )
        if _count_sections(into) - _count_sections(after):
            yield "a backlinks section"
        if count_open_blocks([own, into]) != count_open_blocks([after]):
            yield "a block without an end"
        values = notes.properties.values
        new_values = {item.key: item.value for item in after.properties or ()}
        if values is not None and repr(sorted(values.items())) != repr(sorted(new_values.items())):
            yield "a property"

    def _refuse(self, what: str) -> RefusedError:
        return RefusedError(
            f"“{self.old_path}” can't be appended to “{self.new_path}”: {what} would be read "
            "differently."
        )

    def _list_links(self, notes: _Combined) -> Iterator[LinkPlace]:
        """Leave out the links in properties that the second note does not get."""
        numbers = list(enumerate(notes.kept.links))
        in_properties = {link.key_path: n for n, link in numbers if link.place is Place.PROPERTY}
        body = [(n, link) for n, link in numbers if link.place is not Place.PROPERTY]
        for path, appended in ((self.old_path, True), (self.new_path, False)):
            places = iter([n for n, link in body if notes.is_appended(link) is appended])
            for link, target in self.index.resolved_links(path):
                if link.place is not Place.PROPERTY:
                    yield (link, target), self.new_path, next(places)
                elif not appended or link.key_path.partition(".")[0] in notes.properties.added:
                    yield (link, target), self.new_path, in_properties[link.key_path]


def _find_end(note: Note, text: str) -> int:
    """Return the offset at which text is appended: before the sections at the end."""
    end = len(text)
    for section in reversed(note.sections):
        if text[section.end : end].strip():
            break
        end = text.rfind("\n", 0, section.start) + 1
    if end == len(text):
        return end
    start = body_start(text)
    kept = text[start:end].rstrip("\r\n")
    return start + len(kept) if kept else end


def _list_own_text(note: Note, text: str) -> str:
    """Return the text of a note without its properties and managed sections.

    The blank lines at its start, and those before a managed section at its end, are left out.
    """
    managed = [item for item in note.sections if item.owner is not Owner.AUTHOR]
    start = body_start(text)
    edits = [Edit("", 0, start, ""), *[remove_section("", text, item) for item in managed]]
    body = apply_edits(text, sort_edits(edits))
    lines = body.splitlines(keepends=True)
    while managed and lines and not lines[-1].strip():
        lines.pop()
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    return "".join(lines[first:])


def _count_sections(note: Note) -> Counter[tuple[Owner, str]]:
    return Counter((item.owner, item.heading) for item in note.sections)
