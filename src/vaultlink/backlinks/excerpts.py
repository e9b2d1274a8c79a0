"""The passages of a note that cite another, each made fit to stand on one line in that other note.

A passage is the paragraph, list item, run of quoted lines, heading or table cell around a link. It is copied as written,
but for what would do something where it is copied to: marks in front, embeds, tags, block ids, footnotes, comments. Links
that would lead elsewhere from there are written so that they lead where they led.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from vaultlink.backlinks.style import escape_block_start
from vaultlink.index.index import Index
from vaultlink.index.resolve import resolve
from vaultlink.links.naming import format_target
from vaultlink.model import Link, LinkKind, Note, Place
from vaultlink.parse.inline import read_inline
from vaultlink.parse.leaves import html_block_closer, interrupts_paragraph
from vaultlink.parse.lines import is_blank
from vaultlink.parse.note import parse_note

MAX_EXCERPT_LENGTH = 300
"""Longer passages are cut around the link."""


@dataclass(frozen=True, slots=True)
class ExcerptTarget:
    """The note that is cited and will hold the passages, and how links in it name files."""

    path: str
    index: Index
    link_format: str


_QUOTE_MARKS = re.compile(r"[ \t]*(?:>[ \t]?)*")
_BLOCK_MARKS = re.compile(
    r"[ \t]*(?:\[![^\]\n]*\][-+]?[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?|#{1,6}[ \t]+|\[\^[^\]\s]+\]:[ \t]*)?"
)
_BLOCK_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t]|\[\^[^\]\s]+\]:)")
_BLOCK_ID = re.compile(r"(?:^|[ \t])\^[A-Za-z0-9-]+[ \t]*$")
_COMMENTS = re.compile(r"%%.*?%%|<!--.*?-->|%%|<!--")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")


def find_excerpts(source: Note, text: str, goal: ExcerptTarget) -> tuple[str, ...]:
    """The passages of a note with this text that link to the goal, in order. Links in properties and comments
    have none."""
    found: list[str] = []
    behind = 0
    for link, target in goal.index.resolved_links(source.path):
        if (
            target != goal.path
            or link.place is not Place.BODY
            or link.in_comment
            or link.start < behind
        ):
            continue
        start, behind = (
            _find_cell(text, link) if link.in_table_cell else _find_block(text, link.start)
        )
        passage = _fit_excerpt(_copy_excerpt(text, start, behind, source, goal), link, goal)
        if passage not in found:
            found.append(passage)
    return tuple(found)


# -- where a passage begins and ends ------------------------------------------------------------------------------


def _find_block(text: str, at: int) -> tuple[int, int]:
    """The span of the lines of the paragraph, item, quote or heading around an offset."""
    start = text.rfind("\n", 0, at) + 1
    end = _find_line_end(text, at)
    while start and not _BLOCK_START.match(_strip_quote_marks(text, start)):
        above = text.rfind("\n", 0, start - 1) + 1
        if not _is_continuation(text, above, start):
            break
        start = above
    if _strip_quote_marks(text, start).lstrip().startswith("#"):
        return start, end
    while end < len(text):
        below = end + 1
        if not _is_continuation(text, text.rfind("\n", 0, end) + 1, below) or _BLOCK_START.match(
            _strip_quote_marks(text, below)
        ):
            break
        end = _find_line_end(text, below)
    return start, end


def _is_continuation(text: str, above: int, below: int) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    one, other = _strip_quote_marks(text, above), _strip_quote_marks(text, below)
    if (
        is_blank(one)
        or is_blank(other)
        or _count_quote_marks(text, above) != _count_quote_marks(text, below)
    ):
        return False
    ends = interrupts_paragraph(one) and not _BLOCK_START.match(one)
    return (
        not ends
        and not one.lstrip().startswith("#")
        and (not interrupts_paragraph(other) or bool(_BLOCK_START.match(other)))
    )


def _find_line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end == -1 else end


def _strip_quote_marks(text: str, start: int) -> str:
    line = text[start : _find_line_end(text, start)].rstrip("\r")
    return line[_QUOTE_MARKS.match(line).end() :]  # type: ignore[union-attr] # it fits anything


def _count_quote_marks(text: str, start: int) -> int:
    line = text[start : _find_line_end(text, start)]
    return _QUOTE_MARKS.match(line)[0].count(">")  # type: ignore[index]


def _find_cell(text: str, link: Link) -> tuple[int, int]:
    """The span of a table's cell around a link."""
    bars = [
        bar.start() for bar in re.finditer(r"(?<!\\)\|", text[: _find_line_end(text, link.start)])
    ]
    line = text.rfind("\n", 0, link.start)
    start = max([line, *(bar for bar in bars if bar < link.start)]) + 1
    return start, min([_find_line_end(text, link.end), *(bar for bar in bars if bar >= link.end)])


# -- how it is copied ---------------------------------------------------------------------------------------------


def _copy_excerpt(text: str, start: int, end: int, source: Note, goal: ExcerptTarget) -> str:
    """A span of a note on one line, links and tags made fit for the goal."""
    parts, at = [], start
    changes = sorted(
        [
            *_find_line_marks(text, start, end),
            *_escape_tags(source, start, end),
            *_rewrite_links(source, start, end, goal),
        ]
    )
    for begin, stop, new in changes:
        if begin >= at:
            parts += [text[at:begin], new]
            at = stop
    parts.append(text[at:end])
    words = _BLOCK_ID.sub("", " ".join("".join(parts).split()))
    return " ".join(_FOOTNOTE.sub("", _COMMENTS.sub("", words)).split())


def _find_line_marks(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Quote marks of every line, and the mark of the item or heading before the first."""
    line = start
    while line < end:
        quoted = _QUOTE_MARKS.match(text, line, end)
        assert quoted
        stop = quoted.end()
        if line == start:
            marks = _BLOCK_MARKS.match(text, stop, end)
            stop = marks.end() if marks else stop
        if stop > line:
            yield line, stop, ""
        line = _find_line_end(text, line) + 1


def _escape_tags(source: Note, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for tag in source.tags:
        if tag.place is Place.BODY and start <= tag.start and tag.end <= end:
            yield tag.start, tag.end, f"`#{tag.name}`"  # a backslash would not outlive formatters


def _rewrite_links(
    source: Note, start: int, end: int, goal: ExcerptTarget
) -> Iterator[tuple[int, int, str]]:
    """Embeds as links, and links written so that they lead from the goal where they lead from here."""
    for link, target in goal.index.resolved_links(source.path):
        if link.place is not Place.BODY or link.start < start or link.end > end:
            continue
        raw = link.raw.removeprefix("!")
        if (
            not link.external
            and target is not None
            and resolve(goal.path, link.target, goal.index.names) != target
        ):
            raw = _retarget_link(
                structs.replace(link, raw=raw),
                format_target(goal.path, target, goal.index, goal.link_format),
            )
        if raw != link.raw:
            yield link.start, link.end, raw


def _retarget_link(link: Link, target: str) -> str:
    if link.kind is LinkKind.MARKDOWN:
        return (
            f"[[{target}{link.subpath}|{link.display}]]"
            if link.display
            else f"[[{target}{link.subpath}]]"
        )
    shown = link.display or (link.target + link.subpath.replace("#", " > ")).removeprefix(" > ")
    return f"[[{target}{link.subpath}|{shown}]]"


# -- what is done if it does not fit ------------------------------------------------------------------------------


def _fit_excerpt(words: str, link: Link, goal: ExcerptTarget) -> str:
    """A passage that is not too long and whose link is alive on a line of a list; else nothing but the link."""
    for passage in (_escape_excerpt(_shorten(words, goal)), _escape_excerpt(words)):
        if len(passage) <= 2 * MAX_EXCERPT_LENGTH and _is_valid_excerpt(passage, goal):
            return passage
    shown = " ".join(
        (link.display or link.target or "…").translate(str.maketrans("[]|`", "()/'")).split()
    )
    return f"… [[{format_target(goal.path, goal.path, goal.index, goal.link_format)}|{shown}]] …"


def _escape_excerpt(words: str) -> str:
    if html_block_closer(words, interrupting=False) is not None:
        return "\\" + words
    return escape_block_start(words)


def _shorten(words: str, goal: ExcerptTarget) -> str:
    """A long passage cut at blanks around the first link to a note, but not inside a link, code or math."""
    if len(words) <= MAX_EXCERPT_LENGTH:
        return words
    found = read_inline(words)
    spans = [(link.start, link.end) for link in found.links] + found.hidden
    near = next(
        (
            (link.start, link.end)
            for link in found.links
            if _is_link_to_target(words[link.start : link.end], goal)
        ),
        (0, 0),
    )
    room = (MAX_EXCERPT_LENGTH - min(near[1] - near[0], MAX_EXCERPT_LENGTH)) // 2
    start, end = max(near[0] - room, 0), min(near[1] + room, len(words))
    blanks = [
        at
        for at, char in enumerate(words)
        if char == " " and not any(begin < at < stop for begin, stop in spans)
    ]
    start = (
        0 if start == 0 else min((at for at in blanks if start <= at <= near[0]), default=near[0])
    )
    end = (
        len(words)
        if end == len(words)
        else max((at for at in blanks if near[1] <= at <= end), default=near[1])
    )
    return ("… " if start else "") + words[start:end].strip() + (" …" if end < len(words) else "")


def _is_link_to_target(raw: str, goal: ExcerptTarget) -> bool:
    return _has_link_to_target(parse_note(goal.path, raw), goal)


def _is_valid_excerpt(passage: str, goal: ExcerptTarget) -> bool:
    """Whether a passage, as an item of a list, still links to the note, and does nothing else."""
    note = parse_note(goal.path, f"- x\n  - {passage}\n  - y\n")
    return _has_link_to_target(note, goal) and not (
        note.tags or note.headings or note.blocks or note.problems or note.directives
    )


def _has_link_to_target(note: Note, goal: ExcerptTarget) -> bool:
    return any(
        link.target
        and not link.external
        and resolve(goal.path, link.target, goal.index.names) == goal.path
        for link in note.links
    )
