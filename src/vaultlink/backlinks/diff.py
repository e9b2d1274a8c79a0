"""How a section differs from what it should be. Formatting is no difference, nor is the order of ranks and times."""

from typing import NamedTuple

from vaultlink.backlinks.existing import ExistingEntry, ParsedSection, SectionPart
from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.backlinks.style import ExpectedEntry, SectionStyle, normalize_markdown
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.model import Owner, Section


class SectionDiff(NamedTuple):
    """What is wrong with a section: notes that it lacks, what entries show that do not belong there, notes named or called
    otherwise, whether entries are out of order, and whether its heading is another."""

    missing: tuple[ExpectedEntry, ...] = ()
    unexpected: tuple[str, ...] = ()
    outdated: tuple[ExpectedEntry, ...] = ()
    out_of_order: bool = False
    wrong_heading: bool = False


def compare_section(
    section: Section, reading: ParsedSection, wanted: ExpectedSection, names: PathsByName
) -> SectionDiff:
    """What is wrong with a section that vaultlink keeps. The heading of an adopted one is its author's."""
    there: list[str] = []
    surplus, altered = [], []
    for piece in reading.parts:
        if piece.entry is None:
            continue
        item = match_entry(piece, wanted, names)
        if item is None or item.path in there:
            surplus.append(piece.entry.display)
            continue
        there.append(item.path)
        if not entry_matches(piece.entry, item, wanted.style):
            altered.append(item)
    present = set(there)
    missing = tuple(item for path, item in wanted.entries.items() if path not in present)
    misplaced = wanted.is_ordered and there != [path for path in wanted.entries if path in present]
    misnamed = section.owner is Owner.WRITTEN and normalize_markdown(
        reading.heading
    ) != normalize_markdown(wanted.style.heading)
    return SectionDiff(missing, tuple(surplus), tuple(altered), misplaced, misnamed)


def match_entry(
    piece: SectionPart, wanted: ExpectedSection, names: PathsByName
) -> ExpectedEntry | None:
    """What a part of a section lists of what the section should hold; None for any other entry and for what is typed."""
    path = resolve(wanted.path, piece.entry.target, names) if piece.entry else None
    return wanted.entries.get(path) if path else None


def entry_matches(named: ExistingEntry, item: ExpectedEntry, style: SectionStyle) -> bool:
    """Whether an entry says what it should, however it is formatted."""
    written = (
        named.is_link
        and not named.subpath
        and (named.kind, named.target) == (item.kind, item.target)
    )
    titled = named.title if style.kind == "topics" else item.title
    alike = _is_same_text(named.display, item.title) and _is_same_text(titled, item.title)
    return (
        written and alike and (style.kind == "topics" or (named.is_list_item and not named.title))
    )


def _is_same_text(one: str, other: str) -> bool:
    return one == other or _normalize_title(one) == _normalize_title(other)


def _normalize_title(text: str) -> str:
    return normalize_markdown(text).replace("`", "'")
