"""Kinds of matches between the text of a link and a heading with other words.

Each kind is one that a careful editor would take for the same heading if no other one fits.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from vaultlink.index.anchors import TRAILING_BLOCK_ID, render_heading
from vaultlink.index.resolve import is_same_name, spelling_key
from vaultlink.index.words import (
    HEADING_FUNCTION_WORDS,
    SlipKind,
    Words,
    find_numbers,
    find_slip,
    is_inflection,
    split_text,
)
from vaultlink.model import Note
from vaultlink.text import lazy_pattern

# -- words of headings -----------------------------------------------------------------------------


def list_word_variants(heading: str) -> set[Words]:
    """Return the words of a heading as they are written and as a reader sees them."""
    return {
        split_text(text, apostrophe)
        for text in (render_heading(heading), TRAILING_BLOCK_ID.sub("", heading))
        for apostrophe in ("", " ")
    }


_SIGN = lazy_pattern(r"[+*#]|(?<=\w)[./](?=\w)|(?<!\S)[-−](?=\d)")


def differs_in_meaning(one: str, heading: str) -> bool:
    """Return True if two texts with the same words may mean different things.

    Their signs differ, as in `C` and `C++` or `1-1` and `1.1`, or each has another emoji.
    """
    shown, mine = render_heading(heading), _find_emoji(one)
    others = _find_emoji(shown)
    has_same_signs = any(_find_signs(one) == _find_signs(text) for text in (shown, heading))
    return not has_same_signs or bool(mine and others and mine != others)


def _find_signs(text: str) -> list[str]:
    return _SIGN.findall(text) + [
        char
        for char in text
        if not char.isascii() and unicodedata.category(char) in ("Sm", "Sc") and char != "−"
    ]


def _find_emoji(text: str) -> list[str]:
    return [
        char for char in text if not char.isascii() and unicodedata.category(char) in ("So", "Sk")
    ]


def content_words(text: str) -> Words:
    """Return the words of a text without function words; the last word always remains."""
    words = split_text(text)
    return tuple(
        word
        for number, word in enumerate(words, 1)
        if word not in HEADING_FUNCTION_WORDS or number == len(words)
    )


_MIN_SLIP, _MIN_LETTER_SLIP = 5, 8
"""Letters of a word with a swapped or doubled letter, and with a missing or wrong one."""

_MIN_START = 3
"""Letters before a missing or wrong one."""


def is_slip(one: str, other: str) -> bool:
    """Return True if a word of a heading is another with one typing error.

    Two letters are swapped or one is doubled; in a long word, one inside is missing or another.
    """
    slip, size = find_slip(one, other), min(len(one), len(other))
    if slip is None or size < _MIN_SLIP or not (one.isalpha() and other.isalpha()):
        return False
    if slip.kind is SlipKind.MISSING:
        return size >= _MIN_LETTER_SLIP - 1 and _MIN_START <= slip.at < size
    if slip.kind is SlipKind.WRONG:
        return size >= _MIN_LETTER_SLIP and _MIN_START <= slip.at < size - 2
    return True


_MIN_STEM = 3
"""Letters that all forms of a word share: less than in names, as headings of one note are few."""


def _is_same_word(one: str, other: str) -> bool:
    return one == other or is_inflection(one, other, min_stem=_MIN_STEM, verbs=True)


# -- kinds of matches ------------------------------------------------------------------------------


def is_respelling(one: str, other: str) -> bool:
    """Return True if two names differ only in spelling and have the same numbers."""
    return (
        bool(spelling_key(one))
        and spelling_key(one) == spelling_key(other)
        and is_same_name(one, other)
    )


def _has_same_spelling(part: str, heading: str, _note: Note) -> bool:
    return is_respelling(part, heading)


def _has_same_content(part: str, heading: str, _note: Note) -> bool:
    words = content_words(part)
    return bool(words) and words == content_words(heading)


_NUMBERING = lazy_pattern(
    r"\s*(?:§\s*)?(?P<number>\d{1,2}(?:\.\d{1,2})*|[IVXLC]{1,5}(?=[.):])|第[一二三四五六七八九十\d]{1,3}[章节節部篇回])"
    r"(?P<mark>[.):、]?)[\s.):\-–—、]+(?=\S)"
)


def _has_other_numbering(part: str, heading: str, note: Note) -> bool:
    """Return True if only the number before the text is missing or another.

    Numbers of two texts may differ only in a numbered list of headings, where they give the order.
    """
    one, other = _NUMBERING.match(part), _NUMBERING.match(heading)
    if not (one or other):
        return False
    if one and other and not (one["mark"] and other["mark"] and _has_numbered_headings(note)):
        return False
    rest = content_words(part[one.end() :] if one else part)
    if len("".join(rest)) < 4:
        return False
    return rest == content_words(heading[other.end() :] if other else heading)


def _has_numbered_headings(note: Note) -> bool:
    """Return True if a note has several numbered headings, each with other words."""
    texts = [item.text for item in note.headings]
    rests = [
        content_words(text[found.end() :])
        for text in texts
        if (found := _NUMBERING.match(text)) and found["mark"]
    ]
    return len(rests) > 1 and len(set(rests)) == len(rests)


_PARENTHESIS = lazy_pattern(r"\s*[—–-]?\s*[(\[（][^()（）]*[)\]）]\s*$")
_SUBTITLE = lazy_pattern(r"\s*[:：]\s+|\s+[—–|-]\s+")
_ALTERNATIVE = lazy_pattern(r"\s+/\s+")


def _has_other_addition(part: str, heading: str, _note: Note) -> bool:
    """Return True if one text has an addition: brackets, a subtitle, an alternative."""
    one, other = _strip_parenthesis(part), _strip_parenthesis(heading)
    words = content_words(one)
    if not words or not re.search(r"[^\W\d]{2}", one):
        return False
    if one == part or other == heading:
        names = [other, _SUBTITLE.split(other)[0], *map(_strip_parenthesis, _split_names(heading))]
        if words in map(content_words, names):
            return True
    return content_words(part) in map(content_words, _split_names(heading))


def _split_names(heading: str) -> list[str]:
    names = _ALTERNATIVE.split(heading)
    return names if len(names) > 1 else []


def _strip_parenthesis(text: str) -> str:
    return _PARENTHESIS.sub("", text)


def _has_other_forms(part: str, heading: str, note: Note) -> bool:
    """Return True if words differ only in their forms, or one of them by a slip."""
    words, others = content_words(part), content_words(heading)
    if not words or len(words) != len(others):
        return False
    differing = [pair for pair in zip(words, others, strict=True) if not _is_same_word(*pair)]
    if not differing:
        return any(len(word) > 3 for word in words)
    if len(differing) > 1 or not is_slip(*differing[0]):
        return False
    return not any(differing[0][0] in split_text(item.text) for item in note.headings)


_OPPOSITES = frozenset(
    ["not", "no", "non", "without", "un", "anti", "kein", "ohne", "sans", "no", "sin", "senza"]
)


def _has_shared_phrase(part: str, heading: str, _note: Note) -> bool:
    """Return True if one text is a phrase of the other and at least half of it."""
    return any(_is_phrase(*pair) for pair in _list_word_pairs(part, heading))


def _has_shared_words(part: str, heading: str, note: Note) -> bool:
    """Return True if a text has most words of the other, or the first of two words."""
    return any(
        _is_in_order(*pair) or _is_rare_first_word(part, *pair, note)
        for pair in _list_word_pairs(part, heading)
    )


def _list_word_pairs(part: str, heading: str) -> list[tuple[Words, Words]]:
    """Return the words of both texts, the fewer first, with and without an addition.

    Pairs that cannot mean the same are left out: numbers differ, or one has a negation.
    """
    words = content_words(part)
    pairs = []
    for text in (heading, _strip_parenthesis(heading)):
        others = content_words(text)
        short, long = sorted((words, others), key=len)
        differs = (
            find_numbers(words) != find_numbers(others) or (set(long) - set(short)) & _OPPOSITES
        )
        if 0 < len(short) < len(long) and not differs:
            pairs.append((short, long))
    return pairs


def _is_phrase(short: Words, long: Words) -> bool:
    return 1 < len(short) >= len(long) / 2 and any(
        all(map(_is_same_word, short, long[start:])) for start in range(len(long) - len(short) + 1)
    )


def _is_in_order(short: Words, long: Words) -> bool:
    remaining = iter(long)
    return len(short) >= len(long) * 0.7 and all(
        any(_is_same_word(word, other) for other in remaining) for word in short
    )


def _is_rare_first_word(part: str, short: Words, long: Words, note: Note) -> bool:
    """Return True if a text is a long word that opens a heading and is in no other."""
    return (
        len(long) == 2
        and short == content_words(part)
        and len(short[0]) >= _MIN_LONG_WORD
        and short[0] == long[0]
        and sum(short[0] in split_text(item.text) for item in note.headings) == 1
    )


_MIN_LONG_WORD = 7


class LooseKind(NamedTuple):
    """A kind of match between the text of a link and a heading as a reader sees it.

    `is_fixable` is False if the heading is only suggested.
    """

    matches: Callable[[str, str, Note], bool]
    reason: str
    score: float
    is_fixable: bool = True


LOOSE_KINDS = (
    LooseKind(_has_same_spelling, "respelling", 0.94),
    LooseKind(_has_same_content, "near", 0.92),
    LooseKind(_has_other_numbering, "near", 0.9),
    LooseKind(_has_other_forms, "near", 0.88),
    LooseKind(_has_other_addition, "near", 0.86),
    LooseKind(_has_shared_phrase, "near", 0.8),
    LooseKind(_has_shared_words, "near", 0.7, is_fixable=False),
)
"""Kinds of matches, the strictest first."""
