"""Recognize single blocks at the first of a list of lines.

Functions get the lines and the index where the block would start. The rules were observed in
Obsidian (specification 3 and observed section 3); they are those of CommonMark except for the
differences named here.
"""

import re
from collections.abc import Sequence

from vaultlink.parse.lines import SourceLine, is_blank
from vaultlink.text import lazy_pattern

BLOCK_START_CHARS = frozenset(" \t`~$<>#-*_+0123456789[%")
"""First characters of a line that can start a block.

A line with another first character starts a paragraph, a table or an underlined heading.
"""

BLANK = lazy_pattern(r"[ \t]*$")
INDENTED = lazy_pattern(r"\t| {4}")
FENCE = lazy_pattern(r"[ \t]*(?:(`{3,})[^`]*|(~{3,}).*)$")
QUERY_FENCE = lazy_pattern(r"[ \t]*[`~]{3,}[ \t]*(dataview|base)[ \t]*$")
"""The fence of code that Dataview or Obsidian runs as a query."""

MATH_FENCE = lazy_pattern(r" {0,3}(\${2,})[^$]*$")
COMMENT_START = lazy_pattern(r"[ \t]*%%(?!.*%%)")
QUOTE = lazy_pattern(r"[ \t]*>")
HEADING = lazy_pattern(r"[ \t]*(#{1,6})(?![^ \t])")
THEMATIC_BREAK = lazy_pattern(r"[ \t]*([-*_])(?: *\1){2,} *$")
SETEXT_UNDERLINE = lazy_pattern(r"(=+|-+)$")
BULLET = lazy_pattern(r"[ \t]*(?:[-*+]|(\d+)[.)])(?:[ \t]|$)")
LINK_DEFINITION = lazy_pattern(
    r"[ \t]*\[(?!\^)(?:[^\]\\]|\\.)+\]:[ \t]*(?:<([^>\[\]]*)>|([^\s\[\]]+))"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?[ \t]*$"
)
"""The definition of a link's label. The groups are its destination, in angle brackets or bare."""

FOOTNOTE_DEFINITION = lazy_pattern(r"[ \t]*\[\^[^\]\s]+\]:[ \t]?")

_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h1|h2|h3|h4|h5|h6|head|header|hgroup|hr|html|iframe|legend|li|"
    "link|main|menu|menuitem|meta|nav|noframes|ol|optgroup|option|p|param|pre|section|source|title|summary|table|tbody|"
    "td|tfoot|th|thead|title|tr|track|ul"
)
_ATTRIBUTES = (
    r"""(?:\s+[a-zA-Z_:][a-zA-Z0-9:._-]*(?:\s*=\s*(?:[^"'=<>`\x00-\x20]+|'[^']*'|"[^"]*"))?)*"""
)
HTML_TAG = rf"<[A-Za-z][A-Za-z0-9-]*{_ATTRIBUTES}\s*/?>|</[A-Za-z][A-Za-z0-9-]*\s*>"

OPAQUE_HTML = lazy_pattern(
    r"<(pre|code|script|style|textarea|svg|math|kbd|samp|tt)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""Comments, and elements whose content is meant as text."""

_HTML_START = lazy_pattern(r"[ \t]*<")
_HTML_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...] = (
    (
        lazy_pattern(r"<(?:script|pre|style)(?=\s|>|$)", re.I),
        lazy_pattern(r"</(?:script|pre|style)>", re.I),
    ),
    (lazy_pattern(r"<!--"), lazy_pattern(r"-->")),
    (lazy_pattern(r"<\?"), lazy_pattern(r"\?>")),
    (lazy_pattern(r"<![A-Za-z]"), lazy_pattern(r">")),
    (lazy_pattern(r"<!\[CDATA\["), lazy_pattern(r"\]\]>")),
    (lazy_pattern(rf"</?(?:{_BLOCK_TAGS})(?=\s|/?>|$)", re.I), None),
)
_LONE_TAG = lazy_pattern(rf"(?:{HTML_TAG})\s*$")


def end_of_indented(lines: list[SourceLine], at: int) -> int:
    """Return the end of indented code.

    Lines are indented by four spaces or a tab, or blank between such lines.
    """
    end = at
    for index in range(at, len(lines)):
        text = lines[index].text
        if INDENTED.match(text):
            end = index + 1
        elif not BLANK.match(text):
            break
    return end


def end_of_fence(lines: list[SourceLine], at: int) -> tuple[int, bool]:
    """Return the end of fenced code, and True if it is closed.

    An unclosed fence runs to the end of its container.
    """
    opening = FENCE.match(lines[at].text)
    assert opening
    marks = opening[1] or opening[2]
    closing = re.compile(rf" {{0,3}}{re.escape(marks)}{re.escape(marks[0])}*[ \t]*$")
    for index in range(at + 1, len(lines)):
        if closing.match(lines[index].text):
            return index + 1, True
    return len(lines), False


def end_of_math(lines: list[SourceLine], at: int) -> tuple[int, bool]:
    """Return the end of display math that starts a line, and True if it is closed."""
    for index in range(at + 1, len(lines)):
        if lines[index].text.rstrip(" \t").endswith("$$"):
            return index + 1, True
    return len(lines), False


def closes_math(lines: Sequence[SourceLine], text: str) -> bool:
    """Return True if `text` ends display math that opens at the end of one of the lines before.

    That is `so that $$`, as authors write it; the lines are those of a paragraph or a list item.
    """
    if text.strip(" \t") != "$$":
        return False
    with_marks = [line.text.rstrip(" \t") for line in lines if "$$" in line.text]
    marks = sum(line.count("$$") for line in with_marks)
    return marks % 2 == 1 and with_marks[-1].endswith("$$")


def html_block_closer(text: str, *, interrupting: bool) -> re.Pattern[str] | str | None:
    """Return a pattern of what closes the HTML block that starts at a line.

    Returns "" for a blank line, None if no block starts. Inside a paragraph (`interrupting`), a
    line that consists of one complete tag of another name does not start a block.
    """
    start = _HTML_START.match(text)
    if not start:
        return None
    rest = text[start.end() - 1 :]
    for opening, closing in _HTML_KINDS:
        if opening.match(rest):
            return closing or ""
    return "" if not interrupting and _LONE_TAG.match(rest) else None


def end_of_html(
    lines: list[SourceLine], at: int, closing: re.Pattern[str] | str
) -> tuple[int, bool]:
    """Return the end of an HTML block, and True if it is closed.

    Only an empty line closes the block of a tag.
    """
    if isinstance(closing, str):
        for index in range(at + 1, len(lines)):
            if not lines[index].text:
                return index, True
        return len(lines), True
    text = lines[at].text
    if closing.search(text, text.find("<") + 1):
        return at + 1, True
    for index in range(at + 1, len(lines)):
        if closing.search(lines[index].text):
            return index + 1, True
    return len(lines), False


_CELL_MARK = lazy_pattern(r"\\.?|\|", re.DOTALL)


def end_of_table(lines: list[SourceLine], at: int) -> int:
    """Return the end of a table, or `at` if there is none.

    A table is a row, a delimiter row, and further rows while each has a pipe behind its first
    character.
    """
    if at + 1 >= len(lines) or not _is_delimiter_row(lines[at + 1].text):
        return at
    end = at
    while end < len(lines) and lines[end].text.find("|", 1) != -1:
        end += 1
    return end if end - at >= 2 else at


def precedes_delimiter_row(lines: list[SourceLine], at: int) -> bool:
    """Return True if a line would be the first row of a table if it had a pipe."""
    following = lines[at + 1].text if at + 1 < len(lines) else ""
    return following.find("|", 1) != -1 and _is_delimiter_row(following)


def _is_delimiter_row(text: str) -> bool:
    if text.strip("|-: \t") or "-" not in text:
        return False
    cells = text.split("|")
    return any(cell.strip() for cell in cells) and not (text.lstrip().startswith("||"))


def split_cells(line: SourceLine) -> list[SourceLine]:
    """Return the cells of a table row with their offsets.

    Every unescaped pipe ends a cell, also in links and code (E18).
    """
    text, found, start = line.text, [], 0
    marks = list(_CELL_MARK.finditer(text))
    ends = [mark.start() for mark in marks if mark[0] == "|"]
    if not marks or marks[-1][0] != "\\":  # a backslash at the end takes its cell with it
        ends.append(len(text))
    for end in ends:
        cell = text[start:end].strip(" \t")
        if cell:
            found.append(SourceLine(cell, line.offset + text.index(cell[0], start)))
        start = end + 1
    return found


def match_heading(text: str) -> tuple[int, int, int] | None:
    """Return level and text span of a heading with hashes, or None."""
    opening = HEADING.match(text)
    if not opening:
        return None
    rest = text[opening.end() :].rstrip(" \t")
    closed = re.search(r"(?:^|[ \t])#+$", rest)
    if closed:
        rest = rest[: closed.start()]
    inner = rest.strip(" \t")
    start = opening.end() + (len(rest) - len(rest.lstrip(" \t")) if inner else 0)
    return len(opening[1]), start, start + len(inner)


def is_setext(lines: list[SourceLine], at: int) -> bool:
    """Return True if a heading underlined by `=` or `-` starts at a line.

    It has exactly one line of text, and nothing follows the underline (H4, H5).
    """
    if at + 1 == len(lines) or lines[at + 1].text[:1] not in ("=", "-"):
        return False
    return SETEXT_UNDERLINE.match(lines[at + 1].text) is not None and not is_blank(lines[at].text)


def interrupts_paragraph(text: str) -> bool:
    """Return True if a line starts another block inside a paragraph."""
    head = text.lstrip(" \t")[:1]
    if head not in _INTERRUPTING_CHARS:
        return False
    if head in "-*+_0123456789" and (THEMATIC_BREAK.match(text) or _starts_list(text)):
        return True
    if head == "#":
        return HEADING.match(text) is not None
    if head in "`~":
        return FENCE.match(text) is not None
    if head in "%$":
        return (COMMENT_START if head == "%" else MATH_FENCE).match(text) is not None
    return head == ">" or (head == "<" and html_block_closer(text, interrupting=True) is not None)


_INTERRUPTING_CHARS = frozenset("-*+_0123456789#`~>$<%")


def _starts_list(text: str) -> bool:
    """Return True if a line starts a list inside a paragraph: a bullet, or number 1."""
    bullet = BULLET.match(text)
    return bullet is not None and bullet[1] in (None, "1")
