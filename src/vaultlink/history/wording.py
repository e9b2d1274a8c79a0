"""Compare the wording of two headings.

This supports other evidence only: headings of a note may resemble each other and still differ.
"""

import unicodedata
from difflib import SequenceMatcher
from enum import Enum, auto
from functools import lru_cache

from vaultlink.index.anchors import TRAILING_BLOCK_ID, render_heading
from vaultlink.index.heading_words import (
    Words,
    content_words,
    differs_in_meaning,
    find_numbers,
    is_inflection,
    is_slip,
    split_heading_words,
)
from vaultlink.text import lazy_pattern

_MIN_LETTERS, _MIN_COMMON = 4, 3
"""Minimum number of letters of a heading, and of a common word, that tell it from others.

One of Chinese, Japanese or Korean counts as two.
"""

_MIN_WORD, _MIN_SAME_LETTERS = 5, 0.8
"""Minimum number of letters, and minimum share of common ones, of two spellings of a word."""

_FIRST_CJK = 0x2E80
"""First character of Chinese, Japanese and Korean."""

_MIN_SAME_WORDS = 0.5
"""Minimum share of common words of two headings that resemble each other."""

_NUMBERING = lazy_pattern(
    r"^\W*(?:(?:\w{1,12}\s+)?(?:\d+(?:[.\-]\d+)*|[ivxIVX]+|[A-Za-z]?\d+|[A-Za-z])\s*[:.)\-–—]+\s*)(?=\S*\w)"
)
"""A number or letter before a heading, such as `1.2.`, `A)` or `Step 3:`."""


class Likeness(Enum):
    """Degrees of likeness of the wording of two headings.

    `RESPELT`: the same letters, apart from numbering. `EXTENDED`: one has all words of the other,
    and more. `SIMILAR`: most words are common. `RENUMBERED`: the same, but the numbers differ.
    """

    RESPELT = auto()
    EXTENDED = auto()
    SIMILAR = auto()
    RENUMBERED = auto()
    NONE = auto()


@lru_cache(maxsize=1 << 12)
def heading_core(text: str) -> str:
    """Return the letters and digits of a heading without numbering, emoji and accents.

    Return "" if too few are left.
    """
    plain = unicodedata.normalize("NFC", render_heading(TRAILING_BLOCK_ID.sub("", text)))
    rest = _NUMBERING.sub("", plain)
    core = "".join(split_heading_words(rest)) or "".join(split_heading_words(plain))
    core = _without_accents(core)
    return core if _count_letters(core) >= _MIN_LETTERS else ""


def _count_letters(text: str) -> int:
    """Return the number of letters. One of Chinese, Japanese or Korean counts as two."""
    return sum(2 if ord(char) >= _FIRST_CJK else 1 for char in text if not char.isdigit())


@lru_cache(maxsize=1 << 14)
def compare_wording(one: str, other: str) -> Likeness:
    """Return how much the wording of two headings has in common."""
    one, other = (_without_emoji(render_heading(text)) for text in (one, other))
    core, other_core = heading_core(one), heading_core(other)
    if core and core == other_core:
        return Likeness.SIMILAR if differs_in_meaning(one, other) else Likeness.RESPELT
    mine, others = _words_of(one), _words_of(other)
    if not mine or not others:
        return Likeness.NONE
    short, long = sorted((mine, others), key=len)
    shared = _count_shared(short, long)
    if 2 * shared < _MIN_SAME_WORDS * (len(short) + len(long)) and shared < len(short):
        return Likeness.NONE
    if not any(_count_letters(word) >= _MIN_COMMON for word in short):
        return Likeness.NONE
    if _has_other_numbers(mine, others):
        return Likeness.RENUMBERED
    return Likeness.SIMILAR if shared < len(short) else Likeness.EXTENDED


def _without_emoji(text: str) -> str:
    return "".join(
        " " if not char.isascii() and unicodedata.category(char) in ("So", "Sk") else char
        for char in text
    ).strip()


def _words_of(text: str) -> Words:
    """Return the words of a heading, for Chinese and Japanese pairs of letters."""
    found: list[str] = []
    for word in content_words(_NUMBERING.sub("", text)):
        if len(word) > 2 and ord(word[0]) >= _FIRST_CJK:
            found += [word[n : n + 2] for n in range(len(word) - 1)]
        else:
            found.append(word)
    return tuple(found)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def _count_shared(short: Words, long: Words) -> int:
    """Return the number of words of one text that the other has, in any form."""
    rest = list(long)
    shared = 0
    for word in short:
        match = word if word in rest else next((o for o in rest if _is_same_word(o, word)), None)
        if match is not None:
            rest.remove(match)
            shared += 1
    return shared


@lru_cache(maxsize=1 << 14)
def _is_same_word(one: str, other: str) -> bool:
    """Return True for two forms or spellings of a word, or a word and its beginning."""
    if one[:1] != other[:1] or not (one.isalpha() and other.isalpha()):
        return False
    if is_inflection(one, other) or is_slip(one, other):
        return True
    short, long = sorted(map(_without_accents, (one, other)), key=len)
    if len(short) < _MIN_WORD:
        return short == long
    return long.startswith(short) or SequenceMatcher(None, short, long).ratio() > _MIN_SAME_LETTERS


def _has_other_numbers(one: Words, other: Words) -> bool:
    """Return True if both texts have numbers, and those differ."""
    mine, others = find_numbers(one), find_numbers(other)
    return bool(mine) and bool(others) and mine != others
