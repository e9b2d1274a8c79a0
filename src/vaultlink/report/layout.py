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
    off: str = ""


PLAIN = Palette()
COLOURED = Palette(
    "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[36m", "\x1b[0m"
)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def clean(text: str) -> str:
    """The text with control characters spelled out, so that no name in a vault can move the cursor or break a line."""
    return text if text.isprintable() else _CONTROL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return _NAMED.get(match[0]) or f"\\u{ord(match[0]):04x}"


_UNSURE = re.compile("[^\x00-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]")
"""Characters that may take other than one column: all but Latin, Greek, Cyrillic and common marks."""


def width(text: str) -> int:
    """The columns a text takes in a terminal: wide characters two, marks that combine or are invisible none."""
    return sum(map(_columns, text)) if not text.isascii() and _UNSURE.search(text) else len(text)


def even(text: str) -> bool:
    """Whether a text can be measured and cut by counting characters: nothing to spell out, one column each."""
    return text.isprintable() and (text.isascii() or not _UNSURE.search(text))


@lru_cache(maxsize=4096)
def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf") and char != "\xad":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, room: int) -> str:
    """The text's beginning, ending in an ellipsis where it takes more columns than there is room."""
    if width(text) <= room:
        return text
    return _head(text, room - 1) + "…" if room > 0 else ""


def cut_left(text: str, room: int) -> str:
    """The text's end, beginning with an ellipsis where it takes more columns than there is room."""
    if width(text) <= room:
        return text
    return "…" + _head(text[::-1], room - 1)[::-1] if room > 0 else ""


def _head(text: str, room: int) -> str:
    if width(text) == len(text):
        return text[: max(room, 0)]
    for place, char in enumerate(text):
        room -= _columns(char)
        if room < 0:
            return text[:place]
    return text


def pad(text: str, columns: int) -> str:
    """The text with spaces up to a number of columns."""
    return text + " " * (columns - width(text))


def tsv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of tab-separated cells, without a header: nothing is an empty cell, control characters are spelled
    out."""
    lines = []
    for row in rows:
        cells = [_cell(cell) for cell in row]
        if not "".join(cells).isprintable():
            cells = [clean(cell) for cell in cells]
        lines.append("\t".join(cells))
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    room: int,
    palette: Palette = PLAIN,
    *,
    fold: bool = False,
) -> str:
    """Rows in aligned columns under a header. Numbers stand to the right; where a line would not fit, the widest
    columns give way: cells are cut, or with `fold` those of the last column go on below."""
    cells = [[clean(_cell(cell)) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[place], (int, float, type(None))) for row in rows)
        for place in range(len(header))
    ]
    sizes = _sizes([header, *cells], room)
    lines = [f"{palette.bold}{_line(header, sizes, right)}{palette.off}"]
    for row in cells:
        if fold and width(row[-1]) > sizes[-1]:
            first, *rest = textwrap.wrap(row[-1], sizes[-1])
            indent = " " * (sum(sizes[:-1]) + len(_GAP) * (len(sizes) - 1))
            lines += [_line([*row[:-1], first], sizes, right), *(indent + line for line in rest)]
        else:
            lines.append(_line(row, sizes, right))
    return "\n".join(lines) + "\n"


_GAP = "  "
_NARROWEST = 8


def _sizes(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """The columns' widths, the widest cut down one by one until a line fits or all are narrow."""
    sizes = [max(map(width, column)) for column in zip(*rows, strict=True)]
    spare = room - len(_GAP) * (len(sizes) - 1)
    while sum(sizes) > spare and max(sizes) > _NARROWEST:
        widest = sizes.index(max(sizes))
        next_widest = max([size for size in sizes if size < sizes[widest]], default=0)
        sizes[widest] = max(next_widest, sizes[widest] - (sum(sizes) - spare), _NARROWEST)
        if sizes[widest] == next_widest:
            sizes[widest] -= 1
    return sizes


def _line(cells: Sequence[str], sizes: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, size, number in zip(cells, sizes, right, strict=True):
        text = cut(cell, size)
        parts.append(" " * (size - width(text)) + text if number else pad(text, size))
    return _GAP.join(parts).rstrip()


def number(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 note`, `2,345 notes`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
