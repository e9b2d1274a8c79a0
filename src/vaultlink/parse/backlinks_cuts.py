"""What to cut from a text so that an entry of an "Add backlinks" section is gone, and nothing else is out of place."""

import re
from collections.abc import Sequence

from msgspec import structs

from vaultlink.model import Entry

_NEXT_LINE = re.compile(r"\r?\n(?P<line>[^\n]*)")
_INDENTED_NEXT = re.compile(r"(?:[ \t>]*\r?\n)+[ \t>]*(?:\t| {4})[ \t]*\S")
"""A line behind whose indent would mean something else if it followed another line."""

_JOINED_NEXT = re.compile(r"\r?\n[ \t>]*(?![ \t>]|#{1,6}[ \t]|<!--)\S")
"""A line that goes on with what the entry began, and may be anything once it begins a block itself."""


def add_cut_spans(
    text: str, start: int, heading_end: int, entries: Sequence[Entry], below: dict[int, int]
) -> tuple[Entry, ...]:
    """Entries that know what to cut so that they are gone: with their line and the blank lines before it."""
    found = []
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
        found.append(structs.replace(entry, tail=tail, cut_start=cut[0], cut_end=cut[1]))
    return tuple(found)


def _whole_line_span(text: str, start: int, end: int, heading_end: int) -> tuple[int, int]:
    """Whole lines to cut, with the blank ones before them; but these stay if what follows would join what stands before."""
    before = max(len(_strip_quote_lines(text[:start].rstrip())), heading_end)
    apart = text.count("\n", before, start) > 1
    following = _NEXT_LINE.match(text, end)
    if apart and following and following["line"].strip(" \t\r>"):
        return start, following.start("line")
    return before, end


def _skip_trailing_blanks(text: str, at: int) -> int:
    """The end of a line behind nothing but blanks; the offset itself if more follows."""
    end = at
    while text[end : end + 1] in (" ", "\t") and end < len(text):
        end += 1
    return end if text[end : end + 1] in ("", "\r", "\n") else at


def _strip_quote_lines(before: str) -> str:
    """A text without empty lines of a quote at its end."""
    while (line := before[before.rfind("\n") + 1 :]) and not line.strip(" \t>"):
        before = before[: -len(line)].rstrip()
    return before
