"""The block pass: split a note's lines into runs, headings and block identifiers."""

import re
from typing import NamedTuple

import msgspec

from vaultlink.parse import leaf_blocks
from vaultlink.parse.leaf_blocks import COMMENT_START, FENCE, HEADING, MATH_FENCE, THEMATIC_BREAK
from vaultlink.parse.lines import UNICODE_SPACES, SourceLine, TableRow, TextRun, is_blank
from vaultlink.text import lazy_pattern

# -- split lists into items, and remove bullet and indent from the lines of an item ----------------
# The rules were observed in Obsidian (observed section 3.1). Its indentation is less strict than
# CommonMark's: an item includes lines that are indented as far as its text, or by more than four
# columns. If any line of an item has no indent, all its lines keep their indent.


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
            if not belongs and (
                was_blank
                or (
                    _interrupts_item(line.text)
                    and not leaf_blocks.closes_math(items[-1], line.text)
                )
            ):
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


# -- the block pass: split a note's lines into runs, headings and block identifiers ----------------
# Hidden blocks (code, math, HTML, definitions) produce no run. Blocks are tried in Obsidian's
# order (specification 3, observed section 3.1).


MAX_DEPTH = 60
"""Containers nested deeper are read as text.

Real notes are less deep, and the stack is limited.
"""

_BLOCK_ID = re.compile(r"(?:^|[ \t])\^([A-Za-z0-9-]+)[ \t]*$")
_BLOCK_ID_ALONE = re.compile(r"[ \t]*\^([A-Za-z0-9-]+)[ \t]*$")


class HidingBlock(NamedTuple):
    """A block without a closing mark that hides the lines below its first one.

    `kind` is `unclosed-fence`, `-comment`, `-math` or `-html`; "" for HTML that a blank line
    ends. `container` is `note`, `comment`, `quote`, `list item` or `footnote`.
    """

    kind: str
    lines: list[SourceLine]
    container: str
    ends_container: bool


class QueryBlock(NamedTuple):
    """The code of a block in `dataview` or `base`, or all lines of a base."""

    language: str
    lines: list[SourceLine]


class ParsedBlocks(msgspec.Struct):
    """The blocks of a note, in document order. Offsets are those of the source.

    `headings` are level, text, start and end of each at the top level, `ids` an identifier, its
    offset and that of its block, `hidden` spans of code and HTML, `hiding` unclosed blocks and
    HTML that a blank line ends, `beside_tables` offsets of lines that a pipe would make a row
    of a table, `definitions` lines that define a link's label.
    """

    runs: list[TextRun] = msgspec.field(default_factory=list)
    headings: list[tuple[int, str, int, int]] = msgspec.field(default_factory=list)
    ids: list[tuple[str, int, int]] = msgspec.field(default_factory=list)
    hidden: list[tuple[int, int]] = msgspec.field(default_factory=list)
    hiding: list[HidingBlock] = msgspec.field(default_factory=list)
    beside_tables: list[int] = msgspec.field(default_factory=list)
    definitions: list[SourceLine] = msgspec.field(default_factory=list)
    queries: list[QueryBlock] = msgspec.field(default_factory=list)


def read_blocks(lines: list[SourceLine]) -> ParsedBlocks:
    found = ParsedBlocks()
    _read_container(lines, found, depth=0, owner=None, container="note")
    return found


def _read_container(
    lines: list[SourceLine], found: ParsedBlocks, depth: int, owner: int | None, container: str
) -> None:
    """Read the lines of a container.

    `owner` is the offset of the block that identifiers in the container name; None at the top
    level.
    """
    at, before = 0, None
    while at < len(lines):
        line = lines[at]
        if not line.text or leaf_blocks.BLANK.match(line.text):
            at += 1
            continue
        end = 0
        if line.text[0] in leaf_blocks.BLOCK_START_CHARS:
            end = _read_hidden_block(lines, at, found, container) or _read_nested_block(
                lines, at, found, depth
            )
        if not end:
            end = _read_text_block(
                lines, at, found, depth, before if owner is None else owner, owner
            )
        before, at = line.offset, end


def _read_hidden_block(
    lines: list[SourceLine], at: int, found: ParsedBlocks, container: str
) -> int:
    """Read code, math or HTML; return the index behind the block, or 0."""
    text = lines[at].text
    kind = ""
    if text[0] in " \t" and leaf_blocks.INDENTED.match(text):
        return _hide(lines, at, leaf_blocks.end_of_indented(lines, at), found)
    head = text.lstrip(" \t")[0]
    if head not in "$`~<":
        return 0
    if leaf_blocks.MATH_FENCE.match(text):
        kind, (end, closed) = "unclosed-math", leaf_blocks.end_of_math(lines, at)
    elif leaf_blocks.FENCE.match(text):
        kind, (end, closed) = "unclosed-fence", leaf_blocks.end_of_fence(lines, at)
        query = leaf_blocks.QUERY_FENCE.match(text)
        if query and closed and container != "comment":
            found.queries.append(QueryBlock(query[1], lines[at + 1 : end - 1]))
    elif head == "<" and not leaf_blocks.is_setext(lines, at):
        closing = leaf_blocks.html_block_closer(text, interrupting=False)
        if closing is None:
            return 0
        end, closed = leaf_blocks.end_of_html(lines, at, closing)
        if closing:
            comment = text.lstrip(" \t").startswith("<!--")
            kind = "unclosed-comment" if comment else "unclosed-html"
    else:
        return 0
    if not (kind and closed):
        hidden = lines[at:end]
        found.hiding.append(HidingBlock(kind, hidden, container, end == len(lines)))
    return _hide(lines, at, end, found)


def _hide(lines: list[SourceLine], at: int, end: int, found: ParsedBlocks) -> int:
    last = lines[end - 1]
    found.hidden.append((lines[at].offset, last.offset + len(last.text)))
    return end


def _read_nested_block(lines: list[SourceLine], at: int, found: ParsedBlocks, depth: int) -> int:
    """Read a nested block; return the index behind it, 0 if none starts here."""
    if depth >= MAX_DEPTH:
        return 0
    text, offset = lines[at].text, lines[at].offset
    head = text.lstrip(" \t")[0]
    comment = leaf_blocks.COMMENT_START.match(text) if head == "%" else None
    if comment:
        inner = _comment_lines(lines, at, comment.end())
        _read_container(inner, found, depth + 1, None, "comment")
        return at + len(inner)
    if head == ">":
        inner = _quote_lines(lines, at)
        _read_container(inner, found, depth + 1, offset, "quote")
        return at + len(inner)
    if head in "#%" or leaf_blocks.THEMATIC_BREAK.match(text):
        return 0
    if leaf_blocks.BULLET.match(text):
        items, end = split_list_items(lines, at)
        for item in items:
            _read_container(strip_item(item), found, depth + 1, item[0].offset, "list item")
        return end
    mark = leaf_blocks.FOOTNOTE_DEFINITION.match(text)
    if mark:
        inner = _footnote_lines(lines, at, mark.end())
        _read_container(inner, found, depth + 1, offset, "footnote")
        return at + len(inner)
    return 0


def _comment_lines(lines: list[SourceLine], at: int, cut: int) -> list[SourceLine]:
    """Return lines without the opening mark, up to the next one or the container end."""
    first = lines[at]
    inner = [SourceLine(first.text[cut:], first.offset + cut)]
    for index in range(at + 1, len(lines)):
        inner.append(lines[index])
        if "%%" in lines[index].text:
            break
    return inner


def _quote_lines(lines: list[SourceLine], at: int) -> list[SourceLine]:
    """Return a quote's lines without marks, lazy continuation lines included."""
    inner: list[SourceLine] = []
    for index in range(at, len(lines)):
        text, offset = lines[index]
        mark = leaf_blocks.QUOTE.match(text)
        if mark:
            cut = mark.end() + (text[mark.end() : mark.end() + 1] == " ")
            inner.append(SourceLine(text[cut:], offset + cut))
        elif is_blank(text) or _interrupts_quote(lines, index):
            break
        else:
            inner.append(lines[index])
    return inner


def _interrupts_quote(lines: list[SourceLine], at: int) -> bool:
    text = lines[at].text
    return bool(
        leaf_blocks.INDENTED.match(text)
        or leaf_blocks.interrupts_paragraph(text)
        or leaf_blocks.is_setext(lines, at)
    )


def _footnote_lines(lines: list[SourceLine], at: int, cut: int) -> list[SourceLine]:
    """Return a footnote's first paragraph, and indented lines behind blank lines."""
    first = lines[at]
    inner = [SourceLine(first.text[cut:], first.offset + cut)]
    pending: list[SourceLine] = []
    for index in range(at + 1, len(lines)):
        line = lines[index]
        indent = leaf_blocks.INDENTED.match(line.text)
        if leaf_blocks.BLANK.match(line.text):
            pending.append(line)
        elif indent:
            inner += [*pending, SourceLine(line.text[indent.end() :], line.offset + indent.end())]
            pending = []
        elif (
            pending
            or leaf_blocks.FOOTNOTE_DEFINITION.match(line.text)
            or leaf_blocks.interrupts_paragraph(line.text)
        ):
            break
        else:
            inner.append(line)
    return inner


def _read_text_block(
    lines: list[SourceLine],
    at: int,
    found: ParsedBlocks,
    depth: int,
    before: int | None,
    owner: int | None,
) -> int:
    """Read a heading, table, definition or paragraph; return the index behind it."""
    line = lines[at]
    head = line.text.lstrip(" \t")[0]
    span = leaf_blocks.match_heading(line.text) if head == "#" else None
    if span:
        _add_heading(line, span, found, depth, owner)
        return at + 1
    if head in "-*_" and leaf_blocks.THEMATIC_BREAK.match(line.text):
        return at + 1
    if leaf_blocks.is_setext(lines, at):
        text = line.text.strip(" \t")
        start = line.text.find(text)
        level = 1 if lines[at + 1].text.startswith("=") else 2
        _add_heading(line, (level, start, start + len(text)), found, depth, owner)
        return at + 2
    if head == "[" and leaf_blocks.LINK_DEFINITION.match(line.text):
        found.hidden.append((line.offset, line.offset + len(line.text)))
        found.definitions.append(line)
        return at + 1
    end = leaf_blocks.end_of_table(lines, at) if "|" in line.text else at
    if end > at:
        _add_table(lines[at:end], found, owner)
        if end < len(lines):
            found.beside_tables.append(lines[end].offset)
        return end
    if leaf_blocks.precedes_delimiter_row(lines, at):
        found.beside_tables.append(line.offset)
    end = _end_of_paragraph(lines, at)
    _add_paragraph(lines[at:end], found, before, owner)
    return end


def _add_heading(
    line: SourceLine, span: tuple[int, int, int], found: ParsedBlocks, depth: int, owner: int | None
) -> None:
    level, start, end = span
    text = line.text[start:end]
    if depth == 0:
        trimmed = text.strip(UNICODE_SPACES)
        inner = start + len(text) - len(text.lstrip(UNICODE_SPACES)) if trimmed else start
        found.headings.append(
            (level, trimmed, line.offset + inner, line.offset + inner + len(trimmed))
        )
    if text:
        found.runs.append(TextRun([SourceLine(text, line.offset + start)]))
        _add_block_id(
            SourceLine(text, line.offset + start), found, line.offset if owner is None else owner
        )


def _add_table(rows: list[SourceLine], found: ParsedBlocks, owner: int | None) -> None:
    columns = len(leaf_blocks.split_cells(rows[1]))
    last = max(at for at, row in enumerate(rows) if at < 2 or row.text.lstrip().startswith("|"))
    for at, line in enumerate(rows):
        if at != 1:
            row = TableRow(line, columns, at <= last)
            found.runs.extend(TextRun([cell], row) for cell in leaf_blocks.split_cells(line))
    _add_block_id(rows[-1], found, rows[0].offset if owner is None else owner)


def _end_of_paragraph(lines: list[SourceLine], at: int) -> int:
    """Return the end: a blank line, or a block that starts without a deeper indent."""
    end = at + 1
    while end < len(lines):
        text = lines[end].text
        if text and text[0] not in leaf_blocks.BLOCK_START_CHARS and not text[0].isspace():
            end += 1
            continue
        if is_blank(text) or (
            not leaf_blocks.INDENTED.match(text)
            and leaf_blocks.interrupts_paragraph(text)
            and not leaf_blocks.closes_math(lines[at:end], text)
        ):
            break
        end += 1
    return end


def _add_paragraph(
    lines: list[SourceLine], found: ParsedBlocks, before: int | None, owner: int | None
) -> None:
    """Add a paragraph as a run; an identifier alone names the block before it."""
    found.runs.append(TextRun(lines))
    if len(lines) == 1 and _BLOCK_ID_ALONE.match(lines[0].text):
        if before is not None:
            _add_block_id(lines[0], found, before)
    else:
        _add_block_id(lines[-1], found, lines[0].offset if owner is None else owner)


def _add_block_id(line: SourceLine, found: ParsedBlocks, block: int) -> None:
    mark = _BLOCK_ID.search(line.text) if "^" in line.text else None
    if mark:
        found.ids.append((mark[1], line.offset + mark.start(1) - 1, block))
