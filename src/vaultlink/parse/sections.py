"""The "Add backlinks" sections of a note: where each begins and ends, its entries, and what stands among them.

A section between vaultlink's markers is vaultlink's; any other begins with a heading of a known wording and is its
author's. It goes on to its last entry before the next heading or anything that hides text. Lines of prose belong to it if
they are few and entries go on behind them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vaultlink.model import Entry, Link, Owner, Section, Spot
from vaultlink.parse import leaves
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.directives import comment_spans
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import Run, split_lines
from vaultlink.parse.markers import Pair, pairs
from vaultlink.parse.plain import plain_paragraph
from vaultlink.parse.sections_cuts import with_cuts
from vaultlink.parse.sections_entries import MARK, Page, line_entries
from vaultlink.parse.sections_flaws import flaws_of
from vaultlink.parse.sections_headings import QUOTE, HeadingLine, Wordings, folded, heading_line
from vaultlink.text import position

_ANY_HEADING = re.compile(
    r"[ \t]*#{1,6}(?=[ \t]|$)|[ \t]*(?:\*\*|__)[^*_\n]+(?:\*\*|__)[:：]?[ \t]*$"
)
_MOST_PROSE = 3
"""So many lines of prose may stand between two entries; more are no remark but the note that goes on."""


class Source(NamedTuple):
    """A note's text, where its body begins, and where its lines start; the spans of its blocks that hide text, and its runs
    of text. These are None for a plain note, each paragraph of which may be read apart."""

    text: str
    body: int
    starts: list[int]
    hidden: list[tuple[int, int]]
    runs: list[Run] | None


class _Line(NamedTuple):
    """A line: its span without its end, where the marks of quotes end, and how many these are."""

    start: int
    end: int
    content: int
    depth: int


class _Body(NamedTuple):
    """A note's body as sections are read from it."""

    page: Page
    lines: list[_Line]
    hidden: list[tuple[int, int]]
    wording: Wordings
    heads: dict[int, HeadingLine]


def read_sections(
    source: Source, links: Sequence[Link], wording: Wordings, asked: Sequence[int]
) -> tuple[Section, ...]:
    """The sections in a note's body, in order. `links` are those of the whole note; `asked` are the lines, counted from 0, that
    may be the heading of one."""
    text, body, starts = source.text, source.body, source.starts
    first = bisect_left(starts, body)
    heads = {
        number - first: head
        for number in asked
        if number >= first and (head := _head(source, number, wording))
    }
    marks = pairs(text, body)
    if not heads and not marks:
        return ()
    comments = (
        comment_spans(text, body, [span for span in source.hidden if text[span[0]] != "<"])
        if "%%" in text
        else []
    )
    inside = sorted((link for link in links if link.start >= body), key=lambda link: link.start)
    page = Page(text, starts, inside, [link.start for link in inside])
    marked = [
        _marked(page, pair, wording)
        for pair in marks
        if not _is_hidden(pair, [*source.hidden, *comments])
    ]
    live = {
        number: head
        for number, head in heads.items()
        if not any(section.start <= starts[first + number] < section.end for section in marked)
        and _is_live(source, comments, starts[first + number] + head.words)
    }
    if not live:
        return tuple(marked)
    lines = [
        _line(text, line.offset, line.offset + len(line.text)) for line in split_lines(text, body)
    ]
    hidden = [*source.hidden, *comments, *((section.start, section.end) for section in marked)]
    own = _authors(_Body(page, lines, hidden, wording, live))
    sections = sorted([*marked, *own], key=lambda section: section.start)
    return tuple(flaws_of(text, body, starts, sections, source.hidden))


def _head(source: Source, number: int, wording: Wordings) -> HeadingLine | None:
    """The heading that a line is, if it may be one."""
    text, starts = source.text, source.starts
    start, end = (
        starts[number],
        starts[number + 1] - 1 if number + 1 < len(starts) else len(source.text),
    )
    line = text[start:end].removesuffix("\r")
    return heading_line(line, _line(text, start, start + len(line)).content - start, wording)


def _line(text: str, start: int, end: int) -> _Line:
    quote = QUOTE.match(text, start, end)
    assert quote
    depth = quote[0].count(">")
    return _Line(start, end, quote.end() if depth else start, depth)


def _is_live(source: Source, comments: list[tuple[int, int]], at: int) -> bool:
    """Whether what stands at an offset is shown as text."""
    if any(start <= at < end for start, end in comments):
        return False
    runs = source.runs
    if runs is None:
        runs = read_blocks(
            split_lines(source.text, *plain_paragraph(source.text, source.body, at))
        ).runs
    for run in runs:
        if run.text and run.source(0) <= at < run.end(len(run.text)):
            return not any(
                run.source(start) <= at < run.end(end)
                for start, end in read_inline(run.text).hidden
            )
    return False


# -- sections with markers ----------------------------------------------------------------------------------------------


def _is_hidden(pair: Pair, hidden: Sequence[tuple[int, int]]) -> bool:
    """Whether one of two markers is no comment of its own but part of something that hides it."""
    return any(
        first <= at < last and first != at
        for at in (pair.start, pair.closing)
        for first, last in hidden
    )


def _marked(page: Page, pair: Pair, wording: Wordings) -> Section:
    """The section between two markers."""
    text = page.text
    heading, entries = _held(page, pair.begun, pair.line, wording)
    return Section(
        pair.start,
        pair.end,
        *position(page.starts, pair.start),
        Owner.ADOPTED if pair.adopted else Owner.WRITTEN,
        text[slice(*heading)],
        *heading,
        entries,
        (),
        text[pair.start : pair.end],
        pair.before,
        pair.after,
    )


def _held(
    page: Page, start: int, end: int, wording: Wordings
) -> tuple[tuple[int, int], tuple[Entry, ...]]:
    """The heading's span and the entries between markers. Lines indented below an entry are the passages it quotes."""
    text, heading = page.text, (start, start)
    entries: list[Entry] = []
    first = True
    for line in (
        _line(text, item.offset, item.offset + len(item.text))
        for item in split_lines(text, start, end)
    ):
        content = text[line.content : line.end]
        if not content.strip():
            continue
        if first and (_ANY_HEADING.match(content) or heading_line(content, 0, wording)):
            heading = (line.start, line.start + len(text[line.start : line.end].rstrip()))
        elif not (entries and content[0] in " \t"):
            entries += line_entries(page, line.start, line.content, line.end)
        first = False
    return heading, with_cuts(text, start, heading[1], entries, {})


# -- sections without -----------------------------------------------------------------------------------------------------


def _authors(body: _Body) -> Iterator[Section]:
    """The sections that begin with a heading."""
    end = -1
    for number in sorted(body.heads):
        if number > end:
            section, last = _section(body, number)
            if section:
                yield section
                end = last


class _Gathering:
    """What was gathered of a section so far: lines that wait for an entry behind them belong to it only then."""

    def __init__(self, number: int) -> None:
        self.entries: list[Entry] = []
        self.prose: list[_Line] = []
        self.last = number
        self.below: dict[int, int] = {}  # an entry's start to the end of the lines below it
        self.waiting: list[tuple[int, tuple[Entry, ...]]] = []
        self.waiting_prose = 0
        self.stray = False

    def take(self, number: int, entries: tuple[Entry, ...], lines: list[_Line]) -> None:
        """Take the entries of a line, and what waited for them."""
        for waiting, titles in self.waiting:
            if titles:
                self.entries += titles
            else:
                self.prose.append(lines[waiting])
        self.entries += entries
        self.waiting, self.waiting_prose, self.last = [], 0, number


def _section(body: _Body, number: int) -> tuple[Section | None, int]:
    """The section that a line begins, and the number of its last line."""
    text, head, line = body.page.text, body.heads[number], body.lines[number]
    stop = line.start + head.end
    got = _Gathering(number)
    if line.start + head.rest < line.end:
        rest = line.end - len(text[line.start + head.rest : line.end].lstrip())
        got.entries += line_entries(body.page, rest, rest, line.end)
        if not any(entry.link or entry.fault == "malformed-link" for entry in got.entries):
            return None, number
    elif _is_underlined(body, number):
        got.last, stop = number + 1, body.lines[number + 1].end
    _gather(body, got, line.depth)
    if not got.entries and (
        not head.sure or (got.stray and not _is_built_in(text[line.start : stop]))
    ):
        return None, number
    end = body.lines[got.last]
    entries = with_cuts(text, line.start, stop, got.entries, got.below)
    prose = tuple(
        Spot(item.content, _filled(text, item), *position(body.page.starts, item.content))
        for item in got.prose
    )
    return Section(
        line.start,
        max(stop, _filled(text, end)),
        *position(body.page.starts, line.start),
        Owner.AUTHOR,
        text[line.start : stop],
        line.start,
        stop,
        entries,
        prose,
    ), got.last


def _is_underlined(body: _Body, number: int) -> bool:
    following = body.lines[number + 1] if number + 1 < len(body.lines) else None
    return following is not None and bool(
        leaves.SETEXT.match(body.page.text[following.content : following.end])
    )


def _is_built_in(heading: str) -> bool:
    return "backlinks using" in " ".join(folded(heading).split())


def _filled(text: str, line: _Line) -> int:
    """The end of a line without the blanks it ends in."""
    return line.start + len(text[line.start : line.end].rstrip())


def _gather(body: _Body, got: _Gathering, depth: int) -> None:
    """Read lines from the heading on, as long as they belong to the section."""
    text, blank = body.page.text, False
    for number in range(got.last + 1, len(body.lines)):
        line = body.lines[number]
        content = text[line.content : line.end]
        if not content.strip():
            if line.depth < depth:
                return
            blank = True
            continue
        if line.depth != depth or number in body.heads or _ends(body, line, content):
            return
        entries = line_entries(body.page, line.start, line.content, line.end)
        if _is_below(got, content, entries):
            got.below[got.entries[-1].start] = _filled(text, line)
            got.last = number
        elif any(entry.fault != "no-link" for entry in entries):
            if got.waiting_prose and not _goes_on(got, entries[0]):
                return
            got.take(number, entries, body.lines)
        elif entries and (
            entries[0].dash
            or (
                got.entries
                and entries[0].marks.strip(" \t>")
                and got.entries[-1].marks == entries[0].marks
            )
        ):
            got.take(number, entries, body.lines)
        elif not _waits(got, number, entries, blank):
            return
        blank = False


def _ends(body: _Body, line: _Line, content: str) -> bool:
    """Whether a line ends a section whatever it says: a heading, a rule, a footnote, a table, or text that is hidden."""
    start = line.start + len(body.page.text[line.start : line.end]) - len(content)
    start += len(content) - len(content.lstrip(" \t"))
    return bool(
        leaves.HEADING.match(content)
        or leaves.RULE.match(content)
        or leaves.FOOTNOTE.match(content)
        or content.lstrip().startswith(("|", "%%"))
        or any(first <= start < last for first, last in body.hidden)
    )


def _is_below(got: _Gathering, content: str, entries: tuple[Entry, ...]) -> bool:
    """Whether a line is indented below an entry in a list, and no whole entry itself."""
    if not got.entries or not got.entries[-1].marks.strip(" \t>"):
        return False
    if any(entry.title and entry.dash for entry in entries):
        return False
    own = got.entries[-1].marks.lstrip("> ")
    mark = MARK.match(content)
    assert mark
    indent = len(content) - len(content.lstrip(" \t"))
    base = len(got.entries[-1].marks) - len(own) if ">" not in got.entries[-1].marks else 0
    return indent > base + (1 if entries or content.lstrip()[:1] in "-*+" else 0)


def _goes_on(got: _Gathering, entry: Entry) -> bool:
    """Whether an entry behind prose is of the section: a whole one, or one written as those before."""
    if entry.title and entry.dash:
        return True
    return bool(got.entries) and not got.entries[-1].title and got.entries[-1].marks == entry.marks


def _waits(got: _Gathering, number: int, titles: tuple[Entry, ...], blank: bool) -> bool:
    """Keep a line that belongs to the section if an entry follows; false if it ends the section."""
    if titles:
        got.waiting.append((number, titles))
        return len(got.waiting) <= 2 * _MOST_PROSE
    got.stray = got.stray or not got.entries
    again = got.waiting_prose and blank
    got.waiting_prose += 1
    got.waiting.append((number, ()))
    return not again and got.waiting_prose <= _MOST_PROSE
