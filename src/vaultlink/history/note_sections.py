"""Compare the sections of two versions of a note without their texts.

A section is what is between a heading and the next one. Known of it are a checksum, the number of
characters, and the links, tags and block ids with their offsets.
"""

from collections import Counter
from functools import cached_property
from itertools import pairwise

from vaultlink.index.anchors import heading_key
from vaultlink.model import Note

_MIN_TEXT = 20
"""Minimum number of characters before a link that is told by its place."""

_MIN_SHARED = 0.6
"""Minimum share of common items of two sections that are the same."""

_MIN_ALIKE, _MIN_ALIKE_IN_RUN = 0.4, 0.7
"""Minimum ratio of the lengths of two sections that may be the same: alone in a gap, or not."""

_MAX_SHORT = 80
"""Number of characters below which the length of a section says nothing."""

_MIN_LONG, _MAX_DIFFERENCE = 150, 0.015
"""Length of a long section, and the greatest change of it that is small."""

_MIN_CHILDREN = 2
"""Minimum number of common headings below two headings that are the same."""


class Sections:
    """The sections of a note, by the numbers of their headings.

    Attributes:
        keys: The comparison keys of the headings.
        counts: The number of headings of each key.
        levels: The levels of the headings.
        lengths: The number of characters of each section. None for the last one: the length of a
            note is unknown.
        items: The links, tags and block ids of each section, with their offsets in it.
    """

    def __init__(self, note: Note) -> None:
        self.note = note
        headings = note.headings
        self.keys = [heading_key(heading.text) for heading in headings]
        self.counts = Counter(self.keys)
        self.levels = [heading.level for heading in headings]
        self._checksums = Counter(heading.checksum for heading in headings)
        ends = [item.start - item.column + 1 for item in headings[1:]]
        self.lengths: list[int | None] = [
            *(end - heading.end for heading, end in zip(headings, ends, strict=False)),
            *[None][: len(headings)],
        ]

    @cached_property
    def items(self) -> list[tuple[tuple[int, str], ...]]:
        """The items of each section, in order."""
        headings = self.note.headings
        found = sorted(
            [
                *((link.start, link.raw) for link in self.note.links),
                *((tag.start, f"#{tag.name}") for tag in self.note.tags),
                *((block.start, f"^{block.id}") for block in self.note.blocks),
            ]
        )
        result: list[tuple[tuple[int, str], ...]] = []
        at = 0
        for heading, following in pairwise([*headings, None]):
            assert heading is not None
            end = following.start - following.column + 1 if following else None
            inside = []
            while at < len(found) and (end is None or found[at][0] < end):
                start, text = found[at]
                if start >= heading.end:
                    inside.append((start - heading.end, text))
                at += 1
            result.append(tuple(inside))
        return result

    @cached_property
    def _occurrences(self) -> Counter[str]:
        return Counter(text for items in self.items for text in {text for _, text in items})

    def own_items(self, number: int) -> set[str]:
        """Return the items that only one section has."""
        return {text for _, text in self.items[number] if self._occurrences[text] == 1}

    def children(self, number: int) -> list[int]:
        """Return the numbers of the headings below a heading, at any depth."""
        found = []
        for other in range(number + 1, len(self.keys)):
            if self.levels[other] <= self.levels[number]:
                break
            found.append(other)
        return found

    def text(self, number: int) -> str:
        """Return the text of a heading."""
        return self.note.headings[number].text

    def body(self, number: int) -> int:
        """Return the checksum of the text of a section.

        0 if the text is short, or another section of the note has it too.
        """
        checksum = self.note.headings[number].checksum
        return checksum if self._checksums[checksum] == 1 else 0

    def lines(self, number: int) -> int:
        """Return the number of lines of a section that is not the last one."""
        return self.note.headings[number + 1].line - self.note.headings[number].line

    def is_title(self, number: int) -> bool:
        """Return True for the first heading of a note if no other one has its level."""
        return number == 0 and self.levels[0] == 1 and self.levels.count(1) == 1


def has_same_body(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if two sections have the same text, which tells them from others."""
    return old.body(i) == new.body(j) != 0


def has_same_items(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if two sections share links or blocks that no other section has."""
    mine, others = old.own_items(i), new.own_items(j)
    shared = mine & others
    if not shared or len(shared) < _MIN_SHARED * len(mine | others):
        return False
    if len(shared) > 1:
        return True
    # A single common link is enough only at the same place of the text, or if all else agrees.
    placed = {item for item in old.items[i] if item[1] in shared and item[0] >= _MIN_TEXT}
    return bool(placed & set(new.items[j]))


def has_other_items(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if two sections have links, and none in common."""
    mine, others = (
        {text for _, text in items if text[0] != "^"} for items in (old.items[i], new.items[j])
    )
    return bool(mine) and bool(others) and not mine & others


def is_alike(old: Sections, i: int, new: Sections, j: int, is_alone: bool) -> bool:
    """Return True if two sections may be the same by their lengths.

    Those of sections that are alone between their neighbours may differ more, and be unknown.
    """
    mine, others = old.lengths[i], new.lengths[j]
    if mine is None or others is None:
        return is_alone
    short, long = sorted((mine, others))
    if is_alone:
        return long < _MAX_SHORT or short >= _MIN_ALIKE * long
    return short >= _MIN_ALIKE_IN_RUN * long


def is_structural(old: Sections, i: int, new: Sections, j: int, is_alone: bool) -> bool:
    """Return True if two headings may be told by those below them.

    They have hardly any text before the first of these, or are alone between their neighbours.
    """
    lengths = old.lengths[i], new.lengths[j]
    is_short = all(length is not None and length < _MAX_SHORT for length in lengths)
    return is_short or (is_alone and is_alike(old, i, new, j, is_alone))


def is_nearly_same(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if two long sections have as many lines, and nearly the same length."""
    mine, others = old.lengths[i], new.lengths[j]
    return (
        mine is not None
        and others is not None
        and min(mine, others) >= _MIN_LONG
        and abs(mine - others) <= _MAX_DIFFERENCE * mine
        and old.lines(i) == new.lines(j)
        and len(old.items[i]) == len(new.items[j])
    )


def has_same_children(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if most headings below two headings are the same, in their order."""
    mine = [old.keys[number] for number in old.children(i)]
    others = [new.keys[number] for number in new.children(j)]
    shared = {key for key in {*mine} & {*others} if old.counts[key] == 1 == new.counts[key]}
    if len(shared) < _MIN_CHILDREN or len(shared) < _MIN_SHARED * len({*mine, *others}):
        return False
    return [key for key in mine if key in shared] == [key for key in others if key in shared]


def has_same_content(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if two sections in different notes certainly are the same one."""
    return (
        has_same_body(old, i, new, j)
        or has_same_items(old, i, new, j)
        or has_same_children(old, i, new, j)
    )
