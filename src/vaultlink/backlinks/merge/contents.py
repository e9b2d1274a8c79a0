"""What a section holds, made ready to be merged: entries known by their targets, and the lines that a person typed."""

import re
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
from vaultlink.backlinks.merge.three_way import CannotMerge
from vaultlink.model import Owner, Section
from vaultlink.parse.note import parse_note

_GAP_AND_LINE = re.compile(r"(\n(?:[ \t]*\n)*)([^\n]*)")

EntryKey = tuple[str, int]
"""What an entry is known by: the target of its link, and how many entries before it have the same."""


@dataclass(frozen=True, slots=True)
class MergeLine:
    """A line, or an entry with those below it, and the line ends before it; None where it was the first of its section. Lines
    are equal if they say the same."""

    text: str
    gap: str | None = field(compare=False)


class MergeEntry(NamedTuple):
    """An entry: its own line, what that says, the lines below, and the line ends before it (None where it was the first)."""

    line: str
    parsed: ExistingEntry
    below: tuple[MergeLine, ...]
    gap: str | None


class SectionContents(NamedTuple):
    """A section taken apart. `items` are its entries, by their keys, and lines in order. A section that is not there has no
    texts and nothing in it."""

    marker: str | None = None
    heading: str | None = None
    first_gap: str | None = None
    items: tuple[EntryKey | MergeLine, ...] = ()
    entries: Mapping[EntryKey, MergeEntry] = {}
    tail: str | None = None
    is_adopted: bool | None = None

    @property
    def keys(self) -> list[EntryKey]:
        """The keys of its entries in order."""
        return list(self.entries)

    def group_typed_lines(
        self, alive: Collection[EntryKey]
    ) -> Mapping[EntryKey | None, list[MergeLine]]:
        """What a person typed behind each of the entries that stay, and before the first of them."""
        found: dict[EntryKey | None, list[MergeLine]] = {}
        last: EntryKey | None = None
        for item in self.items:
            if isinstance(item, MergeLine):
                found.setdefault(last, []).append(item)
            elif item in alive:
                last = item
        return found

    def typed_lines(self) -> set[str]:
        """The lines that are no entries."""
        lines = [item for item in self.items if isinstance(item, MergeLine)]
        return {
            line.text.strip()
            for line in (*lines, *(line for entry in self.entries.values() for line in entry.below))
        }


def read_contents(text: str) -> SectionContents:
    """A section's contents; its lines end in line feeds."""
    section = parse_single_section(text)
    reading = parse_section(section, "")
    entries: dict[EntryKey, MergeEntry] = {}
    flow: list[EntryKey | MergeLine] = []
    seen: Counter[str] = Counter()
    for number, piece in enumerate(reading.parts):
        gap = piece.gap if number else None
        words = (
            piece.text if piece.gap else piece.text.lstrip()
        )  # entries may begin on the heading's line
        if piece.entry is None:
            flow += _split_typed_lines(words, gap)
            continue
        target = piece.entry.target.removesuffix(".md")
        key = target, seen[target]
        seen[target] += 1
        flow.append(key)
        entries[key] = _make_entry(piece, piece.entry, words, gap)
    begun = text.index("-->") + 3
    first = reading.parts[0].gap if reading.parts else None
    return SectionContents(
        text[:begun],
        reading.head[begun:],
        first,
        tuple(flow),
        entries,
        reading.tail,
        section.owner is Owner.ADOPTED,
    )


def parse_single_section(text: str) -> Section:
    """The section that a text is, and nothing else."""
    found = parse_note("", text).sections
    if (
        len(found) != 1
        or not is_managed_section(found[0])
        or (found[0].start, found[0].end) != (0, len(text))
    ):
        raise CannotMerge("no section from its first to its last character")
    return found[0]


def _split_typed_lines(words: str, gap: str | None) -> Iterator[MergeLine]:
    """A typed line, and each that is indented below it."""
    start = words.find("\n") if "\n" in words else len(words)
    yield MergeLine(words[:start], gap)
    yield from _split_lines(words[start:])


def _make_entry(
    piece: SectionPart, named: ExistingEntry, words: str, gap: str | None
) -> MergeEntry:
    lead = piece.entry_length - (len(piece.text) - len(words))
    return MergeEntry(words[:lead], named, tuple(_split_lines(words[lead:])), gap)


def _split_lines(words: str) -> Iterator[MergeLine]:
    for match in _GAP_AND_LINE.finditer(words):
        yield MergeLine(match[2], match[1])
