"""Parse the "Add backlinks" sections of a note: their spans, entries and prose.

A section between vaultlink's markers is managed by vaultlink. Any other section starts with a
heading in a known wording and belongs to the author.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from vaultlink.model import Entry, Link, Owner, Section
from vaultlink.parse.backlinks_author import SectionBody, read_author_sections
from vaultlink.parse.backlinks_entries import SectionInputs, add_cut_spans, parse_line_entries
from vaultlink.parse.backlinks_heading import (
    HeadingWordings,
    SectionHeading,
    build_quoted_line,
    is_mention_item,
    match_heading_line,
)
from vaultlink.parse.backlinks_markers import MarkerPair, find_marker_pairs
from vaultlink.parse.backlinks_problems import add_section_problems
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.fast_parser import paragraph_span
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import TextRun, split_lines
from vaultlink.text import lazy_pattern, line_and_column


def read_sections(
    source: SectionInputs,
    links: Sequence[Link],
    wording: HeadingWordings,
    candidates: Sequence[int],
    usual_headings: Mapping[int, SectionHeading],
) -> tuple[Section, ...]:
    """Return the sections of a note's body, in order.

    `candidates` are the lines that may be headings, `usual_headings` those with usual headings,
    all 0-based.
    """
    text, body, starts = source.text, source.body, source.starts
    first = bisect_left(starts, body)
    matches = {number - first: head for number, head in usual_headings.items() if number >= first}
    matches |= {
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
    page = source._replace(links=body_links)
    hidden = [*source.hidden, *comments]
    hiding = SpanSet(hidden) if markers else SpanSet(())
    managed = [
        read_managed_section(page, pair, wording)
        for pair in markers
        if not (hiding.covers_inside(pair.start) or hiding.covers_inside(pair.closing_start))
    ]
    managed_spans = [(section.start, section.end) for section in managed]
    covered, shown = SpanSet(managed_spans), _VisibleText(source, comments)
    headings = {
        number: head
        for number, head in matches.items()
        if not covered.covers(starts[first + number])
        and shown.covers(starts[first + number] + head.words_start)
    }
    if not headings:
        return tuple(managed)
    lines = [
        build_quoted_line(text, line.offset, line.offset + len(line.text))
        for line in split_lines(text, body)
    ]
    unread = SpanSet([*hidden, *managed_spans])
    author_sections = read_author_sections(SectionBody(page, lines, unread, headings))
    sections = sorted([*managed, *author_sections], key=lambda section: section.start)
    return tuple(add_section_problems(text, body, starts, sections, source.hidden))


def _read_heading(
    source: SectionInputs, number: int, wording: HeadingWordings
) -> SectionHeading | None:
    text, starts = source.text, source.starts
    start, end = (
        starts[number],
        starts[number + 1] - 1 if number + 1 < len(starts) else len(source.text),
    )
    line = text[start:end].removesuffix("\r")
    return match_heading_line(
        line, build_quoted_line(text, start, start + len(line)).content - start, wording
    )


class _VisibleText:
    """The text of a note that Obsidian shows as text."""

    def __init__(self, source: SectionInputs, comments: list[tuple[int, int]]) -> None:
        self._source = source
        self._comments = SpanSet(comments)
        self._paragraph = (0, 0)
        self._spans: list[tuple[int, int, TextRun]] = []
        self._hidden: tuple[TextRun | None, SpanSet] = (None, SpanSet(()))
        if source.runs is not None:
            self._set_runs(source.runs)

    def covers(self, at: int) -> bool:
        """Return True if Obsidian shows the text at an offset."""
        if self._comments.covers(at):
            return False
        source = self._source
        if source.runs is None and not self._paragraph[0] <= at < self._paragraph[1]:
            self._paragraph = paragraph_span(source.text, source.body, at)
            self._set_runs(read_blocks(split_lines(source.text, *self._paragraph)).runs)
        number = bisect_right(self._spans, at, key=lambda span: span[0]) - 1
        if number < 0 or at >= self._spans[number][1]:
            return False
        return not self._find_hidden(self._spans[number][2]).covers(at)

    def _set_runs(self, runs: Sequence[TextRun]) -> None:
        self._spans = sorted(
            (
                (run.source_offset(0), run.source_end(len(run.text)), run)
                for run in runs
                if run.text
            ),
            key=lambda span: span[0],
        )

    def _find_hidden(self, run: TextRun) -> SpanSet:
        """Return what code, math and HTML hide in a run. The last run is remembered."""
        if self._hidden[0] is not run:
            hidden = read_inline(run.text).hidden
            self._hidden = (
                run,
                SpanSet((run.source_offset(start), run.source_end(end)) for start, end in hidden),
            )
        return self._hidden[1]


_ANY_HEADING = lazy_pattern(
    r"[ \t]*#{1,6}(?=[ \t]|$)|[ \t]*(?:\*\*|__)[^*_\n]+(?:\*\*|__)[:：]?[ \t]*$"
)


def read_managed_section(
    page: SectionInputs, pair: MarkerPair, wording: HeadingWordings
) -> Section:
    text = page.text
    heading, entries = _read_managed_content(page, pair.begin_end, pair.closing_line, wording)
    return Section(
        pair.start,
        pair.end,
        *line_and_column(page.starts, pair.start),
        owner=Owner.ADOPTED if pair.adopted else Owner.WRITTEN,
        heading=text[slice(*heading)],
        heading_start=heading[0],
        heading_end=heading[1],
        entries=entries,
        text=text[pair.start : pair.end],
        newlines_before=pair.newlines_before,
        newlines_after=pair.newlines_after,
    )


def _read_managed_content(
    page: SectionInputs, start: int, end: int, wording: HeadingWordings
) -> tuple[tuple[int, int], tuple[Entry, ...]]:
    """Return the heading's span and the entries between two markers.

    Lines indented below an entry are excerpts, but those below the item of mentions are entries.
    """
    text, heading = page.text, (start, start)
    entries: list[Entry] = []
    first, in_mentions = True, False
    for line in (
        build_quoted_line(text, item.offset, item.offset + len(item.text))
        for item in split_lines(text, start, end)
    ):
        content = text[line.content : line.end]
        if not content.strip():
            continue
        if first and (_ANY_HEADING.match(content) or match_heading_line(content, 0, wording)):
            heading = (line.start, line.start + len(text[line.start : line.end].rstrip()))
        elif is_mention_item(content):
            in_mentions = True
        elif in_mentions or not entries or content[0] not in " \t":
            in_mentions = in_mentions and content[0] in " \t"
            entries += parse_line_entries(page, line.start, line.content, line.end)
        first = False
    return heading, add_cut_spans(text, start, heading[1], entries, {})
