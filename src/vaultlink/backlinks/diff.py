"""Compare a section with what it should be; formatting does not count."""

from typing import NamedTuple

from vaultlink.backlinks.existing import ExistingEntry, ParsedSection, SectionPart
from vaultlink.backlinks.expected import ExpectedSection
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
    it, `outdated` entries with another target or title. The order of entries is not compared:
    vaultlink 0.5 also ordered them by rank and by time, and such sections stay as they are.
    """

    missing: tuple[ExpectedEntry, ...] = ()
    unexpected: tuple[str, ...] = ()
    outdated: tuple[ExpectedEntry, ...] = ()
    wrong_heading: bool = False


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
            other = _compare_entries(listed, mentions, names)
            diff = SectionDiff(
                diff.missing + other.missing,
                diff.unexpected + other.unexpected,
                diff.outdated + other.outdated,
            )
            mentions = mentions.without_entries()
    return diff._replace(
        missing=(*diff.missing, *mentions.entries.values()),  # if there is no list of mentions
        wrong_heading=section.owner is Owner.WRITTEN
        and not is_right_heading(parsed.heading, expected.style),
    )


def _compare_entries(
    parsed: ParsedSection, expected: ExpectedSection, names: PathsByName
) -> SectionDiff:
    present: set[str] = set()
    unexpected, outdated = [], []
    for part in parsed.parts:
        if part.entry is None:
            continue
        entry = match_entry(part, expected, names)
        if entry is None or entry.path in present:
            unexpected.append(part.entry.display)
            continue
        present.add(entry.path)
        if not entry_matches(part.entry, entry, expected.style):
            outdated.append(entry)
    missing = tuple(entry for path, entry in expected.entries.items() if path not in present)
    return SectionDiff(missing, tuple(unexpected), tuple(outdated))


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
