"""Parsed notes for `show`: rows for JSON, elements for tsv and pages for people.

Field names are JSON keys. Lines count from 1.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from vaultlink.index.index import Index
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    format_count,
    pad,
    truncate,
)
from vaultlink.report.listings import LinkRow, link_rows


class TagRow(msgspec.Struct, frozen=True, gc=False):
    """A tag without its `#`.

    Attributes:
        name: The tag, such as `a/b`.
        line: Line of the tag, 1-based.
        place: The part of the note that contains it. `body`, `property` or `section` (a backlinks
            section).
    """

    name: str
    line: int
    place: str


class HeadingRow(msgspec.Struct, frozen=True, gc=False):
    """A heading.

    Attributes:
        level: Level from 1 to 6.
        text: The heading as written, without its marks.
        line: Line of the heading, 1-based.
    """

    level: int
    text: str
    line: int


class BlockRow(msgspec.Struct, frozen=True, gc=False):
    """A block identifier without its `^`.

    Attributes:
        id: The identifier.
        line: Line of the identifier, 1-based.
    """

    id: str
    line: int


class ParsedNoteRow(msgspec.Struct, frozen=True):
    """Everything that vaultlink parsed in a note.

    Attributes:
        path: Vault path of the note.
        properties: The properties by key, as Obsidian reads them; None if the note has none.
        aliases: The aliases in the properties.
        tags: The tags in the text and in the properties.
        headings: The headings in their order.
        blocks: The block identifiers in their order.
        links: The links in their order, as `vaultlink links` lists them.
    """

    path: str
    properties: dict[str, Any] | None
    aliases: tuple[str, ...]
    tags: tuple[TagRow, ...]
    headings: tuple[HeadingRow, ...]
    blocks: tuple[BlockRow, ...]
    links: tuple[LinkRow, ...]


def note_rows(index: Index, paths: Sequence[str]) -> list[ParsedNoteRow]:
    links = iter(link_rows(index, paths))
    return [
        ParsedNoteRow(
            note.path,
            None if note.properties is None else {item.key: item.value for item in note.properties},
            note.aliases,
            tuple([TagRow(tag.name, tag.line, tag.place) for tag in note.tags]),
            tuple([HeadingRow(item.level, item.text, item.line) for item in note.headings]),
            tuple([BlockRow(block.id, block.line) for block in note.blocks]),
            tuple(islice(links, len(note.links))),
        )
        for note in map(index.notes.__getitem__, paths)
    ]


def render_note_page(row: ParsedNoteRow, width: int, palette: Palette = PLAIN) -> str:
    """Render a note as a page with a group for each kind of element."""
    properties = [(key, _format_value(value)) for key, value in (row.properties or {}).items()]
    tags = [(f"#{tag.name}", f"line {tag.line}") for tag in row.tags]
    blocks = [(f"^{block.id}", f"line {block.line}") for block in row.blocks]
    links = [(link.raw, describe_destination(link)) for link in row.links]
    groups = [
        ("properties", _align_pairs(properties, width)),
        ("aliases", [escape_controls(alias) for alias in row.aliases]),
        ("tags", _align_pairs(tags, width)),
        ("headings", [f"{'#' * item.level} {escape_controls(item.text)}" for item in row.headings]),
        ("blocks", _align_pairs(blocks, width)),
        ("links", _align_pairs(links, width)),
    ]
    lines = [f"{palette.bold}{escape_controls(row.path)}{palette.reset}"]
    for name, entries in groups:
        if entries:
            lines.append(f"  {palette.dim}{name}{palette.reset}")
            lines += [f"    {truncate(entry, width - 4)}" for entry in entries]
    if len(lines) == 1:
        lines.append(f"  {palette.dim}nothing found{palette.reset}")
    return "\n".join(lines) + "\n"


class NoteElement(NamedTuple):
    """An element of a note, such as a property or a link, as tab-separated values.

    `line` is None for properties and aliases. `detail` is the value of a property, the place of a
    tag, the level of a heading or the destination of a link.
    """

    path: str
    kind: str
    line: int | None
    text: str
    detail: object


def list_elements(row: ParsedNoteRow) -> Iterator[NoteElement]:
    """Yield the elements of a note, those of the same kind together."""
    path = row.path
    for key, value in (row.properties or {}).items():
        yield NoteElement(path, "property", None, key, _format_value(value))
    for alias in row.aliases:
        yield NoteElement(path, "alias", None, alias, None)
    for tag in row.tags:
        yield NoteElement(path, "tag", tag.line, tag.name, tag.place)
    for heading in row.headings:
        yield NoteElement(path, "heading", heading.line, heading.text, heading.level)
    for block in row.blocks:
        yield NoteElement(path, "block", block.line, block.id, None)
    for link in row.links:
        yield NoteElement(path, "link", link.line, link.raw, describe_destination(link))


def describe_destination(link: LinkRow) -> str:
    """Return the file and anchor that a link resolves to, or its status."""
    if link.resolved is None:
        return link.status
    anchor = (
        f" {link.subpath}"
        if link.anchor == "found"
        else f" ({link.subpath} not found)"
        if link.anchor
        else ""
    )
    return f"{link.resolved}{anchor}" + (" (ambiguous)" if link.status == "ambiguous" else "")


def describe_totals(rows: Sequence[ParsedNoteRow]) -> str:
    totals = (
        format_count(sum(len(row.headings) for row in rows), "heading"),
        format_count(sum(len(row.blocks) for row in rows), "block"),
        format_count(sum(len(row.tags) for row in rows), "tag"),
        format_count(sum(len(row.links) for row in rows), "link"),
    )
    return f"{format_count(len(rows), 'note')}: {', '.join(totals)}."


def _align_pairs(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Align pairs in two columns; the first takes at most half of the width."""
    if not pairs:
        return []
    cells = [
        (truncate(escape_controls(left), width // 2), escape_controls(right))
        for left, right in pairs
    ]
    column = max(display_width(left) for left, _ in cells)
    return [f"{pad(left, column)}  {right}".rstrip() for left, right in cells]


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_format_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_format_value(item)}" for key, item in value.items())
    return str(value)
