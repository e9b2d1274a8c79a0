"""Parse the author's sections of a note.

These start with a heading in a known wording. A section ends with its last entry before the next
heading or before hidden text. Lines of prose belong to it if they are few and entries follow them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.model import Entry, Owner, Section, SourceSpan
from vaultlink.parse import leaf_blocks
from vaultlink.parse.backlinks_entries import (
    LIST_MARK,
    SectionInputs,
    add_cut_spans,
    parse_line_entries,
)
from vaultlink.parse.backlinks_heading import QuotedLine, SectionHeading, content_end, fold_wording
from vaultlink.parse.brackets import SpanSet
from vaultlink.text import line_and_column

_MAX_PROSE_LINES = 3
"""Maximum number of prose lines between two entries.

More lines are not a remark; the note continues there.
"""


class SectionBody(NamedTuple):
    """The body of a note with the headings of author's sections by line number."""

    source: SectionInputs
    lines: list[QuotedLine]
    hidden: SpanSet
    headings: dict[int, SectionHeading]


def read_author_sections(body: SectionBody) -> Iterator[Section]:
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


def _read_author_section(body: SectionBody, number: int) -> tuple[Section | None, int]:
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
            content_end(text, item),
            *line_and_column(body.source.starts, item.content),
        )
        for item in builder.prose
    )
    return Section(
        line.start,
        max(stop, content_end(text, end)),
        *line_and_column(body.source.starts, line.start),
        owner=Owner.AUTHOR,
        heading=text[line.start : stop],
        heading_start=line.start,
        heading_end=stop,
        entries=add_cut_spans(text, line.start, stop, builder.entries, builder.ends_below),
        prose_lines=prose,
        usual=head.usual,
    ), builder.last_line


def _has_only_links(body: SectionBody, builder: _SectionBuilder) -> bool:
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


def _is_underlined(body: SectionBody, number: int) -> bool:
    following = body.lines[number + 1] if number + 1 < len(body.lines) else None
    return following is not None and bool(
        leaf_blocks.SETEXT_UNDERLINE.match(body.source.text[following.content : following.end])
    )


def _is_built_in(heading: str) -> bool:
    return "backlinks using" in " ".join(fold_wording(heading).split())


def _gather_lines(body: SectionBody, builder: _SectionBuilder, depth: int) -> None:
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
            builder.ends_below[builder.entries[-1].start] = content_end(text, line)
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


def _ends_section(body: SectionBody, line: QuotedLine, content: str) -> bool:
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
