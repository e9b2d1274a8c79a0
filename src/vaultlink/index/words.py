"""Tell words apart: fold them, split texts into them, and compare two of them.

Names, headings and mentions all use these definitions.
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from vaultlink.text import count_shared, lazy_pattern, strip_accents

Words = tuple[str, ...]

# -- scripts -------------------------------------------------------------------------------------

CJK = "\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Chinese and Japanese letters, as ranges for a pattern; some of their signs are among them."""

_THAI, _LAO, _BURMESE, _KHMER = "\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1000-\u109f", "\u1780-\u17ff"
_KOREAN = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_UNSPACED_CHAR = lazy_pattern(f"[{_THAI}{_LAO}{_BURMESE}{_KHMER}{CJK}]")
_KOREAN_CHAR = lazy_pattern(f"[{_KOREAN}]")
_DENSE_CHAR = lazy_pattern(f"[{_THAI}{_KOREAN}{CJK}]")
_CJK_CHAR = lazy_pattern(f"[{_KOREAN}{CJK}]")
_FIRST_WIDE = "\u2e80"
"""First character of Chinese, Japanese and Korean. Each tells as much as two letters."""


@lru_cache(maxsize=4096)
def is_unspaced(char: str) -> bool:
    """Return True for a character of a script that has no spaces between words."""
    return _UNSPACED_CHAR.match(char) is not None


def is_hangul(char: str) -> bool:
    """Return True for a letter or syllable of Korean."""
    return not char.isascii() and _KOREAN_CHAR.match(char) is not None


def is_katakana(char: str) -> bool:
    """Return True for a letter of Japanese for foreign words, and for its long sign."""
    return "\u30a1" <= char <= "\u30fa" or char == "\u30fc"


def is_cjk(char: str) -> bool:
    """Return True for a letter of Chinese, Japanese or Korean."""
    return not char.isascii() and _CJK_CHAR.match(char) is not None


def is_dense(word: str) -> bool:
    """Return True for words of scripts in which one character makes another word."""
    return not word.isascii() and _DENSE_CHAR.search(word) is not None


_KOREAN_ENDINGS = (
    "하는|하고|하여|하며|하면|하지|하기|해서|했다|한다|합니|습니|니다|됩니|입니|되는|되어|된다|있는|있다|있습|없는|같은"
    "|이다|이나|에서|에게|으로|까지|부터"
)
_FUNCTION_PAIR = lazy_pattern(
    rf"[\u3041-\u309f]{{2}}|{_KOREAN_ENDINGS}|[的了是在这那也就和与或及其之吗我你他它们]{{2}}"
)
"""Pairs that say little: of hiragana, Korean endings, and Chinese particles and pronouns."""


def is_function_pair(pair: str) -> bool:
    """Return True for two letters of grammar in Japanese, Korean or Chinese."""
    return not pair.isascii() and _FUNCTION_PAIR.fullmatch(pair) is not None


def weigh_letters(text: str) -> int:
    """Return the number of characters, those of Chinese, Japanese and Korean doubled."""
    return len(text) if text.isascii() else sum(1 + (char >= _FIRST_WIDE) for char in text)


def count_letters(words: Iterable[str]) -> int:
    """Return the number of letters in words. A CJK character counts as two."""
    return weigh_letters("".join(filter(str.isalpha, "".join(words))))


# -- folding -------------------------------------------------------------------------------------

APOSTROPHES = "'’‘ʼ`´"
_APOSTROPHE_IN_WORD = lazy_pattern(rf"(?<=[^\W\d_])[{APOSTROPHES}](?=[^\W\d_])")
_DASHES = str.maketrans("‐‑‒–—―−", "-------")
_INVISIBLE = lazy_pattern(
    "[\u00ad\u200b-\u200f\u20e3\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
"""Characters that no reader sees, and the frame of keycap emoji."""

_SEPARATORS = lazy_pattern(r"[\s_,;:!?()\[\]{}\"-]+")
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


# -- splitting -----------------------------------------------------------------------------------

WORD = lazy_pattern(r"[^\W_]+")
"""A word of a folded text: letters and digits."""

_WORD_OR_SIGN = lazy_pattern(
    rf"(?=[{CJK}])[^\W\d_][\u3099\u309a]?"  # a character of a script without spaces between words
    r"|\d+"
    rf"|(?:(?![{CJK}])[^\W\d_][\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff]*)+"
    r"|(?<!\w)-+|-+(?!\w)"  # a hyphen that does not join two words
    r"|[+*#/.&@=<>~^|$%\\°§・]"
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

_CJK_BORDER = lazy_pattern(rf"(?<=[{CJK}])(?=[^\W{CJK}])|(?<=[^\W{CJK}])(?=[{CJK}])")
"""Positions between Chinese or Japanese and other letters, where a space is optional."""


@lru_cache(maxsize=1 << 15)
def split_name(name: str) -> Words:
    """Return the words, numbers and signs of a name, without case and accents."""
    if name.isascii():
        return split_cased_name(name.lower())
    return tuple(word.casefold() for word in split_cased_name(name))


@lru_cache(maxsize=1 << 15)
def split_cased_name(name: str) -> Words:
    """Return the words, numbers and signs of a name, without accents."""
    plain = name
    if not name.isascii():
        plain = strip_accents(_INVISIBLE.sub("", name.translate(_DASHES)))
        plain = unicodedata.normalize("NFC", plain)
    if "'" in plain or "`" in plain or not plain.isascii():
        plain = _APOSTROPHE_IN_WORD.sub("", plain)
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


def forget_words() -> None:
    """Free the words of names that are remembered, in a process that runs long."""
    split_name.cache_clear()
    split_cased_name.cache_clear()


@lru_cache(maxsize=1 << 12)
def split_text(text: str, apostrophe: str = "") -> Words:
    """Return the words of a heading: runs of letters, marks and digits in lower case.

    Accents stay; signs and emoji are dropped. `apostrophe` replaces apostrophes: "" joins the
    letters around one, " " separates them.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).lower()
    for char in APOSTROPHES:
        plain = plain.replace(char, apostrophe)
    if not plain.isascii():
        plain = _CJK_BORDER.sub(" ", plain)
    letters = [char if unicodedata.category(char)[0] in "LMN" else " " for char in plain]
    return tuple("".join(letters).split())


def find_numbers(words: Words) -> list[str]:
    return [number for word in words for number in re.findall(r"\d+", word)]


_PERIOD = lazy_pattern(
    r"(?:19|20|21)\d\d(?:"
    r"([-._ ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"|-(?:0[1-9]|1[0-2])|-?W(?:0[1-9]|[1-4]\d|5[0-3])|-?Q[1-4])",
    re.I,
)
"""A day, month, week or quarter with its year, as the names of periodic notes state them."""


def names_period(name: str) -> bool:
    """Return True if a name is a day, month, week or quarter, such as `2024-W05`."""
    return _PERIOD.fullmatch(name) is not None


# -- spelling ------------------------------------------------------------------------------------

MIN_LETTERS = 7
"""Names with fewer letters are not compared beyond case and separators.

Too many short words differ by a letter.
"""

_MAX_SHORT_WORD = 4
"""Letters of single words that mean something else in another case too often."""


def may_lack_accents(one: str, other: str) -> bool:
    """Return True if two names have the same accents, or one of them has none at all.

    People type names without accents, but not with others: `Tân` and `Tấn` are two words.
    """
    if one.isascii() or other.isascii():
        return True
    accented, others = _find_accented(one), _find_accented(other)
    return accented == others or not (accented and others)


def _find_accented(name: str) -> list[str]:
    """Return the letters with accents. Russian texts have ё or е for the same letter."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return [char for char in text if not char.isascii() and strip_accents(char) != char]


def is_same_spelling(one: str, other: str) -> bool:
    """Return True if two names certainly differ only in spelling.

    They have the same words, numbers and meaningful signs. A single short word with another accent
    or apostrophe may be another word, and so may any name with other accents.
    """
    words = split_name(one)
    if not words or words != split_name(other) or not may_lack_accents(one, other):
        return False
    if len(words) > 1 or len(words[0]) >= MIN_LETTERS:
        return True
    return _strip_separators(one) == _strip_separators(other)


def _strip_separators(name: str) -> str:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name)).casefold()
    return _SEPARATORS.sub("", plain)


def is_same_case(one: str, other: str) -> bool:
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
        word == other
        or (word[0].lower() == other[0].lower() and word[1:] == other[1:] and word[1:].islower())
        for word, other in zip(words, others, strict=True)
    )


# -- languages -----------------------------------------------------------------------------------

_BOTH = """
a an the of and for to in on at with by
der die das den dem des und von im
le la les de du et el los las del y en il lo gli di
"""
_IN_NAMES = """
& ein eine einer am zum zur vom fur l un une d au aux
i e uno della dello dei delle da al do dos o os as em no na het een van
its their
"""
_IN_HEADINGS = "into or from is are oder für zu ou e"

NAME_FUNCTION_WORDS = frozenset((_BOTH + _IN_NAMES).split())
"""Words that people leave out of a name or add to it, without accents."""

HEADING_FUNCTION_WORDS = frozenset((_BOTH + _IN_HEADINGS).split())
"""Words that a heading may gain or lose without another meaning.

`no` is not among them, because it negates.
"""

_PLURALS = """
/s /es y/ies f/ves fe/ves um/a us/i is/es on/a
/e /en /n
o/i a/e e/i o/os a/as al/ales on/ones ón/ones al/aux eau/eaux /x ao/oes ão/ões m/ns l/is
/а /ы /и а/ы а/и я/и ь/и ие/ия й/и о/а
"""
_VERB_FORMS = "/ing /ed e/ing e/ed ing/ed"

_PLURAL_ENDINGS, _VERB_ENDINGS = (
    frozenset(frozenset(pair.split("/")) for pair in table.split())
    for table in (_PLURALS, _PLURALS + _VERB_FORMS)
)
"""Endings of one word in English, German, Dutch, Romance and Slavic."""

MIN_STEM = 4
"""Letters that all forms of a word in a name share."""


def is_inflection(one: str, other: str, *, min_stem: int = MIN_STEM, verbs: bool = False) -> bool:
    """Return True if two words may be the singular and the plural of one word.

    They must share `min_stem` letters. With `verbs`, forms of a verb are one word too.
    """
    endings = _VERB_ENDINGS if verbs else _PLURAL_ENDINGS
    stem = count_shared(one, other)
    return any(
        frozenset((one[cut:], other[cut:])) in endings
        for cut in range(max(stem - 1, min_stem), stem + 1)
    )


_LONGEST_ENDING = 3


def has_same_stem(one: str, other: str) -> bool:
    """Return True if two words differ at most in their last three letters."""
    size = max(MIN_STEM, max(len(one), len(other)) - _LONGEST_ENDING)
    return one == other or count_shared(one, other) >= size


# -- typing errors -------------------------------------------------------------------------------

VOWELS = frozenset("aeiouy")

KEYS_BESIDE = {
    key: row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for at, key in enumerate(row)
}
"""Letters to the letters on the keys beside them."""


class SlipKind(Enum):
    """A typing error in one place of a word."""

    SWAPPED = "two letters are swapped"
    DOUBLED = "a letter is doubled"
    MISSING = "a letter is missing"
    WRONG = "a letter is another one"


class Slip(NamedTuple):
    """A typing error, and the number of letters before it."""

    kind: SlipKind
    at: int


def find_slip(one: str, other: str) -> Slip | None:
    """Return the only typing error between two words; None if they differ more."""
    short, long = sorted((one, other), key=len)
    at = count_shared(short, long)
    if len(short) == len(long):
        if at < len(one) and one[at + 1 :] == other[at + 1 :]:
            return Slip(SlipKind.WRONG, at)
        swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
        return Slip(SlipKind.SWAPPED, at) if one != other and swapped == other[at:] else None
    if long[at + 1 :] != short[at:]:
        return None
    is_doubled = at > 0 and long[at] == long[at - 1]
    return Slip(SlipKind.DOUBLED if is_doubled else SlipKind.MISSING, at)


def make_slips(word: str) -> Iterable[str]:
    """Yield the words of at most the same length that a word may be a slip for."""
    for at in range(len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(1, len(word) - 1):
        yield word[:at] + word[at + 1 :]
        letters = (
            VOWELS.union(KEYS_BESIDE[word[at]])
            if word[at] in VOWELS
            else KEYS_BESIDE.get(word[at], "")
        )
        yield from [word[:at] + letter + word[at + 1 :] for letter in letters]
