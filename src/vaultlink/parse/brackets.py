"""Find the marks that close code, math, emphasis, brackets and destinations."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from vaultlink.text import lazy_pattern

# -- sets of spans that are asked for many offsets -------------------------------------------------


class SpanSet:
    """Spans of a text, in any order. They may overlap.

    A question takes the logarithm of their number.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]]):
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        # The furthest end so far, because a span may contain later ones.
        self._ends = list(accumulate([end for _, end in ordered], max))

    def covers(self, at: int) -> bool:
        """Return True if a span contains an offset."""
        before = bisect_right(self._starts, at)
        return before > 0 and at < self._ends[before - 1]

    def covers_inside(self, at: int) -> bool:
        """Return True if a span contains an offset that is not its start."""
        before = bisect_left(self._starts, at)
        return before > 0 and at < self._ends[before - 1]


# -- search for the marks that close links, code, math and emphasis --------------------------------
# A text can open many of them and close none. Each search is remembered or answered from a list of
# positions, so that no part of a text is read once for every opening mark.


_BACKTICKS = lazy_pattern("`+")
_MATH_CLOSE = lazy_pattern(r"(?<![\\ \t$])\$(?![\d$])")


class _MarkRows(NamedTuple):
    """The rows of a mark of emphasis in a text: their spans, and where they can close.

    `single` holds the positions at which one mark closes emphasis, `double` those of two.
    """

    starts: list[int]
    ends: list[int]
    single: list[int]
    double: list[int]


class MarkSearch:
    """Searches in one text; positions are -1 or 0 if nothing is found."""

    def __init__(self, text: str):
        self.text = text
        self._found: dict[str, tuple[int, int]] = {}
        self._rows: dict[str, _MarkRows] = {}

    def find_mark(self, mark: str, at: int) -> int:
        """Return the next position of a mark, -1 if there is none."""
        searched_from, position = self._found.get(mark, (-1, -1))
        if searched_from == -1 or not searched_from <= at or (position != -1 and position < at):
            position = self.text.find(mark, at)
            self._found[mark] = (at, position)
        return position

    def find_char(self, chars: re.Pattern[str], at: int) -> int:
        """Return the next position of a character of a pattern, -1 if there is none."""
        searched_from, position = self._found.get(chars.pattern, (-1, -1))
        if searched_from == -1 or not searched_from <= at or (position != -1 and position < at):
            match = chars.search(self.text, at)
            position = match.start() if match else -1
            self._found[chars.pattern] = (at, position)
        return position

    def find_unescaped(self, mark: str, at: int) -> int:
        """Return the next position of a mark behind an even number of backslashes, or -1.

        No backslash may stand before `at`.
        """
        key = f"\\{mark}"
        searched_from, position = self._found.get(key, (-1, -1))
        if searched_from == -1 or not searched_from <= at or (position != -1 and position < at):
            position = self.text.find(mark, at)
            while position != -1 and self._is_escaped(position):
                position = self.text.find(mark, position + 1)
            self._found[key] = (at, position)
        return position

    def _is_escaped(self, at: int) -> bool:
        start = at
        while start and self.text[start - 1] == "\\":
            start -= 1
        return (at - start) % 2 == 1

    # -- code and math ---------------------------------------------------------------------------

    @cached_property
    def _code_rows(self) -> tuple[list[int], list[int], dict[int, list[int]]]:
        """The starts and ends of the rows of backticks, and their starts by length."""
        starts, ends = [], []
        by_length: dict[int, list[int]] = {}
        for match in _BACKTICKS.finditer(self.text):
            start, end = match.span()
            starts.append(start)
            ends.append(end)
            by_length.setdefault(end - start, []).append(start)
        return starts, ends, by_length

    def end_of_code(self, at: int, end: int) -> int:
        """Return the end of a code span (0 if none): the next row of as many backticks.

        A row that extends beyond `end` ends there.
        """
        starts, ends, by_length = self._code_rows
        stop = ends[bisect_right(starts, at) - 1]
        if stop >= end:
            return 0
        size = stop - at
        rows = by_length.get(size, [])
        number = bisect_left(rows, stop)
        if number < len(rows) and rows[number] + size <= end:
            return rows[number] + size
        last = bisect_left(starts, end) - 1
        is_cut = ends[last] > end and starts[last] >= stop and end - starts[last] == size
        return end if is_cut else 0

    @cached_property
    def _math_closings(self) -> list[int]:
        return [match.start() for match in _MATH_CLOSE.finditer(self.text)]

    def end_of_math(self, at: int, end: int) -> int:
        """Return the end of inline math that opens at `at`, or 0."""
        number = bisect_left(self._math_closings, at + 2)
        if number < len(self._math_closings) and self._math_closings[number] < end:
            return self._math_closings[number] + 1
        # What follows the last character does not count.
        return end if at + 2 < end and _MATH_CLOSE.match(self.text, end - 1, end) else 0

    # -- emphasis --------------------------------------------------------------------------------

    def end_of_emphasis(self, mark: str, at: int, end: int) -> int:
        """Return the position of the mark that ends emphasis; 0 if there is none.

        The emphasis must not be empty, the mark must not be part of a longer row, and `_` must not
        stand inside a word. `at` is the position behind the opening mark.
        """
        if mark in ("~~", "==") and self.text[at : at + 1].isspace():
            return 0
        close = self._find_emphasis_mark(mark, at, end)
        return close if close != -1 and self.text[at:close].strip() else 0

    def _find_emphasis_mark(self, mark: str, at: int, end: int) -> int:
        rows = self._rows.get(mark[0]) or self._list_rows(mark[0])
        number = bisect_right(rows.starts, at) - 1
        if number >= 0 and at < rows.ends[number]:  # the row of the opening mark continues
            close = self._close_in_row(mark, at, min(rows.ends[number], end), end)
            if close != -1:
                return close
            at = rows.ends[number]
        last, limit = bisect_left(rows.starts, end) - 1, end
        if last >= 0 and rows.ends[last] >= end and rows.starts[last] >= at:
            limit = rows.starts[last]
        closings = rows.single if len(mark) == 1 else rows.double
        number = bisect_left(closings, at)
        if number < len(closings) and closings[number] < limit:
            return closings[number]
        return self._close_in_row(mark, limit, end, end) if limit < end else -1

    def _close_in_row(self, mark: str, start: int, stop: int, end: int) -> int:
        """Return where a row of marks closes emphasis, or -1.

        A row is read in pairs: one mark closes at the end of an odd row, two at the end of an even
        one.
        """
        size = stop - start
        escaped = size == len(mark) and self.text[start - 1] == "\\"
        inside = mark == "_" and stop < end and self.text[stop].isalnum()
        if size <= 0 or size % 2 != len(mark) % 2 or escaped or inside:
            return -1
        return stop - len(mark)

    def _list_rows(self, char: str) -> _MarkRows:
        found = self._rows[char] = _MarkRows([], [], [], [])
        size = len(self.text)
        for match in re.finditer(f"{re.escape(char)}+", self.text):
            start, end = match.span()
            found.starts.append(start)
            found.ends.append(end)
            closings, mark = (found.single, char) if (end - start) % 2 else (found.double, char * 2)
            close = self._close_in_row(mark, start, end, size)
            if close != -1:
                closings.append(close)
        return found


# -- match brackets, and find the end of link destinations and bare URLs ---------------------------


_BRACKET = lazy_pattern(r"[\[\]\\](?:(?<!\\)|.)", re.S)
_MAX_PARENTHESES = 32
_DESTINATION_START = lazy_pattern(r"\(\s*")
_ANGLE_END = lazy_pattern(r"[>\n]")
_IN_DESTINATION = lazy_pattern(r"[\s()\\](?:(?<!\\)|.)", re.S)
_TITLE_START = lazy_pattern(r"\s+[\"'(]")
_TITLE_MARKS = {'"': '"', "'": "'", "(": ")"}


class BracketPairs(NamedTuple):
    """Opening to closing position of the pairs of brackets in a text."""

    closings: dict[int, int]
    closed: frozenset[int]


def pair_brackets(text: str) -> BracketPairs:
    closings = match_brackets(text)
    return BracketPairs(closings, frozenset(closings.values()))


def match_brackets(text: str) -> dict[int, int]:
    """Return opening to closing position of all pairs of unescaped brackets."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            opened.append(match.start())
        elif match[0] == "]" and opened:
            pairs[opened.pop()] = match.start()
    return pairs


def parse_link_destination(marks: MarkSearch, at: int, end: int) -> tuple[int, str]:
    """Return the end of a Markdown link and its destination; (0, "") without one.

    `at` is the position of the opening parenthesis, `end` the end of the text to search. The
    destination is as written.
    """
    text = marks.text
    opening = _DESTINATION_START.match(text, at, end)
    assert opening
    start = opening.end()
    if text.startswith("<", start):
        close = marks.find_char(_ANGLE_END, start + 1)
        if not start < close < end or text[close] != ">":
            return 0, ""
        destination, stop = text[start + 1 : close], close + 1
    else:
        stop = _find_destination_end(text, start, end)
        if stop == -1:
            return 0, ""
        destination = text[start:stop]
    stop = _find_title_end(marks, stop, end)
    while stop < end and text[stop].isspace():
        stop += 1
    return (stop + 1, destination) if stop < end and text[stop] == ")" and destination else (0, "")


def _find_destination_end(text: str, at: int, end: int) -> int:
    """Return the end of a bare destination (2.5, 2.19).

    It ends at white space or at an unbalanced parenthesis. Returns -1 if it has too many
    parentheses.
    """
    depth = 0
    for mark in _IN_DESTINATION.finditer(text, at, end):
        char = mark[0]
        if char == "(":
            depth += 1
            if depth > _MAX_PARENTHESES:
                return -1
        elif char == ")":
            if not depth:
                return mark.start()
            depth -= 1
        elif char[0] != "\\":
            return mark.start()
    return -1


def _find_title_end(marks: MarkSearch, at: int, end: int) -> int:
    """Return the end of the title behind a destination, or `at` if there is none."""
    opening = _TITLE_START.match(marks.text, at, end)
    if opening is None:
        return at
    close = marks.find_unescaped(_TITLE_MARKS[opening[0][-1]], opening.end())
    return close + 1 if 0 <= close < end else at


def is_domain(domain: str) -> bool:
    """Return True if the last two labels of a domain contain no underscore."""
    return "_" not in "".join(domain.rsplit(".", 2)[-2:])


def trim_url_end(text: str, start: int, end: int) -> int:
    """Return the end of a URL without trailing punctuation of the sentence."""
    while end > start and text[end - 1] in "!*,.:?_~":
        end -= 1
    surplus = text.count(")", start, end) - text.count("(", start, end)
    while surplus > 0 and text[end - 1] == ")":
        end, surplus = end - 1, surplus - 1
    return end
