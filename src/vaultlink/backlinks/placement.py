"""Find the place of a section in a note; add and remove sections and markers.

The begin marker records the number of line ends that were added before and after the section, so
that removing it restores every byte.
"""

from typing import NamedTuple

from vaultlink.model import Edit, Section
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import find_inline_code
from vaultlink.parse.leaf_blocks import FOOTNOTE_DEFINITION, INDENTED
from vaultlink.parse.lines import split_lines
from vaultlink.parse.properties import body_start

END_MARKER = "<!-- /vaultlink:backlinks -->"
"""The line that ends a section."""


class InsertionPoint(NamedTuple):
    """A place for a section, with the numbers of line ends to add around it."""

    offset: int
    newlines_before: int
    newlines_after: int


def format_begin_marker(content: str) -> str:
    return f"<!-- vaultlink:backlinks{' ' * bool(content)}{content} -->"


def detect_line_end(text: str) -> str:
    """Return the line end that most lines of a note have."""
    windows = text.count("\r\n")
    return "\r\n" if windows > text.count("\n") - windows else "\n"


def find_insertion_points(text: str) -> list[InsertionPoint]:
    """Return the places for a section: before comments and footnotes, and the end."""
    body = body_start(text)
    points, end = [], InsertionPoint(len(text), _count_missing_newlines(text, len(text)), 1)
    trailing = _find_trailing_block(text, body)
    if trailing < len(text):
        points.append(InsertionPoint(trailing, _count_missing_newlines(text, trailing), 2))
    return [*points, end]


def has_open_comment(text: str) -> bool:
    """Return True if a text ends in an open comment, which would hide what follows."""
    if "%%" not in text or (text.count("%%") % 2 == 0 and "`" not in text and "~~~" not in text):
        return False
    body = body_start(text)
    blocks = read_blocks(split_lines(text, body))
    code = [(start, end) for start, end in blocks.hidden if text[start] != "<"]
    code += find_inline_code(blocks.runs)
    closed = find_comment_spans(f"{text}\n%%", body, code)  # the text can end in a percent sign
    return bool(closed) and closed[-1][1] == len(text) + 1


def insert_section(path: str, text: str, point: InsertionPoint, section: str) -> Edit:
    """Return the edit that adds a section; `section` has no line ends around it."""
    line_end = detect_line_end(text)
    # A line feed after a lone carriage return would be part of the same line end.
    before = "\r\n" if text[point.offset - 1 : point.offset] == "\r" else line_end
    return Edit(
        path,
        point.offset,
        point.offset,
        before * point.newlines_before + section + line_end * point.newlines_after,
    )


def remove_section(path: str, text: str, section: Section) -> Edit:
    """Return the edit that removes a section and the line ends added with it.

    The line ends before it stay if text was added right behind it, as they separate that from the
    text before.
    """
    end = _skip_newlines(text, section.end, section.newlines_after)
    keep_newlines = section.newlines_after < 2 and end < len(text) and text[end] not in "\r\n"
    count = 0 if keep_newlines else section.newlines_before
    return Edit(path, _skip_newlines_back(text, section.start, count), end, "")


def remove_markers(path: str, section: Section) -> Edit:
    """Return the edit that removes the markers and blank lines of an adopted section."""
    text = section.text
    start = _skip_newlines(text, text.find("-->") + 3, 2)
    end = _skip_newlines_back(text, text.rfind("<!--"), 2)
    return Edit(path, section.start, section.end, text[start:end])


def add_markers(path: str, text: str, section: Section) -> Edit:
    """Return the edit that puts a section between markers; it spans the links, too."""
    line_end = detect_line_end(text)
    return Edit(
        path,
        section.start,
        section.end,
        (line_end * 2).join(
            (format_begin_marker("adopted"), text[section.start : section.end], END_MARKER)
        ),
    )


def _count_missing_newlines(text: str, at: int) -> int:
    """Return how many line ends to add so that a block can begin at an offset."""
    if text[text.rfind("\n", 0, at) + 1 : at]:
        return 2
    # A line of blanks does not end an HTML block.
    return 0 if at == 0 or not _get_line_before(text, at).removesuffix("\r") else 1


def _get_line_before(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at - 1) + 1 : at - 1]


def _skip_newlines(text: str, at: int, count: int) -> int:
    for _ in range(count):
        if text.startswith("\r\n", at):
            at += 2
        elif text.startswith("\n", at):
            at += 1
    return at


def _skip_newlines_back(text: str, at: int, count: int) -> int:
    for _ in range(count):
        if text[at - 1 : at] == "\n":
            at -= 2 if text[at - 2 : at - 1] == "\r" else 1
    return at


def _find_trailing_block(text: str, body: int) -> int:
    """Return the offset of comments and footnotes at the end, or the end itself."""
    first = start = len(text)
    while True:
        end = body + len(text[body:start].rstrip())
        block = _find_comment_start(text, body, end) or _find_footnote_start(text, body, end)
        if block is None:
            return first
        start = block
        if start == body or not _get_line_before(text, start).strip():
            first = start


def _find_comment_start(text: str, body: int, end: int) -> int | None:
    """Return the offset of a comment that ends at `end` on lines of its own, or None."""
    for opening, closing in (("%%", "%%"), ("<!--", "-->")):
        if text.endswith(closing, body, end):
            at = text.rfind(opening, body, end - len(closing))
            line_start = max(text.rfind("\n", 0, at) + 1, body)
            if at != -1 and not text[line_start:at].strip():
                return line_start
    return None


def _find_footnote_start(text: str, body: int, end: int) -> int | None:
    """Return the offset of a footnote definition that ends at `end`, or None."""
    below = ""
    while end > body:
        line_start = max(text.rfind("\n", 0, end) + 1, body)
        line = text[line_start:end]
        if FOOTNOTE_DEFINITION.match(line):
            return line_start
        if not line.strip() and below and not INDENTED.match(below):
            return None
        below, end = line, line_start - 1
    return None
