"""Decide if a name is probably the one that a broken link was meant to have.

Most names that share letters or words with a target are other topics. Close are only names that
differ in a way in which people misspell, inflect or renumber a name.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from vaultlink.index.words import (
    MIN_LETTERS,
    NAME_FUNCTION_WORDS,
    VOWELS,
    SlipKind,
    Words,
    count_letters,
    find_slip,
    fold_look_alikes,
    is_dense,
    is_inflection,
    mixes_scripts,
    split_name,
)

_CONFUSED_WORDS = """
angel/angle casual/causal marital/martial desert/dessert later/latter dairy/diary trail/trial
quiet/quite loose/lose united/untied board/broad sacred/scared form/from barely/barley bread/beard
super/supper hoping/hopping complement/compliment principal/principle discreet/discrete
conversation/conservation stationary/stationery personal/personnel
"""
_OTHER_WORDS = frozenset(frozenset(pair.split("/")) for pair in _CONFUSED_WORDS.split())
"""Pairs of words that differ like a typing error and its correction, but are two words."""

_MAX_OTHER_WORDS = 4
"""Number of words that only one of two near names has: two words of each, in different forms."""

_LIST_SIGNS = frozenset(".-")
"""Signs behind a leading number. Others are part of a name, as in `@Stateless`."""

_MIN_SLIP = 3
"""Letters of the shortest word with a doubled letter. Swapped letters need one more."""

_MIN_WORD = 6
"""Letters of the words that a missing letter may tell apart. Shorter words are other words."""

_MIN_SINGLE_WORD = 10
"""Letters of a name of one word with a missing letter: `GraphiQL` is not `GraphQL`."""

_MIN_SUBSTITUTED = 10
"""Letters of a name with one wrong vowel, the slip that most often makes another word.

A short word with a wrong vowel needs as many letters in the other words of the name.
"""


class TargetUse(NamedTuple):
    """Use of a target and its words in a vault.

    `is_known_word` returns True for words that the vault uses elsewhere, which are therefore not
    typing errors; `is_topic` returns True if several notes want the target.
    """

    is_known_word: Callable[[str], bool]
    is_topic: Callable[[], bool]


def is_near(target: str, name: str, use: TargetUse) -> bool:
    """Return True if a name is likely the one that a target was meant to be.

    Both are without folders and `.md`.
    """
    words, others = split_name(target), split_name(name)
    if words == others:
        return False  # the same words in another case
    if mixes_scripts(target) or mixes_scripts(name):
        return fold_look_alikes(target) == fold_look_alikes(name)
    if _find_content(target) == _find_content(name):
        return (
            _differs_in_prefix(words, others, use)
            or _differs_in_function_words(words, others)
            or _is_inverted(target, words, name, others)
        )
    return _differs_in_one_word(words, others, use)


def may_be_near(target: str, name: str) -> bool:
    """Return False if two names have so many different words that they cannot be near."""
    return len(_find_content(target) ^ _find_content(name)) <= _MAX_OTHER_WORDS


@lru_cache(maxsize=1 << 15)
def _find_content(name: str) -> frozenset[str]:
    return frozenset(word for word in split_name(name) if word.isalpha()) - NAME_FUNCTION_WORDS


def strip_prefix(words: Words) -> Words:
    """Return the words of a name behind its leading numbers and emoji."""
    at = 0
    while at < len(words) and _is_prefix(words[at]):
        at += 1
    return words[at:]


def _is_prefix(word: str) -> bool:
    return word.isdigit() or word in _LIST_SIGNS or not (word.isascii() or word.isalpha())


def _differs_in_prefix(words: Words, others: Words, use: TargetUse) -> bool:
    """Return True if names differ only in a leading number or emoji.

    Names with different dates mean different days. A single word without a number that several
    notes want is a topic of its own.
    """
    rest = strip_prefix(words)
    if rest != strip_prefix(others) or count_letters(rest) < MIN_LETTERS - 1:
        return False
    prefixes = words[: len(words) - len(rest)], others[: len(others) - len(rest)]
    if all(any(len(word) >= 4 and word.isdigit() for word in prefix) for prefix in prefixes):
        return False
    if sum(word.isdigit() for word in prefixes[0]) > 1 and not prefixes[1]:
        return False  # more than a number in a list, as in `3-2-1 rule`
    return len(rest) > 1 or all(prefixes) or not use.is_topic()


def _differs_in_function_words(words: Words, others: Words) -> bool:
    """Return True if names of several words differ only in articles and the like.

    A single word is another thing with an article: `The Crowbar` may be a title.
    """
    if [word for word in words if not word.isalpha()] != [
        word for word in others if not word.isalpha()
    ]:
        return False
    content = [word for word in words if word not in NAME_FUNCTION_WORDS]
    return (
        content == [word for word in others if word not in NAME_FUNCTION_WORDS]
        and len(content) > 1
        and count_letters(content) >= MIN_LETTERS
    )


def _is_inverted(target: str, words: Words, name: str, others: Words) -> bool:
    """Return True for a name of two words in both orders, as in `Lee, Ann`."""
    return (
        ("," in target or "," in name)
        and len(words) == 2
        and words == others[::-1]
        and count_letters(words) >= MIN_LETTERS - 1
    )


def _differs_in_one_word(words: Words, others: Words, use: TargetUse) -> bool:
    if len(words) != len(others):
        return False
    pairs = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
    if len(pairs) == 2 and len(words) > 3:
        return all(is_inflection(one, other) for one, other in pairs)
    if len(pairs) != 1:
        return False
    [(one, other)] = pairs
    if not (one.isalpha() and other.isalpha()) or is_dense(one) or is_dense(other):
        return False
    letters = count_letters(words)
    if frozenset(pairs[0]) in _OTHER_WORDS:
        return False
    if letters >= MIN_LETTERS and is_inflection(one, other):
        return True
    return is_slip(one, other, letters) and not use.is_topic() and not use.is_known_word(one)


def is_slip(one: str, other: str, letters: int) -> bool:
    """Return True if two words of a name with `letters` differ by a typing error.

    Two letters are swapped, or one is doubled. In longer names a letter may be missing or, in still
    longer ones, a vowel be wrong; the first letter must be right.
    """
    slip, size = find_slip(one, other), min(len(one), len(other))
    if slip is None or size < _MIN_SLIP:
        return False
    if slip.kind is SlipKind.SWAPPED:
        return size > _MIN_SLIP
    if slip.kind is SlipKind.DOUBLED:
        return True
    if not 0 < slip.at < size - (slip.kind is SlipKind.WRONG):
        return False
    others = letters - max(len(one), len(other))
    if slip.kind is SlipKind.MISSING:
        least = MIN_LETTERS if others > 0 else _MIN_SINGLE_WORD
        return size >= _MIN_WORD - 1 and letters >= least
    return (
        {one[slip.at], other[slip.at]} <= VOWELS
        and letters >= _MIN_SUBSTITUTED
        and (size >= MIN_LETTERS or others >= _MIN_SUBSTITUTED)
    )
