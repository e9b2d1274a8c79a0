"""Checks of managed "Add backlinks" sections: contents and completeness.

They know of notes only what the index does. Outdated passages in sections of the style `context`
are found when sections are written.
"""

from collections.abc import Iterator, Sequence

from vaultlink.backlinks.diff import SectionDiff, compare_section
from vaultlink.backlinks.existing import is_managed_section, parse_section
from vaultlink.backlinks.expected import ExpectedSection, can_hold_section, expected_section
from vaultlink.backlinks.style import section_style
from vaultlink.model import Note, Owner, Place, Section, SourceSpan
from vaultlink.rules.context import Context, Finding

SECTION_RULES = ("missing-section", "stale-section")
"""The rules of this module. `vaultlink backlinks` runs no others."""

STALE_SECTION = SECTION_RULES[1]
"""The rule that also reports outdated passages, found when sections are written."""

_FILE_START = SourceSpan(0, 0, 1, 1)
_MAX_NAMES = 3
"""A message names this many notes and counts the others."""


def stale_section(note: Note, context: Context) -> Iterator[Finding]:
    """Report managed sections that differ from what they should hold."""
    if not note.sections or context.backlink_settings["mode"] == "off":
        return
    expected: ExpectedSection | None = None
    for section in note.sections:
        if not is_managed_section(section):
            continue
        # A second section holds nothing, because the first holds everything.
        expected = expected._replace(entries={}) if expected else _compute_expected(note, context)
        reading = parse_section(section, expected.style.heading)
        found = compare_section(section, reading, expected, context.index.names)
        empty = not expected.entries and not reading.parts and section.owner is Owner.WRITTEN
        wrong = "it has no entries" if empty else _describe_difference(found)
        if wrong:
            yield Finding(_locate_heading(section), {"wrong": wrong})


def missing_section(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes with backlinks but without a section, if `mode` is `write`."""
    if context.backlink_settings["mode"] != "write" or not can_hold_section(note):
        return
    if any(section.owner is not Owner.AUTHOR for section in note.sections):
        return
    names = [
        item.title
        for item in _compute_expected(note, context).entries.values()
        if item.path not in _find_section_targets(note, context)
    ]
    if names:
        lacking = (
            "the author's backlinks section is incomplete; "
            "`vaultlink backlinks --adopt` lets vaultlink maintain it"
            if note.sections
            else "it has no backlinks section"
        )
        yield Finding(
            _FILE_START,
            {
                "who": _join_names(names),
                "verb": "links" if len(names) == 1 else "link",
                "lacking": lacking,
            },
        )


def _compute_expected(note: Note, context: Context) -> ExpectedSection:
    obsidian = context.obsidian
    return expected_section(
        note,
        context.index,
        context.backlink_settings,
        section_style(
            context.backlink_settings, obsidian.new_link_format, obsidian.use_markdown_links
        ),
    )


def _find_section_targets(note: Note, context: Context) -> set[str | None]:
    """Return the targets of the links in the author's sections."""
    if not note.sections:
        return set()
    return {
        target
        for link, target in context.index.resolved_links(note.path)
        if link.place is Place.SECTION
    }


def _locate_heading(section: Section) -> SourceSpan:
    """Return the place of a section's heading, or of its marker if it has no heading."""
    if not section.heading:
        return SourceSpan(
            section.start,
            section.start + section.text.find("-->") + 3,
            section.line,
            section.column,
        )
    before = section.text[: section.heading_start - section.start]
    return SourceSpan(
        section.heading_start,
        section.heading_end,
        section.line + before.count("\n"),
        len(before) - before.rfind("\n"),
    )


def _describe_difference(found: SectionDiff) -> str:
    """Return a difference as a clause, or an empty string."""
    clauses = []
    if found.missing:
        clauses.append(
            f"{_join_names([item.title for item in found.missing])} "
            f"{_is_or_are(found.missing)} missing"
        )
    if found.unexpected:
        clauses.append(f"{_join_names(found.unexpected)} {_is_or_are(found.unexpected)} surplus")
    if found.outdated:
        clauses.append(
            f"{_join_names([item.title for item in found.outdated])} "
            f"{_is_or_are(found.outdated)} outdated"
        )
    if found.wrong_heading:
        clauses.append("its heading is not the configured one")
    if found.out_of_order and not clauses:
        clauses.append("its entries are out of order")
    return ", ".join(clauses)


def _is_or_are(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def _join_names(names: Sequence[str]) -> str:
    """Return the first names in quotation marks, joined, and the number of the others."""
    shown = [f"“{name}”" for name in names[:_MAX_NAMES]]
    if len(names) > _MAX_NAMES:
        shown.append(f"{len(names) - _MAX_NAMES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
