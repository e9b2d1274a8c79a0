"""Split lists into items, and remove bullet and indent from the lines of an item.

The rules were observed in Obsidian (observed section 3.1). Its indentation is less strict than
CommonMark's: an item includes lines that are indented as far as its text, or by more than four
columns. If any line of an item has no indent, all its lines keep their indent.
"""

from vaultlink.parse.leaves import COMMENT_START, FENCE, HEADING, MATH_FENCE, THEMATIC_BREAK
from vaultlink.parse.lines import SourceLine, is_blank
from vaultlink.text import lazy_pattern

_BULLET = lazy_pattern(r"(?:[-*+]|\d+[.)])")
_ITEM = lazy_pattern(r"([ \t]*)([-*+]|\d+[.)])( {1,4}(?! )| |\t|$)")
_TASK = lazy_pattern(r"\[([ X\tx])\][ \t]")
_TAB_WIDTH = 4


def split_list_items(lines: list[SourceLine], at: int) -> tuple[list[list[SourceLine]], int]:
    """Return the items of the list that starts at a line, and the list's end."""
    items: list[list[SourceLine]] = []
    pending: list[SourceLine] = []
    kind, indent, end, was_blank = "", 0, at, False
    for index in range(at, len(lines)):
        line = lines[index]
        size, marker, width = _measure_indent(line.text, indent if items else None)
        if marker:
            kind = kind or marker
            if marker != kind or (marker in "*-" and THEMATIC_BREAK.match(line.text)):
                break
            items.append([line])
            pending, indent, was_blank = [], width, False
        else:
            blank = is_blank(line.text)
            belongs = size >= indent or size > _TAB_WIDTH
            if not belongs and blank:
                pending.append(line)
                was_blank = True
                continue
            if not belongs and (was_blank or _interrupts_item(line.text)):
                break
            items[-1].extend([*pending, line])
            pending, was_blank = [], blank
        end = index + 1
    return items, end


def _measure_indent(text: str, indent: int | None) -> tuple[int, str, int]:
    """Return indent in columns, last bullet character or "", and text column."""
    at = len(text) - len(text.lstrip(" \t"))
    size = _count_columns(text[:at])
    if indent is not None and size >= indent:
        return size, "", 0
    bullet = _BULLET.match(text, at)
    if not bullet:
        return size, "", 0
    after = bullet.end()
    width = size + after - at
    spaces = len(text) - after - len(text[after:].lstrip(" "))
    if text[after : after + 1] == "\t":
        width += _TAB_WIDTH - width % _TAB_WIDTH
    elif spaces:
        width += spaces if spaces <= _TAB_WIDTH else 1
    elif after < len(text):
        return size + (bullet[0] in "-*+"), "", 0
    return size, bullet[0][-1], width


def _interrupts_item(text: str) -> bool:
    return bool(
        HEADING.match(text)
        or FENCE.match(text)
        or THEMATIC_BREAK.match(text)
        or COMMENT_START.match(text)
        or MATH_FENCE.match(text)
    )


def strip_item(item: list[SourceLine]) -> list[SourceLine]:
    """Return an item's lines without bullet, task box and their shared indent."""
    first = item[0]
    bullet = _ITEM.match(first.text)
    assert bullet
    rest = first.text[bullet.end() :]
    mark = bullet[2]
    extra = (
        1
        if mark[:-1].isdigit()
        and mark[-1] == "."
        and int(mark[:-1][:6]) < 10
        and len(bullet[0]) % 2
        else 0
    )
    lead = bullet[1] + " " * (len(mark) + extra) + bullet[3]
    shared = _shared_indent([lead + rest, *[line.text for line in item[1:]]], _indent_columns(lead))
    offset = first.offset + bullet.end()
    task = _TASK.match(rest)
    if task:
        rest, offset = rest[task.end() :], offset + task.end()
    return [SourceLine(rest, offset), *[_dedent(line, shared) for line in item[1:]]]


def _indent_columns(text: str) -> int:
    """Return the indent in columns; a tab ends at the next multiple of four."""
    return _count_columns(text[: len(text) - len(text.lstrip(" \t"))])


def _count_columns(blanks: str) -> int:
    return len(blanks.expandtabs(_TAB_WIDTH)) if "\t" in blanks else len(blanks)


def _shared_indent(texts: list[str], limit: int) -> int:
    """Return the indent that all lines share, at most `limit`; 0 if any has none."""
    least = limit
    for text in texts:
        if not is_blank(text):
            size = _indent_columns(text)
            if not size:
                return 0
            least = min(least, size)
    return least


def _dedent(line: SourceLine, shared: int) -> SourceLine:
    size, at = 0, 0
    blanks = line.text[:shared]
    if "\t" not in blanks:
        at = len(blanks) - len(blanks.lstrip(" "))
    else:
        for char in blanks:
            if size >= shared or char not in " \t":
                break
            size = size + 1 if char == " " else (size + _TAB_WIDTH) // _TAB_WIDTH * _TAB_WIDTH
            at += 1
    return SourceLine(line.text[at:], line.offset + at) if at else line
