"""Parse the "Add backlinks" sections of a note: their spans, entries and prose.

A section between vaultlink's markers is managed by vaultlink. Any other section starts with a
heading in a known wording and belongs to the author.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import Link, Section
from vaultlink.parse.backlinks_author import SectionBody, read_author_sections
from vaultlink.parse.backlinks_entries import EntrySource
from vaultlink.parse.backlinks_heading import (
    HeadingWordings,
    SectionHeading,
    match_heading_line,
)
from vaultlink.parse.backlinks_lines import build_quoted_line
from vaultlink.parse.backlinks_managed import is_marker_hidden, read_managed_section
from vaultlink.parse.backlinks_markers import find_marker_pairs
from vaultlink.parse.backlinks_problems import add_section_problems
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import TextRun, split_lines
from vaultlink.parse.plain import paragraph_span


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


def read_sections(
    source: SectionSource,
    links: Sequence[Link],
    wording: HeadingWordings,
    candidates: Sequence[int],
    usual_headings: Mapping[int, SectionHeading],
) -> tuple[Section, ...]:
    """Return the sections of a note's body, in order.

    Args:
        source: The note.
        links: All links of the note.
        wording: The compiled wordings of headings.
        candidates: The lines that may be headings, 0-based.
        usual_headings: The lines with usual headings, 0-based.
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
    page = EntrySource(text, starts, body_links, [link.start for link in body_links])
    managed = [
        read_managed_section(page, pair, wording)
        for pair in markers
        if not is_marker_hidden(pair, [*source.hidden, *comments])
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
        build_quoted_line(text, line.offset, line.offset + len(line.text))
        for line in split_lines(text, body)
    ]
    hidden = [*source.hidden, *comments, *((section.start, section.end) for section in managed)]
    author_sections = read_author_sections(SectionBody(page, lines, hidden, wording, headings))
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
        line, build_quoted_line(text, start, start + len(line)).content - start, wording
    )


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
