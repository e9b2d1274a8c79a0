"""The "Add backlinks" sections of a note: where each begins and ends, its entries, and what stands among them.

A section between vaultlink's markers is vaultlink's; any other begins with a heading of a known wording and is its
author's. It goes on to its last entry before the next heading or anything that hides text. Lines of prose belong to it if
they are few and entries go on behind them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vaultlink.model import Entry, Link, Owner, Section, SourceSpan
from vaultlink.parse import leaves
from vaultlink.parse.backlinks_cuts import add_cut_spans
from vaultlink.parse.backlinks_entries import LIST_MARK, EntrySource, parse_line_entries
from vaultlink.parse.backlinks_heading import (
    QUOTE_MARKS,
    HeadingWordings,
    SectionHeading,
    fold_wording,
    match_heading_line,
)
from vaultlink.parse.backlinks_markers import MarkerPair, find_marker_pairs
from vaultlink.parse.backlinks_problems import add_section_problems
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import TextRun, split_lines
from vaultlink.parse.plain import paragraph_span
from vaultlink.text import line_and_column

_ANY_HEADING = re.compile(
    r"[ \t]*#{1,6}(?=[ \t]|$)|[ \t]*(?:\*\*|__)[^*_\n]+(?:\*\*|__)[:：]?[ \t]*$"
)
_MAX_PROSE_LINES = 3
"""So many lines of prose may stand between two entries; more are no remark but the note that goes on."""


class SectionSource(NamedTuple):
    """A note's text, where its body begins, and where its lines start; the spans of its blocks that hide text, and its runs
    of text. These are None for a plain note, each paragraph of which may be read apart."""

    text: str
    body: int
    starts: list[int]
    hidden: list[tuple[int, int]]
    runs: list[TextRun] | None


class _QuotedLine(NamedTuple):
    """A line: its span without its end, where the marks of quotes end, and how many these are."""

    start: int
    end: int
    content: int
    depth: int


class _SectionBody(NamedTuple):
    """A note's body as sections are read from it."""

    source: EntrySource
    lines: list[_QuotedLine]
    hidden: list[tuple[int, int]]
    wording: HeadingWordings
    headings: dict[int, SectionHeading]


def read_sections(
    source: SectionSource, links: Sequence[Link], wording: HeadingWordings, asked: Sequence[int]
) -> tuple[Section, ...]:
    """The sections in a note's body, in order. `links` are those of the whole note; `asked` are the lines, counted from 0, that
    may be the heading of one."""
    text, body, starts = source.text, source.body, source.starts
    first = bisect_left(starts, body)
    heads = {
        number - first: head
        for number in asked
        if number >= first and (head := _read_heading(source, number, wording))
    }
    marks = find_marker_pairs(text, body)
    if not heads and not marks:
        return ()
    comments = (
        find_comment_spans(text, body, [span for span in source.hidden if text[span[0]] != "<"])
        if "%%" in text
        else []
    )
    inside = sorted((link for link in links if link.start >= body), key=lambda link: link.start)
    page = EntrySource(text, starts, inside, [link.start for link in inside])
    marked = [
        _read_managed_section(page, pair, wording)
        for pair in marks
        if not _is_hidden(pair, [*source.hidden, *comments])
    ]
    live = {
        number: head
        for number, head in heads.items()
        if not any(section.start <= starts[first + number] < section.end for section in marked)
        and _is_visible(source, comments, starts[first + number] + head.words_start)
    }
    if not live:
        return tuple(marked)
    lines = [
        _build_line(text, line.offset, line.offset + len(line.text))
        for line in split_lines(text, body)
    ]
    hidden = [*source.hidden, *comments, *((section.start, section.end) for section in marked)]
    own = _read_author_sections(_SectionBody(page, lines, hidden, wording, live))
    sections = sorted([*marked, *own], key=lambda section: section.start)
    return tuple(add_section_problems(text, body, starts, sections, source.hidden))


def _read_heading(
    source: SectionSource, number: int, wording: HeadingWordings
) -> SectionHeading | None:
    """The heading that a line is, if it may be one."""
    text, starts = source.text, source.starts
    start, end = (
        starts[number],
        starts[number + 1] - 1 if number + 1 < len(starts) else len(source.text),
    )
    line = text[start:end].removesuffix("\r")
    return match_heading_line(
        line, _build_line(text, start, start + len(line)).content - start, wording
    )


def _build_line(text: str, start: int, end: int) -> _QuotedLine:
    quote = QUOTE_MARKS.match(text, start, end)
    assert quote
    depth = quote[0].count(">")
    return _QuotedLine(start, end, quote.end() if depth else start, depth)


def _is_visible(source: SectionSource, comments: list[tuple[int, int]], at: int) -> bool:
    """Whether what stands at an offset is shown as text."""
    if any(start <= at < end for start, end in comments):
        return False
    runs = source.runs
    if runs is None:
        runs = read_blocks(
            split_lines(source.text, *paragraph_span(source.text, source.body, at))
        ).runs
    for run in runs:
        if run.text and run.source_offset(0) <= at < run.source_end(len(run.text)):
            return not any(
                run.source_offset(start) <= at < run.source_end(end)
                for start, end in read_inline(run.text).hidden
            )
    return False


# -- sections with markers ----------------------------------------------------------------------------------------------


def _is_hidden(pair: MarkerPair, hidden: Sequence[tuple[int, int]]) -> bool:
    """Whether one of two markers is no comment of its own but part of something that hides it."""
    return any(
        first <= at < last and first != at
        for at in (pair.start, pair.closing_start)
        for first, last in hidden
    )


def _read_managed_section(page: EntrySource, pair: MarkerPair, wording: HeadingWordings) -> Section:
    """The section between two markers."""
    text = page.text
    heading, entries = _read_managed_content(page, pair.begin_end, pair.closing_line, wording)
    return Section(
        pair.start,
        pair.end,
        *line_and_column(page.starts, pair.start),
        Owner.ADOPTED if pair.adopted else Owner.WRITTEN,
        text[slice(*heading)],
        *heading,
        entries,
        (),
        text[pair.start : pair.end],
        pair.newlines_before,
        pair.newlines_after,
    )


def _read_managed_content(
    page: EntrySource, start: int, end: int, wording: HeadingWordings
) -> tuple[tuple[int, int], tuple[Entry, ...]]:
    """The heading's span and the entries between markers. Lines indented below an entry are the passages it quotes."""
    text, heading = page.text, (start, start)
    entries: list[Entry] = []
    first = True
    for line in (
        _build_line(text, item.offset, item.offset + len(item.text))
        for item in split_lines(text, start, end)
    ):
        content = text[line.content : line.end]
        if not content.strip():
            continue
        if first and (_ANY_HEADING.match(content) or match_heading_line(content, 0, wording)):
            heading = (line.start, line.start + len(text[line.start : line.end].rstrip()))
        elif not (entries and content[0] in " \t"):
            entries += parse_line_entries(page, line.start, line.content, line.end)
        first = False
    return heading, add_cut_spans(text, start, heading[1], entries, {})


# -- sections without -----------------------------------------------------------------------------------------------------


def _read_author_sections(body: _SectionBody) -> Iterator[Section]:
    """The sections that begin with a heading."""
    end = -1
    for number in sorted(body.headings):
        if number > end:
            section, last = _read_author_section(body, number)
            if section:
                yield section
                end = last


class _SectionBuilder:
    """What was gathered of a section so far: lines that wait for an entry behind them belong to it only then."""

    def __init__(self, number: int) -> None:
        self.entries: list[Entry] = []
        self.prose: list[_QuotedLine] = []
        self.last_line = number
        self.ends_below: dict[int, int] = {}  # an entry's start to the end of the lines below it
        self.pending: list[tuple[int, tuple[Entry, ...]]] = []
        self.pending_prose = 0
        self.starts_with_prose = False

    def add_entries(
        self, number: int, entries: tuple[Entry, ...], lines: list[_QuotedLine]
    ) -> None:
        """Take the entries of a line, and what waited for them."""
        for waiting, titles in self.pending:
            if titles:
                self.entries += titles
            else:
                self.prose.append(lines[waiting])
        self.entries += entries
        self.pending, self.pending_prose, self.last_line = [], 0, number


def _read_author_section(body: _SectionBody, number: int) -> tuple[Section | None, int]:
    """The section that a line begins, and the number of its last line."""
    text, head, line = body.source.text, body.headings[number], body.lines[number]
    stop = line.start + head.end
    got = _SectionBuilder(number)
    if line.start + head.entries_start < line.end:
        rest = line.end - len(text[line.start + head.entries_start : line.end].lstrip())
        got.entries += parse_line_entries(body.source, rest, rest, line.end)
        if not any(entry.link or entry.fault == "malformed-link" for entry in got.entries):
            return None, number
    elif _is_underlined(body, number):
        got.last_line, stop = number + 1, body.lines[number + 1].end
    _gather_lines(body, got, line.depth)
    if not got.entries and (
        not head.certain or (got.starts_with_prose and not _is_built_in(text[line.start : stop]))
    ):
        return None, number
    end = body.lines[got.last_line]
    entries = add_cut_spans(text, line.start, stop, got.entries, got.ends_below)
    prose = tuple(
        SourceSpan(
            item.content,
            _content_end(text, item),
            *line_and_column(body.source.starts, item.content),
        )
        for item in got.prose
    )
    return Section(
        line.start,
        max(stop, _content_end(text, end)),
        *line_and_column(body.source.starts, line.start),
        Owner.AUTHOR,
        text[line.start : stop],
        line.start,
        stop,
        entries,
        prose,
    ), got.last_line


def _is_underlined(body: _SectionBody, number: int) -> bool:
    following = body.lines[number + 1] if number + 1 < len(body.lines) else None
    return following is not None and bool(
        leaves.SETEXT_UNDERLINE.match(body.source.text[following.content : following.end])
    )


def _is_built_in(heading: str) -> bool:
    return "backlinks using" in " ".join(fold_wording(heading).split())


def _content_end(text: str, line: _QuotedLine) -> int:
    """The end of a line without the blanks it ends in."""
    return line.start + len(text[line.start : line.end].rstrip())


def _gather_lines(body: _SectionBody, got: _SectionBuilder, depth: int) -> None:
    """Read lines from the heading on, as long as they belong to the section."""
    text, blank = body.source.text, False
    for number in range(got.last_line + 1, len(body.lines)):
        line = body.lines[number]
        content = text[line.content : line.end]
        if not content.strip():
            if line.depth < depth:
                return
            blank = True
            continue
        if line.depth != depth or number in body.headings or _ends_section(body, line, content):
            return
        entries = parse_line_entries(body.source, line.start, line.content, line.end)
        if _is_below(got, content, entries):
            got.ends_below[got.entries[-1].start] = _content_end(text, line)
            got.last_line = number
        elif any(entry.fault != "no-link" for entry in entries):
            if got.pending_prose and not _continues_section(got, entries[0]):
                return
            got.add_entries(number, entries, body.lines)
        elif entries and (
            entries[0].dash
            or (
                got.entries
                and entries[0].marks.strip(" \t>")
                and got.entries[-1].marks == entries[0].marks
            )
        ):
            got.add_entries(number, entries, body.lines)
        elif not _defer_line(got, number, entries, blank):
            return
        blank = False


def _ends_section(body: _SectionBody, line: _QuotedLine, content: str) -> bool:
    """Whether a line ends a section whatever it says: a heading, a rule, a footnote, a table, or text that is hidden."""
    start = line.start + len(body.source.text[line.start : line.end]) - len(content)
    start += len(content) - len(content.lstrip(" \t"))
    return bool(
        leaves.HEADING.match(content)
        or leaves.THEMATIC_BREAK.match(content)
        or leaves.FOOTNOTE_DEFINITION.match(content)
        or content.lstrip().startswith(("|", "%%"))
        or any(first <= start < last for first, last in body.hidden)
    )


def _is_below(got: _SectionBuilder, content: str, entries: tuple[Entry, ...]) -> bool:
    """Whether a line is indented below an entry in a list, and no whole entry itself."""
    if not got.entries or not got.entries[-1].marks.strip(" \t>"):
        return False
    if any(entry.title and entry.dash for entry in entries):
        return False
    own = got.entries[-1].marks.lstrip("> ")
    mark = LIST_MARK.match(content)
    assert mark
    indent = len(content) - len(content.lstrip(" \t"))
    base = len(got.entries[-1].marks) - len(own) if ">" not in got.entries[-1].marks else 0
    return indent > base + (1 if entries or content.lstrip()[:1] in "-*+" else 0)


def _continues_section(got: _SectionBuilder, entry: Entry) -> bool:
    """Whether an entry behind prose is of the section: a whole one, or one written as those before."""
    if entry.title and entry.dash:
        return True
    return bool(got.entries) and not got.entries[-1].title and got.entries[-1].marks == entry.marks


def _defer_line(got: _SectionBuilder, number: int, titles: tuple[Entry, ...], blank: bool) -> bool:
    """Keep a line that belongs to the section if an entry follows; false if it ends the section."""
    if titles:
        got.pending.append((number, titles))
        return len(got.pending) <= 2 * _MAX_PROSE_LINES
    got.starts_with_prose = got.starts_with_prose or not got.entries
    again = got.pending_prose and blank
    got.pending_prose += 1
    got.pending.append((number, ()))
    return not again and got.pending_prose <= _MAX_PROSE_LINES
