"""What a section holds, made ready to be merged: entries known by their targets, and the lines that a person typed."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultlink.backlinking import Named, Piece, is_kept, read_section
from vaultlink.merging.threes import Unsure
from vaultlink.model import Owner, Section
from vaultlink.parse import parse_note

_BELOW = re.compile(r"(\n(?:[ \t]*\n)*)([^\n]*)")

Key = tuple[str, int]
"""What an entry is known by: the target of its link, and how many entries before it have the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or an entry with those below it, and the line ends before it; None where it was the first of its section. Lines
    are equal if they say the same."""

    text: str
    gap: str | None = field(compare=False)


class Entry(NamedTuple):
    """An entry: its own line, what that says, the lines below, and the line ends before it (None where it was the first)."""

    lead: str
    named: Named
    below: tuple[Line, ...]
    gap: str | None


class Contents(NamedTuple):
    """A section taken apart. `flow` are its entries, by their keys, and lines in order. A section that is not there has no
    texts and nothing in it."""

    marker: str | None = None
    heading: str | None = None
    first: str | None = None
    flow: tuple[Key | Line, ...] = ()
    entries: Mapping[Key, Entry] = {}
    tail: str | None = None
    adopted: bool | None = None

    @property
    def keys(self) -> list[Key]:
        """The keys of its entries in order."""
        return list(self.entries)

    def runs(self, alive: Collection[Key]) -> Mapping[Key | None, list[Line]]:
        """What a person typed behind each of the entries that stay, and before the first of them."""
        found: dict[Key | None, list[Line]] = {}
        last: Key | None = None
        for item in self.flow:
            if isinstance(item, Line):
                found.setdefault(last, []).append(item)
            elif item in alive:
                last = item
        return found

    def typed(self) -> set[str]:
        """The lines that are no entries."""
        lines = [item for item in self.flow if isinstance(item, Line)]
        return {
            line.text.strip()
            for line in (*lines, *(line for entry in self.entries.values() for line in entry.below))
        }


def contents(text: str) -> Contents:
    """A section's contents; its lines end in line feeds."""
    section = lone_section(text)
    reading = read_section(section, "")
    entries: dict[Key, Entry] = {}
    flow: list[Key | Line] = []
    seen: Counter[str] = Counter()
    for number, piece in enumerate(reading.pieces):
        gap = piece.before if number else None
        words = (
            piece.text if piece.before else piece.text.lstrip()
        )  # entries may begin on the heading's line
        if piece.named is None:
            flow += _typed(words, gap)
            continue
        target = piece.named.target.removesuffix(".md")
        key = target, seen[target]
        seen[target] += 1
        flow.append(key)
        entries[key] = _entry(piece, piece.named, words, gap)
    begun = text.index("-->") + 3
    first = reading.pieces[0].before if reading.pieces else None
    return Contents(
        text[:begun],
        reading.head[begun:],
        first,
        tuple(flow),
        entries,
        reading.tail,
        section.owner is Owner.ADOPTED,
    )


def lone_section(text: str) -> Section:
    """The section that a text is, and nothing else."""
    found = parse_note("", text).sections
    if len(found) != 1 or not is_kept(found[0]) or (found[0].start, found[0].end) != (0, len(text)):
        raise Unsure("no section from its first to its last character")
    return found[0]


def _typed(words: str, gap: str | None) -> Iterator[Line]:
    """A typed line, and each that is indented below it."""
    start = words.find("\n") if "\n" in words else len(words)
    yield Line(words[:start], gap)
    yield from _below(words[start:])


def _entry(piece: Piece, named: Named, words: str, gap: str | None) -> Entry:
    lead = piece.lead - (len(piece.text) - len(words))
    return Entry(words[:lead], named, tuple(_below(words[lead:])), gap)


def _below(words: str) -> Iterator[Line]:
    for match in _BELOW.finditer(words):
        yield Line(match[2], match[1])
