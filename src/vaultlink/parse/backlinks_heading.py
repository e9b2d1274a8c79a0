"""The line that begins an "Add backlinks" section: which wordings there are, and whether a line is one of them.

The words may stand in bold or italic, as a heading of any level, on a list item, in a quote, in any case and with any
spaces between them, with a colon or without. Nothing but them may stand on the line, except entries behind a colon.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

BUILT_IN_WORDING = "Add backlinks using these topics"
QUOTE_MARKS = re.compile(r"[ \t]*(?:>[ \t]?)*")
_LEAD = re.compile(
    r"(?:\[![^\]\n]+\][+-]?[ \t]*)?(?P<hashes>#{1,6}[ \t]+)?(?P<bullet>(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[.\][ \t]+)?)?"
    r"(?P<marks>(?:\*{1,3}|_{1,3}|==)?)[ \t]*"
)
_TAIL = re.compile(
    r"(?P<colon>[ \t]*[:：]?)[ \t]*(?P<marks>(?:\*{1,3}|_{1,3}|==)?)(?P<late>[ \t]*[:：]?)(?:[ \t]+#+)?"
    r"(?=[ \t]|$)"
)
_WORD = re.compile(r"[^ \t\u00a0]+")
_HEADING_MARKUP = " \t*_#>=~:：-+"


class HeadingWordings(NamedTuple):
    """Wordings made ready: the words of each, and the bytes and texts of which a folded text must hold one."""

    words: tuple[tuple[str, ...], ...]
    needles: tuple[bytes, ...]
    texts: tuple[str, ...]


class SectionHeading(NamedTuple):
    """A line that begins a section. Offsets are the line's: where its words begin, where the heading ends, and where entries
    begin that stand on the same line (the line's end if there are none). `certain` is false where nothing but one or two
    words make it a heading."""

    words_start: int
    end: int
    entries_start: int
    certain: bool
    bullet: bool
    level: bool


@lru_cache(maxsize=8)
def compile_wordings(headings: tuple[str, ...] = ()) -> HeadingWordings:
    """The built-in wording and others, which may be written as headings are."""
    words = dict.fromkeys(
        tuple(fold_wording(word) for word in text.split())
        for text in map(_strip_markup, (BUILT_IN_WORDING, *headings))
    )
    known = tuple(item for item in words if item)
    longest = {max(item, key=len) for item in known}
    # A needle that holds another is found where that one is.
    plain = {word.encode() for word in longest if word.isascii()}
    needles = tuple(
        sorted(word for word in plain if not any(other in word for other in plain if other != word))
    )
    others = {
        form
        for word in longest
        if not word.isascii()
        for form in (word, unicodedata.normalize("NFD", word).casefold())
    }
    return HeadingWordings(known, needles, tuple(sorted(others)))


def _strip_markup(text: str) -> str:
    return text.strip(_HEADING_MARKUP)


def fold_wording(text: str) -> str:
    """Text as wordings are compared: composed, and without case."""
    return (
        text.lower()
        if text.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def find_heading_candidates(text: str, lowered: bytes, wording: HeadingWordings) -> Sequence[int]:
    """The lines of a text, counted from 0, that may be a section's heading; `lowered` is its bytes with small ASCII letters."""
    if wording.texts and not text.isascii():
        small = text.casefold()
        if any(needle in lowered for needle in wording.needles) or any(
            item in small for item in wording.texts
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
    """The heading that a line is, read from a position behind the marks of quotes; None if it is none."""
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
        sure = len(words) > 2 or colon or bool(tail["marks"] or lead["hashes"])
        return SectionHeading(
            lead.end(),
            len(line[: tail.end()].rstrip()),
            stop,
            sure,
            bool(lead["bullet"]),
            bool(lead["hashes"]),
        )
    return None


def _match_words(line: str, at: int, words: tuple[str, ...]) -> int:
    """The position behind words that stand at a position of a line; 0 if others do."""
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
    """The position behind a word with which what stands between two positions begins; 0 if it begins otherwise."""
    if not fold_wording(line[at:end]).startswith(word):
        return 0
    return next(
        (
            stop
            for stop in range(at + 1, end)
            if fold_wording(line[at:stop]) == word and not line[stop].isalnum()
        ),
        0,
    )
