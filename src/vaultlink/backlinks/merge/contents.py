"""Parse a section for a merge: entries by target, and typed lines."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultlink.backlinks.existing import (
    ExistingEntry,
    SectionPart,
    is_managed_section,
    parse_section,
)
from vaultlink.backlinks.groups import read_group_heading
from vaultlink.backlinks.mention_list import parse_mention_list
from vaultlink.backlinks.merge.three_way import CannotMerge
from vaultlink.model import LinkKind, Owner, Section
from vaultlink.parse.note import parse_note
from vaultlink.text import lazy_pattern

_GAP_AND_LINE = lazy_pattern(r"(\n(?:[ \t]*\n)*)([^\n]*)")

EntryKey = tuple[str, int]
"""Key of an entry: its link's target, and the number of equal ones before it."""

MENTIONS_KEY: EntryKey = ("\n", 0)
"""Key of the list of mentions, which is merged like an entry with lines below it."""

_MENTIONS = ExistingEntry("", "", "", "", LinkKind.WIKILINK, is_list_item=True, is_link=False)


@dataclass(frozen=True, slots=True)
class MergeLine:
    """A line, or an entry with the lines below it.

    `gap` are the line ends before it, None for the first item of a section. Lines with the same
    text are equal.
    """

    text: str
    gap: str | None = field(compare=False)


class MergeEntry(NamedTuple):
    """An entry.

    `line` is its own line, `parsed` the content of that, `below` the lines below it. `gap` are the
    line ends before it, None for the first item of a section or group. `group` is the heading of
    its group, "" if it is in none.
    """

    line: str
    parsed: ExistingEntry
    below: tuple[MergeLine, ...]
    gap: str | None
    group: str = ""


class SectionContents(NamedTuple):
    """A parsed section.

    `items` are the keys of its entries, and typed lines, in order. A missing section has None for
    all texts and no items.
    """

    marker: str | None = None
    heading: str | None = None
    first_gap: str | None = None
    items: tuple[EntryKey | MergeLine, ...] = ()
    entries: Mapping[EntryKey, MergeEntry] = {}
    tail: str | None = None
    is_adopted: bool | None = None

    @property
    def is_grouped(self) -> bool:
        """True if entries are in groups."""
        return any(entry.group for entry in self.entries.values())

    @property
    def keys(self) -> list[EntryKey]:
        """The keys of the entries, in order."""
        return list(self.entries)

    def group_typed_lines(
        self, kept_keys: Collection[EntryKey]
    ) -> Mapping[EntryKey | None, list[MergeLine]]:
        """Group typed lines by the kept entry that they follow.

        The key None is for those before the first kept entry.
        """
        groups: dict[EntryKey | None, list[MergeLine]] = {}
        last_key: EntryKey | None = None
        for item in self.items:
            if isinstance(item, MergeLine):
                groups.setdefault(last_key, []).append(item)
            elif item in kept_keys:
                last_key = item
        return groups

    def typed_lines(self) -> set[str]:
        """Return the lines that are not entries, stripped."""
        lines = [item for item in self.items if isinstance(item, MergeLine)]
        return {
            line.text.strip()
            for line in (*lines, *(line for entry in self.entries.values() for line in entry.below))
        }


def read_contents(text: str) -> SectionContents:
    """Parse the text of a section, with line feeds as line ends."""
    section = parse_single_section(text)
    parsed = parse_section(section, "")
    entries: dict[EntryKey, MergeEntry] = {}
    items: list[EntryKey | MergeLine] = []
    counts: Counter[str] = Counter()
    group, above = "", True
    for part in parsed.parts:
        gap = None if above else part.gap
        above = False
        heading = read_group_heading(part)
        if heading:
            group, above = heading, True
            items += _split_lines(part.text[len(heading) :])
            continue
        # Entries may begin on the heading's line.
        content = part.text if part.gap else part.text.lstrip()
        if MENTIONS_KEY not in entries and parse_mention_list(part):
            head, _, _ = content.partition("\n")
            below = tuple(_split_lines(content[len(head) :]))
            items.append(MENTIONS_KEY)
            entries[MENTIONS_KEY] = MergeEntry(head, _MENTIONS, below, gap)
            continue
        if part.entry is None:
            items += _split_typed_lines(content, gap)
            continue
        target = part.entry.target.removesuffix(".md")
        key = target, counts[target]
        counts[target] += 1
        items.append(key)
        entries[key] = _make_entry(part, part.entry, content, gap)._replace(group=group)
    marker_end = text.index("-->") + 3
    first_gap = parsed.parts[0].gap if parsed.parts else None
    return SectionContents(
        text[:marker_end],
        parsed.head[marker_end:],
        first_gap,
        tuple(items),
        entries,
        parsed.tail,
        section.owner is Owner.ADOPTED,
    )


def parse_single_section(text: str) -> Section:
    """Return the section that a text consists of.

    Raises:
        CannotMerge: The text is not exactly one managed section.
    """
    sections = parse_note("", text).sections
    if (
        len(sections) != 1
        or not is_managed_section(sections[0])
        or (sections[0].start, sections[0].end) != (0, len(text))
    ):
        raise CannotMerge("the text is not exactly one section")
    return sections[0]


def _split_typed_lines(content: str, gap: str | None) -> Iterator[MergeLine]:
    """Yield a typed line, and each line that is indented below it."""
    start = content.find("\n") if "\n" in content else len(content)
    yield MergeLine(content[:start], gap)
    yield from _split_lines(content[start:])


def _make_entry(
    part: SectionPart, parsed: ExistingEntry, content: str, gap: str | None
) -> MergeEntry:
    entry_end = part.entry_length - (len(part.text) - len(content))
    return MergeEntry(content[:entry_end], parsed, tuple(_split_lines(content[entry_end:])), gap)


def _split_lines(content: str) -> Iterator[MergeLine]:
    for match in _GAP_AND_LINE.finditer(content):
        yield MergeLine(match[2], match[1])
