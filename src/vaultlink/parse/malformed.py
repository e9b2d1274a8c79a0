"""Recognize malformed links and compute their fixes."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from vaultlink.parse.brackets import SpanSet, parse_link_destination
from vaultlink.parse.inline import (
    InlineContent,
    InlineMarkdownLink,
    InlineWikilink,
    UnlinkedBracket,
    read_inline,
)
from vaultlink.parse.lines import TableRow, TextRun
from vaultlink.parse.link_parts import decode_destination, parse_wikilink
from vaultlink.text import lazy_pattern

# -- recognize malformed links and compute their fixes ---------------------------------------------
# A malformed link is text that was clearly meant as a link but is not one. Every fix is tried on
# the run first: it must add exactly the intended link and keep all other links and tags.


class LinkFault(StrEnum):
    """The syntax error of a malformed link, as a clause for messages."""

    CLOSING_BRACKET_MISSING = "one closing bracket is missing"
    CLOSING_BRACKETS_MISSING = "the closing brackets are missing"
    OPENING_BRACKET_MISSING = "one opening bracket is missing"
    LINE_BREAK = "it contains a line break"
    SPACE_IN_DESTINATION = "its destination contains a space"
    SPACE_BEFORE_DESTINATION = "there is a space between its text and its destination"
    PIPE_IN_CELL = "in a table its pipe must be written as \\|"
    BELOW_TABLE = "its line belongs to the table above because no blank line is between them"
    ESCAPED_BRACKETS = "its brackets are escaped"
    THREE_BRACKETS = "it has three brackets"


class MalformedLink(NamedTuple):
    start: int
    end: int
    target: str
    fault: LinkFault


Replacements = tuple[tuple[int, int, str], ...]
"""Start, end and new text of each replaced span."""

MAX_RUN_LENGTH = 20_000
"""Runs longer than this are not read again to try the fix of each malformed link in them."""

_MAX_TRIED_CHARACTERS = 1_000_000
"""Characters of one note that are read again to try fixes, at most.

Each fix reads its run again, so that a run of thousands of malformed links takes quadratic time.
Those that are not tried have no fix.
"""


class TrialBudget:
    """The number of characters of one note that may still be read again to try fixes."""

    def __init__(self) -> None:
        self._left = _MAX_TRIED_CHARACTERS

    def take(self, text: str) -> bool:
        """Return True if a run may be read again."""
        if len(text) > MAX_RUN_LENGTH or self._left <= 0:
            return False
        self._left -= len(text)
        return True


_WIKILINK_PATTERNS = (
    (
        lazy_pattern(r"\[\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?\](?![\](:\[])"),
        LinkFault.CLOSING_BRACKET_MISSING,
    ),
    (lazy_pattern(r"\[\[([^\[\]|#][^\[\]|#\n]*+\n[^\[\]|#]++)\]\]"), LinkFault.LINE_BREAK),
    (
        lazy_pattern(r"\[\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?(?=\n|$)"),
        LinkFault.CLOSING_BRACKETS_MISSING,
    ),
)
_SINGLE_BRACKET_PATTERNS = (
    (
        lazy_pattern(r"(?<!\[)\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?\]\]"),
        LinkFault.OPENING_BRACKET_MISSING,
    ),
    (
        lazy_pattern(
            r"(?<!\])\[[^\[\]\n]+\]"
            r"\(( *+(?:[^()\n<>\"' ]|(?<=\s) )*+ [^()\n<>\"']*+)\)"  # a space behind other text
        ),
        LinkFault.SPACE_IN_DESTINATION,
    ),
    (lazy_pattern(r"\[[^\[\]\n]+\] \(([^()\n<>\"' ]+\.md)\)"), LinkFault.SPACE_BEFORE_DESTINATION),
)
_LINE_BREAK = lazy_pattern(r"[ \t]*\n[ \t]*")
_BLANKS = lazy_pattern(r"[ \t]+")
_CHECKBOX_OR_FOOTNOTE = lazy_pattern(r"\[[\w ]?\]|\[\d+\]")
_END_OF_NAME = lazy_pattern(r"[A-Za-z0-9_](?=\[)")
_IN_CODE = (
    LinkFault.CLOSING_BRACKET_MISSING,
    LinkFault.CLOSING_BRACKETS_MISSING,
    LinkFault.OPENING_BRACKET_MISSING,
)
_SETEXT_OR_TABLE = lazy_pattern(r"\s*[|:=-]")


def find_malformed_links(text: str, brackets: Iterable[UnlinkedBracket]) -> Iterator[MalformedLink]:
    """Yield the malformed links that start at the given brackets of a run."""
    for start, end, close in brackets:
        if text.startswith("[[", start):
            if text[start + 2 : start + 3] in "[]|#":
                continue  # no target
            patterns = _WIKILINK_PATTERNS
        elif close and text[close + 1 : close + 2] in ("]", "(", " "):
            patterns = _SINGLE_BRACKET_PATTERNS
        else:
            continue
        for pattern, fault in patterns:
            match = pattern.match(text, start, end)
            if match:
                yield MalformedLink(start, match.end(), match[1].strip(), fault)
                break


def is_in_other_brackets(run: TextRun, link: MalformedLink) -> bool:
    """Return True if the brackets at the end of a malformed link belong to other text.

    True for `[[` in a shell test or in an array of several lines, for `[a]]` in brackets, and for
    code, whose brackets follow a name: `Callable[[a], b]`.
    """
    if link.fault in _IN_CODE and _END_OF_NAME.match(run.text, max(link.start - 1, 0)):
        return True
    if link.fault is LinkFault.CLOSING_BRACKETS_MISSING:
        openings = run.bracket_pairs.closings
        return (
            run.text[link.start + 2].isspace()
            or link.start in openings
            or link.start + 1 in openings
        )
    return (
        link.fault is LinkFault.OPENING_BRACKET_MISSING and link.end - 1 in run.bracket_pairs.closed
    )


def fix_malformed_link(
    run: TextRun, found: InlineContent, link: MalformedLink, source: str, budget: TrialBudget
) -> Replacements:
    """Return the replacements in the source that fix a malformed link of a run.

    Empty unless a single reading of the link exists.
    """
    changes = _propose_replacements(run, link)
    if (
        not changes
        or not budget.take(run.text)
        or not yields_link(run.text, changes, found, link.start, " ".join(link.target.split()))
    ):
        return ()
    placed = [
        (run.source_offset(start), run.source_offset(end), text) for start, end, text in changes
    ]
    unjoinable = any(
        "\n" in source[start:end] and not _can_join_lines(source, start, end)
        for start, end, _ in placed
    )
    return () if unjoinable else tuple(placed)


def _propose_replacements(run: TextRun, link: MalformedLink) -> Replacements:
    within = run.text[link.start : link.end]
    if link.fault is LinkFault.LINE_BREAK:
        return tuple(
            (link.start + found.start(), link.start + found.end(), " ")
            for found in _LINE_BREAK.finditer(within)
        )
    if link.fault is LinkFault.SPACE_IN_DESTINATION:
        start = within.index("](") + 2
        return tuple(
            (link.start + found.start(), link.start + found.end(), "%20")
            for found in _BLANKS.finditer(within, start)
        )
    if link.fault is LinkFault.SPACE_BEFORE_DESTINATION:
        at = link.start + within.index("] (") + 1
        return () if _CHECKBOX_OR_FOOTNOTE.match(within) else ((at, at + 1, ""),)
    return _add_bracket(run, link, within)


def _add_bracket(run: TextRun, link: MalformedLink, within: str) -> Replacements:
    """Return the missing brackets, unless the existing ones belong to other pairs."""
    text, pairs = run.text, run.bracket_pairs
    if link.fault is LinkFault.OPENING_BRACKET_MISSING:
        paired = link.end - 1 in pairs.closed or text[link.start - 1 : link.start] in ("!", "]")
        return () if paired else ((link.start, link.start, "["),)
    if link.start in pairs.closings or (link.start and text[link.start - 1] == "["):
        return ()
    if link.fault is LinkFault.CLOSING_BRACKET_MISSING:
        return ((link.end, link.end, "]"),)
    if "|" in within or "#" in within:
        return ()  # the display text or heading may end anywhere
    end = link.start + len(within.rstrip())
    return ((end, end, "]]"),)


def yields_link(
    text: str,
    changes: Replacements,
    before: InlineContent,
    start: int,
    target: str,
    replaced: InlineWikilink | None = None,
) -> bool:
    """Return True if the changed run has a new link to `target`, and all else stays.

    `start` is its place. It may stand for the link `replaced`.
    """
    fixed = text
    for begin, end, new in reversed(changes):
        fixed = fixed[:begin] + new + fixed[end:]
    after = read_inline(fixed)
    found = find_links_at(after, start)
    return (
        len(found) == 1
        and read_target(fixed, found[0]) == target
        and list_texts(text, before, replaced) == list_texts(fixed, after, found[0])
    )


def find_links_at(found: InlineContent, start: int) -> list[InlineWikilink | InlineMarkdownLink]:
    """Return the links at an offset, and the embeds whose brackets are there."""
    return [
        link
        for link in found.links
        if link.start == start or (link.embed and link.start == start - 1)
    ]


def list_texts(
    text: str, found: InlineContent, omitted: InlineWikilink | InlineMarkdownLink | None = None
) -> tuple[list[str], list[str]]:
    """Return the links of a run, except one, and the tags, as written."""
    links = [text[link.start : link.end] for link in found.links if link != omitted]
    return links, [text[start:end] for start, end in found.tags]


def read_target(text: str, link: InlineWikilink | InlineMarkdownLink) -> str | None:
    """Return the target of a link in a run; None if its destination cannot be decoded."""
    if isinstance(link, InlineMarkdownLink):
        return decode_destination(link.destination, embed=link.embed)
    return parse_wikilink(text[link.start + 2 + link.embed : link.end - 2])[0]


def _can_join_lines(source: str, start: int, end: int) -> bool:
    """Return True if a line can join the last one: no marks between, no new block."""
    behind = source.find("\n", end)
    return not source[start:end].strip() and (
        behind == -1 or not _SETEXT_OR_TABLE.match(source, behind + 1)
    )


# -- recognize links with escaped, surplus or doubled brackets; compute their fixes ----------------
# All offsets are those of the run.


_ESCAPED = lazy_pattern(r"\\\[\\?\[((?:[^\[\]\\\n]|\\[^\[\]\n])+)(\\?)\](\\?)\](?![(\[:])")
_ESCAPED_MARK = lazy_pattern(r"\\([!-/:-@\[-`{-~])")
_ESCAPED_SIGN = lazy_pattern(r"\\(?=[!-/:-@\[-`{}~])")
"""The backslash of an escape, except that of a pipe."""

_ABOUT_SYNTAX = lazy_pattern(
    r"\b(?:wiki|links?\b|linked|linking|backlink|bracket|syntax|markdown|obsidian|roam|notion|logseq"
    r"|type\b|typing|write\b|enlace|lien|klammer|verlink|collegament|parentes|ссылк|скобк)"
    r"|[链鏈]|括号|括號|リンク|括弧|링크|괄호",
    re.I,
)
"""Words of a text that explains how links are written."""


class BracketFault(NamedTuple):
    """A link with faulty brackets, its fix, and False if it may be intended."""

    link: MalformedLink
    replacements: Replacements
    is_certain: bool


class DoubledBrackets(NamedTuple):
    """A wikilink directly before a destination in parentheses: `[[text]](url)`."""

    start: int
    end: int
    destination: str
    replacements: Replacements


def find_escaped_links(
    text: str, found: InlineContent, budget: TrialBudget
) -> Iterator[BracketFault]:
    r"""Yield the escaped wikilinks of a run: `\[\[a\]\]` and `\[[a]]`.

    Text that contains code or is about links is left out. Elsewhere too, one may be intended unless
    all its brackets are escaped, as programs do that convert notes.
    """
    if found.hidden or len(text) > MAX_RUN_LENGTH or _ABOUT_SYNTAX.search(text):
        return
    stop = 0
    for at in found.escapes:
        match = _ESCAPED.match(text, at) if at >= stop else None
        if match is None or text[max(at - 2, 0) : at] == "\\!" or text[at - 1 : at] == "[":
            continue
        stop = match.end()
        target, _, _ = parse_wikilink(_ESCAPED_MARK.sub(r"\1", match[1].replace("\\|", "|")))
        link = MalformedLink(at, stop, target, LinkFault.ESCAPED_BRACKETS)
        changes = tuple(
            (mark.start(), mark.end(), "") for mark in _ESCAPED_SIGN.finditer(text, at, stop)
        )
        if target and budget.take(text) and yields_link(text, changes, found, at, target):
            is_whole = text[at + 2] == "\\" and bool(match[2]) and bool(match[3])
            yield BracketFault(link, changes, is_whole)


def find_third_bracket(
    run: TextRun, found: InlineContent, link: InlineWikilink, budget: TrialBudget
) -> BracketFault | None:
    """Return the fault of a wikilink with three opening brackets, such as `[[[a]]]`.

    Brackets around several words or links are not a fault. A bracket without a closing one may be
    intended.
    """
    text, opening, end = run.text, link.start + link.embed, link.end
    inner = text[opening + 3 : end - 2]
    if not text.startswith("[[[", opening) or len(text) > MAX_RUN_LENGTH or text[end - 3] == "[":
        return None
    target = parse_wikilink(inner)[0]
    close = run.bracket_pairs.closings.get(opening)
    if close not in (None, end) or "[" in target or "]" in target or not target:
        return None
    stop = end if close is None else end + 1
    if text[stop : stop + 1] in ("(", "[", ":", "]"):
        return None
    changes: Replacements = ((opening, opening + 1, ""),)
    if close is not None:
        changes += ((end, end + 1, ""),)
    fault = MalformedLink(link.start, stop, target, LinkFault.THREE_BRACKETS)
    certain = budget.take(text) and yields_link(text, changes, found, link.start, target, link)
    return BracketFault(fault, changes if certain else (), close is not None)


def find_doubled_brackets(
    run: TextRun, found: InlineContent, link: InlineWikilink, budget: TrialBudget
) -> DoubledBrackets | None:
    """Return the fault of a wikilink before a destination in parentheses, or None."""
    text, opening, end = run.text, link.start + link.embed, link.end
    inner = text[opening + 2 : end - 2]
    if text[end : end + 1] != "(" or "[" in inner or ("|" in inner and not link.embed):
        return None
    stop, raw = parse_link_destination(run.marks, end, len(text))
    destination = decode_destination(raw) if stop else None
    if not destination:
        return None
    changes: Replacements = ((opening, opening + 1, ""), (end - 1, end, ""))
    if inner.strip().isdigit():  # the mark of a footnote, which keeps its brackets
        changes = ((opening + 1, opening + 2, "\\["), (end - 2, end - 1, "\\]"))
    if not budget.take(text) or not yields_link(
        text, changes, found, link.start, destination, link
    ):
        changes = ()
    return DoubledBrackets(link.start, stop, destination, changes)


# -- recognize wikilinks that a pipe cuts in two because they are in a table -----------------------


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
