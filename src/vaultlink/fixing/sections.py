"""The sections that vaultlink keeps, as fixes: written where they are missing, kept in step, adopted, taken out.

A state, the texts of notes and findings enter, fixes leave. What a section should hold is `backlinking`'s to say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaultlink.backlinking import (
    Look,
    Wanted,
    difference,
    is_kept,
    look,
    read_section,
    takes_section,
    wanted,
)
from vaultlink.engine import State
from vaultlink.fixing.edits import applied
from vaultlink.fixing.sections_order import ordered
from vaultlink.fixing.sections_passages import Goal, passages
from vaultlink.fixing.sections_placing import (
    inserted,
    line_end,
    marked,
    opens_comment,
    removed,
    spots,
    unmarked,
)
from vaultlink.fixing.sections_writing import Pen, outdated, rewritten, typed, written
from vaultlink.fixing.sources import Sources
from vaultlink.index import Index
from vaultlink.model import Diagnostic, Edit, Fix, Note, Owner, Safety, Section
from vaultlink.parse import parse_note
from vaultlink.parse.markers import halved

_MAY_SWALLOW = re.compile(
    r"```|~~~|\$\$|^[ \t]*<(?:script|pre|style|!|\?)", re.MULTILINE | re.IGNORECASE
)
"""What must stand in a note whose end may be no place for text: only such notes are read again with their section."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What sections are made of: the index, what may be asked of files, the settings, and how sections look."""

    index: Index
    sources: Sources
    settings: Mapping[str, Any]
    look: Look

    @classmethod
    def of(cls, state: State, sources: Sources) -> "Desk":
        """The desk under a state's own settings."""
        settings, obsidian = state.setting.config.backlinks, state.setting.obsidian
        return cls(
            state.index,
            sources,
            settings,
            look(settings, obsidian.new_link_format, obsidian.use_markdown_links),
        )

    def wanted(self, note: Note) -> Wanted:
        """What a note's section should be."""
        return wanted(note, self.index, self.settings, self.look)

    def order(self, due: Wanted) -> list[str]:
        """The order in which a section lists what it holds."""
        return ordered(due, self.settings["order"], self.index, self.sources.modified)

    def pen(self, path: str, text: str) -> Pen:
        """What writes in the note at a path."""
        goal, known = Goal(path, self.index, self.look.naming), dict[str, Sequence[str]]()

        def cited(source: str) -> Sequence[str]:
            if source not in known:
                words = self.sources.text(source)
                known[source] = (
                    () if words is None else passages(self.index.notes[source], words, goal)
                )
            return known[source]

        return Pen(self.index.names, line_end(text), cited)


# -- fixes --------------------------------------------------------------------------------------------------------


def section_fix(state: State, sources: Sources, diagnostic: Diagnostic) -> Fix | None:
    """What mends a missing or stale section."""
    note, text = state.index.notes.get(diagnostic.path), sources.text(diagnostic.path)
    if note is None or text is None:
        return None
    desk = Desk.of(state, sources)
    if diagnostic.rule == "missing-section":
        edits = new_section(desk, note, text)
    else:
        edits = [
            edit
            for section, edit in kept_sections(desk, note, text)
            if section.start <= diagnostic.start < section.end
        ]
    return Fix(_title(state, diagnostic.rule), Safety.SAFE, tuple(edits)) if edits else None


def _title(state: State, rule: str) -> str:
    return next(known.fix_title for known in state.setting.rules if known.name == rule)


def new_section(desk: Desk, note: Note, text: str) -> list[Edit]:
    """The edit that writes a section into a note that has none, at the first place where it is alive; none if there is
    nothing to be held or no such place, or if half of a section is there."""
    if note.sections or not takes_section(note) or halved(text, 0):
        return []
    due = desk.wanted(note)
    if not due.held:
        return []
    order, pen = desk.order(due), desk.pen(note.path, text)
    for spot in spots(text):
        section = written(due, order, f"before={spot.before} after={spot.after}", pen)
        edit = inserted(note.path, text, spot, section)
        if not opens_comment(text[: spot.at]) and (
            not _MAY_SWALLOW.search(text) or _lives(note, applied(text, [edit]), section)
        ):
            return [edit]
    return []


def kept_sections(desk: Desk, note: Note, text: str) -> Iterator[tuple[Section, Edit]]:
    """The edits that bring a note's sections of vaultlink's in step, each with its section. A second section holds
    nothing."""
    due: Wanted | None = None
    for section in note.sections:
        if not is_kept(section):
            continue
        due = due._replace(held={}) if due else desk.wanted(note)
        edit = _kept(desk, note.path, text, section, due)
        if edit:
            yield section, edit


def _kept(desk: Desk, path: str, text: str, section: Section, due: Wanted) -> Edit | None:
    reading, pen = read_section(section, due.look.heading), desk.pen(path, text)
    if not due.held and section.owner is Owner.WRITTEN and not typed(reading, due, pen):
        return removed(path, text, section)
    found = difference(section, reading, due, desk.index.names)
    if not any(found) and not outdated(reading, due, pen):
        return None
    return _smallest(path, section, rewritten(reading, found, due, desk.order(due), pen))


def _smallest(path: str, section: Section, new: str) -> Edit | None:
    """The edit from a section's text to another, without the lines at both ends that stay."""
    old = section.text
    if old == new:
        return None
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    start, room = 0, min(len(before), len(after))
    while start < room and before[start] == after[start]:
        start += 1
    end = 0
    while end < room - start and before[-1 - end] == after[-1 - end]:
        end += 1
    head, gone = (
        sum(map(len, lines)) for lines in (before[:start], before[start : len(before) - end])
    )
    return Edit(
        path,
        section.start + head,
        section.start + head + gone,
        "".join(after[start : len(after) - end]),
    )


def _lives(note: Note, new: str, section: str) -> bool:
    """Whether a section, once written, is read as one, is no part of a comment, and leaves the note's links alone."""
    after = parse_note(note.path, new)
    found = next((known for known in after.sections if known.text == section), None)
    if found is None or [link.raw for link in after.links] != [link.raw for link in note.links]:
        return False
    if len(after.troubles) != len(note.troubles):
        return False
    return not any(entry.link and entry.link.commented for entry in found.entries)


# -- adopting and taking out --------------------------------------------------------------------------------------


def removal(note: Note, text: str) -> Fix | None:
    """What takes vaultlink's sections out of a note: of those it wrote everything, of those it adopted the markers."""
    edits: list[Edit] = []
    for section in note.sections:
        if section.owner is Owner.WRITTEN:
            edits.append(removed(note.path, text, section))
        elif section.owner is Owner.ADOPTED:
            edits.append(unmarked(note.path, section))
    return Fix("Remove the managed section", Safety.SAFE, tuple(edits)) if edits else None


def adoption(note: Note, text: str) -> Fix | None:
    """What makes the last of a note's own sections one that vaultlink keeps; none if it keeps one already, or if the
    section is part of a quote, which markers would tear apart."""
    own = [section for section in note.sections if section.owner is Owner.AUTHOR]
    if (
        not own
        or len(own) < len(note.sections)
        or text[own[-1].start : own[-1].end].lstrip().startswith(">")
    ):
        return None
    return Fix(
        "Let vaultlink maintain the section", Safety.SAFE, (marked(note.path, text, own[-1]),)
    )
