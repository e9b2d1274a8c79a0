"""Compare a section with what it should be; formatting does not count."""

from typing import NamedTuple

from vaultlink.backlinks.existing import ExistingEntry, ParsedSection, SectionPart
from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.backlinks.groups import format_group_heading, list_groups, read_group_heading
from vaultlink.backlinks.mention_list import parse_mention_list
from vaultlink.backlinks.style import (
    ExpectedEntry,
    SectionStyle,
    is_right_heading,
    normalize_markdown,
)
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.model import Owner, Section


class SectionDiff(NamedTuple):
    """Differences between a section and what it should be.

    `missing` are entries it lacks, `unexpected` the display texts of entries that do not belong in
    it, `outdated` entries with another target or title. `out_of_order` is never True for orders by
    rank or time. `wrong_groups` is True if the entries are not grouped as they should be.
    """

    missing: tuple[ExpectedEntry, ...] = ()
    unexpected: tuple[str, ...] = ()
    outdated: tuple[ExpectedEntry, ...] = ()
    out_of_order: bool = False
    wrong_heading: bool = False
    wrong_groups: bool = False


def compare_section(
    section: Section, parsed: ParsedSection, expected: ExpectedSection, names: PathsByName
) -> SectionDiff:
    """Compare a managed section with what it should be.

    The heading of an adopted section is its author's and is not compared.
    """
    diff = _compare_entries(parsed, expected, names)
    mentions = expected.mention_list()
    for part in parsed.parts:
        listed = parse_mention_list(part)
        if listed:
            diff = _join_diffs(diff, _compare_entries(listed, mentions, names))
            mentions = mentions.without_entries()
    return diff._replace(
        missing=(*diff.missing, *mentions.entries.values()),  # if there is no list of mentions
        wrong_heading=section.owner is Owner.WRITTEN
        and not is_right_heading(parsed.heading, expected.style),
    )


def _join_diffs(first: SectionDiff, second: SectionDiff) -> SectionDiff:
    return SectionDiff(
        first.missing + second.missing,
        first.unexpected + second.unexpected,
        first.outdated + second.outdated,
        first.out_of_order or second.out_of_order,
        first.wrong_heading or second.wrong_heading,
        first.wrong_groups or second.wrong_groups,
    )


def _compare_entries(
    parsed: ParsedSection, expected: ExpectedSection, names: PathsByName
) -> SectionDiff:
    paths: list[str] = []
    present: set[str] = set()
    unexpected, outdated = [], []
    heading, placed = "", list[tuple[str, str]]()
    for part in parsed.parts:
        if part.entry is None:
            group_heading = read_group_heading(part)
            if group_heading:
                heading = group_heading
                placed.append((heading, ""))
            continue
        entry = match_entry(part, expected, names)
        if entry is None or entry.path in present:
            unexpected.append(part.entry.display)
            continue
        paths.append(entry.path)
        present.add(entry.path)
        placed.append((heading, entry.path))
        if not entry_matches(part.entry, entry, expected.style):
            outdated.append(entry)
    missing = tuple(entry for path, entry in expected.entries.items() if path not in present)
    out_of_order = expected.is_ordered and paths != [
        path for path in expected.entries if path in present
    ]
    wrong_groups = list_groups(placed) != list_groups(
        (format_group_heading(path) if expected.is_grouped else "", path)
        for path in (expected.entries if expected.is_grouped else paths)
        if path in present
    )
    return SectionDiff(
        missing, tuple(unexpected), tuple(outdated), out_of_order, wrong_groups=wrong_groups
    )


def match_entry(
    part: SectionPart, expected: ExpectedSection, names: PathsByName
) -> ExpectedEntry | None:
    """Return the expected entry that a part lists; None for anything else."""
    path = resolve(expected.path, part.entry.target, names) if part.entry else None
    return expected.entries.get(path) if path else None


def entry_matches(existing: ExistingEntry, entry: ExpectedEntry, style: SectionStyle) -> bool:
    """Return True if an entry has the expected link and title, in any formatting."""
    same_link = (
        existing.is_link
        and not existing.subpath
        and (existing.kind, existing.target) == (entry.kind, entry.target)
    )
    title = existing.title if style.kind == "topics" else entry.title
    same_title = _is_same_text(existing.display, entry.title) and _is_same_text(title, entry.title)
    return (
        same_link
        and same_title
        and (style.kind == "topics" or (existing.is_list_item and not existing.title))
    )


def _is_same_text(first: str, second: str) -> bool:
    one, other = (normalize_markdown(text).replace("`", "'") for text in (first, second))
    return one == other
