"""The lines of a note that edits change, cut so that the change is visible."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vaultlink.links.edits import apply_edits
from vaultlink.model import Edit
from vaultlink.report.layout import display_width, escape_controls, truncate, truncate_left

_MAX_LINE = 300
"""Code points of a line that `cut_lines` keeps."""

_LEAD = 60
"""Code points before the change that `cut_lines` keeps of a line that is cut."""


class ChangedLines(NamedTuple):
    """Lines of a note before and after a fix; `line` is the first, counted from 1.

    `offset` is the place of the first change in the first line, in code points.
    """

    path: str
    line: int
    before: Sequence[str]
    after: Sequence[str]
    offset: int


def find_line_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the whole lines around a span, without the last line feed."""
    line_end = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end == -1 else line_end


def apply_within(text: str, start: int, end: int, edits: Sequence[Edit]) -> str:
    """Return a part of a text after the edits in it."""
    moved = [Edit(e.path, e.start - start, e.end - start, e.text) for e in edits]
    return apply_edits(text[start:end], moved)


def split_changes(path: str, text: str, edits: Sequence[Edit]) -> Iterator[ChangedLines]:
    """Yield the changed parts of a note. Edits on one line are one part."""
    groups: list[tuple[int, int, list[Edit]]] = []
    for edit in edits:
        start, end = find_line_span(text, edit.start, edit.end)
        if groups and start < groups[-1][1]:
            first, last, group = groups[-1]
            groups[-1] = first, max(last, end), [*group, edit]
        else:
            groups.append((start, end, [edit]))
    for start, end, group in groups:
        after = apply_within(text, start, end, group)
        number = text.count("\n", 0, start) + 1
        yield _trim_lines(path, number, text[start:end], after, group[0].start - start)


def _trim_lines(path: str, number: int, before: str, after: str, offset: int) -> ChangedLines:
    """Leave out the equal lines at the beginning and the end of a changed part."""
    old, new = before.split("\n") if before else [], after.split("\n") if after else []
    while old and new and old[0] == new[0]:
        offset = max(offset - len(old[0]) - 1, 0)
        old, new, number = old[1:], new[1:], number + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return ChangedLines(path, number, old, new, offset)


def find_first_change(text: str, edits: Sequence[Edit]) -> tuple[str, str]:
    """Return the first line that edits change, before and after.

    One of them is "" if the edits add or remove whole lines.
    """
    start, end = find_line_span(text, edits[0].start, edits[-1].end)
    old_lines = text[start:end].splitlines()
    new_lines = apply_within(text, start, end, edits).splitlines()
    number = count_equal(old_lines, new_lines)
    before, after = ("".join(lines[number : number + 1]) for lines in (old_lines, new_lines))
    if before and after:  # lines that are only moved by others are no change
        if len(old_lines) < len(new_lines) and before in new_lines:
            return "", after
        if len(old_lines) > len(new_lines) and after in old_lines:
            return before, ""
    return before, after


def count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of equal items at the start of two sequences, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def cut_lines(before: str, after: str) -> tuple[str, str]:
    """Cut the same beginning from two long lines, and what is too long at their ends."""
    if max(len(before), len(after)) <= _MAX_LINE:
        return before, after
    start = max(count_equal(before, after) - _LEAD, 0)
    return _cut_line(before, start), _cut_line(after, start)


def _cut_line(line: str, start: int) -> str:
    part = line[start : start + _MAX_LINE]
    opening = "…" if start and part else ""
    return f"{opening}{part}{'…' if start + _MAX_LINE < len(line) else ''}"


def truncate_pair(before: str, after: str, offset: int, width: int) -> tuple[str, str]:
    """Truncate two lines so that their difference at `offset` is visible.

    Both lines start at the same place. The equal text before the difference takes at most a third
    of the width.
    """
    equal = escape_controls(before[:offset])
    if display_width(equal) <= width // 3:
        offset, equal = 0, ""
    equal = truncate_left(equal, width // 3)
    return truncate(equal + clean_line(before[offset:]), width), truncate(
        equal + clean_line(after[offset:]), width
    )


def clean_line(text: str) -> str:
    """Return a line without its line end, with control characters spelled out."""
    return escape_controls(text.rstrip("\r"))
