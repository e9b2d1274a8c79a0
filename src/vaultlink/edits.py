"""Edits as arithmetic: what they make of a text, where they leave an offset, whether two of them collide.

Edits of one text enter, sorted and apart from each other; nothing here knows what they are for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from vaultlink.model import Edit


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after its edits; every character outside them stays what it is."""
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def sort_edits(edits: Iterable[Edit]) -> list[Edit]:
    """Edits of one text from its start to its end."""
    return sorted(edits, key=lambda edit: (edit.start, edit.end))


def edits_overlap(one: Edit, other: Edit) -> bool:
    """Whether two edits can't be made in one go: they share characters, or one inserts where the other begins or ends."""
    if one.path != other.path:
        return False
    if one.start == one.end or other.start == other.end:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end


class OffsetShift:
    """Where the edits of a text, in order and apart from each other, leave what they do not touch."""

    def __init__(self, edits: Sequence[Edit]):
        self._edits = edits
        self._starts = [edit.start for edit in edits]
        grown, self._growth = 0, [0]
        self.new_spans: list[tuple[int, int]] = []
        for edit in edits:
            self.new_spans.append((edit.start + grown, edit.start + grown + len(edit.text)))
            grown += len(edit.text) - (edit.end - edit.start)
            self._growth.append(grown)

    def is_changed(self, start: int, end: int) -> bool:
        """Whether an edit changes something of a span; what is added before or behind it changes nothing of it."""
        number = bisect_left(self._starts, end)
        return number > 0 and self._edits[number - 1].end > start

    def is_touched(self, start: int, end: int) -> bool:
        """Whether an edit changes something of a span, or adds to it at either end."""
        number = bisect_right(self._starts, end)
        return number > 0 and self._edits[number - 1].end >= start

    def map_offset(self, offset: int) -> int:
        """Where an offset that no edit changes is found afterwards; one behind an insertion at the same place moves."""
        return offset + self._growth[bisect_right(self._starts, offset)]

    def is_new(self, start: int, end: int) -> bool:
        """Whether a span of the new text holds, or touches, something that an edit made."""
        number = bisect_right(self.new_spans, end, key=lambda span: span[0])
        return number > 0 and self.new_spans[number - 1][1] >= start
