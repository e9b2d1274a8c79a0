"""Lay out text for a terminal or a pipe, and make it harmless there."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from typing import NamedTuple

from vaultlink.text import COMMAND_START, lazy_pattern
from vaultlink.text import escape_controls as escape_controls  # noqa: PLC0414 - for renderers

# -- lay out text for a terminal or a pipe ---------------------------------------------------------
# Colours, display width, truncation, tables and tab-separated values. Widths are columns.


class Palette(NamedTuple):
    """The escape sequences of styles. All are empty without colour."""

    bold: str = ""
    dim: str = ""
    red: str = ""
    green: str = ""
    yellow: str = ""
    blue: str = ""
    cyan: str = ""
    reset: str = ""
    reverse: str = ""


PLAIN = Palette()
COLORED = Palette(
    *("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[36m"),
    *("\x1b[0m", "\x1b[7m"),
)

_MAYBE_WIDE = lazy_pattern("[^\x00-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]")
"""Characters that may not take one column: all but Latin, Greek, Cyrillic and common marks."""


def display_width(text: str) -> int:
    """Return the columns of a text in a terminal.

    Wide characters take two columns, combining marks and invisible characters none. A variation
    selector makes the character before it an emoji, which is wide.
    """
    if text.isascii() or not _MAYBE_WIDE.search(text):
        return len(text)
    return sum(_measure(part) for part in _split_parts(text))


def is_single_width(text: str) -> bool:
    """Return True if each character takes one column and no character is spelled out.

    The length of such a text is its width.
    """
    return text.isprintable() and (text.isascii() or not _MAYBE_WIDE.search(text))


_EMOJI_SELECTOR = "\ufe0f"

_PART = lazy_pattern(f".{_EMOJI_SELECTOR}?", re.DOTALL)
"""A character, with the selector that may follow it."""


def _split_parts(text: str) -> Sequence[str]:
    return _PART.findall(text) if _EMOJI_SELECTOR in text else text


def _measure(part: str) -> int:
    """Return the columns of a character with or without a selector."""
    return _char_width(part) if len(part) == 1 else max(2, _char_width(part[0]))


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    from wcwidth import wcwidth  # noqa: PLC0415 - slow to import, for characters of _MAYBE_WIDE

    columns: int = wcwidth(char)
    return columns if columns >= 0 else 1


def truncate(text: str, width: int) -> str:
    if display_width(text) <= width:
        return text
    return _take_columns(text, width - 1) + "…" if width > 0 else ""


def truncate_left(text: str, width: int) -> str:
    if display_width(text) <= width:
        return text
    return "…" + _take_last_columns(text, width - 1) if width > 0 else ""


def truncate_middle(text: str, width: int) -> str:
    """Return the beginning and the end of a text that is too wide, around `…`."""
    if display_width(text) <= width:
        return text
    end = max(width - 1, 0) // 2
    return truncate(text, width - end) + _take_last_columns(text, end)


def _take_last_columns(text: str, width: int) -> str:
    """Return the end of a text. It does not begin with a mark of the letter before it."""
    end = "".join(_take_parts([*_split_parts(text)][::-1], width)[::-1])
    while end and not _char_width(end[0]):
        end = end[1:]
    return end


def _take_columns(text: str, width: int) -> str:
    if display_width(text) == len(text):
        return text[: max(width, 0)]
    return "".join(_take_parts(_split_parts(text), width))


def _take_parts(parts: Sequence[str], width: int) -> Sequence[str]:
    for index, part in enumerate(parts):
        width -= _measure(part)
        if width < 0:
            return parts[:index]
    return parts


_INVISIBLE = lazy_pattern(r"\x1b(?:\[[0-9;]*m|\]8;;[^\x1b]*\x1b\\)")
"""Escape sequences of styles and hyperlinks, which take no columns."""


def count_rows(text: str, width: int) -> int:
    """Return the rows that printed text takes in a terminal of `width` columns."""
    columns = (display_width(_INVISIBLE.sub("", line)) for line in text.splitlines())
    return sum(max(-(-count // width), 1) for count in columns)


def wrap_words(text: str, width: int, indent: str, used: int = 0) -> list[str]:
    """Break a line between words where it is wider than `width` columns.

    Later lines begin with `indent`; `used` are the columns before the first. A word that is wider
    than a line begins where it stands, and the terminal breaks it. A command in backticks is one
    word, so that it can be copied. Styles and hyperlinks take no columns.
    """
    if used + display_width(_INVISIBLE.sub("", text)) <= width:
        return [text]
    lines: list[list[str]] = [[]]
    for word in _split_words(text):
        columns = display_width(_INVISIBLE.sub("", word))
        if lines[-1] and used + 1 + columns > width >= display_width(indent) + columns:
            lines.append([])
            used = display_width(indent)
        used += columns + bool(lines[-1])
        used = (used - 1) % width + 1 if used else 0
        lines[-1].append(word)
    first, *rest = [" ".join(words) for words in lines]
    return [first, *(indent + line for line in rest)]


def wrap_text(text: str, width: int, indent: str = "", *, breaks_words: bool = False) -> list[str]:
    """Break plain text at its spaces into lines of at most `width` columns.

    A word that is wider than a line stays whole unless `breaks_words` is true. No text is one empty
    line.
    """
    import textwrap  # noqa: PLC0415 - slow to import, rarely needed

    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=breaks_words,
        break_on_hyphens=False,
    ) or [""]


def _split_words(text: str) -> list[str]:
    """Split a line at its spaces, except at those between two backticks."""
    words: list[str] = []
    is_open, is_paired = False, text.count("`") % 2 == 0
    for word in text.split(" "):
        if is_open:
            words[-1] += f" {word}"
        else:
            words.append(word)
        is_open = is_paired and is_open is (word.count("`") % 2 == 0)
    return words


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - display_width(text))


def render_tsv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Render rows as tab-separated cells below a row with the names of the columns.

    None is an empty cell. Control characters in a cell are spelled out.
    """
    lines = []
    for row in (header, *rows):
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
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    width: int,
    palette: Palette = PLAIN,
    *,
    fold: bool = False,
) -> str:
    """Render rows as aligned columns under a header, in `width` columns.

    Numbers are aligned right. If a line does not fit, the widest columns are narrowed. Their cells
    are cut in the middle, unless two different cells of a column would look the same: these
    continue on the next lines. With `fold`, all cells of the last column do.
    """
    cells = [[escape_controls(_format_cell(cell)) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[index], (int, float, type(None))) for row in rows)
        for index in range(len(header))
    ]
    widths = _fit_columns([header, *cells], width)
    lines = [f"{palette.bold}{_format_line(header, widths, right)}{palette.reset}"]
    folded = [False] * (len(header) - 1) + [fold]
    columns = zip(*cells, strict=True) if cells else [()] * len(header)
    fitted = [_fit_cells(*column) for column in zip(columns, widths, folded, strict=True)]
    for row in cells:
        parts = [shown.get(cell, [cell]) for cell, shown in zip(row, fitted, strict=True)]
        for cell_lines in zip_longest(*parts, fillvalue=""):
            lines.append(_format_line(cell_lines, widths, right))
    return "\n".join(lines) + "\n"


_COLUMN_GAP = "  "
_MIN_COLUMN_WIDTH = 8


def _fit_columns(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Narrow the widest columns until a line fits or all have `_MIN_COLUMN_WIDTH`."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    available = width - len(_COLUMN_GAP) * (len(widths) - 1)
    while sum(widths) > available and max(widths) > _MIN_COLUMN_WIDTH:
        widest = widths.index(max(widths))
        next_widest = max([other for other in widths if other < widths[widest]], default=0)
        widths[widest] = max(
            next_widest, widths[widest] - (sum(widths) - available), _MIN_COLUMN_WIDTH
        )
        if widths[widest] == next_widest:
            widths[widest] -= 1
    return widths


_MAX_CELL_LINES = 6
"""Lines on which a cell continues that looks like another one if it is cut."""


def _fit_cells(cells: Iterable[str], width: int, fold: bool) -> dict[str, list[str]]:
    """Return the lines of each cell that is wider than its column."""
    wide = {cell for cell in cells if display_width(cell) > width}
    if fold:
        return {cell: fold_text(cell, width) for cell in wide}
    cut = {cell: truncate_middle(cell, width) for cell in wide}
    counts = Counter(cut.values())
    longest = width * _MAX_CELL_LINES
    return {
        cell: [shown] if counts[shown] == 1 else fold_text(truncate_middle(cell, longest), width)
        for cell, shown in cut.items()
    }


def fold_text(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` columns.

    Lines end behind spaces, and in names behind `_`, `-` and `/`. A longer part is cut anywhere.
    """
    lines = [""]
    for part in chain.from_iterable(_cut_part(part, width) for part in _NAME_PART.findall(text)):
        if display_width(lines[-1]) + display_width(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines if line] or [""]


def _cut_part(part: str, width: int) -> Iterator[str]:
    """Yield pieces of at most `width` columns; spaces at the end do not count."""
    while display_width(part.rstrip()) > width and (piece := _take_columns(part, width)):
        yield piece
        part = part[len(piece) :]
    yield part


_NAME_PART = lazy_pattern(r"[^\s/_-]*(?:\s+|[/_-]+\s*|\Z)")


def _format_line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        text = truncate(cell, width)
        parts.append(" " * (width - display_width(text)) + text if is_right else pad(text, width))
    return _COLUMN_GAP.join(parts).rstrip()


def format_count(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 note`, `2,345 notes`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# -- make text harmless for terminals, and for the logs of CI services -----------------------------
# A terminal obeys control characters, and shows text in another order after bidirectional
# overrides. A CI service obeys lines such as `::error::…` (GitHub) and words such as `##[error]…`
# (GitHub, Azure Pipelines) and `##vso[…]`, wherever a program prints them. Names and texts of a
# vault can contain all of these.
#
# Renderers mark hyperlinks (OSC 8), which open the file of a path, with a key that is random in
# each process. Only these are let through, because no text of a vault can contain the key.

LinkPath = Callable[[str, str], str]
"""Returns a text as a hyperlink to a vault path: `link_path(text, path)`."""

_KEY = os.urandom(16).hex()
_OPEN, _END = "\x1b]8;;", "\x1b\\"
_CLOSE = f"{_OPEN}{_END}"

HYPERLINK_PATTERN = rf"\x1b\]8;;{_KEY}(?P<address>[!#-~]*)\x1b\\"
"""Matches the marked beginning or end of a hyperlink. The group `address` is empty at the end."""

_HYPERLINK = lazy_pattern(r"\x1b\]8;;[!-~]*\x1b\\")
_FILE_LINK = lazy_pattern(r"\x1b\]8;;(?=(?:file:[!-~]*)?\x1b\\)")


def make_path_linker(prefix: str) -> LinkPath:
    """Return a function that makes a text a hyperlink to a vault path.

    `prefix` is the address of the vault, with a slash at its end; "" returns texts as they are.
    """
    if not prefix:
        return leave_unlinked
    from urllib.parse import quote_from_bytes  # noqa: PLC0415 - slow to import, rarely needed

    def link_path(text: str, path: str) -> str:
        address = prefix + quote_from_bytes(os.fsencode(path))
        return f"{_OPEN}{_KEY}{address}{_END}{text}{_OPEN}{_KEY}{_END}"

    return link_path


def leave_unlinked(text: str, _path: str) -> str:
    """Return the text as it is: the function for output without hyperlinks."""
    return text


def remove_hyperlinks(text: str) -> str:
    """Return printable text without its hyperlinks."""
    return _HYPERLINK.sub("", text) if _CLOSE in text else text


UNSAFE_CHARS = "\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\udc80-\udc9f"
"""A set of characters: control characters outside ASCII, line separators, overrides, and bytes that
are control characters in other encodings than UTF-8."""

_STYLE_PATTERN = "|".join(sorted({re.escape(style) for style in COLORED if style}))
_UNSAFE, _UNSAFE_IN_COLOR = (
    lazy_pattern(f"{HYPERLINK_PATTERN}|(?P<style>{styles})|[\x00-\x08\x0b-\x1f{UNSAFE_CHARS}]")
    for styles in ("(?!)", _STYLE_PATTERN)
)
_UNSAFE_IN_JSON = (
    b"\x7f",
    rb"\xc2[\x80-\x9f]",
    rb"\xe2(?:\x80[\xa8-\xae]|\x81[\xa6-\xa9])",
    rb"#(?=#(?:\[|vso\[|teamcity\[))",
)
"""Unsafe characters in UTF-8. Each expression begins with a byte, so that the search is quick."""


def escape_terminal_controls(text: str, *, is_colored: bool) -> str:
    """Spell out what a terminal may obey.

    Line feeds, tabs, and vaultlink's own styles and hyperlinks are left as they are.
    """
    if text.isprintable():
        return text
    return (_UNSAFE_IN_COLOR if is_colored else _UNSAFE).sub(_spell_out, text)


def _spell_out(match: re.Match[str]) -> str:
    if match["style"]:
        return match["style"]
    if match["address"] is not None:
        return f"{_OPEN}{match['address']}{_END}"
    return "\\r" if match[0] == "\r" else f"\\u{ord(match[0]):04x}"


def read_printed(data: bytes) -> str:
    """Return printed text, its links to files marked for the next escaping.

    It may come from a cache that somebody forged: other links are not marked.
    """
    text = data.decode("utf-8", "surrogateescape")
    return _FILE_LINK.sub(f"{_OPEN}{_KEY}", text) if _OPEN in text else text


def escape_commands(text: str) -> str:
    """Spell out the first character of what a CI service may take for a command."""
    if text.isascii() and "::" not in text and "##" not in text:
        return text
    return COMMAND_START.sub(
        lambda match: f"{match['blank']}\\u003a" if match["blank"] is not None else "\\u0023", text
    )


def escape_json(data: bytes) -> bytes:
    r"""Write unsafe characters in JSON as `\uXXXX`. The values stay the same."""
    for pattern in _UNSAFE_IN_JSON:
        if re.search(pattern, data):
            data = re.sub(pattern, lambda match: rb"\u%04x" % ord(match[0].decode()), data)
    return data


# -- hyperlinks of terminals (OSC 8): the terminals that support them ----------------------------

_PROGRAMS = frozenset(
    {"ghostty", "Hyper", "iTerm.app", "mintty", "rio", "tabby", "vscode", "WarpTerminal"}
    | {"WezTerm", "zed"}
)
"""Values of TERM_PROGRAM of terminals with hyperlinks."""

_TYPES = ("alacritty", "contour", "foot", "xterm-ghostty", "xterm-kitty")
"""Values of TERM, or their beginnings, of terminals with hyperlinks."""

_VARIABLES = ("DOMTERM", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WEZTERM_PANE", "WT_SESSION")
"""Variables that only terminals with hyperlinks set."""

_FIRST_VTE_VERSION = 5000
"""VTE 0.50, the library of GNOME Terminal and others. Its first release, 5000, fails on them."""


def supports_hyperlinks(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return True if output may have hyperlinks.

    FORCE_HYPERLINK decides, as in other programs: "0" is no, any other value yes. Without it, the
    output must be a terminal that is known to support them.
    """
    forced = environment.get("FORCE_HYPERLINK", "")
    if forced:
        return forced != "0"
    kind = environment.get("TERM", "")
    if not is_terminal or kind in ("dumb", "linux"):
        return False
    version = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or kind.startswith(_TYPES)
        or any(environment.get(name) for name in _VARIABLES)
        or (version.isdecimal() and int(version) > _FIRST_VTE_VERSION)
    )
