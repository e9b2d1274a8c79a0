"""Tell targets without a near name from the others by looking up keys.

Most targets have no near name, and a lookup is much faster than a comparison with similar names.
The keys are necessary, but not sufficient: `is_near` decides.
"""

from collections import Counter
from collections.abc import Iterable
from operator import ne

from vaultlink.index.near_names import is_slip, strip_prefix
from vaultlink.index.words import (
    MIN_STEM,
    NAME_FUNCTION_WORDS,
    Words,
    fold_look_alikes,
    is_inflection,
    make_slips,
    mixes_scripts,
    split_name,
)


class NearKeys:
    """The keys of the names, titles and aliases of a vault.

    Dropped names leave keys behind that cost time, but no suggestion. `dropped` is their number.
    """

    def __init__(self, names: Iterable[str]):
        self.dropped = 0
        self._names: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._names_by_stems: dict[str, list[Words]] = {}
        self._folded: set[str] = set()
        self._words: set[str] = set()
        self._known_words: Counter[str] = Counter()
        self._words_by_shape: dict[tuple[str, str, int], list[str]] = {}
        self._corrections: dict[str, list[str]] = {}
        self.add_names(names)

    def add_names(self, names: Iterable[str]) -> None:
        counts = Counter(map(_simplify_name, names))
        known: list[str] = []
        found: set[str] = set()
        for name in [name for name in counts if name not in self._names]:
            words = split_name(name)
            self._keys.add(" ".join(words))
            self._keys.update(_related_keys(words))
            self._names_by_stems.setdefault(_join_stems(words), []).append(words)
            if _is_plain(name):
                known += words
            else:
                found.update(words)
                if mixes_scripts(name):
                    self._folded.add(_fold_name(name))
        self._names.update(counts)
        self._known_words.update(known)
        self._add_words(found.union(known) - self._words)

    def drop_names(self, names: Iterable[str]) -> None:
        """Take back the words of names that were added."""
        for name in map(_simplify_name, names):
            self.dropped += 1
            if _drop_item(self._names, name) and _is_plain(name):
                for word in split_name(name):
                    _drop_item(self._known_words, word)

    def _add_words(self, words: set[str]) -> None:
        self._words |= words
        for word in words:
            if len(word) > _MIN_SLIP:
                shape = word[0], word[-1], len(word)
                self._words_by_shape.setdefault(shape, []).append(word)
        self._corrections.clear()

    def may_have_near_name(self, target: str) -> bool:
        """Return False if it is certain that no name is near a target without folders."""
        if mixes_scripts(target) or (self._folded and _fold_name(target) in self._folded):
            return True
        words = split_name(target)
        names = self._names_by_stems.get(_join_stems(words))
        return (
            (names is not None and any(_is_inflected(words, name) for name in names))
            or not self._keys.isdisjoint(_related_keys(words))
            or (len(words) == 2 and " ".join(words[::-1]) in self._keys)
            or self._is_misspelt(words)
        )

    def _is_misspelt(self, words: Words) -> bool:
        """Return True if a name may have these words but for a slip in an unknown one."""
        known = self._known_words
        doubtful = [word for word in words if word not in known]
        if not doubtful or len(set(doubtful) - self._words) > 1:
            return False
        return any(
            " ".join([*words[:at], other, *words[at + 1 :]]) in self._keys
            for at, word in enumerate(words)
            if word in doubtful
            for other in self._find_corrections(word)
        )

    def _find_corrections(self, word: str) -> list[str]:
        found = self._corrections.get(word)
        if found is None:
            found = self._corrections[word] = []
            if _MIN_SLIP <= len(word) <= _MAX_SLIP and word.isalpha():
                shape = word[0], word[-1], len(word) + 1
                found += self._words.intersection(make_slips(word))
                found += [
                    other
                    for other in self._words_by_shape.get(shape, ())
                    if is_slip(word, other, _ENOUGH_LETTERS)
                ]
        return found


_MIN_SLIP = 3
"""Letters of the shortest word with a slip."""

_MAX_SLIP = 100
"""Letters of the longest one. The time to look for slips grows with the square."""

_MAX_INFLECTED = 2
"""Words of a near name that may have another form."""

_ENOUGH_LETTERS = 99
"""Letters of a name so long that its words may have any slip."""


def _simplify_name(name: str) -> str:
    """Return a name with the same words, often the same for a file and its title."""
    if not name.isascii():
        return name
    return name.lower() if "-" in name else name.lower().replace("_", " ")


def _drop_item(counts: Counter[str], item: str) -> bool:
    """Count an item once less; return True if none is left."""
    counts[item] -= 1
    if counts[item]:
        return False
    del counts[item]
    return True


def _is_plain(name: str) -> bool:
    """Return True if the words of a name are those that readers see."""
    return name.isascii() and "'" not in name and "`" not in name


_OTHER_CASE = str.maketrans("βζηκμԁԛԝһӏvy", "bzhkmdqwhlnu")
"""Letters that look like a Latin letter in one case, or like two letters in two cases."""


def _fold_name(name: str) -> str:
    """Return a name with Latin letters for those that look like them in any case."""
    return " ".join(split_name(fold_look_alikes(name).translate(_OTHER_CASE)))


def _related_keys(words: Words) -> list[str]:
    """Return the keys of words without a prefix and without function words."""
    rest = strip_prefix(words)
    if NAME_FUNCTION_WORDS.isdisjoint(words):
        if len(rest) == len(words):
            return [" ".join(words)] if words else []
        content = words
    else:
        content = tuple([word for word in words if word not in NAME_FUNCTION_WORDS])
    return [" ".join(part) for part in (rest, content) if part]


def _join_stems(words: Words) -> str:
    return " ".join([word[:MIN_STEM] for word in words])


def _is_inflected(words: Words, others: Words) -> bool:
    """Return True if at most two words differ, and only in their forms."""
    return 0 < sum(map(ne, words, others)) <= _MAX_INFLECTED and all(
        one == other or is_inflection(one, other) for one, other in zip(words, others, strict=True)
    )
