"""Recognize malformed links and compute their fixes.

A malformed link is text that was clearly meant as a link but is not one. Every fix is tried on the
run first: it must add exactly the intended link and keep all other links and tags.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from vaultlink.parse.inline import read_inline
from vaultlink.parse.inline_types import (
    InlineContent,
    InlineMarkdownLink,
    InlineWikilink,
    UnlinkedBracket,
)
from vaultlink.parse.lines import TextRun
from vaultlink.parse.link_parts import decode_destination, parse_wikilink
from vaultlink.text import lazy_pattern


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
    (
        lazy_pattern(r"\[[^\[\]\n]+\] \(([^()\n<>\"' ]+\.md)\)"),
        LinkFault.SPACE_BEFORE_DESTINATION,
    ),
)
_LINE_BREAK = lazy_pattern(r"[ \t]*\n[ \t]*")
_BLANKS = lazy_pattern(r"[ \t]+")
_CHECKBOX_OR_FOOTNOTE = lazy_pattern(r"\[[\w ]?\]|\[\d+\]")
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

    True for `[[` in a shell test or in an array of several lines, and for `[a]]` in brackets.
    """
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
        return decode_destination(link.destination)
    return parse_wikilink(text[link.start + 2 + link.embed : link.end - 2])[0]


def _can_join_lines(source: str, start: int, end: int) -> bool:
    """Return True if a line can join the last one: no marks between, no new block."""
    behind = source.find("\n", end)
    return not source[start:end].strip() and (
        behind == -1 or not _SETEXT_OR_TABLE.match(source, behind + 1)
    )
