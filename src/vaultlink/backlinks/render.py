"""The text of a section: a new one, and one that is there brought in step. What a person typed in it stays where it was."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vaultlink.backlinks.diff import SectionDiff, entry_matches, match_entry
from vaultlink.backlinks.existing import ExistingEntry, ParsedSection, SectionPart
from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.backlinks.placement import END_MARKER, format_begin_marker
from vaultlink.backlinks.style import ExpectedEntry, normalize_markdown, render_entry
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.parse.inline import read_inline
from vaultlink.parse.link_parts import parse_inline_link

_LIST_ITEM = re.compile(r"[ \t]+(?:[-*+]|\d{1,9}[.)])[ \t]")

ExcerptSource = Callable[[str], Sequence[str]]
"""The passages of a note that cite the one the section is in, each on one line."""


class RenderContext(NamedTuple):
    """What writing needs besides what is wanted: the names of files, the note's line end, and the passages of sources."""

    names: PathsByName
    line_end: str
    get_excerpts: ExcerptSource


def render_section(
    wanted: ExpectedSection, order: Sequence[str], said: str, context: RenderContext
) -> str:
    """A new section, from its begin marker to the end marker."""
    end = context.line_end
    entries = (end * _count_gap_newlines(wanted)).join(
        _render_entry(wanted.entries[path], wanted, context) for path in order
    )
    return (end * 2).join((format_begin_marker(said), wanted.style.heading, entries, END_MARKER))


def render_updated_section(
    reading: ParsedSection,
    found: SectionDiff,
    wanted: ExpectedSection,
    order: Sequence[str],
    context: RenderContext,
) -> str:
    """A section brought in step: what is right keeps its bytes, the rest is written anew, and all stands in order."""
    leading, groups = _group_pieces(reading, wanted, context)
    gap = _detect_gap(reading, wanted, context) or context.line_end * _count_gap_newlines(wanted)
    opening = reading.parts[0] if reading.parts else None
    first = opening.gap if opening and opening.gap else context.line_end * 2
    pieces = list(leading)
    for path in order:
        group = groups.get(path)
        pieces += group or [
            SectionPart("", _render_entry(wanted.entries[path], wanted, context), None)
        ]
    parts = [_replace_heading(reading.head, wanted) if found.wrong_heading else reading.head]
    for place, piece in enumerate(pieces):
        own = piece.gap if piece is not opening and piece.gap else gap
        parts += [first if place == 0 else own, piece.text if piece.gap else piece.text.lstrip()]
    return "".join([*parts, reading.tail])


def has_outdated_excerpts(
    reading: ParsedSection, wanted: ExpectedSection, context: RenderContext
) -> bool:
    """Whether the passages below an entry are others by now, or are there though none are wanted."""
    for piece in reading.parts:
        item = match_entry(piece, wanted, context.names)
        if item and not _has_same_excerpts(piece, item.path, wanted, context):
            return True
    return False


def has_author_text(
    reading: ParsedSection, wanted: ExpectedSection, context: RenderContext
) -> bool:
    """Whether a section holds anything that a person typed."""
    return any(
        piece.entry is None or _split_below(piece, wanted, context)[1] for piece in reading.parts
    )


def _group_pieces(
    reading: ParsedSection, wanted: ExpectedSection, context: RenderContext
) -> tuple[list[SectionPart], dict[str, list[SectionPart]]]:
    """What was typed before the first entry that stays; and each entry that does, with what was typed behind it."""
    leading: list[SectionPart] = []
    groups: dict[str, list[SectionPart]] = {}
    current = leading
    for piece in reading.parts:
        if piece.entry is None:
            current.append(piece)
            continue
        item = match_entry(piece, wanted, context.names)
        if item and item.path not in groups:
            groups[item.path] = current = [_update_piece(piece, piece.entry, item, wanted, context)]
        else:
            rest = _split_below(piece, wanted, context)[1]
            current += [SectionPart(piece.gap, rest.lstrip("\r\n"), None)] if rest else []
    return leading, groups


def _update_piece(
    piece: SectionPart,
    named: ExistingEntry,
    item: ExpectedEntry,
    wanted: ExpectedSection,
    context: RenderContext,
) -> SectionPart:
    """An entry that stays, as it is if all of it is right."""
    right = entry_matches(named, item, wanted.style)
    if right and _has_same_excerpts(piece, item.path, wanted, context):
        return piece
    line = piece.text[: piece.entry_length] if right else render_entry(item, wanted.style)
    below = "".join(
        f"{context.line_end}  - {passage}" for passage in _get_excerpts(item.path, wanted, context)
    )
    before = piece.gap if right else ""
    return SectionPart(before, line + below + _split_below(piece, wanted, context)[1], piece.entry)


def _render_entry(item: ExpectedEntry, wanted: ExpectedSection, context: RenderContext) -> str:
    lines = [
        render_entry(item, wanted.style),
        *(f"  - {passage}" for passage in _get_excerpts(item.path, wanted, context)),
    ]
    return context.line_end.join(lines)


def _get_excerpts(path: str, wanted: ExpectedSection, context: RenderContext) -> Sequence[str]:
    return context.get_excerpts(path) if wanted.style.kind == "context" else ()


def _has_same_excerpts(
    piece: SectionPart, path: str, wanted: ExpectedSection, context: RenderContext
) -> bool:
    """Whether the passages below an entry are those of its note, however they are formatted."""
    return [normalize_markdown(text) for text in _split_below(piece, wanted, context)[0]] == [
        normalize_markdown(text) for text in _get_excerpts(path, wanted, context)
    ]


def _split_below(
    piece: SectionPart, wanted: ExpectedSection, context: RenderContext
) -> tuple[list[str], str]:
    """The passages below an entry, which are list items that link to the section's note; and the other lines as they
    stand."""
    passages: list[str] = []
    rest: list[str] = []
    for item in _split_items(piece.text[piece.entry_length :]):
        text = " ".join(line.strip() for line in item.split("\n"))
        mark = _LIST_ITEM.match(f" {text}")
        words = text[mark.end() - 1 :] if mark else text
        if mark and piece.entry and _has_link_to(words, wanted.path, context.names):
            passages.append(words)
        else:
            rest.append(item)
    return passages, "".join(rest)


def _split_items(text: str) -> list[str]:
    """The indented lines below an entry, each list item with the lines that go on with it and the line end before it."""
    items: list[str] = []
    for match in re.finditer(r"\r?\n[^\r\n]*", text):
        line = match[0].lstrip("\r\n")
        if not items or not line or _LIST_ITEM.match(line):
            items.append(match[0])
        elif items[-1].strip():
            items[-1] += match[0]
        else:
            items.append(items.pop() + match[0])
    return _join_blank_lines(items)


def _join_blank_lines(items: list[str]) -> list[str]:
    """Blank lines go with the item behind them."""
    joined: list[str] = []
    blank = ""
    for item in items:
        if item.strip():
            joined.append(blank + item)
            blank = ""
        else:
            blank += item
    return [*joined, blank] if blank else joined


def _has_link_to(text: str, path: str, names: PathsByName) -> bool:
    """Whether a text, read in a note, holds a link to that very note."""
    plain = re.sub(r"\\(?=[\[\]])", "", text)
    found = [parse_inline_link(plain, link) for link in read_inline(plain).links]
    return any(parts and parts[0] and resolve(path, parts[0], names) == path for parts in found)


def _count_gap_newlines(wanted: ExpectedSection) -> int:
    """How many line ends stand between entries."""
    return 2 if wanted.style.kind == "topics" else 1


def _detect_gap(reading: ParsedSection, wanted: ExpectedSection, context: RenderContext) -> str:
    """What stands between a section's entries; "" if there are none, or none as they should be."""
    right = []
    for piece in reading.parts:
        item = match_entry(piece, wanted, context.names)
        if item and piece.entry and entry_matches(piece.entry, item, wanted.style):
            right.append(piece.gap)
    return right[1] if len(right) > 1 else ""


def _replace_heading(head: str, wanted: ExpectedSection) -> str:
    """Marker and heading, with the heading that is set."""
    marker = head[: head.find("-->") + 3]
    between = head[len(marker) :]
    blank = between[: len(between) - len(between.lstrip())]
    return marker + (blank or "\n\n") + wanted.style.heading
