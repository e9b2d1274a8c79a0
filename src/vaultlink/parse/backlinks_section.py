"""Parse the "Add backlinks" sections of a note: their spans, entries and prose.

A section between vaultlink's markers is managed by vaultlink. Any other section starts with a
heading in a known wording and belongs to the author. It ends with its last entry before the next
heading or before hidden text. Lines of prose belong to it if they are few and entries follow them.
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
"""Maximum number of prose lines between two entries.

More lines are not a remark; the note continues there.
"""


class SectionSource(NamedTuple):
    """The note from which sections are parsed.

    Attributes:
        text: Its text.
        body: Offset of its body.
        starts: Offsets of its line starts.
        hidden: Spans of blocks that hide text.
        runs: Its runs of text. None for a plain note, whose paragraphs can be parsed separately.
    """

    text: str
    body: int
    starts: list[int]
    hidden: list[tuple[int, int]]
    runs: list[TextRun] | None


class _QuotedLine(NamedTuple):
    """A line in a quote or outside.

    Attributes:
        start: Offset of the line.
        end: Offset of its end, without the line end.
        content: Offset behind its quote marks.
        depth: Number of quote marks.
    """

    start: int
    end: int
    content: int
    depth: int


class _SectionBody(NamedTuple):
    """The body of a note with the headings of author's sections by line number."""

    source: EntrySource
    lines: list[_QuotedLine]
    hidden: list[tuple[int, int]]
    wording: HeadingWordings
    headings: dict[int, SectionHeading]


def read_sections(
    source: SectionSource,
    links: Sequence[Link],
    wording: HeadingWordings,
    candidates: Sequence[int],
) -> tuple[Section, ...]:
    """Return the sections of a note's body, in order.

    Args:
        source: The note.
        links: All links of the note.
        wording: The compiled wordings of headings.
        candidates: The lines that may be headings, 0-based.
    """
    text, body, starts = source.text, source.body, source.starts
    first = bisect_left(starts, body)
    matches = {
        number - first: head
        for number in candidates
        if number >= first and (head := _read_heading(source, number, wording))
    }
    markers = find_marker_pairs(text, body)
    if not matches and not markers:
        return ()
    comments = (
        find_comment_spans(text, body, [span for span in source.hidden if text[span[0]] != "<"])
        if "%%" in text
        else []
    )
    body_links = sorted((link for link in links if link.start >= body), key=lambda link: link.start)
    page = EntrySource(text, starts, body_links, [link.start for link in body_links])
    managed = [
        _read_managed_section(page, pair, wording)
        for pair in markers
        if not _is_hidden(pair, [*source.hidden, *comments])
    ]
    headings = {
        number: head
        for number, head in matches.items()
        if not any(section.start <= starts[first + number] < section.end for section in managed)
        and _is_visible(source, comments, starts[first + number] + head.words_start)
    }
    if not headings:
        return tuple(managed)
    lines = [
        _build_line(text, line.offset, line.offset + len(line.text))
        for line in split_lines(text, body)
    ]
    hidden = [*source.hidden, *comments, *((section.start, section.end) for section in managed)]
    author_sections = _read_author_sections(_SectionBody(page, lines, hidden, wording, headings))
    sections = sorted([*managed, *author_sections], key=lambda section: section.start)
    return tuple(add_section_problems(text, body, starts, sections, source.hidden))


def _read_heading(
    source: SectionSource, number: int, wording: HeadingWordings
) -> SectionHeading | None:
    """Return the heading in a line, or None."""
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
    """Return True if Obsidian shows the text at an offset."""
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


# -- managed sections ----------------------------------------------------------------------------


def _is_hidden(pair: MarkerPair, hidden: Sequence[tuple[int, int]]) -> bool:
    """Return True if one of two markers is inside something that hides it."""
    return any(
        first <= at < last and first != at
        for at in (pair.start, pair.closing_start)
        for first, last in hidden
    )


def _read_managed_section(page: EntrySource, pair: MarkerPair, wording: HeadingWordings) -> Section:
    """Return the section between two markers."""
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
    """Return the heading's span and the entries between two markers.

    Lines indented below an entry are excerpts.
    """
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


# -- author's sections ---------------------------------------------------------------------------


def _read_author_sections(body: _SectionBody) -> Iterator[Section]:
    """Yield the sections that start with a heading."""
    end = -1
    for number in sorted(body.headings):
        if number > end:
            section, last = _read_author_section(body, number)
            if section:
                yield section
                end = last


class _SectionBuilder:
    """Collects the lines of a section.

    Pending lines belong to the section only if an entry follows.

    Attributes:
        ends_below: Start of an entry to the end of the lines below it.
    """

    def __init__(self, number: int) -> None:
        self.entries: list[Entry] = []
        self.prose: list[_QuotedLine] = []
        self.last_line = number
        self.ends_below: dict[int, int] = {}
        self.pending: list[tuple[int, tuple[Entry, ...]]] = []
        self.pending_prose = 0
        self.starts_with_prose = False

    def add_entries(
        self, number: int, entries: tuple[Entry, ...], lines: list[_QuotedLine]
    ) -> None:
        """Add the entries of a line and the pending lines before it."""
        for waiting, titles in self.pending:
            if titles:
                self.entries += titles
            else:
                self.prose.append(lines[waiting])
        self.entries += entries
        self.pending, self.pending_prose, self.last_line = [], 0, number


def _read_author_section(body: _SectionBody, number: int) -> tuple[Section | None, int]:
    """Return the section that starts at a line, and the number of its last line."""
    text, head, line = body.source.text, body.headings[number], body.lines[number]
    stop = line.start + head.end
    builder = _SectionBuilder(number)
    if line.start + head.entries_start < line.end:
        rest = line.end - len(text[line.start + head.entries_start : line.end].lstrip())
        builder.entries += parse_line_entries(body.source, rest, rest, line.end)
        if not any(entry.link or entry.fault == "malformed-link" for entry in builder.entries):
            return None, number
    elif _is_underlined(body, number):
        builder.last_line, stop = number + 1, body.lines[number + 1].end
    _gather_lines(body, builder, line.depth)
    if not builder.entries and (
        not head.certain
        or (builder.starts_with_prose and not _is_built_in(text[line.start : stop]))
    ):
        return None, number
    end = body.lines[builder.last_line]
    entries = add_cut_spans(text, line.start, stop, builder.entries, builder.ends_below)
    prose = tuple(
        SourceSpan(
            item.content,
            _content_end(text, item),
            *line_and_column(body.source.starts, item.content),
        )
        for item in builder.prose
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
    ), builder.last_line


def _is_underlined(body: _SectionBody, number: int) -> bool:
    following = body.lines[number + 1] if number + 1 < len(body.lines) else None
    return following is not None and bool(
        leaves.SETEXT_UNDERLINE.match(body.source.text[following.content : following.end])
    )


def _is_built_in(heading: str) -> bool:
    return "backlinks using" in " ".join(fold_wording(heading).split())


def _content_end(text: str, line: _QuotedLine) -> int:
    """Return the end of a line without trailing blanks."""
    return line.start + len(text[line.start : line.end].rstrip())


def _gather_lines(body: _SectionBody, builder: _SectionBuilder, depth: int) -> None:
    """Read the lines behind the heading that belong to the section."""
    text, blank = body.source.text, False
    for number in range(builder.last_line + 1, len(body.lines)):
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
        if _is_below(builder, content, entries):
            builder.ends_below[builder.entries[-1].start] = _content_end(text, line)
            builder.last_line = number
        elif any(entry.fault != "no-link" for entry in entries):
            if builder.pending_prose and not _continues_section(builder, entries[0]):
                return
            builder.add_entries(number, entries, body.lines)
        elif entries and (
            entries[0].dash
            or (
                builder.entries
                and entries[0].marks.strip(" \t>")
                and builder.entries[-1].marks == entries[0].marks
            )
        ):
            builder.add_entries(number, entries, body.lines)
        elif not _defer_line(builder, number, entries, blank):
            return
        blank = False


def _ends_section(body: _SectionBody, line: _QuotedLine, content: str) -> bool:
    """Return True if a line ends a section regardless of its text.

    This is a heading, thematic break, footnote, table or hidden text.
    """
    start = line.start + len(body.source.text[line.start : line.end]) - len(content)
    start += len(content) - len(content.lstrip(" \t"))
    return bool(
        leaves.HEADING.match(content)
        or leaves.THEMATIC_BREAK.match(content)
        or leaves.FOOTNOTE_DEFINITION.match(content)
        or content.lstrip().startswith(("|", "%%"))
        or any(first <= start < last for first, last in body.hidden)
    )


def _is_below(builder: _SectionBuilder, content: str, entries: tuple[Entry, ...]) -> bool:
    """Return True if a line is indented below a list entry.

    A line that is a complete entry itself does not count.
    """
    if not builder.entries or not builder.entries[-1].marks.strip(" \t>"):
        return False
    if any(entry.title and entry.dash for entry in entries):
        return False
    list_marks = builder.entries[-1].marks.lstrip("> ")
    mark = LIST_MARK.match(content)
    assert mark
    indent = len(content) - len(content.lstrip(" \t"))
    base = (
        len(builder.entries[-1].marks) - len(list_marks)
        if ">" not in builder.entries[-1].marks
        else 0
    )
    return indent > base + (1 if entries or content.lstrip()[:1] in "-*+" else 0)


def _continues_section(builder: _SectionBuilder, entry: Entry) -> bool:
    """Return True if an entry behind prose belongs to the section.

    It has a title and a dash, or the same form as the entries before.
    """
    if entry.title and entry.dash:
        return True
    return (
        bool(builder.entries)
        and not builder.entries[-1].title
        and builder.entries[-1].marks == entry.marks
    )


def _defer_line(
    builder: _SectionBuilder, number: int, titles: tuple[Entry, ...], blank: bool
) -> bool:
    """Add a pending line, which belongs to the section only if an entry follows.

    Returns False if the line ends the section.
    """
    if titles:
        builder.pending.append((number, titles))
        return len(builder.pending) <= 2 * _MAX_PROSE_LINES
    builder.starts_with_prose = builder.starts_with_prose or not builder.entries
    is_second_paragraph = builder.pending_prose and blank
    builder.pending_prose += 1
    builder.pending.append((number, ()))
    return not is_second_paragraph and builder.pending_prose <= _MAX_PROSE_LINES
