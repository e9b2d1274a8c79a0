"""The block pass: a note's lines become runs of inline text, headings and block identifiers.

What a block hides (code, math, HTML, definitions) leaves no run. Blocks are tried in the order in which Obsidian tries
them (specification 3, observed section 3.1).
"""

import re
from dataclasses import dataclass, field

from vaultlink.parse import leaves
from vaultlink.parse.lines import SPACES, Line, Run, is_blank
from vaultlink.parse.lists import item_content, list_items

DEEPEST = 60
"""Containers nested deeper are read as text: no hand writes them, and the stack is finite."""

_BLOCK_ID = re.compile(r"(?:^|[ \t])\^([A-Za-z0-9-]+)[ \t]*$")
_LONE_ID = re.compile(r"[ \t]*\^([A-Za-z0-9-]+)[ \t]*$")


@dataclass(slots=True)
class Blocks:
    """What the block pass found, in document order. Offsets are the source's."""

    runs: list[Run] = field(default_factory=list)
    headings: list[tuple[int, str, int, int]] = field(
        default_factory=list
    )  # level, text, start, end
    ids: list[tuple[str, int, int]] = field(
        default_factory=list
    )  # id, its offset, its block's offset
    hidden: list[tuple[int, int]] = field(default_factory=list)  # code and HTML, as spans
    unclosed: list[tuple[str, int, int]] = field(
        default_factory=list
    )  # kind, span of the opening line


def read_blocks(lines: list[Line]) -> Blocks:
    """The blocks of a note's body."""
    found = Blocks()
    _read(lines, found, depth=0, owner=None)
    return found


def _read(lines: list[Line], found: Blocks, depth: int, owner: int | None) -> None:
    """Read a container's lines. `owner` is the offset of the block that identifiers name, None at the top."""
    at, before = 0, None
    while at < len(lines):
        line = lines[at]
        if not line.text or leaves.BLANK.match(line.text):
            at += 1
            continue
        end = 0
        if line.text[0] in leaves.MARKS:
            end = _hiding(lines, at, found) or _container(lines, at, found, depth)
        if not end:
            end = _text(lines, at, found, depth, before if owner is None else owner, owner)
        before, at = line.offset, end


def _hiding(lines: list[Line], at: int, found: Blocks) -> int:
    """Code, math and HTML: the index behind the block, 0 if none starts here."""
    text = lines[at].text
    if leaves.INDENTED.match(text):
        return _hide(lines, at, leaves.end_of_indented(lines, at), found)
    if leaves.MATH_FENCE.match(text):
        return _hide_until(lines, at, leaves.end_of_math(lines, at), found, "unclosed-math")
    if leaves.FENCE.match(text):
        return _hide_until(lines, at, leaves.end_of_fence(lines, at), found, "unclosed-fence")
    if "<" in text and not leaves.is_setext(lines, at):
        closing = leaves.html_kind(text, interrupting=False)
        if closing is not None:
            kind = "unclosed-comment" if text.lstrip(" \t").startswith("<!--") else "unclosed-html"
            return _hide_until(lines, at, leaves.end_of_html(lines, at, closing), found, kind)
    return 0


def _hide_until(lines: list[Line], at: int, end: tuple[int, bool], found: Blocks, kind: str) -> int:
    """Hide a block that should have been closed; note it if it was not and swallows something."""
    index, closed = end
    first = (
        next((line.text.strip() for line in lines[at + 1 :] if not is_blank(line.text)), "")
        if not closed
        else ""
    )
    # A script of the Excalidraw plugin opens a fence in a comment of its own, so that its code is shown as code.
    if first and first != "*/" and not lines[at].text.rstrip().endswith("*/"):
        found.unclosed.append((kind, lines[at].offset, lines[at].offset + len(lines[at].text)))
    return _hide(lines, at, index, found)


def _hide(lines: list[Line], at: int, end: int, found: Blocks) -> int:
    last = lines[end - 1]
    found.hidden.append((lines[at].offset, last.offset + len(last.text)))
    return end


def _container(lines: list[Line], at: int, found: Blocks, depth: int) -> int:
    """Comments, quotes, lists and footnote definitions: read what they hold; 0 if none starts here."""
    if depth >= DEEPEST:
        return 0
    text, offset = lines[at].text, lines[at].offset
    comment = leaves.COMMENT.match(text)
    if comment:
        inner = _commented(lines, at, comment.end())
        _read(inner, found, depth + 1, owner=None)
        return at + len(inner)
    if leaves.QUOTE.match(text):
        inner = _quoted(lines, at)
        _read(inner, found, depth + 1, offset)
        return at + len(inner)
    if leaves.HEADING.match(text) or leaves.RULE.match(text):
        return 0
    if leaves.BULLET.match(text):
        items, end = list_items(lines, at)
        for item in items:
            _read(item_content(item), found, depth + 1, item[0].offset)
        return end
    mark = leaves.FOOTNOTE.match(text)
    if mark:
        inner = _footnote(lines, at, mark.end())
        _read(inner, found, depth + 1, offset)
        return at + len(inner)
    return 0


def _commented(lines: list[Line], at: int, cut: int) -> list[Line]:
    """The lines of a block comment without its opening mark: to the line of the next one, or to the container's end."""
    first = lines[at]
    inner = [Line(first.text[cut:], first.offset + cut)]
    for line in lines[at + 1 :]:
        inner.append(line)
        if "%%" in line.text:
            break
    return inner


def _quoted(lines: list[Line], at: int) -> list[Line]:
    """The lines of a quote without their marks; lines that merely go on with its paragraph included."""
    inner: list[Line] = []
    for index in range(at, len(lines)):
        text, offset = lines[index]
        mark = leaves.QUOTE.match(text)
        if mark:
            cut = mark.end() + (text[mark.end() : mark.end() + 1] == " ")
            inner.append(Line(text[cut:], offset + cut))
        elif is_blank(text) or _interrupts_quote(lines, index):
            break
        else:
            inner.append(lines[index])
    return inner


def _interrupts_quote(lines: list[Line], at: int) -> bool:
    text = lines[at].text
    return bool(
        leaves.INDENTED.match(text)
        or leaves.interrupts_paragraph(text)
        or leaves.is_setext(lines, at)
    )


def _footnote(lines: list[Line], at: int, cut: int) -> list[Line]:
    """A footnote definition's lines: its first, the lines of its paragraph, and indented ones behind blank lines."""
    first = lines[at]
    inner = [Line(first.text[cut:], first.offset + cut)]
    pending: list[Line] = []
    for line in lines[at + 1 :]:
        indent = leaves.INDENTED.match(line.text)
        if leaves.BLANK.match(line.text):
            pending.append(line)
        elif indent:
            inner += [*pending, Line(line.text[indent.end() :], line.offset + indent.end())]
            pending = []
        elif pending or leaves.FOOTNOTE.match(line.text) or leaves.interrupts_paragraph(line.text):
            break
        else:
            inner.append(line)
    return inner


def _text(
    lines: list[Line], at: int, found: Blocks, depth: int, before: int | None, owner: int | None
) -> int:
    """Headings, tables, definitions and paragraphs: the index behind the block."""
    line = lines[at]
    marked = line.text[0] in leaves.MARKS
    span = leaves.heading_text(line.text) if marked else None
    if span:
        _heading(line, span, found, depth, owner)
        return at + 1
    if marked and leaves.RULE.match(line.text):
        return at + 1
    if leaves.is_setext(lines, at):
        text = line.text.strip(" \t")
        start = line.text.find(text)
        level = 1 if lines[at + 1].text.startswith("=") else 2
        _heading(line, (level, start, start + len(text)), found, depth, owner)
        return at + 2
    if marked and leaves.DEFINITION.match(line.text):
        found.hidden.append((line.offset, line.offset + len(line.text)))
        return at + 1
    end = leaves.end_of_table(lines, at) if "|" in line.text else at
    if end > at:
        _table(lines[at:end], found, owner)
        return end
    end = _end_of_paragraph(lines, at)
    _paragraph(lines[at:end], found, before, owner)
    return end


def _heading(
    line: Line, span: tuple[int, int, int], found: Blocks, depth: int, owner: int | None
) -> None:
    level, start, end = span
    text = line.text[start:end]
    if depth == 0:
        trimmed = text.strip(SPACES)
        inner = start + len(text) - len(text.lstrip(SPACES)) if trimmed else start
        found.headings.append(
            (level, trimmed, line.offset + inner, line.offset + inner + len(trimmed))
        )
    if text:
        found.runs.append(Run([Line(text, line.offset + start)]))
        _identify(Line(text, line.offset + start), found, line.offset if owner is None else owner)


def _table(rows: list[Line], found: Blocks, owner: int | None) -> None:
    for row in [rows[0], *rows[2:]]:
        found.runs.extend(Run([cell], cell=True) for cell in leaves.cells(row))
    _identify(rows[-1], found, rows[0].offset if owner is None else owner)


def _end_of_paragraph(lines: list[Line], at: int) -> int:
    """A paragraph ends at a blank line or where another block begins; deeper indented lines always belong to it."""
    end = at + 1
    while end < len(lines):
        text = lines[end].text
        if text and text[0] not in leaves.MARKS and not text[0].isspace():
            end += 1
            continue
        if is_blank(text) or (
            not leaves.INDENTED.match(text) and leaves.interrupts_paragraph(text)
        ):
            break
        end += 1
    return end


def _paragraph(lines: list[Line], found: Blocks, before: int | None, owner: int | None) -> None:
    """A run of text; a paragraph of nothing but an identifier names the block before it."""
    found.runs.append(Run(lines))
    if len(lines) == 1 and _LONE_ID.match(lines[0].text):
        if before is not None:
            _identify(lines[0], found, before)
    else:
        _identify(lines[-1], found, lines[0].offset if owner is None else owner)


def _identify(line: Line, found: Blocks, block: int) -> None:
    mark = _BLOCK_ID.search(line.text) if "^" in line.text else None
    if mark:
        found.ids.append((mark[1], line.offset + mark.start(1) - 1, block))
