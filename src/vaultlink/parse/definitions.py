"""Parse the definitions of links' labels: `[label]: destination "title"`.

Obsidian does not count them as links, but a rename of the file must change them too.
"""

from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.model import Definition
from vaultlink.parse.leaves import LINK_DEFINITION
from vaultlink.parse.lines import SourceLine
from vaultlink.parse.link_parts import decode_destination, is_external, split_subpath
from vaultlink.parse.note_builder import NoteBuilder


class DefinedDestination(NamedTuple):
    """The destination of a definition; its span in the line, 0-based.

    `wrapped` is True if it is in angle brackets, which the span excludes.
    """

    start: int
    end: int
    target: str
    subpath: str
    wrapped: bool


def read_definitions(lines: list[SourceLine], found: NoteBuilder) -> tuple[Definition, ...]:
    """Return the definitions in lines that the block pass recognized as such.

    Those with a URL are left out.
    """
    return tuple(_iter_definitions(lines, found))


def _iter_definitions(lines: list[SourceLine], found: NoteBuilder) -> Iterator[Definition]:
    for line in lines:
        parsed = parse_definition(line.text)
        if parsed:
            start, end = line.offset + parsed.start, line.offset + parsed.end
            raw = line.text[parsed.start : parsed.end]
            yield Definition(
                *found.locate(start, end), raw, parsed.target, parsed.subpath, parsed.wrapped
            )


def parse_definition(line: str) -> DefinedDestination | None:
    """Return the destination that a line without the marks of its container defines.

    None for a URL, and if the line is no definition.
    """
    match = LINK_DEFINITION.match(line)
    if not match:
        return None
    wrapped = match[1] is not None
    start, end = match.span(1 if wrapped else 2)
    raw = line[start:end]
    decoded = decode_destination(raw)
    if decoded is None or is_external(decoded) or (raw.startswith("<") and not wrapped):
        return None
    target, subpath = split_subpath(decoded)
    return DefinedDestination(start, end, target, subpath, wrapped) if target or subpath else None
