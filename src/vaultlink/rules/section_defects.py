"""Defects of an "Add backlinks" section, and the context of checks of its entries."""

from typing import NamedTuple

import msgspec

from vaultlink.index.index import Index
from vaultlink.links.naming import format_target
from vaultlink.model import Edit, Note, Safety, Section, SourceSpan
from vaultlink.rules.context import Context


class Defect(NamedTuple):
    """Something wrong with an entry or a section.

    `reported` is False for defects that other rules report or that need no report. `link` is
    the link or malformed link that the defect is about. `safe` is True if `edits` are a safe
    fix. `part` names the part of a section that is wrong, "" for an entry.
    """

    kind: str
    location: SourceSpan
    problem: str = ""
    fix_title: str = ""
    edits: tuple[Edit, ...] = ()
    safe: bool = True
    reported: bool = True
    link: SourceSpan | None = None
    target: str | None = None
    part: str = ""

    @property
    def safety(self) -> Safety | None:
        return (Safety.SAFE if self.safe else Safety.UNSAFE) if self.edits else None


class EntryContext(msgspec.Struct, frozen=True):
    """Context for checks of the entries of one section.

    `targets` maps the offset of each link in the note's sections to the path that it resolves
    to. `body_targets` are the paths that links in the note's text resolve to.
    `has_indented_entries` is True if the removal of text may make code of entries.
    """

    note: Note
    section: Section
    check_context: Context
    targets: dict[int, str | None]
    body_targets: frozenset[str]
    has_indented_entries: bool

    @property
    def index(self) -> Index:
        return self.check_context.index

    def make_edit(self, start: int, end: int, text: str) -> tuple[Edit, ...]:
        return (Edit(self.note.path, start, end, text),)

    def format_target(self, path: str) -> str:
        return format_target(
            self.note.path, path, self.index, self.check_context.obsidian.new_link_format
        )

    @property
    def pipe(self) -> str:
        """Pipe of the section's links: with spaces around it unless most have none."""
        raws = [
            entry.link.raw for entry in self.section.entries if entry.link and "|" in entry.link.raw
        ]
        spaced = sum(" | " in raw for raw in raws)
        return " | " if spaced * 2 >= len(raws) else "|"
