"""Fixes of managed sections: write, update, adopt or remove them."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from vaultlink.backlinks.choice import choose_style, list_section_traits
from vaultlink.backlinks.excerpts import ExcerptTarget, find_distinct_excerpts
from vaultlink.backlinks.existing import (
    ParsedSection,
    find_mentioning_notes,
    list_entry_links,
    parse_managed_sections,
)
from vaultlink.backlinks.expected import ExpectedSection, can_hold_section, expected_section
from vaultlink.backlinks.placement import (
    add_markers,
    detect_line_end,
    find_insertion_points,
    has_open_comment,
    insert_section,
    remove_markers,
    remove_section,
)
from vaultlink.backlinks.render import (
    RenderContext,
    compare_section,
    has_author_text,
    has_outdated_excerpts,
    render_section,
    render_updated_section,
)
from vaultlink.backlinks.style import SectionStyle, read_section_style
from vaultlink.engine.diagnostics import FindingKind, make_finding
from vaultlink.engine.step import State
from vaultlink.engine.suppressions import apply_suppressions
from vaultlink.fix.select import CountPaths, FindingWithFix
from vaultlink.fix.sources import FixInputs
from vaultlink.index.index import Index
from vaultlink.links.edit_math import apply_edits, count_equal_ends
from vaultlink.links.style import find_link_style
from vaultlink.model import Diagnostic, Edit, Fix, Note, Owner, Safety, Section, SourceSpan
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.backlinks_markers import has_unpaired_marker
from vaultlink.parse.note import parse_note
from vaultlink.rules.context import FILE_START
from vaultlink.rules.section_rules import MISSING_SECTION, SECTION_RULES, STALE_SECTION
from vaultlink.text import lazy_pattern

# -- fixes of managed sections: write, update, adopt or remove them --------------------------------
# Missing sections are written, outdated ones updated. The functions take a state, texts of notes
# and findings, and return fixes. `vaultlink.backlinks` computes the expected content of a section.

_HTML_START = lazy_pattern(r"^[ \t]*<(?:script|pre|style|!|\?)", re.MULTILINE | re.IGNORECASE)
"""Matches the start of HTML that may include text at the end of a note."""


class SectionContext(msgspec.Struct, frozen=True):
    """Inputs of sections: the index, the sources and the settings."""

    index: Index
    sources: FixInputs
    settings: Mapping[str, Any]
    obsidian: ObsidianSettings

    @classmethod
    def from_state(cls, state: State, sources: FixInputs) -> "SectionContext":
        config = state.settings.config
        return cls(state.index, sources, config.backlinks, state.settings.obsidian)

    @property
    def heading(self) -> str:
        """The configured heading, "" if there is none."""
        return str(self.settings["heading"].strip())

    def find_style(self, note: Note) -> SectionStyle:
        """Return the style of the section of a note; links are as in the one that it has."""
        own = list_entry_links(note, self.index) if note.sections else ()
        links = find_link_style(note.path, self.index, self.obsidian, own=own)
        return read_section_style(self.settings, links, self.index)

    def compute_expected(
        self, note: Note, sections: Iterable[ParsedSection] = ()
    ) -> ExpectedSection:
        """Return the expected section of a note, given those that it has."""
        found = self.sources.mentions
        mentioning: Iterable[str] = (
            find_mentioning_notes(note.path, sections, self.index.names)
            if found is None
            else found.get(note.path, ())
        )
        style = self.find_style(note)
        listed = {target for _, target in list_entry_links(note, self.index)}
        return expected_section(note, self.index, self.settings, style, mentioning, listed)

    def make_render_context(self, expected: ExpectedSection, text: str) -> RenderContext:
        target = ExcerptTarget(expected.path, self.index, expected.style.links)

        @cache
        def find_all_excerpts() -> Mapping[str, Sequence[str]]:
            return find_distinct_excerpts(expected.entries, self.sources.text, target)

        return RenderContext(
            self.index, detect_line_end(text), lambda source: find_all_excerpts().get(source, ())
        )


class SectionFixMaker:
    """Makes the fixes of sections; the edits of a note are kept for its next finding."""

    def __init__(self) -> None:
        self._inputs: tuple[State, FixInputs, str] | None = None
        self._edits: Sequence[tuple[SourceSpan, Edit]] = ()

    def __call__(self, state: State, sources: FixInputs, diagnostic: Diagnostic) -> Fix | None:
        path, known = diagnostic.path, self._inputs
        if not known or known[0] is not state or known[1] is not sources or known[2] != path:
            self._edits = _find_note_edits(state, sources, path)
            self._inputs = state, sources, path
        at = diagnostic.start
        number = bisect_right(self._edits, at, key=lambda item: item[0].start) - 1
        if number < 0 or at > self._edits[number][0].end:
            return None
        title = state.settings.rules_by_name[diagnostic.rule].fix_title
        return Fix(title, Safety.SAFE, (self._edits[number][1],))


def _find_note_edits(state: State, sources: FixInputs, path: str) -> list[tuple[SourceSpan, Edit]]:
    """Return the edits of outdated sections or a new one, with the spans of findings."""
    note, text = state.index.notes.get(path), sources.text(path)
    if note is None or text is None:
        return []
    context = SectionContext.from_state(state, sources)
    if note.sections:
        return list(find_section_edits(context, note, text))
    return [(FILE_START, edit) for edit in build_new_section(context, note, text)]


def build_new_section(context: SectionContext, note: Note, text: str) -> list[Edit]:
    """Return the edit that writes a section where it is parsed as one, if any."""
    if note.sections or not can_hold_section(note) or has_unpaired_marker(text, 0):
        return []
    expected = context.compute_expected(note)
    if not expected.entries and not expected.mentions:
        return []
    rendering = context.make_render_context(expected, text)
    for spot in find_insertion_points(text):
        newlines = f"before={spot.newlines_before} after={spot.newlines_after}"
        section = render_section(expected, newlines, rendering)
        edit = insert_section(note.path, text, spot, section)
        if not has_open_comment(text[: spot.offset]) and (
            not _can_swallow_text(text)
            or _is_parsed_as_section(note, apply_edits(text, [edit]), section)
        ):
            return [edit]
    return []


def _can_swallow_text(text: str) -> bool:
    """Return True if a text may have markup that includes what follows, as open code."""
    is_html = "<" in text and _HTML_START.search(text) is not None
    return is_html or any(mark in text for mark in ("```", "~~~", "$$"))


def find_section_edits(
    context: SectionContext, note: Note, text: str
) -> Iterator[tuple[Section, Edit]]:
    """Yield the outdated managed sections with edits; only the first gets entries."""
    managed = parse_managed_sections(note, context.heading)
    if not managed:
        return
    expected = context.compute_expected(note, [parsed for _, parsed in managed])
    rendering = context.make_render_context(expected, text)
    for section, parsed in managed:
        edit = _update_section(context, text, section, parsed, expected, rendering)
        if edit:
            yield section, edit
        expected = expected.without_entries()


def _update_section(
    context: SectionContext,
    text: str,
    section: Section,
    reading: ParsedSection,
    expected: ExpectedSection,
    rendering: RenderContext,
) -> Edit | None:
    is_unneeded = section.owner is Owner.WRITTEN and not (expected.entries or expected.mentions)
    if is_unneeded and not has_author_text(reading, expected, rendering):
        return remove_section(expected.path, text, section)
    found = compare_section(section, reading, expected, context.index.names)
    if not any(found) and not has_outdated_excerpts(reading, expected, rendering):
        return None
    updated = render_updated_section(reading, found, expected, rendering)
    return _minimize_edit(expected.path, section, updated)


def _minimize_edit(path: str, section: Section, new: str) -> Edit | None:
    """Return the edit of the lines in which a section differs from `new`, or None."""
    if section.text == new:
        return None
    before, after = section.text.splitlines(keepends=True), new.splitlines(keepends=True)
    head, tail = count_equal_ends(before, after)
    start = section.start + sum(map(len, before[:head]))
    replaced = sum(map(len, before[head : len(before) - tail]))
    return Edit(path, start, start + replaced, "".join(after[head : len(after) - tail]))


def _is_parsed_as_section(note: Note, new: str, section: str) -> bool:
    """Return True if a written section is parsed as one, and all else as before."""
    after = parse_note(note.path, new)
    found = next((known for known in after.sections if known.text == section), None)
    if found is None or [link.raw for link in after.links] != [link.raw for link in note.links]:
        return False
    if len(after.problems) != len(note.problems):
        return False
    return not any(entry.link and entry.link.in_comment for entry in found.entries)


def build_removal_fix(note: Note, text: str) -> Fix | None:
    """Return the fix that removes managed sections; adopted ones lose their markers."""
    edits: list[Edit] = []
    for section in note.sections:
        if section.owner is Owner.WRITTEN:
            edits.append(remove_section(note.path, text, section))
        elif section.owner is Owner.ADOPTED:
            edits.append(remove_markers(note.path, section))
    return Fix("Remove the managed section", Safety.SAFE, tuple(edits)) if edits else None


def build_adoption_fix(note: Note, text: str) -> Fix | None:
    """Return the fix that puts markers around the last section, unless it is quoted."""
    own = [section for section in note.sections if section.owner is Owner.AUTHOR]
    if not own or len(own) < len(note.sections):
        return None
    if text[own[-1].start : own[-1].end].lstrip().startswith(">"):
        return None
    edit = add_markers(note.path, text, own[-1])
    return Fix("Let vaultlink maintain the section", Safety.SAFE, (edit,))


# -- fixes of `vaultlink backlinks`: update, adopt or remove sections of a vault -------------------
# Each is a callable that yields the fixes of a state, round by round until there are none.


PathFilter = Callable[[str], bool]
"""Returns True for the paths of notes that a run may change."""


class SectionUpdater:
    """Yields the fixes that write missing sections and update outdated ones.

    Outdated passages and mentions, which no check finds, are compared in the first round only,
    because writing sections does not change them. `mentions` are as in `FixInputs`; `count` yields
    the paths of each round, and may show how many were taken.
    """

    def __init__(
        self,
        chosen: PathFilter,
        mentions: Mapping[str, Set[str]] | None = None,
        count: CountPaths = iter,
    ):
        self._is_selected, self._count = chosen, count
        self._mentions = mentions
        self._texts_compared = False

    def __call__(self, state: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        make_fix = SectionFixMaker()
        sources = replace(sources, mentions=self._mentions)
        for path in self._count([*state.diagnostics]):
            for item in state.diagnostics[path] if self._is_selected(path) else ():
                fix = make_fix(state, sources, item) if item.rule in SECTION_RULES else None
                if fix:
                    yield item, fix
        if not self._texts_compared:
            yield from _find_outdated_texts(state, sources, self._is_selected)
        self._texts_compared = True


class OneTimeChange:
    """Yields one change of every note that has a section, in the first round only."""

    def __init__(
        self,
        chosen: PathFilter,
        change: Callable[[Note, str], Fix | None],
        *,
        includes_read_only: bool = False,
    ):
        self._is_selected, self._change = chosen, change
        self._includes_read_only = includes_read_only
        self._done = False

    def __call__(self, state: State, sources: FixInputs) -> Iterator[FindingWithFix]:
        if self._done:
            return
        self._done = True
        for path in sorted(state.index.notes):
            note = state.index.notes[path]
            is_changed = (
                note.sections
                and self._is_selected(path)
                and state.settings.is_linted(path)
                and (
                    self._includes_read_only
                    or not state.settings.find_read_only_reason(state.index, note)
                )
            )
            text = sources.text(path) if is_changed else None
            fix = self._change(note, text) if text is not None else None
            if fix:
                yield _build_finding(state, path, note.sections[0], fix.title), fix


def _find_outdated_texts(
    state: State, sources: FixInputs, chosen: PathFilter
) -> Iterator[FindingWithFix]:
    """Yield fixes of sections in which only passages or mentions are wrong."""
    context, settings = SectionContext.from_state(state, sources), state.settings
    is_quoting = choose_style(context.settings, context.index) == "context"
    for path in sorted(state.index.notes):
        note = state.index.notes[path]
        has_finding = any(item.rule in SECTION_RULES for item in state.all_findings.get(path, ()))
        is_compared = (
            not has_finding
            and (note.sections or (sources.mentions or {}).get(path))
            and (is_quoting or sources.mentions is not None or _has_passages(context.index, note))
            and chosen(path)
            and settings.is_linted(path)
            and not settings.find_read_only_reason(state.index, note)
        )
        text = sources.text(path) if is_compared else None
        for item, fix in _compare_texts(state, context, note, text) if text is not None else ():
            is_ignored = any(
                item.rule in rules and matches(path) for matches, rules in settings.per_path_ignores
            )
            shown = apply_suppressions(settings.rules, settings.config, note, (item,))
            if item in shown and not is_ignored:
                yield item, fix


def _has_passages(index: Index, note: Note) -> bool:
    """Return True for a section with passages, which must go in another style."""
    return bool(note.sections) and "context" in list_section_traits(index, note.path)


def _compare_texts(
    state: State, context: SectionContext, note: Note, text: str
) -> Iterator[FindingWithFix]:
    if note.sections:
        message = "This backlinks section is out of date: quoted passages or mentions have changed."
        for section, edit in find_section_edits(context, note, text):
            item = _build_finding(state, note.path, section, message)
            yield item, Fix("Update the section", Safety.SAFE, (edit,))
        return
    edits = build_new_section(context, note, text)
    if edits:
        message = "Other notes mention this one, and it has no backlinks section."
        item = _build_finding(state, note.path, FILE_START, message, MISSING_SECTION)
        yield item, Fix("Write a section", Safety.SAFE, tuple(edits))


def _build_finding(
    state: State, path: str, section: SourceSpan, message: str, rule_name: str = STALE_SECTION
) -> Diagnostic:
    rule = state.settings.rules_by_name[rule_name]
    kind = FindingKind(rule.code, rule.name, state.settings.config.severity[rule.name])
    return make_finding(kind, path, replace(section, end=section.start), message)
