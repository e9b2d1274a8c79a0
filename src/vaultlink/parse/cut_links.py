"""Recognize wikilinks that a pipe cuts in two because they are in a table."""

import re
from functools import cached_property

from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import TableRow, TextRun
from vaultlink.parse.malformed import (
    LinkFault,
    MalformedLink,
    Replacements,
    find_links_at,
    list_texts,
    read_target,
)
from vaultlink.parse.spans import SpanSet
from vaultlink.text import lazy_pattern

_REST_OF_LINK = lazy_pattern(r"[ \t]*\|(?:[^\[\]|\\\n]|\\.)*\]\]")
_REST_OF_EMBED = lazy_pattern(r"[ \t]*\|(?:[^\[\]\\\n]|\\.)*\]\]")
"""A caption and a size may follow the name of a picture, each after a pipe."""

_CUT_LINK = lazy_pattern(r"\[\[[^\[\]|\n]*[^\[\]|\\\n](\|(?:[^\[\]\\\n]|\\.)*)\]\]")
_REST_OF_CELL = lazy_pattern(r"(?:[^|\\\n]|\\.)*")
_ESCAPE = lazy_pattern(r"\\.")
_BLOCK_START = lazy_pattern(r"[ \t]*(?:#{1,6}[ \t]|[-*+>][ \t]|\d+[.)][ \t])")
"""Start of a heading, list item or quote, which was not meant as a row of a table."""

_PIPE = lazy_pattern(r"(?<!\\)\|")


class CutRow:
    """A row of a table whose pipes may cut links."""

    def __init__(self, row: TableRow) -> None:
        self.row = row

    @cached_property
    def is_ordinary_text(self) -> bool:
        """True if the row has no pipe except those in wikilinks, or starts another block."""
        text = self.row.line.text
        if _BLOCK_START.match(text):
            return True
        return not self.row.is_inner and "|" not in _CUT_LINK.sub("", _ESCAPE.sub("", text))

    @cached_property
    def hidden(self) -> SpanSet:
        """The code and math that the row would contain if it were not in a table."""
        text = self.row.line.text
        return SpanSet(read_inline(text).hidden if "`" in text or "$" in text else ())

    @cached_property
    def explains_extra_cells(self) -> bool:
        """True if the pipes in wikilinks are the reason why the row is too long."""
        text = _ESCAPE.sub("", self.row.line.text).strip(" \t")
        cells = text.removeprefix("|").removesuffix("|").count("|") + 1
        cuts = sum(match[1].count("|") for match in _CUT_LINK.finditer(text))
        return cells - self.row.columns == cuts > 0


def find_cut_fault(
    run: TextRun, row: CutRow | None, link: MalformedLink, source: str
) -> LinkFault | None:
    """Return the fault of a link without closing brackets that a pipe cuts, or None."""
    if row is None or link.fault not in (
        LinkFault.CLOSING_BRACKET_MISSING,
        LinkFault.CLOSING_BRACKETS_MISSING,
    ):
        return None
    end = run.source_end(link.end)
    if not source[end : end + 80].lstrip(" \t").startswith("|"):
        return None
    if row.is_ordinary_text:
        return LinkFault.BELOW_TABLE if _match_rest(run, link, source) else None
    return LinkFault.PIPE_IN_CELL


def is_in_code(run: TextRun, row: CutRow | None, link: MalformedLink) -> bool:
    """Return True if code or math would hide a link if its line were not a row."""
    return row is not None and row.hidden.covers(
        run.source_offset(link.start) - row.row.line.offset
    )


def _match_rest(run: TextRun, link: MalformedLink, source: str) -> re.Match[str] | None:
    """Return the part of a link behind its first cell."""
    is_embed = run.text[link.start - 1 : link.start] == "!"
    pattern = _REST_OF_EMBED if is_embed else _REST_OF_LINK
    return pattern.match(source, run.source_end(link.end))


def escape_pipe_in_cell(run: TextRun, link: MalformedLink, source: str) -> Replacements:
    """Return the backslashes that the pipes of a link in a table cell need.

    Empty unless the next cells continue the link, and all other links and tags of these cells
    stay.
    """
    rest = _match_rest(run, link, source)
    if not rest:
        return ()
    start, end = run.source_offset(0), run.source_end(link.end)
    pipes = [pipe for pipe in range(*rest.span()) if _PIPE.match(source, pipe)]
    link_end = end - start + len(rest[0]) + len(pipes)
    fixed = source[start:end] + _PIPE.sub(r"\\|", rest[0]) + _find_rest_of_cell(source, rest.end())
    after = read_inline(fixed)
    added = find_links_at(after, link.start)
    if len(added) != 1 or added[0].end != link_end or read_target(fixed, added[0]) != link.target:
        return ()
    cells = [run.text, *_PIPE.split(rest[0] + _find_rest_of_cell(source, rest.end()))[1:]]
    links, tags = list[str](), list[str]()
    for cell in map(str.strip, cells):
        found_links, found_tags = list_texts(cell, read_inline(cell))
        links += found_links
        tags += found_tags
    return (
        tuple((pipe, pipe, "\\") for pipe in pipes)
        if (links, tags) == list_texts(fixed, after, added[0])
        else ()
    )


def _find_rest_of_cell(source: str, at: int) -> str:
    match = _REST_OF_CELL.match(source, at)
    return match[0].rstrip() if match else ""
