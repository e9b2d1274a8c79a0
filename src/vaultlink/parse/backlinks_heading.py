"""Recognize the heading line of an "Add backlinks" section.

The wording may be bold or italic, a heading of any level, in a list item or in a quote, in any
case, with any spaces between its words, and with or without a colon. The line must contain nothing
else, except entries behind a colon.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from vaultlink.text import lazy_pattern

BUILT_IN_WORDING = "Add backlinks using these topics"
QUOTE_MARKS = lazy_pattern(r"[ \t]*(?:>[ \t]?)*")
_LEAD = lazy_pattern(
    r"(?:\[![^\]\n]+\][+-]?[ \t]*)?(?P<hashes>#{1,6}[ \t]+)?"
    r"(?P<bullet>(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?)?"
    r"(?P<marks>(?:\*{1,3}|_{1,3}|==)?)[ \t]*"
)
_TAIL = lazy_pattern(
    r"(?P<colon>[ \t]*[:：]?)[ \t]*(?P<marks>(?:\*{1,3}|_{1,3}|==)?)(?P<late>[ \t]*[:：]?)"
    r"(?:[ \t]+#+)?(?=[ \t]|$)"
)
_WORD = lazy_pattern(r"[^ \t\u00a0]+")
_MAX_LETTER_LENGTH = 4
"""Code points of a decomposed letter, at most."""

_HEADING_MARKUP = " \t*_#>=~:：-+"


class HeadingWordings(NamedTuple):
    """Compiled wordings: the folded words of each.

    A lowered text with a heading contains one of `needles`, which are ASCII, or one of `texts`,
    which are folded and not ASCII.
    """

    words: tuple[tuple[str, ...], ...]
    needles: tuple[bytes, ...]
    texts: tuple[str, ...]


class SectionHeading(NamedTuple):
    """A line that starts a section. Offsets are relative to the line.

    `entries_start` is the line's end if no entries are on it. A heading is not `certain` if
    only one or two words make it one, and `usual` if it starts a section only if nothing but
    links follows. `bullet` is True in a list item, `level` behind hashes.
    """

    words_start: int
    end: int
    entries_start: int
    certain: bool
    bullet: bool
    level: bool
    usual: bool = False


@lru_cache(maxsize=8)
def compile_wordings(headings: tuple[str, ...] = ()) -> HeadingWordings:
    """Compile the built-in wording and others, which may contain heading markup."""
    words = dict.fromkeys(
        tuple(fold_wording(word) for word in text.split())
        for text in map(_strip_markup, (BUILT_IN_WORDING, *headings))
    )
    known = tuple(item for item in words if item)
    longest = {max(item, key=len) for item in known}
    # A needle that contains another is redundant.
    plain = {word.encode() for word in longest if word.isascii()}
    needles = tuple(
        sorted(word for word in plain if not any(other in word for other in plain if other != word))
    )
    others = {
        variant
        for word in longest
        if not word.isascii()
        for variant in (word, unicodedata.normalize("NFD", word).casefold())
    }
    return HeadingWordings(known, needles, tuple(sorted(others)))


def _strip_markup(text: str) -> str:
    return text.strip(_HEADING_MARKUP)


def fold_wording(text: str) -> str:
    """Return a text in the form for comparing wordings: NFC, without case."""
    return (
        text.lower()
        if text.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def find_heading_candidates(text: str, lowered: bytes, wording: HeadingWordings) -> Sequence[int]:
    """Return the lines that may be a section heading, 0-based.

    `lowered` is the UTF-8 text with ASCII letters in lower case.
    """
    if wording.texts and not text.isascii():
        folded = text.casefold()
        if any(needle in lowered for needle in wording.needles) or any(
            item in folded for item in wording.texts
        ):
            return range(text.count("\n") + 1)
        return ()
    found: set[int] = set()
    for needle in wording.needles:
        line, counted, at = 0, 0, lowered.find(needle)
        while at != -1:
            line, counted = line + lowered.count(b"\n", counted, at), at
            found.add(line)
            end = lowered.find(b"\n", at)
            at = lowered.find(needle, end) if end != -1 else -1
    return sorted(found)


def match_heading_line(line: str, at: int, wording: HeadingWordings) -> SectionHeading | None:
    """Return the heading in a line with quote marks before `at`, or None."""
    lead = _LEAD.match(line, at)
    assert lead
    for words in wording.words:
        end = _match_words(line, lead.end(), words)
        tail = _TAIL.match(line, end) if end else None
        if not tail:
            continue
        rest = line[tail.end() :]
        colon = bool(tail["colon"].strip() or tail["late"].strip())
        if rest.strip() and not (colon and rest.rstrip().endswith(("]]", ")", "]"))):
            continue
        stop = tail.end() if rest.strip() else len(line)
        certain = len(words) > 2 or colon or bool(tail["marks"] or lead["hashes"])
        return SectionHeading(
            lead.end(),
            len(line[: tail.end()].rstrip()),
            stop,
            certain,
            bool(lead["bullet"]),
            bool(lead["hashes"]),
        )
    return None


def _match_words(line: str, at: int, words: tuple[str, ...]) -> int:
    """Return the position behind `words` at `at`; 0 if others are there."""
    for number, word in enumerate(words):
        found = _WORD.match(line, at) if not number else _WORD.search(line, at)
        if not found:
            return 0
        if fold_wording(found[0]) == word:
            at = found.end()
        elif number == len(words) - 1:
            at = _match_prefix(line, found.start(), found.end(), word)
        else:
            return 0
        if not at:
            return 0
    return at


def _match_prefix(line: str, at: int, end: int, word: str) -> int:
    """Return the position behind a word that starts a span; 0 if another does."""
    if not fold_wording(line[at:end]).startswith(word):
        return 0
    return next(
        (
            stop
            for stop in range(at + 1, min(end, at + _MAX_LETTER_LENGTH * len(word) + 1))
            if fold_wording(line[at:stop]) == word and not line[stop].isalnum()
        ),
        0,
    )


class QuotedLine(NamedTuple):
    """A line without its end, the offset behind its quote marks, and their number."""

    start: int
    end: int
    content: int
    depth: int


def build_quoted_line(text: str, start: int, end: int) -> QuotedLine:
    quote = QUOTE_MARKS.match(text, start, end)
    assert quote
    depth = quote[0].count(">")
    return QuotedLine(start, end, quote.end() if depth else start, depth)


def content_end(text: str, line: QuotedLine) -> int:
    return line.start + len(text[line.start : line.end].rstrip())
