"""The lines of a note with their quote marks."""

from typing import NamedTuple

from vaultlink.parse.backlinks_heading import QUOTE_MARKS


class QuotedLine(NamedTuple):
    """A line in a quote or outside.

    Attributes:
        start: Offset of the line.
        end: Offset of its end, without the line end.
        content: Offset behind its quote marks.
        depth: Number of quote marks.
    """

    start: int
    end: int
    content: int
    depth: int


def build_quoted_line(text: str, start: int, end: int) -> QuotedLine:
    """Return the line between two offsets."""
    quote = QUOTE_MARKS.match(text, start, end)
    assert quote
    depth = quote[0].count(">")
    return QuotedLine(start, end, quote.end() if depth else start, depth)


def content_end(text: str, line: QuotedLine) -> int:
    """Return the end of a line without trailing blanks."""
    return line.start + len(text[line.start : line.end].rstrip())
