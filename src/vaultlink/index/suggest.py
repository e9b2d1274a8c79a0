"""Suggest files for a broken link by title, alias, spelling or similar name.

A target is not compared with every name. Candidates share the target's rarest words, and only these
are scored. Names are prepared once and then updated from index to index.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, compress, filterfalse
from math import sqrt
from operator import ne

from vaultlink.index.index import Index, PathsByKey, alias_keys, link_name, title_keys
from vaultlink.index.resolve import file_name, normalize_name, resolve, spelling_key
from vaultlink.model import Suggestion

_RESPELLING_SCORE, _RESPELT_ALIAS_SCORE = 0.95, 0.93
"""Scores of a name that differs in spelling only, and of such a title or alias."""

_MIN_SCORE = 0.66
"""Names with a lower score are not suggested."""

_SURE_SCORE = 0.9
"""Names with a lower score must share half of the target's word weight.

A rare word weighs more. Names that share no word may differ by one or two typing errors.
"""

_MAX_CANDIDATES = 12
"""Number of names to score for each of the two words from which a search starts."""

_MAX_REMEMBERED = 1 << 13
"""Number of targets whose similar names are cached.

The limit bounds the memory of a process that runs for weeks.
"""

_DIGITS = re.compile(r"\d+")
_WORD_BREAKS = str.maketrans(dict.fromkeys("!\"#%&'()*,-./:;?@[\\]_{}\t", " "))


class Suggester:
    """Suggests files for the link targets of an index.

    Names are prepared on first use. Similar names are cached per target.
    """

    def __init__(self, index: Index):
        self._index = index

    def __call__(self, target: str, limit: int = 3) -> tuple[Suggestion, ...]:
        """Return the files that a broken link's target may mean, best first.

        Returns nothing if the target resolves.
        """
        if resolve("", target, self._index.names):
            return ()
        spelled = list(self._match_spelling(target))
        return _take_best(spelled, limit) if spelled else self._recall_nearest(target, limit)

    def update_index(self, after: Index) -> None:
        """Switch to a later index of the same vault.

        The results are the same as those of a new suggester.
        """
        before, self._index = self._index, after
        if "_name_index" in self.__dict__:
            self._name_index.update_names(before, after)

    # -- same spelling ---------------------------------------------------------------------------

    def _match_spelling(self, target: str) -> Iterator[Suggestion]:
        """Yield files whose name, title or alias equals the target except for spelling."""
        definitions = self._index.definitions
        for key in {spelling_key(link_name(file_name(target))): 0, spelling_key(target): 0}:
            for path in definitions.get(key, ()) if key else ():
                reason, score = self._match_reason(path, key, normalize_name(target))
                yield Suggestion(path, reason, score)

    def _match_reason(self, path: str, key: str, plain: str) -> tuple[str, float]:
        note = self._index.notes.get(path)
        title, others = (note.title, note.aliases) if note else (None, ())
        if title and normalize_name(title) == plain:
            return "title", 1.0
        if any(normalize_name(alias) == plain for alias in others):
            return "alias", 1.0
        if spelling_key(link_name(path)) == key:
            return "respelling", _RESPELLING_SCORE
        return (
            ("title", _RESPELT_ALIAS_SCORE)
            if title and spelling_key(title) == key
            else ("alias", _RESPELT_ALIAS_SCORE)
        )

    # -- similar names ---------------------------------------------------------------------------

    def _recall_nearest(self, target: str, limit: int) -> tuple[Suggestion, ...]:
        cache, query = self._name_index.recalled, (target, limit)
        if query not in cache:
            if len(cache) >= _MAX_REMEMBERED:
                cache.clear()
            cache[query] = _take_best(self._match_near_names(target, limit), limit)
        return cache[query]

    def _match_near_names(self, target: str, limit: int) -> Iterator[Suggestion]:
        """Yield files whose name, title or alias is similar to the target."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only where suggestions are shown
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        names = self._name_index
        words = _split_words(link_name(file_name(target)))
        text = " ".join(words)
        shared = names.find_sharing_words(words)
        candidates = shared or names.find_similar(text)
        if not candidates:
            return
        found = process.extract(
            text, candidates, scorer=fuzz.ratio, limit=limit, score_cutoff=_MIN_SCORE * 100
        )
        for name, score, _ in found:
            if shared:
                similar = score >= _SURE_SCORE * 100 or names.shared_weight(words, name) >= 0.5
            else:
                similar = OSA.distance(text, name) <= (1 if len(text) < 8 else 2)
            if similar and _find_numbers(text) == _find_numbers(name):
                for path in names.paths_by_name[name]:
                    yield Suggestion(
                        path, "near", min(round(score / 100, 2), _RESPELT_ALIAS_SCORE - 0.01)
                    )

    @cached_property
    def _name_index(self) -> "_NameIndex":
        return _NameIndex(self._index)


def _take_best(found: Iterable[Suggestion], limit: int) -> tuple[Suggestion, ...]:
    best: dict[str, Suggestion] = {}
    for item in found:
        if item.path not in best or best[item.path].score < item.score:
            best[item.path] = item
    return tuple(sorted(best.values(), key=lambda item: (-item.score, item.path))[:limit])


class _NameIndex:
    """All names, titles and aliases as lists of words.

    Maps each of them to its files, and each word to the names that contain it. Ties between equally
    similar names are broken alphabetically, because updated maps have another order than new ones.
    `recalled` caches the similar names of targets until a name changes.
    """

    def __init__(self, index: Index):
        self.recalled: dict[tuple[str, int], tuple[Suggestion, ...]] = {}
        self.paths_by_name: dict[str, set[str]] = {}
        self._names_by_word: dict[str, set[str]] = {}
        for path in index.files:
            self._add(_normalize_words(link_name(path)), (path,))
        for name, paths in chain(index.notes_by_title.items(), index.notes_by_alias.items()):
            self._add(_normalize_words(name), paths)

    def update_names(self, before: Index, after: Index) -> None:
        """Apply the differences between two indexes."""
        renamed = _find_renamed(before, after)
        if renamed:
            self.recalled.clear()
        for path in renamed:
            old, new = _names_as_words(before, path), _names_as_words(after, path)
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
        """Yield the maps that contain a name, each with the name's key."""
        yield from ((self._names_by_word, word) for word in set(text.split()))
        if "_names_by_typo_key" in self.__dict__:  # otherwise computed from all names on first use
            yield from ((self._names_by_typo_key, key) for key in set(_typo_keys(text)))

    def shared_weight(self, words: list[str], name: str) -> float:
        """Return the share of the weight of `words` that a name contains, from 0 to 1."""
        name_words = set(name.split())
        weights = {word: 1 / sqrt(1 + len(self._names_by_word.get(word, ()))) for word in words}
        return sum(weight for word, weight in weights.items() if word in name_words) / sum(
            weights.values()
        )

    def find_sharing_words(self, words: list[str]) -> list[str]:
        """Return names that share the rarest of `words`.

        More words narrow the result until few names remain.
        """
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
        """Return names that share no word but all letters, the beginning or the end.

        This finds typing errors in a single word.
        """
        found: set[str] = set()
        for key in _typo_keys(text):
            found.update(self._names_by_typo_key.get(key, ()))
        close = [name for name in found if abs(len(name) - len(text)) <= 3]
        return sorted(close, key=lambda name: (abs(len(name) - len(text)), name))[
            : _MAX_CANDIDATES * 4
        ]

    @cached_property
    def _names_by_typo_key(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for text in self.paths_by_name:
            for key in _typo_keys(text):
                found.setdefault(key, set()).add(text)
        return found


def _remove_item(groups: dict[str, set[str]], key: str, item: str) -> bool:
    """Remove an item from the set at `key`; return True if it was the last one."""
    groups[key].remove(item)
    if groups[key]:
        return False
    del groups[key]
    return True


def _find_renamed(before: Index, after: Index) -> set[str]:
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
    """Yield the keys whose paths differ.

    Most updates change none; then the maps are identical or contain the same tuples.
    """
    if old is not new and old != new:
        yield from compress(new, map(ne, map(old.get, new), new.values()))
        yield from filterfalse(new.__contains__, old)


def _names_as_words(index: Index, path: str) -> set[str]:
    if path not in index.files:
        return set()
    return {
        _normalize_words(name)
        for name in (link_name(path), *title_keys(index, path), *alias_keys(index, path))
    }


def _normalize_words(name: str) -> str:
    return " ".join(_split_words(name))


def _split_words(name: str) -> list[str]:
    return normalize_name(name).translate(_WORD_BREAKS).split()


def _find_numbers(text: str) -> list[str]:
    """Return the numbers in a name.

    Names with different numbers usually mean different things or dates.
    """
    return _DIGITS.findall(text)


def _typo_keys(text: str) -> tuple[str, ...]:
    """Return keys that survive a typing error: sorted letters, beginning, end."""
    size = 3 if text.isascii() else 2
    return (
        ("".join(sorted(text)), f"^{text[:size]}", f"{text[-size:]}$") if len(text) >= size else ()
    )


def is_typo(target: str, path: str) -> bool:
    """Return True if a file's name differs from the target's by at most one typo.

    Two typos are allowed if the target's name has 8 characters or more.
    """
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - only where a near name is compared

    wanted = spelling_key(link_name(file_name(target)))
    return OSA.distance(wanted, spelling_key(link_name(path))) <= (1 if len(wanted) < 8 else 2)
