"""All names of a vault as words: candidates for similar names, and known words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, compress, filterfalse, repeat
from operator import ne

import msgspec

from vaultlink.index.index import Index, PathsByKey, alias_keys, link_name, title_keys
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import normalize_name
from vaultlink.model import Heading, Note, Suggestion
from vaultlink.text import lazy_pattern, strip_accents

_MAX_CANDIDATES = 12
"""Number of names to score for each of the two words from which a search starts."""

_LETTERS = lazy_pattern(r"[^\W\d_]+")
_WORD_BREAKS = str.maketrans(dict.fromkeys("!\"#%&'()*,-./:;?@[\\]_{}\t", " "))


def list_titles(note: Note) -> Iterator[tuple[str, str]]:
    """Yield the title and the aliases of a note, each after `title` or `alias`."""
    if note.title:
        yield "title", note.title
    yield from (("alias", alias) for alias in note.aliases)


def list_all_names(index: Index) -> Iterator[str]:
    """Yield the names, titles and aliases of all files, the last two normalized."""
    yield from map(link_name, index.files)
    for name, paths in chain(index.notes_by_title.items(), index.notes_by_alias.items()):
        yield from repeat(name, len(paths))


def list_names(index: Index, path: str) -> Iterator[str]:
    """Yield a file's names in `list_all_names`."""
    if path in index.files:
        yield link_name(path)
        yield from title_keys(index, path)
        yield from alias_keys(index, path)


def normalize_words(name: str) -> str:
    return " ".join(split_words(name))


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case."""
    return normalize_name(name).translate(_WORD_BREAKS).split()


class _Outline(msgspec.Struct, array_like=True, gc=False):
    """The first fields of a `Note`. Its links are not built."""

    path: str
    pieces: msgspec.Raw
    properties: msgspec.Raw
    headings: tuple[Heading, ...]


class Vocabulary:
    """The words that a vault uses in names, headings and unresolved targets."""

    def __init__(self, index: Index):
        self._index = index

    def prepare(self) -> None:
        _ = self._words, self._counts

    def is_known(self, word: str, target: str) -> bool:
        """Return True if the vault uses a word of an unresolved target elsewhere."""
        return word in self._words or self._counts[word] > (target in self._sources)

    def is_topic(self, target: str) -> bool:
        """Return True if several notes contain an unresolved target."""
        return self._sources.get(target, "") is None

    @cached_property
    def _words(self) -> set[str]:
        texts = [*set(list_all_names(self._index))]
        notes = self._index.notes
        for note in notes.read_as(_Outline) if isinstance(notes, PackedMap) else notes.values():
            texts += [heading.text for heading in note.headings]
        return set(_find_words(texts))

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(word for target in self._sources for word in set(_find_words([target])))

    @cached_property
    def _sources(self) -> dict[str, str | None]:
        """Unresolved target to the note that contains it; None if there are several."""
        index = self._index
        sources: dict[str, str | None] = {}
        for path, targets in index.targets.items():
            if None in targets:
                links = zip(index.notes[path].links, targets, strict=True)
                for target in {
                    link.target for link, found in links if found is None and not link.external
                }:
                    sources[target] = None if target in sources else path
        return sources


_TO_ASCII_LETTERS = bytes(
    ord(char.lower()) if char.isascii() and char.isalpha() else ord(" ")
    for char in map(chr, range(256))
)


def _find_words(texts: Sequence[str]) -> list[str]:
    """Return the words of texts: runs of letters, without case and accents."""
    plain = "\n".join(filter(str.isascii, texts)).encode().translate(_TO_ASCII_LETTERS)
    others = "\n".join([text for text in texts if not text.isascii()]).casefold()
    return plain.decode().split() + _LETTERS.findall(strip_accents(others))


class NameIndex:
    """All names, titles and aliases as lists of words.

    Maps each of them to its files, and each word to the names that contain it. Ties between equally
    similar names are broken alphabetically, because updated maps have another order than new ones.
    `recalled` caches the similar names of targets until a name changes.
    """

    def __init__(self, index: Index):
        self.recalled: dict[tuple[str, int], tuple[Suggestion, ...]] = {}
        self.paths_by_name: dict[str, set[str]] = {}
        self._names_by_word: dict[str, set[str]] = {}
        self._names_by_typo_key: dict[str, set[str]] = {}
        for path in index.files:
            self.paths_by_name.setdefault(normalize_words(link_name(path)), set()).add(path)
        for name, paths in chain(index.notes_by_title.items(), index.notes_by_alias.items()):
            self.paths_by_name.setdefault(normalize_words(name), set()).update(paths)
        self.paths_by_name.pop("", None)
        for text in self.paths_by_name:
            for word in text.split():
                self._names_by_word.setdefault(word, set()).add(text)

    def prepare(self) -> None:
        self._group_by_typo_keys()

    def update_names(self, before: Index, after: Index, renamed: Iterable[str]) -> None:
        for path in renamed:
            old, new = (
                set(map(normalize_words, list_names(index, path))) for index in (before, after)
            )
            for text in old - new:
                self._drop(text, path)
            for text in new - old:
                self._add(text, (path,))

    def _add(self, text: str, paths: Iterable[str]) -> None:
        if text in self.paths_by_name:
            self.paths_by_name[text].update(paths)
        elif text:
            self.paths_by_name[text] = set(paths)
            for groups, key in self._containing_maps(text):
                groups.setdefault(key, set()).add(text)

    def _drop(self, text: str, path: str) -> None:
        if text and _remove_item(self.paths_by_name, text, path):
            for groups, key in self._containing_maps(text):
                _remove_item(groups, key, text)

    def _containing_maps(self, text: str) -> Iterator[tuple[dict[str, set[str]], str]]:
        yield from ((self._names_by_word, word) for word in set(text.split()))
        if self._names_by_typo_key:  # otherwise computed from all names on first use
            yield from ((self._names_by_typo_key, key) for key in set(_typo_keys(text)))

    def find_sharing_words(self, words: list[str]) -> list[str]:
        """Return names that share the rarest of `words`, and more if many share it."""
        known = sorted(
            (len(self._names_by_word[word]), word)
            for word in set(words)
            if word in self._names_by_word
        )
        found: set[str] = set()
        for start in range(min(2, len(known))):
            found.update(self._narrow([word for _, word in known[start:]], len(words)))
        return sorted(found)

    def _narrow(self, words: list[str], length: int) -> Iterable[str]:
        names = self._names_by_word[words[0]]
        for word in words[1:]:
            if len(names) <= _MAX_CANDIDATES:
                return names
            names = names & self._names_by_word[word] or names
        if len(names) > _MAX_CANDIDATES * 5:
            return ()  # words that so many names share are not specific
        return sorted(names, key=lambda text: (abs(text.count(" ") + 1 - length), text))[
            :_MAX_CANDIDATES
        ]

    def find_similar(self, text: str) -> list[str]:
        """Return names that share no word but all letters, the beginning or the end."""
        found: set[str] = set()
        groups = self._group_by_typo_keys()
        for key in _typo_keys(text):
            found.update(groups.get(key, ()))
        close = [name for name in found if abs(len(name) - len(text)) <= 3]
        return sorted(close, key=lambda name: (abs(len(name) - len(text)), name))[
            : _MAX_CANDIDATES * 4
        ]

    def _group_by_typo_keys(self) -> dict[str, set[str]]:
        groups = self._names_by_typo_key
        if not groups:
            for text in self.paths_by_name:
                for key in _typo_keys(text):
                    groups.setdefault(key, set()).add(text)
        return groups


def _remove_item(groups: dict[str, set[str]], key: str, item: str) -> bool:
    """Remove an item from the set at `key`; return True if it was the last one."""
    groups[key].remove(item)
    if groups[key]:
        return False
    del groups[key]
    return True


def find_renamed(before: Index, after: Index) -> set[str]:
    """Return the files that were added or removed, or whose title or aliases changed."""
    renamed = set() if before.files is after.files else set(before.files ^ after.files)
    for old, new in (
        (before.notes_by_title, after.notes_by_title),
        (before.notes_by_alias, after.notes_by_alias),
    ):
        for name in _find_changed_keys(old, new):
            renamed.update(set(old.get(name, ())) ^ set(new.get(name, ())))
    return renamed


def _find_changed_keys(old: PathsByKey, new: PathsByKey) -> Iterator[str]:
    """Yield changed keys; mostly none: maps are identical or contain the same tuples."""
    if old is not new and old != new:
        yield from compress(new, map(ne, map(old.get, new), new.values()))
        yield from filterfalse(new.__contains__, old)


def _typo_keys(text: str) -> tuple[str, ...]:
    """Return keys that survive a typing error: sorted letters, beginning, end."""
    size = 3 if text.isascii() else 2
    return (
        ("".join(sorted(text)), f"^{text[:size]}", f"{text[-size:]}$") if len(text) >= size else ()
    )
