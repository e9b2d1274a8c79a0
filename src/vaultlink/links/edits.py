"""Arithmetic on edits: apply them, map offsets through them, detect overlaps.

All functions take the edits of one text, sorted and without overlaps, unless they say otherwise.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from vaultlink.model import Edit


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Return the text after its edits. Characters outside the edits do not change."""
    parts, copied_to = [], 0
    for edit in edits:
        parts += [text[copied_to : edit.start], edit.text]
        copied_to = edit.end
    parts.append(text[copied_to:])
    return "".join(parts)


def sort_edits(edits: Iterable[Edit]) -> list[Edit]:
    """Sort the edits of one text by position."""
    return sorted(edits, key=lambda edit: (edit.start, edit.end))


def edits_overlap(one: Edit, other: Edit) -> bool:
    """Return True if two edits cannot be applied together.

    They overlap if they share characters, or if one inserts text at the start or end of the other.
    """
    if one.path != other.path:
        return False
    if one.start == one.end or other.start == other.end:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end


class OffsetShift:
    """Map offsets of a text to offsets after its edits.

    Attributes:
        new_spans: Spans of the inserted texts in the new text, in order.
    """

    def __init__(self, edits: Sequence[Edit]):
        self._edits = edits
        self._starts = [edit.start for edit in edits]
        growth, self._growth = 0, [0]
        self.new_spans: list[tuple[int, int]] = []
        for edit in edits:
            self.new_spans.append((edit.start + growth, edit.start + growth + len(edit.text)))
            growth += len(edit.text) - (edit.end - edit.start)
            self._growth.append(growth)

    def is_changed(self, start: int, end: int) -> bool:
        """Return True if an edit changes part of a span.

        Insertions at the ends of the span do not count.
        """
        count = bisect_left(self._starts, end)
        return count > 0 and self._edits[count - 1].end > start

    def is_touched(self, start: int, end: int) -> bool:
        """Return True if an edit changes part of a span or inserts text at either end."""
        count = bisect_right(self._starts, end)
        return count > 0 and self._edits[count - 1].end >= start

    def map_offset(self, offset: int) -> int:
        """Return the new offset of an offset that no edit changes.

        An offset at which an edit inserts text moves behind the insertion.
        """
        return offset + self._growth[bisect_right(self._starts, offset)]

    def map_back(self, offset: int) -> int:
        """Return the old offset of an offset in the new text, outside inserted texts."""
        count = bisect_right(self.new_spans, offset, key=lambda span: span[1])
        return offset - self._growth[count]

    def is_new(self, start: int, end: int) -> bool:
        """Return True if a span of the new text contains or touches an inserted text."""
        count = bisect_right(self.new_spans, end, key=lambda span: span[0])
        return count > 0 and self.new_spans[count - 1][1] >= start
