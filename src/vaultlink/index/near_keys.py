"""Tell targets without a near name from the others by looking up keys.

Most targets have no near name, and a lookup is much faster than a comparison with similar names.
The keys are necessary, but not sufficient: `is_near` decides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from vaultlink.index.near_names import (
    FUNCTION_WORDS,
    MIN_STEM,
    VOWELS,
    Words,
    is_inflection,
    strip_prefix,
)
from vaultlink.index.spelling import fold_look_alikes, mixes_scripts, split_name

_MIN_WORD = 4
"""Letters of the longer of two words that differ by a doubled letter."""

_MIN_LONG_WORD = 6
"""Letters of the longer of two words that differ by any letter."""


class NearKeys:
    """The keys of the names, titles and aliases of a vault.

    Dropped names leave keys behind that cost time, but no suggestion. `dropped` is their number.
    """

    def __init__(self, names: Iterable[str]):
        self.dropped = 0
        self._keys: set[str] = set()
        self._names_by_stems: dict[str, list[Words]] = {}
        self._folded: set[str] = set()
        self._words: set[str] = set()
        self._known_words: Counter[str] = Counter()
        self._words_by_part: dict[str, list[str]] = {}
        self._corrections: dict[str, set[str]] = {}
        self.add_names(names)

    def add_names(self, names: Iterable[str]) -> None:
        """Add the keys of names."""
        found: set[Words] = set()
        known: list[str] = []
        for name in names:
            words = split_name(name)
            found.add(words)
            if _is_plain(name):
                known += words
            elif mixes_scripts(name):
                self._folded.add(_fold_name(name))
        for words in found:
            self._keys.add(" ".join(words))
            self._keys.update(_related_keys(words))
            self._names_by_stems.setdefault(_join_stems(words), []).append(words)
        self._known_words.update(known)
        self._add_words({word for words in found for word in words} - self._words)

    def drop_names(self, names: Iterable[str]) -> None:
        """Take back the words of names that were added."""
        for name in names:
            self.dropped += 1
            for word in split_name(name) if _is_plain(name) else ():
                self._known_words[word] -= 1
                if not self._known_words[word]:
                    del self._known_words[word]

    def _add_words(self, words: set[str]) -> None:
        self._words |= words
        for word in words:
            for part in _drop_letters(word):
                self._words_by_part.setdefault(part, []).append(word)
        self._corrections.clear()

    def may_have_near_name(self, target: str) -> bool:
        """Return False if it is certain that no name is near a target without folders."""
        if mixes_scripts(target) or (self._folded and _fold_name(target) in self._folded):
            return True
        words = split_name(target)
        return (
            not self._keys.isdisjoint(_related_keys(words))
            or (len(words) == 2 and " ".join(words[::-1]) in self._keys)
            or any(
                _is_inflected(words, name)
                for name in self._names_by_stems.get(_join_stems(words), ())
            )
            or self._is_misspelt(words)
        )

    def _is_misspelt(self, words: Words) -> bool:
        """Return True if a name may have these words but for a slip in one of them.

        A word that another name has is none.
        """
        known = self._known_words
        doubtful = {word for word in words if word not in known}
        if not doubtful or len(doubtful - self._words) > 1:
            return False
        return any(
            " ".join([*words[:at], other, *words[at + 1 :]]) in self._keys
            for at, word in enumerate(words)
            if word in doubtful
            for other in self._find_corrections(word)
        )

    def _find_corrections(self, word: str) -> set[str]:
        """Return the words of names that may be written like this by a slip."""
        if word not in self._corrections:
            found = self._words.intersection(_make_slips(word)) if word.isalpha() else set()
            self._corrections[word] = found.union(self._words_by_part.get(word, ()))
        return self._corrections[word]


def _is_plain(name: str) -> bool:
    """Return True if the words of a name are those that readers see."""
    return name.isascii() and "'" not in name and "`" not in name


_OTHER_CASE = str.maketrans("βζηκμԁԛԝһӏvy", "bzhkmdqwhlnu")
"""Letters that look like a Latin letter in one case, or like two letters in two cases."""


def _fold_name(name: str) -> str:
    """Return a name with Latin letters for those that look like them in any case."""
    return " ".join(split_name(fold_look_alikes(name).translate(_OTHER_CASE)))


def _related_keys(words: Words) -> Iterator[str]:
    """Yield the keys of words without a prefix and without function words."""
    rest = strip_prefix(words)
    if rest:
        yield " ".join(rest)
    content = words
    if not FUNCTION_WORDS.isdisjoint(words):
        content = tuple([word for word in words if word not in FUNCTION_WORDS])
    if content and len(content) + len(rest) < 2 * len(words):
        yield " ".join(content)


def _join_stems(words: Words) -> str:
    return " ".join([word[:MIN_STEM] for word in words])


def _is_inflected(words: Words, others: Words) -> bool:
    """Return True if at most two words differ, and only in their forms."""
    pairs = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
    return 0 < len(pairs) < 3 and all(is_inflection(one, other) for one, other in pairs)


def _make_slips(word: str) -> Iterator[str]:
    """Yield what a word may be a slip for, except for longer words."""
    for at in range(len(word) - 1):
        if word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(1, len(word) - 1):
        if word[at] in VOWELS:
            yield from [word[:at] + vowel + word[at + 1 :] for vowel in VOWELS]
    yield from _drop_letters(word)


def _drop_letters(word: str) -> set[str]:
    """Return what remains of a word if a slip drops a letter."""
    if len(word) < _MIN_WORD or not word.isalpha():
        return set()
    return {
        word[:at] + word[at + 1 :]
        for at in range(1, len(word))
        if len(word) >= _MIN_LONG_WORD or word[at] == word[at - 1]
    }
