"""Find defects in the lines of an author's section, each with its fix.

Kinds: `no-blank-before` (the heading), `one-line` and `several-on-a-line` (entries),
`mixed-newlines`, `not-last`; and matters of style: `glued-entries`, `trailing-whitespace`,
`missing-final-newline`, `extra-final-newlines`.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from msgspec import structs

from vaultlink.model import Entry, Owner, ParseProblem, Section
from vaultlink.parse.backlinks_heading import QUOTE_MARKS
from vaultlink.parse.brackets import MarkSearch
from vaultlink.parse.inline import read_inline
from vaultlink.parse.leaf_blocks import FOOTNOTE_DEFINITION, LINK_DEFINITION
from vaultlink.text import lazy_pattern, line_and_column

_LINE_END = lazy_pattern(r"\r?\n")
_LINE_ENDS = lazy_pattern(r"[\r\n]*")
_BLANKS = lazy_pattern(r"[ \t]*")
_SPACES = lazy_pattern(r"\s*")
_TRAILING_BLANKS = lazy_pattern(r"[ \t]+(?=\r?\n|\Z)")
_BLOCK_ID = lazy_pattern(r"\^[\w-]+[ \t]*$")
_PARAGRAPH_END = lazy_pattern(r"\n[ \t]*\r?\n")
_MARKED_LINE = lazy_pattern(r"\n[ \t>]")
_MAX_PARAGRAPH = 10_000
"""Characters of the longest paragraph that is read again to divide it."""

_BLOCK_START = lazy_pattern(r"[>#|~`=<+*\-]|\d+[.)]|\[[^\[]")
"""The start of a line that starts another block."""

_BLOCK_ID_ALONE = lazy_pattern(r"[ \t]*\^[A-Za-z0-9-]+[ \t]*$")
_COMMENT_START = lazy_pattern(r"%%|<!--")

ProblemReplacements = tuple[tuple[int, int, str], ...]


def add_section_problems(
    text: str,
    body: int,
    starts: list[int],
    sections: Sequence[Section],
    hidden: Sequence[tuple[int, int]],
) -> Iterator[Section]:
    """Yield the sections; those of the author with problems and cut spans.

    `hidden` are the spans of blocks that hide text.
    """
    note = _NoteText(text, body)
    ends = _SectionEnds(text, sections, hidden)
    for number, section in enumerate(sections):
        if section.owner is not Owner.AUTHOR:
            yield section
            continue
        found = (
            *_check_blank_before(note, section),
            *_check_entry_lines(note, section),
            *_check_newlines(note, section),
            *_check_is_last(section, number, ends),
            *_check_style(note, section),
        )
        problems = tuple(
            ParseProblem(start, end, *line_and_column(starts, start), kind, "", changes)
            for start, end, kind, changes in found
        )
        cut_start, cut_end = _section_cut_span(note, section)
        marks = section.entries[0].marks if section.entries else ""
        yield structs.replace(
            section,
            problems=problems,
            cut_start=cut_start,
            cut_end=cut_end,
            entry_separator=_entry_separator(note, section, marks),
        )


class _NoteText:
    """The text of a note, the offset of its body, and its usual line end."""

    def __init__(self, text: str, body: int) -> None:
        self.text = text
        self.body = body
        windows = text.count("\r\n")
        self.line_end = "\r\n" if windows * 2 > text.count("\n") else "\n"

    @cached_property
    def _paragraph_starts(self) -> list[int]:
        return [match.end() for match in _PARAGRAPH_END.finditer(self.text, self.body)]

    @cached_property
    def _marked_lines(self) -> list[int]:
        return [match.end() - 1 for match in _MARKED_LINE.finditer(self.text, self.body)]

    def _paragraph_start(self, end: int) -> int:
        number = bisect_right(self._paragraph_starts, end)
        return self._paragraph_starts[number - 1] if number else self.body

    def split_paragraph(self, end: int, start: int) -> tuple[str, str]:
        """Return the parts of a paragraph before `end` and behind `start`."""
        following = _PARAGRAPH_END.search(self.text, start)
        last = following.start() if following else len(self.text)
        return self.text[self._paragraph_start(end) : end], self.text[start:last]

    def has_marked_line(self, end: int) -> bool:
        """Return True if a line of the paragraph before `end` starts with a blank or mark."""
        start = self._paragraph_start(end)
        line = bisect_left(self._marked_lines, start)
        first = self._marked_lines[line] if line < len(self._marked_lines) else end
        return first < end or self.text.startswith((" ", "\t", ">"), start, end)


LocatedProblem = tuple[int, int, str, ProblemReplacements]
"""Start, end, kind and replacements of a problem."""


def _section_cut_span(note: _NoteText, section: Section) -> tuple[int, int]:
    """Return the span to delete for a section, with a separator before or behind it."""
    text, start = note.text, section.start
    end = _skip(_BLANKS, text, section.end)
    while start > note.body and text[start - 1].isspace():
        start -= 1
    if start > note.body:
        return start, end
    return section.start, _skip(_LINE_ENDS, text, end)


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _check_blank_before(note: _NoteText, section: Section) -> Iterator[LocatedProblem]:
    """Find a heading that Markdown reads as part of the previous paragraph.

    This applies to headings without Markdown syntax if the previous line is not blank.
    """
    text, body, start = note.text, note.body, section.start
    stop = start - (start > body and text[start - 1] == "\n")
    stop -= stop > body and text[stop - 1] == "\r"
    line = text[max(text.rfind("\n", body, stop) + 1, body) : stop] if start > body else ""
    plain = not section.heading.lstrip().startswith(
        ("#", ">", "- ", "* ", "+ ")
    ) and not line.lstrip().startswith("#")
    if line.strip() and plain and "\n" not in section.heading:
        # Lines that continue a quote or an indented line may have another meaning apart from it.
        movable = not has_indented_entries(section) and not note.has_marked_line(stop)
        # A block identifier counts only at the end of its paragraph.
        movable = movable and not _BLOCK_ID.search(line)
        movable = movable and _is_separable(*note.split_paragraph(stop, start))
        changes = ((start, start, note.line_end),) if movable else ()
        yield section.heading_start, section.heading_end, "no-blank-before", changes


def _is_separable(before: str, after: str) -> bool:
    """Return True if two parts of a paragraph have the same links and tags apart."""
    if len(before) + len(after) > _MAX_PARAGRAPH:
        return False
    whole, first, second = map(read_inline, (f"{before}\n{after}", before, after))
    shift = len(before) + 1
    return {(item.start, item.end) for item in whole.links} | set(whole.tags) == {
        *((item.start, item.end) for item in first.links),
        *first.tags,
        *((item.start + shift, item.end + shift) for item in second.links),
        *((start + shift, end + shift) for start, end in second.tags),
    }


def has_indented_entries(section: Section) -> bool:
    """Return True if entries may become code when the text above them is removed."""
    return any(
        entry.marks.lstrip("> ").startswith("\t") or "    " in entry.marks
        for entry in section.entries
    )


def _check_entry_lines(note: _NoteText, section: Section) -> Iterator[LocatedProblem]:
    """Find entries on the heading's line, and several entries on one line."""
    text, entries = note.text, section.entries
    if entries and "\n" not in text[section.heading_end : entries[0].start]:
        line = [entry for entry in entries if entry.line == entries[0].line]
        changes = _split_entry_lines(
            note, section, section.heading_end, line, _quote_marks(section)
        )
        yield section.heading_start, section.heading_end, "one-line", changes
        entries = entries[len(line) :]
    for line in _group_by_line(entries):
        if len(line) > 1:
            changes = _split_entry_lines(note, section, line[0].end, line[1:], line[0].marks)
            yield line[0].start, line[-1].end, "several-on-a-line", changes


def _quote_marks(section: Section) -> str | None:
    """Return quote marks for lines below a heading; None in a list item."""
    found = QUOTE_MARKS.match(section.heading)
    marks = found[0] if found and ">" in found[0] else ""
    return None if section.heading[len(marks) :].lstrip().startswith(("- ", "* ", "+ ")) else marks


def _split_entry_lines(
    note: _NoteText, section: Section, end: int, entries: Sequence[Entry], marks: str | None
) -> ProblemReplacements:
    """Return the replacements that put each entry on its own line.

    Each line starts with `marks`. Empty if a line would start another block.
    """
    if (
        marks is None
        or has_indented_entries(section)
        or any(_BLOCK_START.match(entry.raw) for entry in entries)
    ):
        return ()
    gap = _entry_separator(note, section, marks)
    return tuple(
        (before, entry.start, gap) for before, entry in _pair_with_previous_end(end, entries)
    )


def _pair_with_previous_end(end: int, entries: Sequence[Entry]) -> Iterator[tuple[int, Entry]]:
    for entry in entries:
        yield end, entry
        end = entry.end


def _group_by_line(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    line: list[Entry] = []
    for entry in entries:
        if line and line[-1].line != entry.line:
            yield line
            line = []
        line.append(entry)
    if line:
        yield line


def _entry_separator(note: _NoteText, section: Section, marks: str) -> str:
    """Return the text between entries of a section.

    It has a blank line, unless a list mark follows or the section has no blank lines.
    """
    end = note.line_end
    marks = marks if marks.strip() else ""
    glued = any(
        _is_directly_below(note.text, one, other)
        for one, other in _adjacent_entries(section.entries)
    )
    bare = marks.rstrip(" \t")
    if marks.strip(" \t>") or glued:
        return end + marks
    return f"{end}{bare}{end}{marks}"


def _adjacent_entries(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield pairs of consecutive entries on different lines."""
    return ((one, other) for one, other in pairwise(entries) if one.line != other.line)


def _is_directly_below(text: str, one: Entry, other: Entry) -> bool:
    return one.line + 1 == other.line or not re.search(
        r"\n[ \t>]*\r?\n", text[one.end : other.start]
    )


def _check_newlines(note: _NoteText, section: Section) -> Iterator[LocatedProblem]:
    """Find line ends that differ from most line ends of the note."""
    text, usual = note.text, note.line_end
    behind = _LINE_END.match(text, _skip(_BLANKS, text, section.end))
    stop = behind.end() if behind else section.end
    unusual = [
        match.span() for match in _LINE_END.finditer(text, section.start, stop) if match[0] != usual
    ]
    if unusual:
        changes = tuple((start, end, usual) for start, end in unusual)
        yield section.heading_start, section.heading_end, "mixed-newlines", changes


def _check_is_last(section: Section, number: int, ends: "_SectionEnds") -> Iterator[LocatedProblem]:
    """Find text behind a section, except sections, comments, definitions, block ids."""
    if ends.has_text_behind(number) or section.end <= ends.last_hidden_text:
        yield section.heading_start, section.heading_end, "not-last", ()


class _SectionEnds:
    """The text behind each section of a note, each line of which is read once.

    Without the other sections, it is the end of one text for all sections.
    """

    def __init__(
        self, text: str, sections: Sequence[Section], hidden: Sequence[tuple[int, int]]
    ) -> None:
        self._text = text
        self._sections = sections
        self._hidden = hidden
        self._known: dict[int, bool] = {}

    @cached_property
    def last_hidden_text(self) -> int:
        """The start of the last hidden code or math; -1 without one."""
        return max(
            (start for start, _ in self._hidden if self._text[start] not in "<["), default=-1
        )

    @cached_property
    def _rest(self) -> tuple[str, list[int], MarkSearch]:
        """The text without sections, and where the text behind each of them starts in it."""
        parts, starts, size = [], [], 0
        for number, section in enumerate(self._sections):
            following = self._sections[number + 1 : number + 2]
            part = self._text[section.end : following[0].start if following else None]
            starts.append(size)
            parts.append(part)
            size += len(part) + 1
        rest = "\n".join(parts)
        return rest, starts, MarkSearch(rest)

    def has_text_behind(self, number: int) -> bool:
        """Return True if text follows a section."""
        rest, starts, marks = self._rest
        at, read = starts[number], []
        while at not in self._known and at <= len(rest):
            read.append(at)
            line, at = _read_visible_line(marks, at)
            if _is_text(line):
                at = -1
                break
        found = at == -1 or (at <= len(rest) and self._known[at])
        self._known.update(dict.fromkeys(read, found))
        return found


def _read_visible_line(marks: MarkSearch, at: int) -> tuple[str, int]:
    """Return a line without comments (even of several lines), and the next start."""
    text, parts = marks.text, list[str]()
    while True:
        end = marks.find_mark("\n", at)
        end = len(text) if end == -1 else end
        opening = _COMMENT_START.search(text, at, end)
        if opening is None:
            return "".join([*parts, text[at:end]]), end + 1
        parts.append(text[at : opening.start()])
        closing = "%%" if opening[0] == "%%" else "-->"
        close = marks.find_mark(closing, opening.end())
        if close == -1:
            return "".join(parts), len(text) + 1
        at = close + len(closing)


def _is_text(line: str) -> bool:
    """Return True if a line is no definition or block identifier."""
    line = line.rstrip()
    return bool(line.strip(" \t>")) and not (
        FOOTNOTE_DEFINITION.match(line)
        or LINK_DEFINITION.match(line)
        or _BLOCK_ID_ALONE.match(line)
    )


def _check_style(note: _NoteText, section: Section) -> Iterator[LocatedProblem]:
    """Check blank lines between entries, blanks at line ends, and final line ends."""
    text, end = note.text, note.line_end
    glued = [
        (one, other)
        for one, other in _adjacent_entries(section.entries)
        if not one.marks + other.marks and _is_directly_below(text, one, other)
    ]
    if glued:
        changes = tuple(
            (at, at, end) for at in (other.start - len(other.marks) for _, other in glued)
        )
        yield section.heading_start, section.heading_end, "glued-entries", changes
    line_end = text.find("\n", section.end)
    stop = len(text) if line_end == -1 else line_end
    blanks = tuple(
        (match.start(), match.end(), "")
        for match in _TRAILING_BLANKS.finditer(text, section.start, stop + 1)
        if match.start() >= section.heading_end and match.start() < stop
    )
    if blanks:
        yield section.heading_start, section.heading_end, "trailing-whitespace", blanks
    if _skip(_SPACES, text, section.end) == len(text):
        rest = text[section.end :]
        if "\n" not in rest:
            yield (
                section.heading_start,
                section.heading_end,
                "missing-final-newline",
                ((len(text), len(text), end),),
            )
        elif rest.count("\n") > 1:
            first = section.end + rest.index("\n") + 1
            yield (
                section.heading_start,
                section.heading_end,
                "extra-final-newlines",
                ((first, len(text), ""),),
            )
