"""Match brackets, and find the end of link destinations and bare URLs."""

import re
from typing import NamedTuple

from vaultlink.parse.marks import MarkSearch
from vaultlink.text import lazy_pattern

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
