"""Plan to move a section of a note into a note of its own."""

import re
from collections.abc import Iterator, Sequence, Set
from functools import cached_property

from vaultlink.backlinks.placement import detect_line_end, has_open_comment
from vaultlink.engine.step import State
from vaultlink.fix.plan import Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.index.anchors import find_anchor, find_slug_heading, heading_key, render_heading
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import name_key, normalize_name, parent_folder, resolve
from vaultlink.links.edit_math import OffsetShift, apply_edits, edit_span, sort_edits
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.style import find_link_style
from vaultlink.model import Destination, Edit, Heading, Link, Note, SourceSpan
from vaultlink.refactor.property_lists import read_block
from vaultlink.refactor.refactoring import require_text
from vaultlink.refactor.regrouping import (
    HeadingHabit,
    LinkPlace,
    NotePart,
    RegroupedNotes,
    Regrouping,
    change_levels,
    count_open_blocks,
    find_cut_labels,
    find_habit,
    find_heading_end,
    list_changed_kinds,
    list_usual_headings,
    repeats_name,
    shift_levels,
)
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap, find_named_anchor
from vaultlink.text import lazy_pattern, quote_name

_NOT_IN_NAMES = lazy_pattern(r"[\s\\/:*?\"<>|#^\[\]%\x00-\x1f]+")
"""Characters that file names or links can't contain."""


def plan_extract(
    state: State,
    sources: FixInputs,
    path: str,
    subpath: str,
    new_path: str | None = None,
    *,
    embed: bool = False,
    with_tags: bool = False,
) -> Plan:
    """Plan to move a section of the note at `path` into a new note. Does not write.

    The heading stays, with a link to the new note below it, or with `embed` an embed. Links to the
    heading, and to headings and blocks below it, follow. `subpath` is the heading, such as `#A` or
    `#A#B`. Without `new_path`, the new note has the heading's text as its name, in the same folder.
    It has the tags in the properties of the note if `with_tags`. Raises RefusedError if the section
    can't be cut out, or a link would lose its meaning.
    """
    usual = list_usual_headings(state.index.notes.values())
    cut = _Cut(require_text(sources, path), state.index.notes[path], subpath, usual)
    new_path = new_path or default_extract_path(path, cut.heading.text)
    for item in state.index.names.get(name_key(new_path), ()):
        if normalize_name(item) == normalize_name(new_path):
            raise RefusedError(f"there is a file {quote_name(item)} already.")
    front = _copy_tags(cut) if with_tags else ""
    rename = Rename(RenameKind.HEADING, f"{path}{subpath}", new_path)
    return _Extraction(state, sources, cut, new_path, front, embed=embed).plan(rename)


def default_extract_path(path: str, heading: str) -> str:
    """Return the path of a section's note. Raises RefusedError for a bad file name."""
    name = _make_name(render_heading(heading))
    if not name:
        problem = f"the heading {quote_name(heading)} can't be a file name."
        raise RefusedError(f"{problem} Give the new name.")
    return f"{parent_folder(path)}{name}.md"


def _make_name(text: str) -> str:
    """Return the file name, without an extension, that a text becomes."""
    return _NOT_IN_NAMES.sub(" ", text).strip(" .")


def _copy_tags(cut: "_Cut") -> str:
    """Return the tags in the properties of a note as the properties of a new one."""
    entries = read_block(cut.note, cut.text).entries
    lines = [item.text.rstrip() for item in entries if item.key.lower() in ("tags", "tag")]
    line_end = detect_line_end(cut.text)
    return line_end.join(["---", *lines, "---", ""]) if lines else ""


class _Cut:
    """The text below a heading, to cut out.

    `start` is the offset of its first line that is not blank, `end` the one behind the last,
    without the line end. A rule at its end, which separates it from what follows, is left out, and
    so is the end of the note that most notes have: below a rule, with `usual` headings.
    `gap` are the blank lines below the heading.
    """

    def __init__(self, text: str, note: Note, subpath: str, usual: Set[str]) -> None:
        self.text, self.note = text, note
        found = find_named_anchor(note, subpath)
        if not isinstance(found, Heading):
            where = f"{quote_name(subpath)} of {quote_name(note.path)}"
            raise RefusedError(f"{where} is a block, not a heading.")
        self.heading = found
        self._section_start = self._line_start(found.start)
        after = (item for item in note.headings if item.start > found.start)
        following = next((item for item in after if item.level <= found.level), None)
        end = self._line_start(following.start) if following else len(text)
        below = find_heading_end(text, found)
        end = max(below, self._before(end))
        section = text[below : end if following else self._find_footer(below, end, usual)]
        kept = _strip_end(section)
        self.gap = section[: len(kept) - len(_LEADING_BLANK_LINES.sub("", kept))]
        self.start, self.end = below + len(self.gap), below + len(kept)
        self._check()

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _before(self, end: int) -> int:
        """Return the end of the section without the backlinks sections at its end."""
        inner = [item for item in self.note.sections if self._section_start <= item.start < end]
        for section in reversed(inner):
            if section.start <= self.heading.start:
                raise RefusedError(f"{quote_name(self.heading.text)} is a backlinks section.")
            if self.text[section.end : end].strip():
                raise RefusedError(
                    f"a backlinks section is in the middle of {quote_name(self.heading.text)} "
                    f"(line {section.line})."
                )
            end = self._line_start(section.start)
        return end

    def _find_footer(self, start: int, end: int, usual: Set[str]) -> int:
        """Return the first rule of the end with usual headings; `end` if there is none."""
        footer = end
        for rule in reversed([*_RULES.finditer(self.text, start, end)]):
            part = self.text[rule.end() : footer].strip()
            inner = [item for item in self.note.headings if rule.end() < item.start < footer]
            is_usual = bool(inner) and heading_key(inner[0].text) in usual
            is_lone = footer < end and len(inner) == 1 and "\n" not in part
            if not (is_usual or is_lone):
                break
            footer = rule.start()
        return footer

    def _check(self) -> None:
        """Refuse a section that needs what stays, or the reverse."""
        above, moved = self.text[: self.start], self.text[self.start : self.end]
        labels = find_cut_labels(moved, f"{above}\n{self.text[self.end :]}")
        problem = f"{quote_name(self.heading.text)} can't be cut out:"
        if labels:
            listed = ", ".join(f"[{label}]" for label in labels)
            cause = "a definition would be in one note and its use in the other"
            raise RefusedError(f"{problem} {cause}, {listed}.")
        if has_open_comment(above) or has_open_comment(moved):
            raise RefusedError(f"{problem} a comment would be cut.")

    def contains(self, item: SourceSpan) -> bool:
        return self.contains_offset(item.start)

    def contains_offset(self, offset: int) -> bool:
        return self.start <= offset < self.end


def _strip_end(section: str) -> str:
    """Return a text without blank lines and rules at its end."""
    while True:
        section = _strip_blank_lines(section)
        rule = _RULE.search(section)
        above = section[: rule.start()] if rule else ""
        # Hyphens below a line of text would underline it.
        if not rule or (rule[1][0] == "-" and above and above.splitlines()[-1].strip()):
            return section
        section = above


_RULE_LINE = r"(?:^|(?<=\n))[ ]{0,3}((?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})"
_RULE = lazy_pattern(rf"{_RULE_LINE}$")
_RULES = lazy_pattern(rf"{_RULE_LINE}\r?$", re.MULTILINE)
_LEADING_BLANK_LINES = lazy_pattern(r"\A(?:[ \t]*\r?\n)+")


def _strip_blank_lines(text: str) -> str:
    """Return a text without the blank lines at its end and the line end before them."""
    end = len(text)
    while (at := text.rfind("\n", 0, end)) != -1 and not text[at:end].strip():
        end = at - text.endswith("\r", 0, at)
    return text[:end] if text[:end].strip() else ""


class _Extraction(Regrouping[RegroupedNotes]):
    def __init__(
        self, state: State, sources: FixInputs, cut: _Cut, new_path: str, front: str, *, embed: bool
    ) -> None:
        super().__init__(state, sources, cut.note.path, new_path, removes_old=False)
        self._cut, self._line_end = cut, detect_line_end(cut.text)
        self._title = self._find_title()
        self._front = front
        if self._title:
            self._front += self._title + self._line_end + cut.gap
        self._levels = self._fit_levels()
        self._link = f"{'!' * embed}{self._format_link()}"
        self._lead = "" if cut.text[: cut.start].endswith("\n") else self._line_end
        tail = self._line_end if cut.start == cut.end and not self._lead else ""
        text = self._lead + self._link + tail
        self._replacement = Edit(self.old_path, cut.start, cut.end, text)

    def _find_title(self) -> str:
        """Return the first line of the new note if that is a heading; "" for none.

        A heading that says the name is one only if most notes of the vault begin so.
        """
        heading, habit = self._cut.heading, self._habit
        text = render_heading(heading.text)
        own_key, key = name_key(self.new_path), name_key(f"{_make_name(text)}.md")
        is_name = repeats_name(heading, self.new_path) or own_key == key
        if is_name and not habit.has_title:
            return ""
        return f"{'#' * (1 if habit.has_title else habit.top)} {text}"

    @cached_property
    def _habit(self) -> HeadingHabit:
        return find_habit(self.index.notes.values())

    def _fit_levels(self) -> dict[int, int]:
        """Return the new levels of the headings that are moved, by their numbers."""
        note, cut = self._cut.note, self._cut
        moved = [number for number, item in enumerate(note.headings) if cut.contains(item)]
        levels = [note.headings[number].level for number in moved]
        if self._title:
            top = self._title.index(" ") + min(levels, default=1) - cut.heading.level
        else:
            top = self._habit.top
        return dict(zip(moved, shift_levels(levels, top), strict=True))

    def _format_link(self) -> str:
        index, obsidian = self.index, self.state.settings.obsidian
        after = Index(index.notes, self.names, index.targets, index.files)
        style = find_link_style(self.old_path, index, obsidian)
        target = style.format_target(self.old_path, self.new_path, after)
        if resolve(self.old_path, target, self.names) != self.new_path:
            target = self.new_path
        return style.write_link(target, link_name(self.new_path))

    def _regroup(self, staying: Sequence[Edit], going: Sequence[Edit]) -> RegroupedNotes:
        cut = self._cut
        before = [edit for edit in staying if edit.end <= cut.start]
        behind = [edit for edit in staying if edit.start >= cut.end]
        edits = (*before, self._replacement, *behind)
        levels = change_levels(cut.note, cut.text, self._levels)
        moved = edit_span(cut.text, cut.start, cut.end, sort_edits([*going, *levels]))
        new_text = self._front + (moved + self._line_end if moved else "")
        kept = self.parse(self.old_path, apply_edits(cut.text, edits))
        return RegroupedNotes(edits, kept, self.parse(self.new_path, new_text), new_text)

    def _use_maps(self, notes: RegroupedNotes) -> None:
        self.maps[self.old_path] = self._map_part(notes.kept, moved=False)
        self._moves = self._map_part(notes.receiver, moved=True)

    def _map_part(self, after: Note, *, moved: bool) -> SubpathMap:
        """Return the subpaths of links to what stays, or to what is moved."""
        note, numbers = self._cut.note, []
        for had, has in ((note.headings, after.headings), (note.blocks, after.blocks)):
            kept = [n for n, item in enumerate(had) if self._cut.contains(item) is moved]
            added = int(moved and has is after.headings and bool(self._title))
            if len(kept) + added != len(has):
                raise self._refuse("the headings or blocks")
            numbers.append({number: at + added for at, number in enumerate(kept)})
        return SubpathMap(note, after, *numbers)

    def find_destination(self, link: Link, path: str) -> Destination | None:
        """Return where a link must lead that leads to a file now."""
        subpath, kind = link.subpath, link.kind
        if path == self.old_path and self._leads_to_heading(link):
            return Destination(self.new_path)
        if path == self.old_path and subpath and self._moves.contains(subpath, kind):
            return Destination(self.new_path, self._moves.new_subpath(subpath, kind))
        return super().find_destination(link, path)

    def _leads_to_heading(self, link: Link) -> bool:
        """Return True for a link to the note that leads to the heading of the section."""
        note, subpath = self._cut.note, link.subpath
        found = find_anchor(note, subpath) if subpath else None
        if found is None and subpath and SYNTAX[link.kind].reads_slugs:
            found = find_slug_heading(note, subpath)
        return found is self._cut.heading

    def _unlinks(self, source: str, link: Link, path: str) -> bool:
        """Return True for a link in the section to its heading, which the new note lacks."""
        is_inside = source == path == self.old_path and self._cut.contains(link)
        return is_inside and self._leads_to_heading(link)

    def _find_differences(self, notes: RegroupedNotes) -> Iterator[str]:
        cut, note, rest, new = self._cut, self._cut.note, notes.kept, notes.receiver
        at = cut.start + len(self._lead)
        if (at, self._link) not in [(link.start, link.raw) for link in rest.links]:
            yield "the link to the new note"
        levels = change_levels(note, cut.text, self._levels)
        shift = OffsetShift(levels)
        fitted = self.parse(self.old_path, apply_edits(cut.text, levels))
        if [item.text for item in fitted.headings] != [item.text for item in note.headings]:
            yield "a heading"
        yield from list_changed_kinds(
            NotePart(note, lambda item: not cut.contains(item)),
            NotePart(rest, lambda item: item.start != at),
        )
        yield from list_changed_kinds(
            NotePart(fitted, lambda item: cut.contains_offset(shift.map_back(item.start))),
            NotePart(new, lambda item: item.start >= len(self._front)),
        )
        sections = [(item.owner, item.heading) for item in note.sections]
        if sections != [(item.owner, item.heading) for item in rest.sections] or new.sections:
            yield "a backlinks section"
        if count_open_blocks([note]) != count_open_blocks([rest, new]):
            yield "a block without an end"

    def _refuse(self, what: str) -> RefusedError:
        section = quote_name(self._cut.heading.text)
        return RefusedError(f"{section} can't be cut out: {what} would be read differently.")

    def _list_links(self, notes: RegroupedNotes) -> Iterator[LinkPlace]:
        counts = {notes.kept.path: 0, notes.receiver.path: 0}
        for link, target in self.index.resolved_links(self.old_path):
            if target and self._unlinks(self.old_path, link, target):
                continue
            goes = self._cut.contains(link)
            skipped = not goes and link.start >= self._cut.end  # the link to the new note
            path = self.new_path if goes else self.old_path
            yield (link, target), path, counts[path] + skipped
            counts[path] += 1
