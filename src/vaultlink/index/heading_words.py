"""Compare the text of a heading with the text that a link has for it.

The comparisons work on words: runs of letters, marks and digits in lower case. Case, punctuation,
hyphens and emoji separate words or are dropped; they are never part of one.
"""

import re
import unicodedata
from functools import lru_cache

from vaultlink.index.anchors import TRAILING_BLOCK_ID, render_heading
from vaultlink.text import lazy_pattern

Words = tuple[str, ...]

_APOSTROPHES = "'’‘ʼ`´"
_DROPPED = lazy_pattern("[\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\u20e3]")
"""Characters that no reader sees, and the frame of keycap emoji."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_BORDER = lazy_pattern(rf"(?<=[{_CJK}])(?=[^\W{_CJK}])|(?<=[^\W{_CJK}])(?=[{_CJK}])")
"""Positions between Chinese or Japanese and other letters, where a space is optional."""


@lru_cache(maxsize=1 << 12)
def split_heading_words(text: str, apostrophe: str = "") -> Words:
    """Return the words of a text.

    Args:
        text: The text of a heading or of a subpath's part.
        apostrophe: The replacement of apostrophes: "" joins the letters around one, " " separates
            them.
    """
    plain = _DROPPED.sub("", unicodedata.normalize("NFC", text)).lower()
    for char in _APOSTROPHES:
        plain = plain.replace(char, apostrophe)
    if not plain.isascii():
        plain = _CJK_BORDER.sub(" ", plain)
    letters = [char if unicodedata.category(char)[0] in "LMN" else " " for char in plain]
    return tuple("".join(letters).split())


def list_word_variants(heading: str) -> set[Words]:
    """Return the words of a heading as they are written and as a reader sees them."""
    return {
        split_heading_words(text, apostrophe)
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
    """Return the signs of a text that carry meaning, in order."""
    return _SIGN.findall(text) + [
        char
        for char in text
        if not char.isascii() and unicodedata.category(char) in ("Sm", "Sc") and char != "−"
    ]


def _find_emoji(text: str) -> list[str]:
    return [
        char for char in text if not char.isascii() and unicodedata.category(char) in ("So", "Sk")
    ]


# -- words of nearly the same text -----------------------------------------------------------------

_FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "the",
        "of",
        "for",
        "to",
        "in",
        "into",
        "on",
        "at",
        "or",
        "with",
        "by",
        "from",
        "is",
        "are",
        "and",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
        "und",
        "oder",
        "von",
        "für",
        "im",
        "zu",
        "le",
        "la",
        "les",
        "de",
        "du",
        "et",
        "ou",
        "el",
        "los",
        "las",
        "del",
        "y",
        "en",
        "il",
        "lo",
        "gli",
        "di",
        "e",
    ]
)
"""Words that a heading may gain or lose without another meaning."""


def content_words(text: str) -> Words:
    """Return the words of a text without function words. The last word always remains."""
    words = split_heading_words(text)
    return tuple(
        word
        for number, word in enumerate(words, 1)
        if word not in _FUNCTION_WORDS or number == len(words)
    )


def find_numbers(words: Words) -> list[str]:
    """Return the numbers in words, in order."""
    return [number for word in words for number in re.findall(r"\d+", word)]


_ENDINGS = frozenset(
    [
        *[("", end) for end in ("s", "es", "e", "n", "en", "x", "ing", "ed", "ы", "и")],
        *[("y", "ies"), ("e", "ing"), ("e", "ed"), ("ing", "ed"), ("is", "es"), ("us", "i")],
        *[("um", "a"), ("o", "i"), ("e", "i"), ("ón", "ones"), ("ão", "ões"), ("а", "ы")],
    ]
)
"""Pairs of endings of one word: plurals, and forms of verbs."""

_MIN_STEM = 3


def is_inflection(one: str, other: str) -> bool:
    """Return True for two forms of a word, such as its singular and its plural."""
    size = 0
    while size < min(len(one), len(other)) and one[size] == other[size]:
        size += 1
    return any(
        {(one[cut:], other[cut:]), (other[cut:], one[cut:])} & _ENDINGS
        for cut in range(max(size - 3, _MIN_STEM), size + 1)
    )


_MIN_SLIP, _MIN_LETTER_SLIP = 5, 8
"""Letters of a word with a swapped or doubled letter, and with a missing or wrong one."""


def is_slip(one: str, other: str) -> bool:
    """Return True if one word is the other with a single slip of the fingers.

    Two letters are swapped or one is doubled; in a long word, one inside is missing or another.
    """
    if not (one.isalpha() and other.isalpha()) or min(len(one), len(other)) < _MIN_SLIP:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        swapped = one[start + 1 : start + 2] + one[start : start + 1]
        if one[:start] + swapped + one[start + 2 :] == other:
            return True
        same_rest = one[start + 1 :] == other[start + 1 :]
        return len(short) >= _MIN_LETTER_SLIP and 3 <= start < len(one) - 2 and same_rest
    if long[:start] + long[start + 1 :] != short:
        return False
    doubled = start > 0 and long[start] == long[start - 1]
    return doubled or (len(short) >= _MIN_LETTER_SLIP - 1 and 3 <= start < len(short))
