"""Line starts, line and column of an offset, and template placeholders in a text.

Offsets are 0-based and count code points, as Python does. Lines and columns are 1-based, as in
editors. This module does not depend on notes.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

try:
    from _blake2 import blake2b as blake2b  # noqa: PLC0414 - `hashlib` is slow: it loads OpenSSL
except ImportError:  # another implementation of Python
    from hashlib import blake2b as blake2b  # noqa: PLC0414


def line_starts(text: str) -> list[int]:
    """Return the offsets of the line starts of `text`.

    The first is always 0. A line ends with a line feed.
    """
    starts, end = [0], 0
    while end := text.find("\n", end) + 1:
        starts.append(end)
    return starts


def find_line_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the whole lines around a span, without the last line feed."""
    line_end = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end == -1 else line_end


def line_and_column(starts: list[int], offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both 1-based.

    Args:
        starts: The text's line starts, from `line_starts`.
        offset: A 0-based offset in code points.
    """
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


class TextLines:
    """The lines of a text: offsets as lines and columns, and back.

    A line ends with a line feed, or with a carriage return before it.
    """

    def __init__(self, text: str):
        self._text, self._starts = text, line_starts(text)

    def locate(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset.

        Args:
            offset: An offset in code points, 0-based.

        Returns:
            The line and the column, both 1-based.
        """
        return line_and_column(self._starts, offset)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and a column.

        Args:
            line: The line, 1-based; one below the text is its end.
            column: The column, 1-based; one behind the line is the line's end.

        Returns:
            The offset in code points, 0-based.
        """
        if line > len(self._starts):
            return len(self._text)
        start = self._starts[line - 1]
        end = self._text.find("\n", start)
        end = len(self._text) if end == -1 else end - self._text.endswith("\r", start, end)
        return min(start + column - 1, end)


def line_span(text: str, start: int, end: int | None = None) -> tuple[int, int]:
    """Return the span of the lines from `start` to `end`, without the last line feed."""
    line_end = text.find("\n", start if end is None else end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end == -1 else line_end


def list_first(names: Sequence[str], limit: int = 1) -> str:
    """Return the first names and the number of the others: `a, b and 3 more`."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def has_placeholder(text: str) -> bool:
    """Return True if `text` contains a template placeholder.

    These are the placeholders of Obsidian's own templates, of Templater, and of site generators
    such as Jekyll and Hugo.
    """
    return any(marker in text for marker in ("{{", "<%", "{%"))


class _LazyPattern:
    """Stands for a compiled regular expression, and compiles it when it is first used."""

    def __init__(self, pattern: str, flags: int):
        self._source = pattern, flags

    def __getattr__(self, name: str) -> object:
        compiled = re.compile(*self._source)
        # Found in the instance from now on, so that this method is not called again.
        for member in _PATTERN_MEMBERS:
            setattr(self, member, getattr(compiled, member))
        return getattr(compiled, name)


_PATTERN_MEMBERS = [name for name in vars(re.Pattern) if not name.startswith("_")]


def lazy_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression that is compiled when it is first used.

    Compiling all of them takes longer than checking one note.

    Args:
        pattern: The pattern.
        flags: The flags of the `re` module.
    """
    return cast("re.Pattern[str]", _LazyPattern(pattern, flags))


_ACCENTS = lazy_pattern("[\u0300-\u036f]")


_CONTROL_CHARS = lazy_pattern(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\udc80-\udc9f]"
)
"""Control characters, line separators, bidirectional overrides, and bytes like controls."""

_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def escape_controls(text: str) -> str:
    """Spell out control characters, such as `\\n` or `\\u001b`.

    So no name in a vault can move the cursor or break a line.
    """
    return text if text.isprintable() else _CONTROL_CHARS.sub(_escape_char, text)


def _escape_char(match: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def quote_name(name: str) -> str:
    """Return a name in the quotation marks of messages, harmless for a terminal.

    Control characters are spelled out. Commands and settings to be copied are in backticks instead,
    and have the quotes of the shell or of TOML there. A name that no file can have is cut.
    """
    shown = name if len(name) <= _MAX_QUOTED else f"{name[:_MAX_QUOTED]}…"
    return f"“{escape_controls(shown)}”"


_MAX_QUOTED = 1_000
"""Characters of a name in a message."""


def curl_quotes(message: str) -> str:
    """Return a message of a library with the quotation marks of `quote_name`."""
    return _STRAIGHT_QUOTES.sub(r"“\2”", message)


_STRAIGHT_QUOTES = lazy_pattern(r"(?<!\w)(['\"])(.+?)\1(?!\w)")


def strip_accents(text: str) -> str:
    """Return a text in compatibility form without accents, decomposed.

    Marks of vowels and of voiced sounds in other scripts are not accents: they stay.
    """
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


def fold_letters(text: str) -> str:
    """Return a text in NFC and without case, however it was composed."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def fold_title(text: str) -> str:
    """Return a title as titles are compared: composed, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def count_shared(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the number of equal items with which two sequences start.

    Long ones are halved: comparing slices takes less time than comparing items.
    """
    at, size = 0, min(len(one), len(other))
    while size - at > _FEW_ITEMS:
        middle = (at + size + 1) // 2
        if one[at:middle] == other[at:middle]:
            at = middle
        else:
            size = middle - 1
    while at < size and one[at] == other[at]:
        at += 1
    return at


_FEW_ITEMS = 32
"""Items, as the letters of a word, that are compared one by one."""


COMMAND_START = lazy_pattern(
    r"(?m)(?:^|(?<=\r))(?P<blank>[^!-9;-~\w\r\n]*):(?=[^!-~\w\r\n]*:)"
    r"|#(?=[^!-~\w\r\n]*#[^!-~\w\r\n]*(?:\[|vso\[|teamcity\[))"
)
"""The first character of what a CI service may take for a command. Other signs and invisible
characters before and within it are allowed, as GitHub's runner skips blanks and ignores what is
invisible."""


def has_command(line: str) -> bool:
    """Return True if a CI service may take the beginning of a line for a command."""
    match = COMMAND_START.match(line) if ":" in line else None
    return match is not None and match["blank"] is not None


def file_extension(path: str) -> str:
    """Return the extension of a file in lower case, without the dot."""
    return path[path.rfind("/") + 1 :].rpartition(".")[2].lower()


T = TypeVar("T")
K = TypeVar("K")


def group_by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return the items by key, in their order."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
