"""What a dangling target may have meant: files found by title, alias, respelling, or a near name.

An index and a target enter, suggestions leave. No target is compared with every name: near names are sought among those
that share its rarest words, and only these are scored.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import sqrt

from vaultlink.index import Index, stem
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

_DIGITS = re.compile(r"\d+")
_BREAKS = str.maketrans(dict.fromkeys("!\"#%&'()*,-./:;?@[\\]_{}\t", " "))


class Suggester:
    """Suggestions for the targets of one index; what was found is remembered, names are prepared when first needed."""

    def __init__(self, index: Index):
        self._index = index
        self._known: dict[tuple[str, int], tuple[Suggestion, ...]] = {}

    def __call__(self, target: str, limit: int = 3) -> tuple[Suggestion, ...]:
        """The files a target that leads nowhere may mean, the surest first; none for a target that leads somewhere."""
        asked = target, limit
        if asked not in self._known:
            self._known[asked] = () if resolve("", target, self._index.names) else self._suggested(target, limit)
        return self._known[asked]

    def _suggested(self, target: str, limit: int) -> tuple[Suggestion, ...]:
        best: dict[str, Suggestion] = {}
        for found in tuple(self._spelled(target)) or self._near(target, limit):
            if found.path not in best or best[found.path].score < found.score:
                best[found.path] = found
        return tuple(sorted(best.values(), key=lambda item: (-item.score, item.path))[:limit])

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
        title, aliases = (note.title, note.aliases) if note else (None, ())
        if title and comparable(title) == plain:
            return "title", 1.0
        if any(comparable(alias) == plain for alias in aliases):
            return "alias", 1.0
        if spelling(stem(path)) == key:
            return "respelling", _RESPELT
        return ("title", _LIKE) if title and spelling(title) == key else ("alias", _LIKE)

    # -- near names -----------------------------------------------------------------------------------------------

    def _near(self, target: str, limit: int) -> Iterator[Suggestion]:
        """Files with a name, title or alias that is much like the target."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only where suggestions are shown
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        names = self._names
        words = _words(stem(file_name(target)))
        text = " ".join(words)
        shared = names.sharing(words)
        numbers = shared or names.resembling(text)
        if not numbers:
            return
        found = process.extract(text, [names.texts[number] for number in numbers], scorer=fuzz.ratio, limit=limit,
                                score_cutoff=_LEAST * 100)
        for name, score, place in found:
            if shared:
                like = score >= _SURE * 100 or names.share(words, name) >= 0.5
            else:
                like = OSA.distance(text, name) <= (1 if len(text) < 8 else 2)
            if like and _figures(text) == _figures(name):
                for path in names.paths[numbers[place]]:
                    yield Suggestion(path, "near", min(round(score / 100, 2), _LIKE - 0.01))

    @cached_property
    def _names(self) -> "_Names":
        return _Names(self._index)


class _Names:
    """All names, titles and aliases as plain words, and where each word occurs."""

    def __init__(self, index: Index):
        bearers: dict[str, list[str]] = {}
        for path, name in _all_names(index):
            text = " ".join(_words(name))
            if text:
                known = bearers.setdefault(text, [])
                if path not in known:
                    known.append(path)
        self.texts = list(bearers)
        self.paths = list(bearers.values())
        self._places: dict[str, set[int]] = {}
        for number, text in enumerate(self.texts):
            for word in text.split():
                if word in self._places:
                    self._places[word].add(number)
                else:
                    self._places[word] = {number}

    def share(self, words: list[str], name: str) -> float:
        """How much of what words tell is told by a name as well."""
        told = set(name.split())
        weights = {word: 1 / sqrt(1 + len(self._places.get(word, ()))) for word in words}
        return sum(weight for word, weight in weights.items() if word in told) / sum(weights.values())

    def sharing(self, words: list[str]) -> list[int]:
        """Names that share the rarest of these words, and of those as many more as leave a few."""
        known = sorted((len(self._places[word]), word) for word in set(words) if word in self._places)
        found: set[int] = set()
        for start in range(min(2, len(known))):
            found.update(self._narrowed([word for _, word in known[start:]], len(words)))
        return sorted(found)

    def _narrowed(self, words: list[str], length: int) -> Iterable[int]:
        left = self._places[words[0]]
        for word in words[1:]:
            if len(left) <= _MOST:
                return left
            left = left & self._places[word] or left
        if len(left) > _MOST * 5:
            return ()  # words that so many names share tell too little
        return sorted(left, key=lambda number: (abs(self.texts[number].count(" ") + 1 - length), number))[:_MOST]

    def resembling(self, text: str) -> list[int]:
        """Names that share no word but the same letters, the beginning or the end: slips in a single word."""
        found: set[int] = set()
        for key in _shapes(text):
            found.update(self._shaped.get(key, ()))
        close = [number for number in found if abs(len(self.texts[number]) - len(text)) <= 3]
        return sorted(close, key=lambda number: (abs(len(self.texts[number]) - len(text)), number))[:_MOST * 4]

    @cached_property
    def _shaped(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, text in enumerate(self.texts):
            for key in _shapes(text):
                found.setdefault(key, []).append(number)
        return found


def _all_names(index: Index) -> Iterator[tuple[str, str]]:
    for path in sorted(index.files):
        yield path, stem(path)
        note = index.notes.get(path)
        if note and note.properties:
            if note.title:
                yield path, note.title
            for alias in note.aliases:
                yield path, alias


def _words(name: str) -> list[str]:
    return comparable(name).translate(_BREAKS).split()


def _figures(text: str) -> list[str]:
    """The numbers in a name: with other ones it is that of another thing, or day."""
    return _DIGITS.findall(text)


def _shapes(text: str) -> tuple[str, ...]:
    """What a slip of the fingers leaves of a name: all its letters, its beginning, or its end."""
    size = 3 if text.isascii() else 2
    return ("".join(sorted(text)), f"^{text[:size]}", f"{text[-size:]}$") if len(text) >= size else ()
