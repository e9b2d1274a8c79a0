"""Parse the "Add backlinks" sections of a note: their spans, entries and prose.

A section between vaultlink's markers is managed by vaultlink. Any other section starts with a
heading in a known wording and belongs to the author. That one ends with its last entry before the
next heading or before hidden text; lines of prose belong to it if they are few and entries follow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import Entry, Link, Owner, Section, SourceSpan
from vaultlink.parse import leaf_blocks
from vaultlink.parse.backlinks_entries import (
    LIST_MARK,
    SectionInputs,
    add_cut_spans,
    content_end,
    parse_line_entries,
)
from vaultlink.parse.backlinks_heading import (
    HeadingWordings,
    QuotedLine,
    SectionHeading,
    build_quoted_line,
    fold_wording,
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

# -- sections of authors ---------------------------------------------------------------------------

_MAX_PROSE_LINES = 3
"""Maximum number of prose lines between two entries.

More lines are not a remark; the note continues there.
"""


class _SectionBody(NamedTuple):
    """The body of a note with the headings of author's sections by line number."""

    source: SectionInputs
    lines: list[QuotedLine]
    hidden: SpanSet
    headings: dict[int, SectionHeading]


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
    """Collects the lines of a section; pending ones count only if an entry follows.

    `ends_below` maps the start of an entry to the end of the lines below it.
    """

    def __init__(self, number: int) -> None:
        self.entries: list[Entry] = []
        self.prose: list[QuotedLine] = []
        self.last_line = number
        self.ends_below: dict[int, int] = {}
        self.pending: list[tuple[int, tuple[Entry, ...]]] = []
        self.pending_prose = 0
        self.starts_with_prose = False

    def add_entries(self, number: int, entries: tuple[Entry, ...], lines: list[QuotedLine]) -> None:
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
    if head.usual and not _has_only_links(body, builder):
        return None, number
    if not builder.entries and (
        not head.certain
        or (builder.starts_with_prose and not _is_built_in(text[line.start : stop]))
    ):
        return None, number
    end = body.lines[builder.last_line]
    prose = tuple(
        SourceSpan(
            item.content,
            content_end(text, item.start, item.end),
            *line_and_column(body.source.starts, item.content),
        )
        for item in builder.prose
    )
    return Section(
        line.start,
        max(stop, content_end(text, end.start, end.end)),
        *line_and_column(body.source.starts, line.start),
        owner=Owner.AUTHOR,
        heading=text[line.start : stop],
        heading_start=line.start,
        heading_end=stop,
        entries=add_cut_spans(text, line.start, stop, builder.entries, builder.ends_below),
        prose_lines=prose,
        usual=head.usual,
    ), builder.last_line


def _has_only_links(body: _SectionBody, builder: _SectionBuilder) -> bool:
    """Return True if only links follow, up to a heading or the end of the note."""
    if not builder.entries or builder.prose:
        return False
    if not all(entry.link and not entry.link.embed for entry in builder.entries):
        return False
    text = body.source.text
    for number in range(builder.last_line + 1, len(body.lines)):
        line = body.lines[number]
        content = text[line.content : line.end]
        if content.strip():
            return number in body.headings or _ends_section(body, line, content)
    return True


def _is_underlined(body: _SectionBody, number: int) -> bool:
    following = body.lines[number + 1] if number + 1 < len(body.lines) else None
    return following is not None and bool(
        leaf_blocks.SETEXT_UNDERLINE.match(body.source.text[following.content : following.end])
    )


def _is_built_in(heading: str) -> bool:
    return "backlinks using" in " ".join(fold_wording(heading).split())


def _gather_lines(body: _SectionBody, builder: _SectionBuilder, depth: int) -> None:
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
            builder.ends_below[builder.entries[-1].start] = content_end(text, line.start, line.end)
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


def _ends_section(body: _SectionBody, line: QuotedLine, content: str) -> bool:
    """Return True for a heading, thematic break, footnote, table or hidden text."""
    start = line.start + len(body.source.text[line.start : line.end]) - len(content)
    start += len(content) - len(content.lstrip(" \t"))
    return bool(
        leaf_blocks.HEADING.match(content)
        or leaf_blocks.THEMATIC_BREAK.match(content)
        or leaf_blocks.FOOTNOTE_DEFINITION.match(content)
        or content.lstrip().startswith(("|", "%%"))
        or body.hidden.covers(start)
    )


def _is_below(builder: _SectionBuilder, content: str, entries: tuple[Entry, ...]) -> bool:
    """Return True if a line is indented below an entry, and no entry itself."""
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
    """Return True for an entry with title and dash, or the form of those before."""
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
    """Add a line, pending until an entry follows; False if it ends the section."""
    if titles:
        builder.pending.append((number, titles))
        return len(builder.pending) <= 2 * _MAX_PROSE_LINES
    builder.starts_with_prose = builder.starts_with_prose or not builder.entries
    is_second_paragraph = builder.pending_prose and blank
    builder.pending_prose += 1
    builder.pending.append((number, ()))
    return not is_second_paragraph and builder.pending_prose <= _MAX_PROSE_LINES


# -- all sections ----------------------------------------------------------------------------------


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
    author_sections = _read_author_sections(_SectionBody(page, lines, unread, headings))
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
