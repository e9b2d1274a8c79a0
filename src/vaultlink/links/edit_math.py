"""Arithmetic on edits: apply them, map offsets through them, detect overlaps.

All functions take the edits of one text, sorted and without overlaps, unless they say otherwise.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from vaultlink.model import Edit
from vaultlink.text import count_shared


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Return the text after its edits. Characters outside the edits do not change."""
    parts, copied_to = [], 0
    for edit in edits:
        parts += [text[copied_to : edit.start], edit.text]
        copied_to = edit.end
    parts.append(text[copied_to:])
    return "".join(parts)


def edit_span(text: str, start: int, end: int, edits: Iterable[Edit]) -> str:
    inner = [edit for edit in edits if start <= edit.start and edit.end <= end]
    moved = [Edit(edit.path, edit.start - start, edit.end - start, edit.text) for edit in inner]
    return apply_edits(text[start:end], moved)


def sort_edits(edits: Iterable[Edit]) -> list[Edit]:
    return sorted(edits, key=lambda edit: (edit.start, edit.end))


def find_edit(path: str, old: str, new: str) -> Edit:
    """Return the edit that makes one text of another, without their equal ends."""
    start, tail = count_equal_ends(old, new)
    return Edit(path, start, len(old) - tail, new[start : len(new) - tail])


def count_equal_ends(before: Sequence[object], after: Sequence[object]) -> tuple[int, int]:
    """Count the equal items at the start and, among the others, at the end."""
    head = count_shared(before, after)
    rest = min(len(before), len(after)) - head
    return head, count_shared(before[::-1][:rest], after[::-1][:rest])


def join_edits(first: Sequence[Edit], second: Sequence[Edit], text: str) -> tuple[Edit, ...]:
    """Return edits that do what two groups of edits do, one after the other."""
    if not first:
        return tuple(second)
    shift = OffsetShift(first)
    spans = sorted([*shift.new_spans, *((edit.start, edit.end) for edit in second)])
    joined: list[list[int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    path, rest, result = second[0].path if second else first[0].path, list(second), []
    for start, end in joined:
        inner = []
        while rest and rest[0].start <= end:
            edit = rest.pop(0)
            inner.append(Edit(path, edit.start - start, edit.end - start, edit.text))
        old_start, old_end = shift.map_span_back(start, end)
        result.append(Edit(path, old_start, old_end, apply_edits(text[start:end], inner)))
    return tuple(result)


def edits_overlap(one: Edit, other: Edit) -> bool:
    """Return True if two edits share characters, or one inserts at an end of another."""
    if one.path != other.path:
        return False
    if one.start == one.end or other.start == other.end:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end


class OffsetShift:
    """Map offsets of a text to those after its edits, which wrote `new_spans`."""

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
        """Return True if an edit changes part of a span; insertions at its ends don't."""
        count = bisect_left(self._starts, end)
        return count > 0 and self._edits[count - 1].end > start

    def is_touched(self, start: int, end: int) -> bool:
        """Return True if an edit changes part of a span or inserts text at either end."""
        count = bisect_right(self._starts, end)
        return count > 0 and self._edits[count - 1].end >= start

    def map_offset(self, offset: int) -> int:
        """Return the new offset of one that no edit changes, behind insertions at it."""
        return offset + self._growth[bisect_right(self._starts, offset)]

    def map_back(self, offset: int) -> int:
        """Return the old offset of an offset in the new text, outside inserted texts."""
        count = bisect_right(self.new_spans, offset, key=lambda span: span[1])
        return offset - self._growth[count]

    def map_span_back(self, start: int, end: int) -> tuple[int, int]:
        """Return the old span of a new one; part of an insertion stands for all of it."""
        first = bisect_left(self.new_spans, start, key=lambda span: span[1])
        last = bisect_right(self.new_spans, end, key=lambda span: span[0])
        old_start, old_end = start - self._growth[first], end - self._growth[last]
        if first < last:
            old_start = min(old_start, self._edits[first].start)
            old_end = max(old_end, self._edits[last - 1].end)
        return old_start, old_end

    def is_new(self, start: int, end: int) -> bool:
        """Return True if a span of the new text contains or touches an inserted text."""
        count = bisect_right(self.new_spans, end, key=lambda span: span[0])
        return count > 0 and self.new_spans[count - 1][1] >= start
