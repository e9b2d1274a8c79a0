"""Words, their boundaries and the sentence around them.

All offsets are those of the text.
"""

import unicodedata
from functools import lru_cache

from vaultlink.index.words import is_unspaced
from vaultlink.text import lazy_pattern

_JOINTS = "-_'’‘ʼ./\\@#:&+=~%$\u2010\u2011\u2013\u00b7"
"""Characters that join a name with the letters beyond them to one longer word."""

_POSSESSIVE = lazy_pattern(r"['’ʼ]s?(?![^\W_])")
_SENTENCE_END = lazy_pattern(r"[.!?…。！？][\"'”’»)\]*_]*(?=\s)")
_LONGEST_SENTENCE = 2000
"""The number of characters that are read on each side. More take long in lines of a megabyte."""

_ABBREVIATION = lazy_pattern(
    r"(?:^|[\s(])(?:\w|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|cf|No|Vol)\.$"
)
_LINE_MARKS = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)*[\s>]*")
_LEAD_MARKS = " \t*_~=\"'“”‘’«»„(|>[]"
_NEXT_WORD = lazy_pattern(r"[ \u00a0]([^\W_][\w'’-]*)")
_LAST_WORD = lazy_pattern(r"[^\W_][\w'’.-]*$")
_ELISION = lazy_pattern(r"^(?:[dlnsDLNS]|[dD]ell|[aA]ll|[nN]ell|[sS]ull|[dD]all|[uU]n|[qQ]u)['’]")
_ITEM = lazy_pattern(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s+[*_\"“]*")
_ANY_ITEM = lazy_pattern(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s")
_EXAMPLES = lazy_pattern(
    r"(?:recommended|examples?|e\.g\.|such as|esemp\w*|ejemplo\w*|exempl\w*|beispiel\w*)\W*$", 2
)
"""The end of a line that announces examples."""

_EXAMPLE_LABEL = lazy_pattern(r"for example|e\.g\.|per esempio|por ejemplo|zum Beispiel", 2)
_OPENING_QUOTES = ('"', "“", "„", "«")

_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("*", "*"), ("_", "_"))
"""Opening and closing marks of quotations and emphasis."""

_QUOTATION_MARKS = (*_QUOTES[:4], ("‘", "’"))
_LONGEST_QUOTATION = 60
_LABEL_START = lazy_pattern(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)?[*_]*")
_LABEL_END = lazy_pattern(r"[*_]*:(?=[*_]|\s|$)|[.][*_]{2}", 8)

_LONG_CAPITALIZED = lazy_pattern(r"(?<![^\W_])[A-Z][^\W\d_]{3,}")

JOINING_WORDS = frozenset(("of", "de", "du", "von", "van", "&", "for"))
"""Words that join a capitalized name with what stands before it, as in `University of X`."""


@lru_cache(maxsize=4096)
def is_word_char(char: str) -> bool:
    """Return True for letters, digits and the marks that belong to them."""
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf")


def is_whole(text: str, start: int, end: int) -> bool:
    """Return True if a span is not part of a longer word or compound.

    In `state-of-the-art`, `example.md` and `O'Reilly`, no part is a whole word. A possessive ending
    behind several words is no part of them.
    """
    return _is_free(text, start, -1) and (
        _is_free(text, end, 1)
        or (" " in text[start:end] and _POSSESSIVE.match(text, end) is not None)
    )


def _is_free(text: str, at: int, step: int) -> bool:
    """Return True if no word continues beyond a boundary, before it or behind it."""
    near = at if step == 1 else at - 1
    if not 0 <= near < len(text):
        return True
    char, own = text[near], text[at - 1 if step == 1 else at]
    if is_word_char(char):
        return is_unspaced(char) or is_unspaced(own)
    if char not in _JOINTS:
        return True
    if step == -1 and char in "\\@#$~":
        return False
    beyond = near + step
    return not (0 <= beyond < len(text) and is_word_char(text[beyond]))


def find_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence around a span.

    It is within its line and has no list marks. Of a very long one, it is the part around the span.
    """
    furthest = max(0, start - _LONGEST_SENTENCE)
    line_start = text.rfind("\n", furthest, start) + 1 or furthest
    line_end = text.find("\n", end, end + _LONGEST_SENTENCE)
    line_end = min(len(text), end + _LONGEST_SENTENCE) if line_end == -1 else line_end
    marks = _LINE_MARKS.match(text, line_start, start)
    first = marks.end() if marks else line_start
    last = line_end
    for match in _SENTENCE_END.finditer(text, first, line_end):
        if match.end() <= start:
            if not _ABBREVIATION.search(text[max(first, match.start() - 8) : match.start() + 1]):
                first = match.end()
        elif match.start() >= end:
            last = match.end()
            break
    while first < start and text[first].isspace():
        first += 1
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last


def starts_sentence(text: str, start: int, sentence_start: int) -> bool:
    """Return True if only marks stand between the start of a sentence and a word.

    What follows a colon, a table's pipe or a dash at the start of an item counts as a sentence.
    """
    before = text[sentence_start:start].rstrip(_LEAD_MARKS)
    return not before or before[-1] in ":|–—•·"


def word_before(text: str, start: int, sentence_start: int) -> tuple[str, bool]:
    """Return the word directly before a word, and True if it starts the sentence.

    "" if anything but one space stands between them. An elided article is no part of the word, as
    in `l'Arno`.
    """
    if start - 1 < sentence_start or text[start - 1] not in " \u00a0":
        return "", False
    match = _LAST_WORD.search(text, max(sentence_start, start - 60), start - 1)
    if not match:
        return "", False
    word = _ELISION.sub("", match[0])
    return word, starts_sentence(text, match.start(), sentence_start)


def word_behind(text: str, end: int) -> str:
    """Return the word that only one space separates from a word; "" if there is none."""
    match = _NEXT_WORD.match(text, end)
    return match[1] if match else ""


def is_example(text: str, start: int, end: int) -> bool:
    """Return True for an item with nothing but a name in a list of examples.

    The line above the list announces them. Names in quotation marks behind `for example` count too.
    """
    line_start = text.rfind("\n", 0, start) + 1
    if text[start - 1 : start] in _OPENING_QUOTES and text[end : end + 1] not in (" ", ""):
        return _EXAMPLE_LABEL.search(text, line_start, start) is not None
    line_end = text.find("\n", end)
    if not _ITEM.fullmatch(text, line_start, start):
        return False
    if text[end : len(text) if line_end == -1 else line_end].strip(' \t*_"”'):
        return False
    above = text[max(0, line_start - 600) : line_start]
    for line in reversed(above.splitlines()):
        if line.strip() and not _ANY_ITEM.match(line):
            return _EXAMPLES.search(line) is not None
    return False


def is_label(text: str, start: int, end: int) -> bool:
    """Return True for words at the start of a line that name what follows them.

    A colon or the end of bold text with a full stop stands behind them: `**Weather**: dry`.
    """
    line_start = text.rfind("\n", 0, start) + 1
    if not _LABEL_START.fullmatch(text, line_start, start):
        return False
    return _LABEL_END.match(text, end) is not None


def is_in_short_quotation(text: str, start: int, end: int) -> bool:
    """Return True within a quotation of a few words, such as a title or a command."""
    if text[start - 1 : start] == "'" == text[end : end + 1]:
        return True
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before = text[max(line_start, start - _LONGEST_QUOTATION) : start]
    behind = text[end : end + _LONGEST_QUOTATION]
    behind = behind[: line_end - end] if line_end != -1 else behind
    return any(
        (at := before.rfind(opening)) != -1
        and closing not in before[at + 1 :]
        and (opening != closing or before.count(opening) % 2)
        and closing in behind
        for opening, closing in _QUOTATION_MARKS
    )


def follows_capitalized(text: str, start: int, sentence_start: int) -> bool:
    """Return True for words joined to a name, as in `University of the Arts`."""
    at = start
    joined = False
    for _ in range(3):
        word, _ = word_before(text, at, sentence_start)
        if not word:
            return False
        if word[0].isupper():
            return joined
        joined = joined or word in JOINING_WORDS
        if word not in JOINING_WORDS and word != "the":
            return False
        at -= len(word) + 1
    return False


def is_in_quoted_title(text: str, start: int, sentence_start: int) -> bool:
    """Return True behind capitalized words in quotes: `"Order of the World"`."""
    before = text[sentence_start:start]
    for opening, closing in _QUOTES:
        at = before.rfind(opening)
        if at == -1 or (opening == closing and before.count(opening) % 2 == 0):
            continue
        inner = before[at + 1 :]
        if closing not in inner and _LONG_CAPITALIZED.search(inner):
            return True
    return False
