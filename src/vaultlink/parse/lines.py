"""Lines with source offsets, and runs of inline text made of them.

A container (list item, quote) removes marks and indents from its lines. Each line stores the source
offset of its remaining text, so that everything found in a run has an exact position.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from vaultlink.parse.brackets import BracketPairs, MarkSearch, pair_brackets

UNICODE_SPACES = (
    " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The characters that JavaScript's `trim` removes.

All Unicode spaces, including U+00A0 and U+3000 (observed H3).
"""


class SourceLine(NamedTuple):
    """A line without its line end, and the source offset of its first character."""

    text: str
    offset: int


class TableRow(NamedTuple):
    """A row of a table with the number of the table's columns.

    `is_inner` is False if no further row of the table starts with a pipe.
    """

    line: SourceLine
    columns: int
    is_inner: bool


class TextRun:
    """The inline text of one block: its lines, joined by line feeds.

    `row` is the row of a table cell, None elsewhere.
    """

    __slots__ = ("_marks", "_offsets", "_pairs", "_starts", "in_table_cell", "row", "text")

    def __init__(self, lines: list[SourceLine], row: TableRow | None = None):
        self.row = row
        self.in_table_cell = row is not None
        self._marks: MarkSearch | None = None
        self._pairs: BracketPairs | None = None
        if len(lines) == 1:
            self.text, offset = lines[0]
            self._offsets, self._starts = [offset], [0]
            return
        self.text = "\n".join([line.text for line in lines])
        self._offsets = [line.offset for line in lines]
        starts, at = [], 0
        for line in lines:
            starts.append(at)
            at += len(line.text) + 1
        self._starts = starts

    @property
    def marks(self) -> MarkSearch:
        self._marks = self._marks or MarkSearch(self.text)
        return self._marks

    @property
    def bracket_pairs(self) -> BracketPairs:
        self._pairs = self._pairs or pair_brackets(self.text)
        return self._pairs

    def source_offset(self, at: int) -> int:
        """Return the source offset of a position in the run.

        The end of a line maps to the offset directly behind its text.
        """
        line = bisect_right(self._starts, at) - 1
        return self._offsets[line] + at - self._starts[line]

    def locate(self, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the source spans of spans of the run."""
        return [(self.source_offset(start), self.source_end(end)) for start, end in spans]

    def find_source_offset(self, offset: int) -> int | None:
        """Return the position of a source offset in the run; None outside it."""
        line = bisect_right(self._offsets, offset) - 1
        if line < 0:
            return None
        at = self._starts[line] + offset - self._offsets[line]
        is_last = line + 1 == len(self._starts)
        end = len(self.text) if is_last else self._starts[line + 1] - 1
        return at if at <= end else None

    def source_end(self, at: int) -> int:
        """Return the source offset of a span's end, directly behind its last character."""
        return self.source_offset(at - 1) + 1


def split_lines(text: str, start: int, end: int | None = None) -> list[SourceLine]:
    """Return the lines of a text between two offsets.

    A carriage return before the line feed is part of the line end.
    """
    lines, has_returns = [], "\r" in text
    for part in text[start:end].split("\n"):
        shown = part[:-1] if has_returns and part.endswith("\r") else part
        lines.append(SourceLine(shown, start))
        start += len(part) + 1
    return lines


def is_blank(text: str) -> bool:
    """Return True if a line contains only spaces of any kind."""
    return not text or not text.strip(UNICODE_SPACES)
