"""Compare names by their words: spelling variants, case, look-alike letters.

`spelling_key` in `vaultlink.index.resolve` finds the names that may be variants of each other; the
functions here decide if they certainly are.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from vaultlink.text import lazy_pattern

_APOSTROPHES = lazy_pattern("(?<=[^\\W\\d_])['’ʼ`´](?=[^\\W\\d_])")
_ACCENTS = lazy_pattern("[\u0300-\u036f]")
_DASHES = str.maketrans("‐‑‒–—―−", "-------")
_INVISIBLE = lazy_pattern("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]")
_SEPARATORS = lazy_pattern(r"[\s_,;:!?()\[\]{}\"-]+")
_CJK = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD_OR_SIGN = lazy_pattern(
    rf"[{_CJK}][\u3099\u309a]?"  # a character of a script without spaces between words
    r"|\d+"
    rf"|(?:(?![{_CJK}])[^\W\d_][\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff]*)+"
    r"|(?<!\w)-+|-+(?!\w)"  # a hyphen that does not join two words
    r"|[+*#/.&@=<>~^|$%\\°§]"
)
"""A word, a number, or a sign that carries meaning.

Spaces, underscores, hyphens between words, quotes, brackets, commas, colons, question and
exclamation marks are left out: people write them or not. Symbols such as emoji are added by
`split_name`.
"""

_ASCII_WORD = lazy_pattern(r"[A-Za-z]+|[0-9]+")
_ASCII_SIGN = lazy_pattern(r"[-+*#/.&@=<>~^|$%\\]")
_ASCII_WORD_OR_SIGN = lazy_pattern(r"[A-Za-z]+|\d+|(?<!\w)-+|-+(?!\w)|[+*#/.&@=<>~^|$%\\]")
"""What `_WORD_OR_SIGN` matches in ASCII text: words, and signs, which most names lack."""

_MAX_SHORT_WORD = 4
"""Letters of single words that mean something else in another case too often."""

MIN_LETTERS = 7
"""Names with fewer letters are not compared beyond case and separators.

Too many short words differ by a letter.
"""


@lru_cache(maxsize=1 << 15)
def split_name(name: str) -> tuple[str, ...]:
    """Return the words, numbers and signs of a name, without case and accents."""
    if name.isascii():
        return split_cased_name(name.lower())
    return tuple(word.casefold() for word in split_cased_name(name))


@lru_cache(maxsize=1 << 15)
def split_cased_name(name: str) -> tuple[str, ...]:
    """Return the words, numbers and signs of a name, without accents."""
    plain = name
    if not name.isascii():
        plain = unicodedata.normalize("NFKD", _INVISIBLE.sub("", name.translate(_DASHES)))
        plain = unicodedata.normalize("NFC", _ACCENTS.sub("", plain))
    if "'" in plain or "`" in plain or not plain.isascii():
        plain = _APOSTROPHES.sub("", plain)
    if plain.isascii():
        if not _ASCII_SIGN.search(plain):
            return tuple(_ASCII_WORD.findall(plain))
        found = _ASCII_WORD_OR_SIGN.findall(plain)
        return tuple(found if "-" not in plain else [text.rstrip("-") or "-" for text in found])
    placed = [(match.start(), match[0]) for match in _WORD_OR_SIGN.finditer(plain)]
    placed += [
        (at, char)
        for at, char in enumerate(plain)
        if not char.isascii() and unicodedata.category(char) in ("So", "Sm", "Sc")
    ]
    return tuple("-" if text[0] == "-" else text for _, text in sorted(placed))


def is_same_spelling(one: str, other: str) -> bool:
    """Return True if two names certainly differ only in spelling.

    They have the same words, numbers and meaningful signs. A single short word with another accent
    or apostrophe may be another word.
    """
    words = split_name(one)
    if not words or words != split_name(other):
        return False
    if len(words) > 1 or len(words[0]) >= MIN_LETTERS:
        return True
    return _strip_separators(one) == _strip_separators(other)


def is_same_case(one: str, other: str) -> bool:
    """Return True if two spellings of a name agree in the case of all letters."""
    return split_cased_name(one) == split_cased_name(other)


def is_case_variant(one: str, other: str) -> bool:
    """Return True if two spellings of a name mean the same in spite of their case.

    A name of several words does. Of a single word, only the initial may differ, because `man` is
    not `MAN`; a short word must agree altogether, because `lip` is not `Lip`.
    """
    words, others = split_cased_name(one), split_cased_name(other)
    if words == others:
        return True
    if len(words) > 1 and count_letters(words) >= MIN_LETTERS:
        return split_name(one) == split_name(other)
    if len(words) == 1 and len(words[0]) <= _MAX_SHORT_WORD:
        return False
    return len(words) == len(others) and all(
        word == other or (word[0].lower() == other[0].lower() and _share_rest(word, other))
        for word, other in zip(words, others, strict=True)
    )


def _share_rest(word: str, other: str) -> bool:
    return word[1:] == other[1:] and word[1:].islower()


def count_letters(words: Iterable[str]) -> int:
    """Return the number of letters in words. A CJK character counts as two."""
    return sum(2 if char >= "\u3041" else 1 for word in words for char in word if char.isalpha())


_LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕԁԛԝһӏαβεικνορτυχАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abekmhopctyxijsdqwhlaβeiκvoptuxABEKMHOPCTYXIJSABEZHIKMNOPTYX",
)


def fold_look_alikes(name: str) -> str:
    """Return a name with Latin letters for those that look like them."""
    return name.translate(_LOOK_ALIKES).casefold()


def mixes_scripts(name: str) -> bool:
    """Return True if a word has Latin letters and look-alikes of another script."""
    return not name.isascii() and any(
        any(char.isascii() for char in word) and any(ord(char) in _LOOK_ALIKES for char in word)
        for word in split_name(name)
    )


def _strip_separators(name: str) -> str:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name)).casefold()
    return _SEPARATORS.sub("", plain)
