"""Compute the text to delete in order to remove a section entry."""

from collections.abc import Sequence

from msgspec import structs

from vaultlink.model import Entry
from vaultlink.text import lazy_pattern

_NEXT_LINE = lazy_pattern(r"\r?\n(?P<line>[^\n]*)")
_INDENTED_LINE = r"(?:>| (?! {3}))*+(?:\t| {4})[ \t]*+\S"
_INDENTED_NEXT = lazy_pattern(
    rf"[ \t>]*+\r?\n(?:(?!{_INDENTED_LINE})[ \t>]*+\r?\n)*+{_INDENTED_LINE}"
)
"""An indented line that would have another meaning directly behind another line."""

_JOINED_NEXT = lazy_pattern(r"\r?\n[ \t>]*(?![ \t>]|#{1,6}[ \t]|<!--)\S")
"""A line that continues the entry and may start another block without it."""


def add_cut_spans(
    text: str, start: int, heading_end: int, entries: Sequence[Entry], below: dict[int, int]
) -> tuple[Entry, ...]:
    """Return the entries with `tail`, `cut_start` and `cut_end` set.

    The cut includes an entry's line and the blank lines before it. `start` and `heading_end`
    are those of the section, `below` maps the start of an entry to the end of the lines that
    are indented below it.
    """
    updated = []
    for number, entry in enumerate(entries):
        previous = entries[number - 1] if number else None
        following = entries[number + 1] if number + 1 < len(entries) else None
        end = _skip_trailing_blanks(
            text, max(entry.end + len(entry.tail), below.get(entry.start, 0))
        )
        if previous and previous.line == entry.line:
            cut = (previous.end, end)
        elif following and following.line == entry.line:
            cut = (entry.start, following.start)
        elif (
            entry.start - len(entry.marks) <= heading_end
            and text.rfind("\n", start, entry.start) < 0
        ):
            cut = (heading_end, end)
        else:
            cut = _whole_line_span(text, entry.start - len(entry.marks), end, heading_end)
        next_line = entry.line + text.count("\n", entry.start, end) + 1
        joined = _JOINED_NEXT.match(text, end) and not (following and following.line == next_line)
        if _INDENTED_NEXT.match(text, end) or joined:
            cut = (entry.start, entry.start)
        tail = text[entry.end : max(entry.end + len(entry.tail), below.get(entry.start, 0))]
        updated.append(structs.replace(entry, tail=tail, cut_start=cut[0], cut_end=cut[1]))
    return tuple(updated)


def _whole_line_span(text: str, start: int, end: int, heading_end: int) -> tuple[int, int]:
    """Return the span of whole lines with the blank lines before them.

    The blank lines stay if their removal would join the text before and after the entry.
    """
    before = max(_strip_quote_lines(text, start), heading_end)
    has_blank_line = text.count("\n", before, start) > 1
    following = _NEXT_LINE.match(text, end)
    if has_blank_line and following and following["line"].strip(" \t\r>"):
        return start, following.start("line")
    return before, end


def _skip_trailing_blanks(text: str, at: int) -> int:
    """Return the end of a line if only blanks follow `at`, otherwise `at`."""
    end = at
    while text[end : end + 1] in (" ", "\t") and end < len(text):
        end += 1
    return end if text[end : end + 1] in ("", "\r", "\n") else at


def _strip_quote_lines(text: str, end: int) -> int:
    """Return the end of the text before `end` without blanks and empty quote lines."""
    end = _strip_blanks(text, end)
    while (line := text[text.rfind("\n", 0, end) + 1 : end]) and not line.strip(" \t>"):
        end = _strip_blanks(text, end - len(line))
    return end


def _strip_blanks(text: str, end: int) -> int:
    while end and text[end - 1].isspace():
        end -= 1
    return end
