"""Find the strings of a JSON text with their places, and encode new ones."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined] # the decoder that json.loads uses
from typing import NamedTuple

from vaultlink.text import lazy_pattern

JsonPath = tuple[str | int, ...]
"""The keys and the 0-based indexes that lead to a value."""

_MARK = lazy_pattern(r"[\"\[\]{},]")
_ESCAPE = lazy_pattern(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)"
)
_ESCAPED_LETTER = lazy_pattern(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])")
_ESCAPED_SLASH = lazy_pattern(r"(?<!\\)(?:\\\\)*\\/")
_SURROGATE = lazy_pattern("[\ud800-\udfff]")


class JsonString(NamedTuple):
    """A string that is a value, not a key, and its span inside the quotes."""

    path: JsonPath
    start: int
    end: int
    value: str


def find_json_strings(text: str, max_depth: int) -> Iterator[JsonString]:
    """Yield the strings of a JSON text, in order.

    Takes linear time and no recursion. If an object repeats a key, the last value counts, as
    for `json.loads`; the strings of all of them are returned. Strings in more containers than
    `max_depth` are not.
    """
    path: list[str | int] = []
    at, is_key = 0, False
    while mark := _MARK.search(text, at):
        at = mark.end()
        char = mark[0]
        if char == '"':
            start = at
            value, at = scanstring(text, at)
            if is_key:
                path[-1], is_key = value, False
            elif len(path) <= max_depth:
                yield JsonString(tuple(path), start, at - 1, value)
        elif char == "{":
            path.append("")
            is_key = True
        elif char == "[":
            path.append(0)
        elif char == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            else:
                is_key = True
        else:
            path.pop()
            is_key = False


class JsonOffsets:
    """Map offsets of a decoded string to offsets of the JSON text."""

    def __init__(self, text: str, string: JsonString):
        self._start = string.start
        self._behind: list[int] = []  # the decoded offset behind each escape
        self._growth = [0]  # the characters that the escapes before that offset add
        growth = 0
        if text.find("\\", string.start, string.end) == -1:
            return
        for escape in _ESCAPE.finditer(text, string.start, string.end):
            self._behind.append(escape.start() - string.start - growth + 1)
            growth += len(escape[0]) - 1
            self._growth.append(growth)

    def map_offset(self, offset: int) -> int:
        """Return the offset in the JSON text at which a decoded character starts.

        The length of the string maps to the closing quote.
        """
        return self._start + offset + self._growth[bisect_right(self._behind, offset)]


class JsonStyle(NamedTuple):
    """The characters, other letters than ASCII and slashes, escaped without need."""

    letters: bool
    slashes: bool


def detect_json_style(text: str) -> JsonStyle:
    return JsonStyle(
        text.isascii() and _ESCAPED_LETTER.search(text) is not None,
        _ESCAPED_SLASH.search(text) is not None,
    )


def encode_json_text(text: str, style: JsonStyle) -> str:
    """Return a text as a part of a JSON string. Lone surrogates are always escaped."""
    encoded = json.dumps(text, ensure_ascii=style.letters)[1:-1]
    if style.slashes:
        encoded = encoded.replace("/", "\\/")
    return _SURROGATE.sub(_escape_surrogate, encoded)


def _escape_surrogate(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
