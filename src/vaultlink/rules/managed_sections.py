"""Checks on "Add backlinks" sections that vaultlink keeps: whether they hold what they should.

They know of notes only what the index does. Whether the passages of a section in the style `context` are still those of
their notes is seen when sections are written.
"""

from collections.abc import Iterator, Sequence

from vaultlink.backlinks.diff import SectionDiff, compare_section
from vaultlink.backlinks.existing import is_managed_section, parse_section
from vaultlink.backlinks.expected import ExpectedSection, can_hold_section, expected_section
from vaultlink.backlinks.style import section_style
from vaultlink.model import Note, Owner, Place, Section, SourceSpan
from vaultlink.rules.context import Context, Finding

SECTION_RULES = ("missing-section", "stale-section")
"""The rules of this module, which `vaultlink backlinks` runs alone."""

STALE_SECTION = SECTION_RULES[1]
"""The rule that also reports outdated passages, which are only found when sections are written."""

_FILE_START = SourceSpan(0, 0, 1, 1)
_MAX_NAMES = 3
"""So many notes are named in a message; the others are counted."""


def stale_section(note: Note, context: Context) -> Iterator[Finding]:
    """Sections of vaultlink's that do not hold what they should."""
    if not note.sections or context.backlink_settings["mode"] == "off":
        return
    due: ExpectedSection | None = None
    for section in note.sections:
        if not is_managed_section(section):
            continue
        # A second section has nothing to hold that the first does not.
        due = due._replace(entries={}) if due else _compute_expected(note, context)
        reading = parse_section(section, due.style.heading)
        found = compare_section(section, reading, due, context.index.names)
        empty = not due.entries and not reading.parts and section.owner is Owner.WRITTEN
        wrong = "it has no entries" if empty else _describe_difference(found)
        if wrong:
            yield Finding(_locate_heading(section), {"wrong": wrong})


def missing_section(note: Note, context: Context) -> Iterator[Finding]:
    """Notes that others link to and that have no section, if all such notes are to have one."""
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
            "the author's backlinks section is incomplete; `vaultlink backlinks --adopt` lets vaultlink maintain it"
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
    """Where the links of the author's own sections lead."""
    if not note.sections:
        return set()
    return {
        target
        for link, target in context.index.resolved_links(note.path)
        if link.place is Place.SECTION
    }


def _locate_heading(section: Section) -> SourceSpan:
    """The place of a section's heading; of its marker if it has none."""
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
    """What is wrong, as the end of a sentence; "" if nothing is."""
    told = []
    if found.missing:
        told.append(
            f"{_join_names([item.title for item in found.missing])} {_is_or_are(found.missing)} missing"
        )
    if found.unexpected:
        told.append(f"{_join_names(found.unexpected)} {_is_or_are(found.unexpected)} surplus")
    if found.outdated:
        told.append(
            f"{_join_names([item.title for item in found.outdated])} {_is_or_are(found.outdated)} outdated"
        )
    if found.wrong_heading:
        told.append("its heading is not the configured one")
    if found.out_of_order and not told:
        told.append("its entries are out of order")
    return ", ".join(told)


def _is_or_are(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def _join_names(names: Sequence[str]) -> str:
    """Names in quotation marks, joined as in a sentence; of many the first, and how many more."""
    shown = [f"“{name}”" for name in names[:_MAX_NAMES]]
    if len(names) > _MAX_NAMES:
        shown.append(f"{len(names) - _MAX_NAMES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
