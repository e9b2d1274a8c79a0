"""The words that a vault uses: those in names, headings and unresolved targets."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from vaultlink.index.index import Index, LinkTargets, TraitCount, find_unresolved, link_name
from vaultlink.index.near_names import (
    NearKeys,
    build_near_keys,
    find_renamed,
    list_different_names,
    list_named_files,
    list_names,
)
from vaultlink.index.near_targets import TargetFinder, list_searchable_targets
from vaultlink.index.resolve import file_name
from vaultlink.index.words import split_name
from vaultlink.model import Note
from vaultlink.text import lazy_pattern, strip_accents

_LETTERS = lazy_pattern(r"[^\W\d_]+")


def count_name_words(index: Index) -> Counter[str]:
    """Return how often words are in different names of a vault, for `Index.derive`."""
    return _count_words(list_different_names(index))


def count_changed_names(before: Index, after: Index, changed: Iterable[str]) -> Counter[str]:
    """Return what changed files add to the words in names.

    What they remove is negative.
    """
    indexes, added, names = (before, after), Counter[str](), set[str]()
    for path in sorted(find_renamed(before, after).intersection(changed)):
        names |= {*list_names(before, path)} ^ {*list_names(after, path)}
    for name in names:
        had, has = (
            any(name in list_names(index, path) for path in list_named_files(index, name))
            for index in indexes
        )
        if had != has:
            (added.update if has else added.subtract)(_find_words([name]))
    return added


def _list_heading_words(index: Index, path: str) -> list[str]:
    return _find_words([heading.text for heading in index.notes[path].headings])


def _count_heading_words(index: Index) -> Counter[str]:
    from vaultlink.index.note_parts import read_headings  # noqa: PLC0415 - most checks need none

    return _count_words(read_headings(index.notes))


HEADING_WORDS = TraitCount(_list_heading_words, count=_count_heading_words)
"""Counts the words in headings."""


def count_target_words(index: Index) -> Counter[str]:
    """Return the number of unresolved targets that have each word, for `Index.derive`."""
    counts, targets = Counter[str](), list(index.unresolved_sources)
    plain = [target for target in targets if target.isascii() and target.isprintable()]
    letters = "\n".join(plain).encode().translate(_TO_ASCII_LINES).decode()
    counts.update(word for line in letters.split("\n") for word in set(line.split()))
    for target in set(targets).difference(plain):
        counts.update(list_words(target))
    return counts


def list_words(text: str) -> set[str]:
    """Return the words of a text, in the form in which they are compared."""
    return set(_find_words([text]))


STORED_WORDS: Mapping[Callable[[Index], Any], Any] = {
    build_near_keys: NearKeys,
    list_searchable_targets: TargetFinder,
    count_name_words: dict[str, int],
    HEADING_WORDS: dict[str, int],
    count_target_words: dict[str, int],
}
"""What is kept between runs of the names and words of a vault, with its type."""


class Vocabulary:
    """The words that a vault uses in names, headings and unresolved targets."""

    is_weak = True

    def __init__(self, index: Index):
        self._index = index

    def is_known(self, word: str, target: str) -> bool:
        """Return True if the vault uses a word of an unresolved target elsewhere."""
        derive = self._index.derive
        return (
            derive(count_name_words)[word] > 0
            or derive(HEADING_WORDS)[word] > 0
            or derive(count_target_words)[word] > (target in self._index.unresolved_sources)
        )

    def is_topic(self, target: str) -> bool:
        """Return True if several notes contain an unresolved target."""
        return len(self._index.unresolved_sources.get(target, ())) > 1


def find_changed_words(before: Index, after: Index, changed: Iterable[str]) -> set[str]:
    """Return the words that changed files added to the vocabulary or removed.

    Other files may have the words, too, but words in other names are left out, those in other
    headings if these were counted before, and what only moves from file to file.
    """
    balance: Counter[str] = Counter()
    for path in sorted(changed):
        balance.update(set(_list_vocabulary(after, path)))
        balance.subtract(set(_list_vocabulary(before, path)))
    words = set(_find_words([text for text, number in balance.items() if number]))
    if words:
        added = count_changed_names(before, after, changed)
        words = _drop_known(words, after.derive(count_name_words), added)
    if words and after.knows(HEADING_WORDS):
        added = Counter[str]()
        for path in changed:
            added.update(HEADING_WORDS.list_traits(after, path))
            added.subtract(HEADING_WORDS.list_traits(before, path))
        words = _drop_known(words, after.derive(HEADING_WORDS), added)
    return words


def _drop_known(words: set[str], counts: Counter[str], added: Counter[str]) -> set[str]:
    """Return the words without those counted before and after something was added."""
    return {word for word in words if counts[word] < 1 or counts[word] <= added[word]}


def _list_vocabulary(index: Index, path: str) -> Iterator[str]:
    if path in index.files:
        yield path  # links to it are resolved, and no part of the vocabulary
    yield from list_names(index, path)
    note = index.notes.get(path)
    if note is not None:
        yield from list_word_texts(note, index.targets[path])


def list_word_texts(note: Note, targets: LinkTargets) -> Iterator[str]:
    """Yield the headings and unresolved targets of a note."""
    yield from (heading.text for heading in note.headings)
    yield from find_unresolved(note, targets)


def list_compared_words(texts: Iterable[str]) -> set[str]:
    """Return the words of texts in all forms that are compared with targets."""
    found = list(texts)
    names = (word for text in found for word in split_name(link_name(file_name(text))))
    return {*_find_words(found), *filter(str.isalpha, names)}


def drop_words_in_names(index: Index, words: Set[str]) -> set[str]:
    """Return the words that are in no name, title or alias of a vault."""
    counts = index.derive(count_name_words)
    return {word for word in words if not counts[word]}


_TEXTS_AT_ONCE = 5_000
"""Texts whose words are counted together. Those of all would take much memory."""


def _count_words(texts: Iterable[str]) -> Counter[str]:
    counts, others = Counter[str](), iter(texts)
    while some := list(islice(others, _TEXTS_AT_ONCE)):
        counts.update(_find_words(some))
    return counts


_TO_ASCII_LETTERS = bytes(
    ord(char.lower()) if char.isascii() and char.isalpha() else ord(" ")
    for char in map(chr, range(256))
)


_TO_ASCII_LINES = _TO_ASCII_LETTERS[:10] + b"\n" + _TO_ASCII_LETTERS[11:]


def _find_words(texts: Sequence[str]) -> list[str]:
    """Return the words of texts: runs of letters, without case and accents."""
    plain = "\n".join(filter(str.isascii, texts)).encode().translate(_TO_ASCII_LETTERS)
    others = "\n".join([text for text in texts if not text.isascii()]).casefold()
    return plain.decode().split() + _LETTERS.findall(strip_accents(others))
