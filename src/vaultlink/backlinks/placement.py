"""Where a section stands in a note, and how the note is given back as it was: texts enter, edits leave.

The begin marker says how many line ends were written before and behind the section that were not there, so that taking it
out again leaves every byte as it was.
"""

from typing import NamedTuple

from vaultlink.model import Edit, Section
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import read_inline
from vaultlink.parse.leaves import FOOTNOTE_DEFINITION, INDENTED
from vaultlink.parse.lines import split_lines
from vaultlink.parse.properties import frontmatter_span

END_MARKER = "<!-- /vaultlink:backlinks -->"
"""The line that ends a section."""


class InsertionPoint(NamedTuple):
    """Where a section is written, with the line ends to be written before and behind it."""

    offset: int
    newlines_before: int
    newlines_after: int


def format_begin_marker(said: str) -> str:
    """The line that begins a section, with what it says of it."""
    return f"<!-- vaultlink:backlinks{' ' * bool(said)}{said} -->"


def detect_line_end(text: str) -> str:
    """How most lines of a note end."""
    windows = text.count("\r\n")
    return "\r\n" if windows > text.count("\n") - windows else "\n"


def find_insertion_points(text: str) -> list[InsertionPoint]:
    """The places for a section, the best first: before the comments and footnotes at the end, else at the very end."""
    span = frontmatter_span(text)
    body = span[2] if span else 0
    found, end = [], InsertionPoint(len(text), _count_missing_newlines(text, len(text)), 1)
    at = _find_trailing_block(text, body)
    if at < len(text):
        found.append(InsertionPoint(at, _count_missing_newlines(text, at), 2))
    return [*found, end]


def has_open_comment(text: str) -> bool:
    """Whether a text ends in a comment that it leaves open; what comes behind would be shown to nobody."""
    if "%%" not in text or (text.count("%%") % 2 == 0 and "`" not in text and "~~~" not in text):
        return False
    span = frontmatter_span(text)
    body = span[2] if span else 0
    blocks = read_blocks(split_lines(text, body))
    code = [(start, end) for start, end in blocks.hidden if text[start] != "<"]
    code += [
        (run.source_offset(start), run.source_end(end))
        for run in blocks.runs
        for start, end in read_inline(run.text).hidden
        if run.text[start] == "`"
    ]
    closed = find_comment_spans(f"{text}%%", body, code)
    return bool(closed) and closed[-1][1] == len(text)


def insert_section(path: str, text: str, spot: InsertionPoint, section: str) -> Edit:
    """The edit that writes a section, made without the line ends around it."""
    end = detect_line_end(text)
    # Where a lone carriage return ends the text, a line feed would become one with it.
    before = "\r\n" if text[spot.offset - 1 : spot.offset] == "\r" else end
    return Edit(
        path,
        spot.offset,
        spot.offset,
        before * spot.newlines_before + section + end * spot.newlines_after,
    )


def remove_section(path: str, text: str, section: Section) -> Edit:
    """The edit that takes a section out, and the line ends that were written with it, unless something else has come to
    stand behind it that they keep apart from what stands before."""
    end = _skip_newlines(text, section.end, section.newlines_after)
    joined = section.newlines_after < 2 and end < len(text) and text[end] not in "\r\n"
    return Edit(
        path,
        section.start
        if joined
        else _skip_newlines_back(text, section.start, section.newlines_before),
        end,
        "",
    )


def remove_markers(path: str, section: Section) -> Edit:
    """The edit that takes the markers of an adopted section away, with the blank lines that came with them. It spans the
    section, whose links become the note's own again."""
    text = section.text
    return Edit(
        path,
        section.start,
        section.end,
        text[
            _skip_newlines(text, text.find("-->") + 3, 2) : _skip_newlines_back(
                text, text.rfind("<!--"), 2
            )
        ],
    )


def add_markers(path: str, text: str, section: Section) -> Edit:
    """The edit that puts an author's section between markers. It spans the section, whose links are the note's no more."""
    end = detect_line_end(text)
    return Edit(
        path,
        section.start,
        section.end,
        f"{format_begin_marker('adopted')}{end * 2}{text[section.start : section.end]}{end * 2}{END_MARKER}",
    )


def _count_missing_newlines(text: str, at: int) -> int:
    """How many line ends make the line before a place blank, so that what follows begins a block."""
    line = text.rfind("\n", 0, at) + 1
    here = text[line:at]
    if here:
        return 2
    return (
        0 if at == 0 or not _get_line_before(text, at).removesuffix("\r") else 1
    )  # blanks alone end no HTML


def _get_line_before(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at - 1) + 1 : at - 1]


def _skip_newlines(text: str, at: int, count: int) -> int:
    """Behind a number of line ends, as many as there are."""
    for _ in range(count):
        if text.startswith("\r\n", at):
            at += 2
        elif text.startswith("\n", at):
            at += 1
    return at


def _skip_newlines_back(text: str, at: int, count: int) -> int:
    """Before a number of line ends, as many as there are."""
    for _ in range(count):
        if text[at - 1 : at] == "\n":
            at -= 2 if text[at - 2 : at - 1] == "\r" else 1
    return at


def _find_trailing_block(text: str, body: int) -> int:
    """Where the comments and footnotes begin that a note ends with; its end if there are none. What follows right upon a
    paragraph is part of it."""
    found = start = len(text)
    while True:
        end = body + len(text[body:start].rstrip())
        at = _find_comment_start(text, body, end) or _find_footnote_start(text, body, end)
        if at is None:
            return found
        start = at
        if start == body or not _get_line_before(text, start).strip():
            found = start


def _find_comment_start(text: str, body: int, end: int) -> int | None:
    """Where a comment begins that ends at a place and has its lines for itself."""
    for opening, closing in (("%%", "%%"), ("<!--", "-->")):
        if text.endswith(closing, body, end):
            at = text.rfind(opening, body, end - len(closing))
            line = max(text.rfind("\n", 0, at) + 1, body)
            if at != -1 and not text[line:at].strip():
                return line
    return None


def _find_footnote_start(text: str, body: int, end: int) -> int | None:
    """Where a footnote's definition begins that ends at a place."""
    below = ""
    while end > body:
        line = max(text.rfind("\n", 0, end) + 1, body)
        here = text[line:end]
        if FOOTNOTE_DEFINITION.match(here):
            return line
        if not here.strip() and below and not INDENTED.match(below):
            return None
        below, end = here, line - 1
    return None
