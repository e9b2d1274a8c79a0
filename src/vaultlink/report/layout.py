"""How text is laid out for people and shells: colours, display width, cutting, tables, tab-separated lines.

Strings enter and leave. Nothing here knows what the strings are about, or where they are printed.
"""

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple


class Palette(NamedTuple):
    """The marks that switch styles on and off; all empty where there is no colour."""

    bold: str = ""
    dim: str = ""
    red: str = ""
    green: str = ""
    yellow: str = ""
    blue: str = ""
    cyan: str = ""
    reset: str = ""


PLAIN = Palette()
COLORED = Palette(
    "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[36m", "\x1b[0m"
)

_CONTROL_CHARS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def escape_controls(text: str) -> str:
    """The text with control characters spelled out, so that no name in a vault can move the cursor or break a line."""
    return text if text.isprintable() else _CONTROL_CHARS.sub(_escape_char, text)


def _escape_char(match: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


_MAYBE_WIDE = re.compile("[^\x00-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]")
"""Characters that may take other than one column: all but Latin, Greek, Cyrillic and common marks."""


def display_width(text: str) -> int:
    """The columns a text takes in a terminal: wide characters two, marks that combine or are invisible none."""
    return (
        sum(map(_char_width, text))
        if not text.isascii() and _MAYBE_WIDE.search(text)
        else len(text)
    )


def is_single_width(text: str) -> bool:
    """Whether a text can be measured and cut by counting characters: nothing to spell out, one column each."""
    return text.isprintable() and (text.isascii() or not _MAYBE_WIDE.search(text))


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf") and char != "\xad":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def truncate(text: str, room: int) -> str:
    """The text's beginning, ending in an ellipsis where it takes more columns than there is room."""
    if display_width(text) <= room:
        return text
    return _take_columns(text, room - 1) + "…" if room > 0 else ""


def truncate_left(text: str, room: int) -> str:
    """The text's end, beginning with an ellipsis where it takes more columns than there is room."""
    if display_width(text) <= room:
        return text
    return "…" + _take_columns(text[::-1], room - 1)[::-1] if room > 0 else ""


def _take_columns(text: str, room: int) -> str:
    if display_width(text) == len(text):
        return text[: max(room, 0)]
    for place, char in enumerate(text):
        room -= _char_width(char)
        if room < 0:
            return text[:place]
    return text


def pad(text: str, columns: int) -> str:
    """The text with spaces up to a number of columns."""
    return text + " " * (columns - display_width(text))


def render_tsv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of tab-separated cells, without a header: nothing is an empty cell, control characters are spelled
    out."""
    lines = []
    for row in rows:
        cells = [_format_cell(cell) for cell in row]
        if not "".join(cells).isprintable():
            cells = [escape_controls(cell) for cell in cells]
        lines.append("\t".join(cells))
    return "\n".join([*lines, ""])


def _format_cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    room: int,
    palette: Palette = PLAIN,
    *,
    fold: bool = False,
) -> str:
    """Rows in aligned columns under a header. Numbers stand to the right; where a line would not fit, the widest
    columns give way: cells are cut, or with `fold` those of the last column go on below."""
    cells = [[escape_controls(_format_cell(cell)) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[place], (int, float, type(None))) for row in rows)
        for place in range(len(header))
    ]
    sizes = _fit_columns([header, *cells], room)
    lines = [f"{palette.bold}{_format_line(header, sizes, right)}{palette.reset}"]
    for row in cells:
        if fold and display_width(row[-1]) > sizes[-1]:
            first, *rest = textwrap.wrap(row[-1], sizes[-1])
            indent = " " * (sum(sizes[:-1]) + len(_COLUMN_GAP) * (len(sizes) - 1))
            lines += [
                _format_line([*row[:-1], first], sizes, right),
                *(indent + line for line in rest),
            ]
        else:
            lines.append(_format_line(row, sizes, right))
    return "\n".join(lines) + "\n"


_COLUMN_GAP = "  "
_MIN_COLUMN_WIDTH = 8


def _fit_columns(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """The columns' widths, the widest cut down one by one until a line fits or all are narrow."""
    sizes = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    spare = room - len(_COLUMN_GAP) * (len(sizes) - 1)
    while sum(sizes) > spare and max(sizes) > _MIN_COLUMN_WIDTH:
        widest = sizes.index(max(sizes))
        next_widest = max([size for size in sizes if size < sizes[widest]], default=0)
        sizes[widest] = max(next_widest, sizes[widest] - (sum(sizes) - spare), _MIN_COLUMN_WIDTH)
        if sizes[widest] == next_widest:
            sizes[widest] -= 1
    return sizes


def _format_line(cells: Sequence[str], sizes: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, size, number in zip(cells, sizes, right, strict=True):
        text = truncate(cell, size)
        parts.append(" " * (size - display_width(text)) + text if number else pad(text, size))
    return _COLUMN_GAP.join(parts).rstrip()


def format_count(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 note`, `2,345 notes`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
