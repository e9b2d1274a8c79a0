"""The words that a vault uses: those in names, headings and unresolved targets.

Also the search in these targets, the other direction of the search for near names.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain, filterfalse, islice
from typing import Any, ClassVar

import msgspec

from vaultlink.index.index import (
    Index,
    LinkTargets,
    SteppedValue,
    TraitCount,
    find_unresolved,
    link_name,
    unresolved_keys,
)
from vaultlink.index.near_names import (
    NearKeys,
    TargetUse,
    build_near_keys,
    find_first_part,
    find_renamed,
    is_near,
    list_different_names,
    list_named_files,
    list_names,
    may_be_slip,
    strip_prefix,
)
from vaultlink.index.resolve import file_name
from vaultlink.index.words import (
    MIN_STEM,
    NAME_FUNCTION_WORDS,
    Words,
    mixes_scripts,
    split_name,
)
from vaultlink.model import Note
from vaultlink.text import lazy_pattern, strip_accents

# -- search in the unresolved targets --------------------------------------------------------------

_MANY_CHANGED = 200
"""Changed files above which the names are listed anew."""

_FEW_WORDS = 3
"""Words of a name of which at least one has the same form in a near one."""


class TargetFinder(msgspec.Struct, SteppedValue, array_like=True, dict=True):
    """Finds unresolved targets of an index. It may also find some that are gone.

    Most targets are lines of the text `plain`. `odd` has the others, with folders or signs, by the
    words behind their folders.
    """

    on_targets: ClassVar[bool] = True
    plain: str = "\n"
    odd: dict[str, tuple[str, ...]] = {}

    def with_targets(self, targets: Iterable[str]) -> "TargetFinder":
        """Return a finder of these and more targets."""
        added = [target for target in targets if not self._has(target)]
        plain = [f"{target}\n" for target in added if _PLAIN_TARGET.fullmatch(target)]
        odd = dict(self.odd)
        for target in added:
            if not _PLAIN_TARGET.fullmatch(target):
                words = _join_words(target)
                odd[words] = (*odd.get(words, ()), target)
        return TargetFinder("".join([self.plain, *plain]), odd) if added else self

    def update(self, index: Index, paths: Iterable[str]) -> "TargetFinder":
        """Return a finder of a later index's targets. Those of many changes are listed anew."""
        changed = list(paths)
        if len(changed) > _MANY_CHANGED:
            return list_searchable_targets(index)
        return self.with_targets(
            {target for path in changed for target in unresolved_keys(index, path)}
        )

    def _has(self, target: str) -> bool:
        if _PLAIN_TARGET.fullmatch(target):
            return f"\n{target}\n" in self.plain
        return target in self.odd.get(_join_words(target), ())

    @cached_property
    def _lower(self) -> str:
        return self.plain.lower()

    @cached_property
    def _odd_text(self) -> str:
        return "\n".join(["", *self.odd, ""])

    def find_near(self, name: str) -> set[str]:
        """Return the targets that may be near a name."""
        found = {
            target
            for target in self.find_similar(name)
            if is_near(text := _strip_folders(target), name, _UNKNOWN_USE)
            or may_be_slip(text, name, _UNKNOWN_USE.is_known_word)
        }
        if first := find_first_part(name):
            similar = self.find_similar(" ".join(first))
            found.update(item for item in similar if split_name(_strip_folders(item)) == first)
        return found

    def find_with_words(self, words: Iterable[str]) -> set[str]:
        """Return the targets with some words behind their folders."""
        return {
            target
            for word in words
            for _, targets in self._find_lines([word])
            for target in targets
            if word in split_name(_strip_folders(target))
        }

    def list_odd(self) -> list[str]:
        return list(chain.from_iterable(self.odd.values()))

    def find_similar(self, name: str) -> set[str]:
        """Return all targets that may be near a name, or that it may be near, and more.

        A near name has the beginnings of all words that matter, or all words but one.
        """
        if mixes_scripts(name):
            return {*self.plain.split("\n"), *self.list_odd()} - {""}
        words, found = split_name(name), set(self._mixed_names)
        content = _find_content_words(words)
        stems = {word[:MIN_STEM] for word in content}
        parts: Iterable[str] = content[:3] if len(words) > _FEW_WORDS else content[:2]
        if len(content) < _FEW_WORDS < len(words):
            parts = stems
        least = len(stems) - 1
        for line, names in self._find_lines(parts if len(content) > 1 else ()):
            # A line with a part has the stem of that part.
            if least < 2 or sum([stem in line for stem in stems]) >= least:
                found.update(names)
        if len(content) < 2:
            found.update(self._find_single(words, stems))
        return found

    def _find_single(self, words: Words, stems: set[str]) -> Iterator[str]:
        """Yield the names that may be near one of which at most one word matters."""
        others = sorted({word[:MIN_STEM] for word in words} - stems, key=len)
        for _, names in self._find_lines([*stems, *others[-1:]] if stems else others):
            yield from names
        if len(words) == 1:
            for line, names in self._find_lines({f"\n{char}" for char in words[0][:2]}):
                if abs(len(line) - len(words[0])) <= 1:
                    yield from names

    @cached_property
    def _mixed_names(self) -> list[str]:
        return [name for name in self.list_odd() if mixes_scripts(_strip_folders(name))]

    def _find_lines(self, parts: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the lines with one of some parts, and their names.

        A line feed stands for the start of a line.
        """
        plain, lower, odd = self.plain, self._lower, self._odd_text
        for part in parts:
            for start, end in _find_lines(lower, part):
                yield lower[start:end], (plain[start:end],)
            for start, end in _find_lines(odd, part):
                line = odd[start:end]
                yield line, self.odd[line]


def list_searchable_targets(index: Index) -> TargetFinder:
    """Return the unresolved targets of a vault, for `Index.derive`."""
    return TargetFinder().with_targets(index.unresolved_sources)


def _strip_folders(target: str) -> str:
    return link_name(file_name(target))


def _join_words(target: str) -> str:
    return " ".join(split_name(_strip_folders(target)))


_PLAIN_TARGET = lazy_pattern(r"[0-9A-Za-z](?:[ -&(-.0-_a-~]*[0-9A-Za-z])?(?<!\.[Mm][Dd])")
"""Matches ASCII targets without folders, apostrophes and `.md` that begin and end with a letter."""

_UNKNOWN_USE = TargetUse(lambda _word: False, lambda: False)
"""The use of a target that is not known: it may be near all names that it may ever be near."""


def _find_content_words(words: Words) -> list[str]:
    """Return the words of a name that matter, the rarest, which are long, first."""
    content = filterfalse(NAME_FUNCTION_WORDS.__contains__, strip_prefix(words))
    return sorted({word for word in content if word.isalnum()}, key=lambda word: (-len(word), word))


def _find_lines(text: str, part: str) -> list[tuple[int, int]]:
    """Return start and end of the lines with a part.

    The text begins and ends with a line feed.
    """
    found, find, find_start = [], text.find, text.rfind
    at = find(part)
    while at != -1:
        start = find_start("\n", 0, at + 1) + 1
        end = find("\n", start)
        if end == -1:
            break
        found.append((start, end))
        at = find(part, end)
    return found


# -- words in names, headings and unresolved targets ----------------------------------------------

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
