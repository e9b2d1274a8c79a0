"""Checks of managed "Add backlinks" sections: missing ones, and outdated ones.

They read other notes only in the index. Outdated passages in sections of the style `context`, and
mentions that a section does not list, are found only when vaultlink writes sections.
"""

from collections.abc import Iterable, Iterator, Sequence

from vaultlink.backlinks.existing import (
    find_mentioning_notes,
    list_entry_links,
    parse_managed_sections,
)
from vaultlink.backlinks.expected import ExpectedSection, can_hold_section, expected_section
from vaultlink.backlinks.render import SectionDiff, compare_section
from vaultlink.backlinks.style import read_section_style
from vaultlink.links.style import ResolvedLink, find_link_style
from vaultlink.model import Note, Owner, Place, Section, SourceSpan
from vaultlink.rules.context import FILE_START, Context, Finding

_MAX_NAMES = 3
"""Maximum number of notes that a message names; it counts the others."""


def stale_section(note: Note, context: Context) -> Iterator[Finding]:
    managed = parse_managed_sections(note, context.backlink_settings["heading"].strip())
    if not managed or context.is_only_read(note):
        return
    names = context.index.names
    listed = find_mentioning_notes(note.path, [parsed for _, parsed in managed], names)
    links = list_entry_links(note, context.index)
    expected = _compute_expected(note, context, listed, links)
    for section, parsed in managed:
        diff = compare_section(section, parsed, expected, names)
        is_empty = not expected.entries and not parsed.parts and section.owner is Owner.WRITTEN
        problem = "it has no entries" if is_empty else _describe_diff(diff)
        if problem:
            yield Finding(_locate_heading(section), {"wrong": problem})
        # All entries belong in the first section: later ones must be empty.
        expected = expected.without_entries()


def missing_section(note: Note, context: Context) -> Iterator[Finding]:
    """Report missing sections of notes with backlinks, and incomplete ones of authors."""
    if not can_hold_section(note):
        return
    if any(section.owner is not Owner.AUTHOR for section in note.sections):
        return
    if context.is_only_read(note):
        return
    links = context.index.resolved_links(note.path) if note.sections else ()
    listed = {target for link, target in links if link.place is Place.SECTION}
    expected = _compute_expected(note, context).entries.values()
    names = [item.title for item in expected if item.path not in listed]
    if names:
        problem = "it has no backlinks section"
        if note.sections:
            problem = (
                "the author's backlinks section is incomplete; "
                "`vaultlink sections adopt` lets vaultlink maintain it"
            )
        verb = "links" if len(names) == 1 else "link"
        values = {"who": _join_names(names), "verb": verb, "lacking": problem}
        yield Finding(FILE_START, values)


def _compute_expected(
    note: Note, context: Context, mentioning: Iterable[str] = (), links: Sequence[ResolvedLink] = ()
) -> ExpectedSection:
    """Return the expected section, in the style of its own `links`."""
    settings, index = context.backlink_settings, context.index
    link_style = find_link_style(note.path, index, context.obsidian, own=links, reads_vault=False)
    style = read_section_style(settings, link_style, index)
    listed = frozenset(target for _, target in links)
    return expected_section(note, index, settings, style, mentioning, listed)


def _locate_heading(section: Section) -> SourceSpan:
    """Return the span of a section's heading, or of its begin marker if it has none."""
    line, column = section.line, section.column
    if not section.heading:
        end = section.start + section.text.find("-->") + 3
        return SourceSpan(section.start, end, line, column)
    before = section.text[: section.heading_start - section.start]
    line, column = line + before.count("\n"), len(before) - before.rfind("\n")
    return SourceSpan(section.heading_start, section.heading_end, line, column)


def _describe_diff(diff: SectionDiff) -> str:
    """Describe a difference as the end of a sentence; "" if there is none."""
    clauses = [
        f"{_join_names(names)} {'is' if len(names) == 1 else 'are'} {state}"
        for names, state in (
            ([item.title for item in diff.missing], "missing"),
            (diff.unexpected, "surplus"),
            ([item.title for item in diff.outdated], "outdated"),
        )
        if names
    ]
    if diff.wrong_heading:
        clauses.append("its heading is not the configured one")
    return ", ".join(clauses)


def _join_names(names: Sequence[str]) -> str:
    """Join the first names, quoted, as in a sentence, and count the others."""
    quoted = [f"“{name}”" for name in names[:_MAX_NAMES]]
    if len(names) > _MAX_NAMES:
        quoted.append(f"{len(names) - _MAX_NAMES} more")
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
