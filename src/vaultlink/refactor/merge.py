"""Plan to append a note to another one, with its properties."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import product

from msgspec.structs import replace

from vaultlink.backlinks.placement import detect_line_end, has_open_comment, remove_section
from vaultlink.engine.step import State
from vaultlink.fix.plan import LeftOutProperty, Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.index.anchors import find_anchor, render_heading
from vaultlink.index.index import link_name
from vaultlink.index.resolve import name_key
from vaultlink.links.edit_math import OffsetShift, apply_edits, sort_edits
from vaultlink.model import Destination, Edit, Heading, Link, Note, Owner, Place, SourceSpan
from vaultlink.parse.properties import body_start
from vaultlink.refactor.merged_properties import MergedProperties, PropertyMerge, PropertySource
from vaultlink.refactor.regrouping import (
    LinkPlace,
    NotePart,
    RegroupedNotes,
    Regrouping,
    change_levels,
    count_open_blocks,
    find_common_labels,
    find_title,
    list_changed_kinds,
    shift_levels,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap, list_heading_paths
from vaultlink.text import lazy_pattern, quote_name

_NOT_IN_TITLES = lazy_pattern(r"[\[\]#^<>`$*\\\n]|%%|==|~~")
"""Marks that would be more than text in a heading."""


def plan_merge(
    state: State, sources: FixInputs, path: str, into: str, taken: Collection[str] = ()
) -> Plan:
    """Plan to append a note to another one and to remove it. Does not write.

    Its text begins with its title as a heading, below the second note's. Links to the first note,
    and to its headings and blocks, lead to the second one and show the same words; links between
    the two become words. `taken` are the keys, in lower case, of properties of which the first
    note's values count. Raises RefusedError if the notes can't be one note, or a link would lose
    its meaning.
    """
    if path == into:
        raise RefusedError(f"{quote_name(path)} can't be merged with itself.")
    merging = _Merging(state, sources, path, into, taken)
    plan = merging.plan(Rename(RenameKind.NOTE, path, into))
    return replace(plan, left_out=merging.left_out)


class _Combined(RegroupedNotes, frozen=True):
    """Two notes in one: `added` spans the first's text, `body` lacks an added heading."""

    added: tuple[int, int]
    body: tuple[int, int]
    has_heading: bool
    properties: MergedProperties

    def is_appended(self, item: SourceSpan) -> bool:
        return self.body[0] <= item.start < self.body[1]

    def is_own(self, item: SourceSpan) -> bool:
        return not self.added[0] <= item.start < self.added[1]


class _Merging(Regrouping[_Combined]):
    def __init__(
        self, state: State, sources: FixInputs, path: str, into: str, taken: Collection[str]
    ) -> None:
        super().__init__(state, sources, path, into, removes_old=True, keeps_words=True)
        self._text, self._into_text = self.text(path), self.text(into)
        self._note, self._into_note = self.index.notes[path], self.index.notes[into]
        self._at = _find_end(self._into_note, self._into_text)
        self._taken = taken
        self._headings = [item for item in self._note.headings if self._is_kept(item)]
        self._title = find_title(self._note, self._text)
        if self._title and not self._can_begin(self._title):
            self._title = None
        self._levels = self._fit_levels()
        self._title_path = ""
        self._check_names()

    @property
    def left_out(self) -> tuple[LeftOutProperty, ...]:
        return self._regroup((), ()).properties.left_out

    def _can_begin(self, heading: Heading) -> bool:
        """Return True unless text is before a heading that has links."""
        lead = self._text[body_start(self._text) : heading.start].strip(" #\t\r\n")
        has_links = any(heading.start <= link.start < heading.end for link in self._note.links)
        return self._is_kept(heading) and not (lead and has_links)

    def _find_name(self) -> str:
        """Return the title of the first note without its heading."""
        properties = self._note.properties or ()
        title = next((item.value for item in properties if item.key.lower() == "title"), None)
        is_title = isinstance(title, str) and title.strip() and not _NOT_IN_TITLES.search(title)
        return str(title).strip() if is_title else link_name(self.old_path)

    def _find_alias(self) -> str:
        """Return the name of the first note; its title if other notes have the name, too."""
        name = link_name(self.old_path)
        if len(self.index.names.get(name_key(self.old_path), ())) == 1:
            return name
        title = render_heading(self._title.text) if self._title else self._find_name()
        return "" if title == name else title

    def _find_top_level(self) -> int:
        """Return the level of the heading with the title of the first note."""
        title = find_title(self._into_note, self._into_text)
        managed = {item.heading_start for item in self._into_note.sections}
        headings = (item for item in self._into_note.headings if item is not title)
        levels = [item.level for item in headings if item.start not in managed]
        if title is not None:
            return max(title.level + 1, min(levels, default=title.level + 1))
        if levels:
            return min(levels)
        is_flat = not self._title and any(item.level == 1 for item in self._headings)
        return 1 if is_flat else 2

    def _fit_levels(self) -> dict[int, int]:
        top, title = self._find_top_level(), self._title
        others = [item for item in self._headings if item is not title]
        levels = [item.level for item in others]
        lowest = max(min(levels, default=6) + (top - title.level if title else 0), top + 1)
        fitted_levels = shift_levels(levels, lowest)
        fitted = {it.start: level for it, level in zip(others, fitted_levels, strict=True)}
        if title is not None:
            fitted[title.start] = top
        self._top = top
        numbers = {item.start: number for number, item in enumerate(self._note.headings)}
        return {numbers[start]: level for start, level in sorted(fitted.items())}

    def _unlinks(self, source: str, link: Link, path: str) -> bool:
        """Return True for a link between the notes, unless it leads to a heading or block."""
        own = (self.old_path, self.new_path)
        if path not in own or source not in own or (source, path) == (self.new_path,) * 2:
            return False
        if link.place is Place.PROPERTY:
            return True
        if link.subpath and (self.index.has_anchor(link, path) or not link.target):
            return False
        return not (link.embed and source == self.new_path and self._title_path)

    def find_destination(self, link: Link, path: str) -> Destination | None:
        """Return where a link must lead; for an embed of the note below its title."""
        if path == self.old_path and link.embed and not link.subpath and self._title_path:
            return Destination(self.new_path, self._title_path)
        return super().find_destination(link, path)

    def _find_unlinked(self, path: str) -> frozenset[str]:
        """Return the key paths of links that would lead from the note to itself."""
        return frozenset(
            link.key_path
            for link, target in self.index.resolved_links(path)
            if target and link.place is Place.PROPERTY and self._unlinks(path, link, target)
        )

    def _regroup(self, staying: Sequence[Edit], going: Sequence[Edit]) -> _Combined:
        """Return both notes in one, given the edits of links in each."""
        line_end = detect_line_end(self._into_text if "\n" in self._into_text else self._text)
        levels = change_levels(self._note, self._text, self._levels)
        text = apply_edits(self._text, sort_edits([*going, *levels]))
        note = self.parse(self.old_path, text)
        properties = PropertyMerge(
            PropertySource(self._into_note, self._into_text, self._find_unlinked(self.new_path)),
            PropertySource(note, text, self._find_unlinked(self.old_path), self._find_alias()),
            self._title.text if self._title else self._find_name(),
            line_end,
            self._taken,
        ).run()
        body = self._list_body(note, text).replace("\r\n", "\n").replace("\n", line_end)
        self._check_labels(body)
        heading = "" if self._title or not body else f"{'#' * self._top} {self._find_name()}"
        heading += line_end * 2 if heading else ""
        lead, tail = self._separate(heading + body, line_end)
        body = body.rstrip("\r\n") if self._into_text[self._at :].strip() else body
        added = Edit(self.new_path, self._at, self._at, lead + heading + body + tail)
        own = _join_insertions(sort_edits([*staying, *properties.edits]))
        edits = sort_edits([*own, *([added] if added.text else [])])
        pairs = product(staying, properties.edits)
        if any(one.start < other.end and other.start < one.end for one, other in pairs):
            raise self._refuse("a property")
        spans = zip(edits, OffsetShift(edits).new_spans, strict=True)
        start, end = next((span for edit, span in spans if edit is added), (0, 0))
        combined = self.parse(self.new_path, apply_edits(self._into_text, edits))
        return _Combined(
            tuple(edits),
            combined,
            combined,
            None,
            (start, end),
            (start + len(lead) + len(heading) if end else 0, end),
            bool(heading),
            properties,
        )

    def _list_body(self, note: Note, text: str) -> str:
        """Return the own text of the first note, its title first."""
        body = _list_own_text(note, text)
        if self._title is None:
            return body
        title = note.headings[self._note.headings.index(self._title)]
        start = text.rfind("\n", 0, title.start) + 1
        end = text.find("\n", title.end) + 1 or len(text)
        lead, line = text[body_start(text) : start].lstrip("\r\n"), text[start:end]
        if not lead.strip() or not body.startswith(lead + line):
            return body
        rest = body[len(lead + line) :].lstrip("\r\n")
        return f"{line}\n{lead}{rest}"

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

    def _is_kept(self, item: SourceSpan, note: Note | None = None) -> bool:
        """Return True for an item of the first note outside its managed sections."""
        sections = (note or self._note).sections
        managed = (section for section in sections if section.owner is not Owner.AUTHOR)
        return not any(section.start <= item.start < section.end for section in managed)

    def _use_maps(self, notes: _Combined) -> None:
        after, going, staying = notes.kept, [], []
        for had, own, has, added in (
            (self._note.headings, self._into_note.headings, after.headings, int(notes.has_heading)),
            (self._note.blocks, self._into_note.blocks, after.blocks, 0),
        ):
            kept = [number for number, item in enumerate(had) if self._is_kept(item)]
            before = sum(item.start < self._at for item in own)
            if len(kept) + len(own) + added != len(has):
                raise self._refuse("the headings or blocks")
            going.append({number: before + added + at for at, number in enumerate(kept)})
            later = len(kept) + added
            staying.append({n: n if n < before else n + later for n in range(len(own))})
        self.maps[self.old_path] = SubpathMap(self._note, after, *going)
        self.maps[self.new_path] = SubpathMap(self._into_note, after, *staying)
        self._title_path = self._find_title_path(notes)

    def _find_title_path(self, notes: _Combined) -> str:
        """Return the subpath of the heading above the appended text; "" for none."""
        after = notes.kept
        title = next((item for item in after.headings if not notes.is_own(item)), None)
        if title is None or not (notes.has_heading or self._title):
            return ""
        paths = list_heading_paths(after, title)
        return next((path for path in paths if find_anchor(after, path) is title), "")

    def _check_names(self) -> None:
        """Refuse notes with the same block ids, and blocks without an end."""
        ids = {block.id.lower(): block for block in self._into_note.blocks}
        both = [f"^{item.id}" for item in self._note.blocks if item.id.lower() in ids]
        if both:
            problem = f"both notes have the blocks {', '.join(both)}."
            raise RefusedError(f"{problem} Rename them in one of the notes.")
        before = self._into_text[: self._at] + "\n\n"
        probe = self.parse(self.new_path, f"{before}# x\n")
        if all(item.start != len(before) + 2 for item in probe.headings):
            cause = "code, math, HTML or a comment that is not closed"
            raise RefusedError(f"{quote_name(self.new_path)} ends in {cause}.")
        own = _list_own_text(self._note, self._text)
        behind = self._into_text[self._at :].strip()
        if has_open_comment(self._into_text[: self._at]) or (behind and has_open_comment(own)):
            raise RefusedError("a comment (%%) without an end would hide the text behind it.")

    def _check_labels(self, body: str) -> None:
        """Refuse a text with footnotes or definitions of the second note's names."""
        labels = find_common_labels(body, self._into_text)
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            problem = f"both notes use {listed} with different meanings."
            raise RefusedError(f"{problem} Rename them in one of the notes.")

    def _find_differences(self, notes: _Combined) -> Iterator[str]:
        into, after = self._into_note, notes.kept
        levels = change_levels(self._note, self._text, self._levels)
        own = self.parse(self.old_path, apply_edits(self._text, levels))
        own_start, into_start = body_start(self._text), body_start(self._into_text)
        new_start = body_start(apply_edits(self._into_text, notes.edits))
        if [item.text for item in own.headings] != [item.text for item in self._note.headings]:
            yield "a heading"
        yield from list_changed_kinds(
            NotePart(own, lambda item: item.start >= own_start and self._is_kept(item, own)),
            NotePart(after, notes.is_appended),
        )
        yield from list_changed_kinds(
            NotePart(into, lambda item: item.start >= into_start),
            NotePart(after, lambda item: item.start >= new_start and notes.is_own(item)),
        )
        if _count_sections(into) - _count_sections(after):
            yield "a backlinks section"
        if count_open_blocks([own, into]) != count_open_blocks([after]):
            yield "a block without an end"
        values = notes.properties.values
        new_values = {item.key: item.value for item in after.properties or ()}
        if any(repr(value) != repr(new_values.get(key)) for key, value in values.items()):
            yield "a property"

    def _refuse(self, what: str) -> RefusedError:
        pair = f"{quote_name(self.old_path)} can't be appended to {quote_name(self.new_path)}"
        return RefusedError(f"{pair}: {what} would be read differently.")

    def _list_links(self, notes: _Combined) -> Iterator[LinkPlace]:
        """Leave out the links that become words, or whose property the second note keeps."""
        numbers = list(enumerate(notes.kept.links))
        in_properties = {link.key_path: n for n, link in numbers if link.place is Place.PROPERTY}
        body = [(n, link) for n, link in numbers if link.place is not Place.PROPERTY]
        properties = notes.properties
        for path, appended in ((self.old_path, True), (self.new_path, False)):
            places = iter([n for n, link in body if notes.is_own(link) is not appended])
            for link, target in self.index.resolved_links(path):
                if target and self._unlinks(path, link, target):
                    continue
                if link.place is not Place.PROPERTY:
                    yield (link, target), self.new_path, next(places)
                    continue
                old = link.key_path
                paths = properties.other_paths if appended else properties.own_paths
                key = paths.get(old, "" if appended else old)
                is_taken = not appended and old.partition(".")[0].lower() in self._taken
                if key in in_properties and not is_taken:
                    yield (link, target), self.new_path, in_properties[key]


def _join_insertions(edits: Sequence[Edit]) -> list[Edit]:
    """Return edits without two at one offset, whose order would not be known."""
    joined: list[Edit] = []
    for edit in edits:
        last = joined[-1] if joined else None
        if last and last.start == last.end == edit.start:
            joined[-1] = replace(edit, text=last.text + edit.text)
        else:
            joined.append(edit)
    return joined


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
    """Return a note's text without properties, managed sections and outer blank lines."""
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
