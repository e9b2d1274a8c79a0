"""Find all of many names in folded texts.

With the library ahocorasick-rs, the time does not depend on the number of names. Without it, only
names are searched whose words all occur in the text, which takes about seven times as long.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vaultlink.index.words import WORD, is_unspaced
from vaultlink.mentions.words import is_word_char

Match = tuple[int, int, str]
"""Start and end of a name in a folded text, and the folded name."""


class Matcher:
    """Finds names in folded texts. `is_fast` is True if the library is there."""

    def __init__(self, names: Iterable[str], rarities: Mapping[str, int], *, plain: bool = False):
        """Prepare the search for folded names; with `plain`, without the library.

        `rarities` has the number of notes that have a word; words that are missing are rare.
        """
        self._names = sorted(names)
        self._automaton = None if plain else _build_automaton(self._names)
        self.is_fast = self._automaton is not None
        self._by_word: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        self._unbroken: list[str] = []
        if not self.is_fast:
            self._group_by_word(rarities)

    def find(self, text: str) -> list[Match]:
        """Return the names in a folded text that are whole words; they may overlap."""
        if self._automaton is not None:
            names = self._names
            return [
                (start, end, names[number])
                for number, start, end in self._search(text)
                if _is_bounded(text, start, end)
            ]
        return [match for name in self._candidates(text) for match in find_one(text, name)]

    def _search(self, text: str) -> list[tuple[int, int, int]]:
        """Return number, start and end of all occurrences; the library refuses surrogates."""
        assert self._automaton is not None
        try:
            found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        except UnicodeEncodeError:
            plain = text.encode("utf-8", "replace").decode("utf-8")
            found = self._automaton.find_matches_as_indexes(plain, overlapping=True)
        return list(found)

    def _group_by_word(self, rarities: Mapping[str, int]) -> None:
        for name in self._names:
            words = WORD.findall(name)
            if any(map(is_unspaced, name)) or not words:
                self._unbroken.append(name)
                continue
            rarest = min(words, key=lambda word: (rarities.get(word, 0), -len(word), word))
            others = tuple(word for word in words if word != rarest)
            self._by_word.setdefault(rarest, []).append((name, others))

    def _candidates(self, text: str) -> Iterator[str]:
        words = set(WORD.findall(text))
        for word in words.intersection(self._by_word):
            for name, others in self._by_word[word]:
                if words.issuperset(others):
                    yield name
        yield from self._unbroken


def find_one(text: str, name: str) -> Iterator[Match]:
    """Yield the places of one folded name in a folded text, as whole words."""
    at = text.find(name)
    while at != -1:
        if _is_bounded(text, at, at + len(name)):
            yield at, at + len(name), name
        at = text.find(name, at + 1)


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Return True if no letter or digit touches a span; in unspaced scripts they may."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    return not (
        (behind and is_word_char(behind) and not _is_break(text[end - 1], behind))
        or (before and is_word_char(before) and not _is_break(before, text[start]))
    )


def _is_break(one: str, other: str) -> bool:
    return is_unspaced(one) or is_unspaced(other)


def _build_automaton(names: list[str]) -> Any:
    try:
        import ahocorasick_rs  # noqa: PLC0415 - only for this command, and optional
    except ImportError:
        return None
    if not names:
        return None
    return ahocorasick_rs.AhoCorasick(
        names, implementation=ahocorasick_rs.Implementation.ContiguousNFA
    )
