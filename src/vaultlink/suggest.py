"""What a dangling target may have meant: files found by title, alias, respelling, or a near name.

An index and a target enter, suggestions leave. No target is compared with every name: near names are sought among those
that share its rarest words, and only these are scored. Names are prepared once and then follow the vault from index to
index.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, compress, filterfalse
from math import sqrt
from operator import ne

from vaultlink.index import Grouped, Index, aliases, stem, titles
from vaultlink.model import Suggestion
from vaultlink.resolve import comparable, file_name, resolve, spelling

_RESPELT, _LIKE = 0.95, 0.93
"""Scores of a name that differs in spelling only, and of a title or alias that does."""

_LEAST = 0.66
"""Names scored lower are not worth a reader's time."""

_SURE = 0.9
"""Names scored lower have to share half of what the target's words tell; the rarer a word, the more it tells. Names
that share no word may differ by a slip or two."""

_MOST = 12
"""So many names are scored for each of the two words a search starts from."""

_REMEMBERED = 1 << 13
"""So many targets' near names are remembered; a process that runs for weeks may be asked for any number."""

_DIGITS = re.compile(r"\d+")
_BREAKS = str.maketrans(dict.fromkeys("!\"#%&'()*,-./:;?@[\\]_{}\t", " "))


class Suggester:
    """Suggestions for the targets of an index. Names are prepared when first needed; near names that were found are
    remembered."""

    def __init__(self, index: Index):
        self._index = index

    def __call__(self, target: str, limit: int = 3) -> tuple[Suggestion, ...]:
        """The files a target that leads nowhere may mean, the surest first; none for a target that leads somewhere."""
        if resolve("", target, self._index.names):
            return ()
        spelled = list(self._spelled(target))
        return _surest(spelled, limit) if spelled else self._nearest(target, limit)

    def follow(self, after: Index) -> None:
        """Go on to a later index of the same vault: what is said from now on is what a new suggester would say of it."""
        before, self._index = self._index, after
        if "_names" in self.__dict__:
            self._names.follow(before, after)

    # -- the same but for spelling --------------------------------------------------------------------------------

    def _spelled(self, target: str) -> Iterator[Suggestion]:
        """Files whose name, title or alias is the target, or is so but for spelling."""
        definitions = self._index.definitions
        for key in {spelling(stem(file_name(target))): 0, spelling(target): 0}:
            for path in definitions.get(key, ()) if key else ():
                reason, score = self._reason(path, key, comparable(target))
                yield Suggestion(path, reason, score)

    def _reason(self, path: str, key: str, plain: str) -> tuple[str, float]:
        note = self._index.notes.get(path)
        title, others = (note.title, note.aliases) if note else (None, ())
        if title and comparable(title) == plain:
            return "title", 1.0
        if any(comparable(alias) == plain for alias in others):
            return "alias", 1.0
        if spelling(stem(path)) == key:
            return "respelling", _RESPELT
        return ("title", _LIKE) if title and spelling(title) == key else ("alias", _LIKE)

    # -- near names -----------------------------------------------------------------------------------------------

    def _nearest(self, target: str, limit: int) -> tuple[Suggestion, ...]:
        known, asked = self._names.known, (target, limit)
        if asked not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[asked] = _surest(self._near(target, limit), limit)
        return known[asked]

    def _near(self, target: str, limit: int) -> Iterator[Suggestion]:
        """Files with a name, title or alias that is much like the target."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only where suggestions are shown
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        names = self._names
        words = _words(stem(file_name(target)))
        text = " ".join(words)
        shared = names.sharing(words)
        candidates = shared or names.resembling(text)
        if not candidates:
            return
        found = process.extract(
            text, candidates, scorer=fuzz.ratio, limit=limit, score_cutoff=_LEAST * 100
        )
        for name, score, _ in found:
            if shared:
                like = score >= _SURE * 100 or names.share(words, name) >= 0.5
            else:
                like = OSA.distance(text, name) <= (1 if len(text) < 8 else 2)
            if like and _figures(text) == _figures(name):
                for path in names.bearers[name]:
                    yield Suggestion(path, "near", min(round(score / 100, 2), _LIKE - 0.01))

    @cached_property
    def _names(self) -> "_Names":
        return _Names(self._index)


def _surest(found: Iterable[Suggestion], limit: int) -> tuple[Suggestion, ...]:
    best: dict[str, Suggestion] = {}
    for item in found:
        if item.path not in best or best[item.path].score < item.score:
            best[item.path] = item
    return tuple(sorted(best.values(), key=lambda item: (-item.score, item.path))[:limit])


class _Names:
    """All names, titles and aliases as plain words, the files that bear each, and where each word occurs.

    Names that are equally near are told apart by their letters alone, since maps that were changed along with the vault
    have another order than new ones. `known` are the near names of targets, as long as no name changes.
    """

    def __init__(self, index: Index):
        self.known: dict[tuple[str, int], tuple[Suggestion, ...]] = {}
        self.bearers: dict[str, set[str]] = {}
        self._places: dict[str, set[str]] = {}
        for path in index.files:
            self._add(_plain(stem(path)), (path,))
        for name, paths in chain(index.titled.items(), index.aliased.items()):
            self._add(_plain(name), paths)

    def follow(self, before: Index, after: Index) -> None:
        """Take over what files are newly called, and forget what they are called no longer."""
        renamed = _renamed(before, after)
        if renamed:
            self.known.clear()
        for path in renamed:
            old, new = _plain_names(before, path), _plain_names(after, path)
            for text in old - new:
                self._drop(text, path)
            for text in new - old:
                self._add(text, (path,))

    def _add(self, text: str, paths: Iterable[str]) -> None:
        if text in self.bearers:
            self.bearers[text].update(paths)
        elif text:
            self.bearers[text] = set(paths)
            for held, key in self._held(text):
                held.setdefault(key, set()).add(text)

    def _drop(self, text: str, path: str) -> None:
        if text and _taken(self.bearers, text, path):
            for held, key in self._held(text):
                _taken(held, key, text)

    def _held(self, text: str) -> Iterator[tuple[dict[str, set[str]], str]]:
        """Where a name is held: in which maps, and under which keys."""
        yield from ((self._places, word) for word in set(text.split()))
        if "_shaped" in self.__dict__:  # else that will be made of all names when first needed
            yield from ((self._shaped, key) for key in set(_shapes(text)))

    def share(self, words: list[str], name: str) -> float:
        """How much of what words tell is told by a name as well."""
        told = set(name.split())
        weights = {word: 1 / sqrt(1 + len(self._places.get(word, ()))) for word in words}
        return sum(weight for word, weight in weights.items() if word in told) / sum(
            weights.values()
        )

    def sharing(self, words: list[str]) -> list[str]:
        """Names that share the rarest of these words, and of those as many more as leave a few."""
        known = sorted(
            (len(self._places[word]), word) for word in set(words) if word in self._places
        )
        found: set[str] = set()
        for start in range(min(2, len(known))):
            found.update(self._narrowed([word for _, word in known[start:]], len(words)))
        return sorted(found)

    def _narrowed(self, words: list[str], length: int) -> Iterable[str]:
        left = self._places[words[0]]
        for word in words[1:]:
            if len(left) <= _MOST:
                return left
            left = left & self._places[word] or left
        if len(left) > _MOST * 5:
            return ()  # words that so many names share tell too little
        return sorted(left, key=lambda text: (abs(text.count(" ") + 1 - length), text))[:_MOST]

    def resembling(self, text: str) -> list[str]:
        """Names that share no word but the same letters, the beginning or the end: slips in a single word."""
        found: set[str] = set()
        for key in _shapes(text):
            found.update(self._shaped.get(key, ()))
        close = [name for name in found if abs(len(name) - len(text)) <= 3]
        return sorted(close, key=lambda name: (abs(len(name) - len(text)), name))[: _MOST * 4]

    @cached_property
    def _shaped(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for text in self.bearers:
            for key in _shapes(text):
                found.setdefault(key, set()).add(text)
        return found


def _taken(held: dict[str, set[str]], key: str, item: str) -> bool:
    """Take an item from what is held under a key; whether it was the last."""
    held[key].remove(item)
    if held[key]:
        return False
    del held[key]
    return True


def _renamed(before: Index, after: Index) -> set[str]:
    """The files that came, went, or got or lost a title or alias."""
    renamed = set() if before.files is after.files else set(before.files ^ after.files)
    for old, new in ((before.titled, after.titled), (before.aliased, after.aliased)):
        for name in _differing(old, new):
            renamed.update(set(old.get(name, ())) ^ set(new.get(name, ())))
    return renamed


def _differing(old: Grouped, new: Grouped) -> Iterator[str]:
    """The names that other files have now: mostly none, and then the maps are the same or hold the same tuples."""
    if old is not new and old != new:
        yield from compress(new, map(ne, map(old.get, new), new.values()))
        yield from filterfalse(new.__contains__, old)


def _plain_names(index: Index, path: str) -> set[str]:
    """What a file is called, in plain words."""
    if path not in index.files:
        return set()
    return {_plain(name) for name in (stem(path), *titles(index, path), *aliases(index, path))}


def _plain(name: str) -> str:
    return " ".join(_words(name))


def _words(name: str) -> list[str]:
    return comparable(name).translate(_BREAKS).split()


def _figures(text: str) -> list[str]:
    """The numbers in a name: with other ones it is that of another thing, or day."""
    return _DIGITS.findall(text)


def _shapes(text: str) -> tuple[str, ...]:
    """What a slip of the fingers leaves of a name: all its letters, its beginning, or its end."""
    size = 3 if text.isascii() else 2
    return (
        ("".join(sorted(text)), f"^{text[:size]}", f"{text[-size:]}$") if len(text) >= size else ()
    )
