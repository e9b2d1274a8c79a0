"""Find defects in the lines of an author's section, each with its fix.

Kinds: `no-blank-before` (the heading), `one-line` and `several-on-a-line` (entries),
`mixed-newlines`, `not-last`; and matters of style: `glued-entries`, `trailing-whitespace`,
`missing-final-newline`, `extra-final-newlines`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import structs

from vaultlink.model import Entry, Owner, ParseProblem, Section
from vaultlink.parse.backlinks_heading import QUOTE_MARKS
from vaultlink.parse.inline import read_inline
from vaultlink.parse.leaves import FOOTNOTE_DEFINITION, LINK_DEFINITION
from vaultlink.text import lazy_pattern, line_and_column

_LINE_END = lazy_pattern(r"\r?\n")
_TRAILING_BLANKS = lazy_pattern(r"[ \t]+(?=\r?\n|\Z)")
_BLOCK_ID = lazy_pattern(r"\^[\w-]+[ \t]*$")
_PARAGRAPH_END = lazy_pattern(r"\n[ \t]*\r?\n")
_BLOCK_START = lazy_pattern(r"[>#|~`=<+*\-]|\d+[.)]|\[[^\[]")
"""The start of a line that starts another block."""

_BLOCK_ID_ALONE = lazy_pattern(r"[ \t]*\^[A-Za-z0-9-]+[ \t]*$")
_COMMENT = lazy_pattern(r"%%.*?(?:%%|\Z)|<!--.*?(?:-->|\Z)", re.S)

ProblemReplacements = tuple[tuple[int, int, str], ...]


def add_section_problems(
    text: str,
    body: int,
    starts: list[int],
    sections: Sequence[Section],
    hidden: Sequence[tuple[int, int]],
) -> Iterator[Section]:
    """Yield the sections; those of the author with problems and cut spans.

    Args:
        text: The note's text.
        body: Offset of its body.
        starts: Offsets of its line starts.
        sections: All sections of the note, in order.
        hidden: Spans of blocks that hide text.
    """
    for section in sections:
        if section.owner is not Owner.AUTHOR:
            yield section
            continue
        found = (
            *_check_blank_before(text, body, section),
            *_check_entry_lines(text, section),
            *_check_newlines(text, section),
            *_check_is_last(text, section, sections, hidden),
            *_check_style(text, section),
        )
        problems = tuple(
            ParseProblem(start, end, *line_and_column(starts, start), kind, "", changes)
            for start, end, kind, changes in found
        )
        cut_start, cut_end = _section_cut_span(text, body, section)
        marks = section.entries[0].marks if section.entries else ""
        yield structs.replace(
            section,
            problems=problems,
            cut_start=cut_start,
            cut_end=cut_end,
            entry_separator=_entry_separator(text, section, marks),
        )


LocatedProblem = tuple[int, int, str, ProblemReplacements]
"""Start, end, kind and replacements of a problem."""


def _section_cut_span(text: str, body: int, section: Section) -> tuple[int, int]:
    """Return the span to delete in order to remove a section.

    It includes the separator from the text before it, or from the text behind it.
    """
    before = text[body : section.start]
    end = section.end + len(text[section.end :]) - len(text[section.end :].lstrip(" \t"))
    if before.strip():
        return body + len(before.rstrip()), end
    return section.start, end + len(text[end:]) - len(text[end:].lstrip("\r\n"))


def _check_blank_before(text: str, body: int, section: Section) -> Iterator[LocatedProblem]:
    """Find a heading that Markdown reads as part of the previous paragraph.

    This applies to headings without Markdown syntax if the previous line is not blank.
    """
    start = section.start
    before = text[body:start].removesuffix("\n").removesuffix("\r")
    line = before[before.rfind("\n") + 1 :] if start > body else ""
    plain = not section.heading.lstrip().startswith(
        ("#", ">", "- ", "* ", "+ ")
    ) and not line.lstrip().startswith("#")
    if line.strip() and plain and "\n" not in section.heading:
        # Lines that continue a quote or an indented line may have another meaning apart from it.
        paragraph = _PARAGRAPH_END.split(before)[-1]
        joined = paragraph.split("\n")
        movable = not has_indented_entries(section) and not any(
            part.startswith((" ", "\t", ">")) for part in joined
        )
        # A block identifier counts only at the end of its paragraph.
        movable = movable and not _BLOCK_ID.search(line)
        movable = movable and _is_separable(paragraph, _PARAGRAPH_END.split(text[start:])[0])
        changes = ((start, start, _usual_line_end(text)),) if movable else ()
        yield section.heading_start, section.heading_end, "no-blank-before", changes


def _is_separable(before: str, after: str) -> bool:
    """Return True if two parts of a paragraph have the same links and tags apart."""
    whole, first, second = map(read_inline, (f"{before}\n{after}", before, after))
    shift = len(before) + 1
    return {(item.start, item.end) for item in whole.links} | set(whole.tags) == {
        *((item.start, item.end) for item in first.links),
        *first.tags,
        *((item.start + shift, item.end + shift) for item in second.links),
        *((start + shift, end + shift) for start, end in second.tags),
    }


def has_indented_entries(section: Section) -> bool:
    """Return True if entries are indented so far that they may become code.

    This happens when the text to which they belong is removed.
    """
    return any(
        entry.marks.lstrip("> ").startswith("\t") or "    " in entry.marks
        for entry in section.entries
    )


def _usual_line_end(text: str) -> str:
    """Return the line end of most lines of the note."""
    windows = text.count("\r\n")
    return "\r\n" if windows * 2 > text.count("\n") else "\n"


def _check_entry_lines(text: str, section: Section) -> Iterator[LocatedProblem]:
    """Find entries on the heading's line, and several entries on one line."""
    entries = section.entries
    if entries and "\n" not in text[section.heading_end : entries[0].start]:
        line = [entry for entry in entries if entry.line == entries[0].line]
        changes = _split_entry_lines(
            text, section, section.heading_end, line, _quote_marks(section)
        )
        yield section.heading_start, section.heading_end, "one-line", changes
        entries = entries[len(line) :]
    for line in _group_by_line(entries):
        if len(line) > 1:
            changes = _split_entry_lines(text, section, line[0].end, line[1:], line[0].marks)
            yield line[0].start, line[-1].end, "several-on-a-line", changes


def _quote_marks(section: Section) -> str | None:
    """Return the quote marks for lines below a heading.

    None if it is a list item, to which they would not belong.
    """
    found = QUOTE_MARKS.match(section.heading)
    marks = found[0] if found and ">" in found[0] else ""
    return None if section.heading[len(marks) :].lstrip().startswith(("- ", "* ", "+ ")) else marks


def _split_entry_lines(
    text: str, section: Section, end: int, entries: Sequence[Entry], marks: str | None
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
    gap = _entry_separator(text, section, marks)
    return tuple(
        (before, entry.start, gap) for before, entry in _pair_with_previous_end(end, entries)
    )


def _pair_with_previous_end(end: int, entries: Sequence[Entry]) -> Iterator[tuple[int, Entry]]:
    """Yield each entry with the end of the text before it."""
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


def _entry_separator(text: str, section: Section, marks: str) -> str:
    """Return the text between entries of a section.

    This is a line end, if a list mark follows or the section has no blank lines, otherwise a blank
    line.
    """
    end = _usual_line_end(text)
    marks = marks if marks.strip() else ""
    glued = any(
        _is_directly_below(text, one, other) for one, other in _adjacent_entries(section.entries)
    )
    bare = marks.rstrip(" \t")
    if marks.strip(" \t>") or glued:
        return end + marks
    return f"{end}{bare}{end}{marks}"


def _adjacent_entries(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield pairs of consecutive entries on different lines."""
    return ((one, other) for one, other in pairwise(entries) if one.line != other.line)


def _is_directly_below(text: str, one: Entry, other: Entry) -> bool:
    """Return True if there is no blank line between two entries."""
    return one.line + 1 == other.line or not re.search(
        r"\n[ \t>]*\r?\n", text[one.end : other.start]
    )


def _check_newlines(text: str, section: Section) -> Iterator[LocatedProblem]:
    """Find line ends that differ from most line ends of the note."""
    usual = _usual_line_end(text)
    behind = _LINE_END.match(
        text, section.end + len(text[section.end :]) - len(text[section.end :].lstrip(" \t"))
    )
    stop = behind.end() if behind else section.end
    unusual = [
        match.span() for match in _LINE_END.finditer(text, section.start, stop) if match[0] != usual
    ]
    if unusual:
        changes = tuple((start, end, usual) for start, end in unusual)
        yield section.heading_start, section.heading_end, "mixed-newlines", changes


def _check_is_last(
    text: str, section: Section, sections: Sequence[Section], hidden: Sequence[tuple[int, int]]
) -> Iterator[LocatedProblem]:
    """Find text behind the section.

    Other sections, comments, definitions and block identifiers do not count.
    """
    rest = text[section.end :]
    for other in reversed(sections):
        if other.start >= section.end:
            rest = rest[: other.start - section.end] + "\n" + rest[other.end - section.end :]
    has_hidden_text = any(start >= section.end and text[start] not in "<[" for start, _ in hidden)
    for line in _COMMENT.sub("", rest).split("\n"):
        line = line.rstrip()  # noqa: PLW2901 - still the same line
        if line.strip(" \t>") and not (
            FOOTNOTE_DEFINITION.match(line)
            or LINK_DEFINITION.match(line)
            or _BLOCK_ID_ALONE.match(line)
        ):
            yield section.heading_start, section.heading_end, "not-last", ()
            return
    if has_hidden_text:
        yield section.heading_start, section.heading_end, "not-last", ()


def _check_style(text: str, section: Section) -> Iterator[LocatedProblem]:
    """Find matters of style.

    These are entries without blank lines between them, blanks at line ends, and missing or extra
    line ends at the end of the note.
    """
    end = _usual_line_end(text)
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
    rest = text[section.end :]
    if not rest.strip():
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
