"""What makes a link of a text that was meant as one, where only one reading exists.

A run, a slip in it and the source's text enter, changes of the source leave. Every change is tried on the run first: it must
bring the one link that was meant, and leave all others as they are.
"""

import re

from vaultlink.parse.brackets import match_brackets
from vaultlink.parse.inline import read_inline
from vaultlink.parse.inline_types import (
    InlineContent,
    InlineMarkdownLink,
    InlineWikilink,
    MalformedLink,
)
from vaultlink.parse.lines import TextRun
from vaultlink.parse.link_parts import decode_destination, parse_wikilink

LinkReplacements = tuple[tuple[int, int, str], ...]

_MAX_RUN_LENGTH = 20_000
"""Runs longer than this are not read again for each slip in them."""

_LINE_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_BLANKS = re.compile(r"[ \t]+")
_CHECKBOX_OR_FOOTNOTE = re.compile(r"\[[\w ]?\]|\[\d+\]")
_SETEXT_OR_TABLE = re.compile(r"\s*[|:=-]")
_REST_OF_CELL = re.compile(r"[ \t]*\|(?:[^\[\]|\\\n]|\\.)*\]\]")


def fix_malformed_link(run: TextRun, slip: MalformedLink, source: str) -> LinkReplacements:
    """The changes of the source that mend a slip; none if it may have been meant otherwise."""
    if len(run.text) > _MAX_RUN_LENGTH:
        return ()
    changes = _propose_replacements(run.text, slip)
    if not changes or not _yields_intended_link(run.text, changes, slip):
        return ()
    placed = [
        (run.source_offset(start), run.source_offset(end), text) for start, end, text in changes
    ]
    broken = any(
        "\n" in source[start:end] and not _can_join_lines(source, start, end)
        for start, end, _ in placed
    )
    return () if broken else tuple(placed)


def _propose_replacements(text: str, slip: MalformedLink) -> LinkReplacements:
    """What mends a slip by its looks, in the run."""
    within = text[slip.start : slip.end]
    if slip.fault == "it contains a line break":
        return tuple(
            (slip.start + found.start(), slip.start + found.end(), " ")
            for found in _LINE_BREAK.finditer(within)
        )
    if slip.fault == "its destination contains a space":
        start = within.index("](") + 2
        return tuple(
            (slip.start + found.start(), slip.start + found.end(), "%20")
            for found in _BLANKS.finditer(within, start)
        )
    if slip.fault == "a space is between text and destination":
        at = slip.start + within.index("] (") + 1
        return () if _CHECKBOX_OR_FOOTNOTE.match(within) else ((at, at + 1, ""),)
    return _add_bracket(text, slip, within)


def _add_bracket(text: str, slip: MalformedLink, within: str) -> LinkReplacements:
    """The bracket that is missing, unless those that are there have partners."""
    pairs = match_brackets(text)
    if slip.fault == "one opening bracket is missing":
        paired = slip.end - 1 in pairs.values() or text[slip.start - 1 : slip.start] in ("!", "]")
        return () if paired else ((slip.start, slip.start, "["),)
    if slip.start in pairs or (slip.start and text[slip.start - 1] == "["):
        return ()
    if slip.fault == "one closing bracket is missing":
        return ((slip.end, slip.end, "]"),)
    whole = len(within.rstrip())
    at_end = (
        "|" not in within and "#" not in within
    )  # else the display text or heading may end anywhere
    return ((slip.start + whole, slip.start + whole, "]]"),) if at_end else ()


def _yields_intended_link(text: str, changes: LinkReplacements, slip: MalformedLink) -> bool:
    """Whether a run after changes holds the link that was meant, and besides it what it held before."""
    after = text
    for start, end, new in reversed(changes):
        after = after[:start] + new + after[end:]
    old, new_ = read_inline(text), read_inline(after)
    had, has = _link_texts(text, old), _link_texts(after, new_)
    came = [
        link
        for link in new_.links
        if link.start == slip.start or (link.embed and link.start == slip.start - 1)
    ]
    if (
        len(came) != 1
        or len(has) != len(had) + 1
        or _tag_texts(text, old) != _tag_texts(after, new_)
    ):
        return False
    rest = list(has)
    rest.remove(after[came[0].start : came[0].end])
    return rest == had and _link_target(after, came[0]) == " ".join(slip.target.split())


def _link_texts(text: str, found: InlineContent) -> list[str]:
    return [text[link.start : link.end] for link in found.links]


def _tag_texts(text: str, found: InlineContent) -> list[str]:
    return [text[start:end] for start, end in found.tags]


def _link_target(text: str, link: InlineWikilink | InlineMarkdownLink) -> str | None:
    if isinstance(link, InlineMarkdownLink):
        return decode_destination(link.destination)
    return parse_wikilink(text[link.start + 2 + link.embed : link.end - 2])[0]


def _can_join_lines(source: str, start: int, end: int) -> bool:
    """Whether a line may be joined to the one before: no marks stand between, and what follows makes no heading or table."""
    behind = source.find("\n", end)
    return not source[start:end].strip() and (
        behind == -1 or not _SETEXT_OR_TABLE.match(source, behind + 1)
    )


# -- in tables ------------------------------------------------------------------------------------------------------


def escape_pipe_in_cell(source: str, run: TextRun, slip: MalformedLink) -> LinkReplacements:
    """The backslash that a pipe in a table's cell needs, if the next cell goes on as a link does."""
    start, end = run.source_offset(slip.start), run.source_end(slip.end)
    rest = _REST_OF_CELL.match(source, end)
    if not rest or "#" in source[start:end]:
        return ()
    pipe = source.index("|", end)
    line = source[run.source_offset(0) : rest.end()]
    mended = line[: pipe - run.source_offset(0)] + "\\" + line[pipe - run.source_offset(0) :]
    before, after = read_inline(run.text), read_inline(mended)
    came = [link for link in after.links if link.start == slip.start]
    if len(came) != 1 or len(after.links) != len(before.links) + 1 or came[0].end != len(mended):
        return ()
    return ((pipe, pipe, "\\"),) if _link_target(mended, came[0]) == slip.target else ()
