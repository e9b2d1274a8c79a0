"""Recognize links with escaped, surplus or doubled brackets; compute their fixes.

All offsets are those of the run.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.parse.brackets import parse_link_destination
from vaultlink.parse.inline_types import InlineContent, InlineWikilink
from vaultlink.parse.lines import TextRun
from vaultlink.parse.link_parts import decode_destination, parse_wikilink
from vaultlink.parse.malformed import (
    MAX_RUN_LENGTH,
    LinkFault,
    MalformedLink,
    Replacements,
    TrialBudget,
    yields_link,
)
from vaultlink.text import lazy_pattern

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
