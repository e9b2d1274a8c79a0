"""Decide which text, and which name, became which other one."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import product, takewhile
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from vaultlink.index.note_parts import read_hashes
from vaultlink.index.resolve import file_name, name_key
from vaultlink.model import Note
from vaultlink.parse.pieces import Pieces, hash_pieces, list_pieces, read_pieces, weigh, weigh_all
from vaultlink.text import group_by, lazy_pattern

# -- decide which text became which other one, by the lines that they share ------------------------
# A text became another one if that has much of it, and no other text has nearly as much. Pieces
# that several texts have say nothing: they come from a template.

K = TypeVar("K", bound=Hashable)

_MIN_CERTAIN, _MIN_LIKELY = 0.5, 0.4
"""Minimum share of a text that is found in the one it became: certainly, and likely."""

MAX_RIVAL, _MAX_LIKELY_RIVAL = 0.5, 0.7
"""Maximum share that any other text has, relative to the found one: certainly, and likely."""

_MAX_NAMED_RIVAL = 1.0
"""The same if the found one has the name of the old one."""

_MIN_NAMED = 0.6
"""Share of a text in one of its name from which no other one counts.

Common pieces count, and it is at least half of this share of the new text.
"""

_MAX_SPLIT = 0.15
"""Maximum share of a text that another new one has, and the found one lacks."""

_MIN_EVIDENCE = 40.0
"""Minimum weight of shared pieces that make a match certain: about their length in bytes."""

_MIN_EQUAL = 20.0
"""Minimum weight of a text that an equal one certainly is."""

_MIN_PART = 0.25
"""Minimum share of the new text that comes from the old one. Less is a text that was merged."""

COMMON = 3
"""Number of texts from which a piece that they have comes from a template.

It is that of the text itself and two others.
"""


class Match(NamedTuple, Generic[K]):
    new: K
    is_certain: bool


def read_data_pieces(data: bytes | None) -> Pieces | None:
    """Return the pieces of a content; None if it can't be read."""
    return None if data is None else read_pieces(hash_pieces(data))


def is_like(one: Pieces, other: Pieces, share: float) -> bool:
    """Return True if two texts have this share of the larger one in common."""
    return weigh_all(one & other) >= share * max(weigh_all(one), weigh_all(other))


class Texts(Generic[K]):
    """Texts of which some became others.

    `common` are pieces that say nothing, as several texts have them. `shared` is the weight of what
    each old text has in common with others, by their keys.
    """

    def __init__(
        self,
        old: Mapping[K, Pieces],
        new: Mapping[K, Pieces],
        kept: Mapping[int, Sequence[K]] = {},
        common: Collection[int] = frozenset(),
    ) -> None:
        """Compare texts that are gone with new ones.

        `kept` are pieces of others that were there before and after: an old text that is as much
        like one of them comes from a template, or was copied. `common` are pieces that say nothing,
        in addition to those that several of these texts have.
        """
        self.old, self.new = old, new
        wanted = frozenset[int]().union(*old.values())
        places = {piece: list(kept[piece]) for piece in wanted & kept.keys()}
        for key, pieces in new.items():
            for piece in wanted & pieces:
                places.setdefault(piece, []).append(key)
        counts = Counter(piece for pieces in old.values() for piece in pieces)
        self.common = {
            piece
            for piece, count in counts.items()
            if max(count, len(places.get(piece, ()))) >= COMMON or piece in common
        }
        self.shared: dict[K, dict[K, float]] = {}
        for key, pieces in old.items():
            shared = self.shared[key] = {}
            for piece in (pieces & places.keys()) - self.common:
                for other in places[piece]:
                    shared[other] = shared.get(other, 0.0) + weigh(piece)
        pairs = ((new, old) for old, shared in self.shared.items() for new in shared)
        self._sources = group_by(pairs, itemgetter(0))

    def measure(self, key: K) -> float:
        return weigh_all(self.old[key] - self.common)

    def match(self, names: Mapping[K, K] = {}) -> dict[K, Match[K]]:
        """Return what old texts became; `names` pairs those that have the same name."""
        found = {
            old: Match(new, True)
            for old, new in names.items()
            if weigh_all(self.old[old] & self.new[new]) >= _MIN_NAMED * weigh_all(self.old[old])
            and is_like(self.old[old], self.new[new], _MIN_NAMED / 2)
        }
        found |= {old: Match(new, True) for old, new in self._pair_equal(found)}
        while certain := list(self._search(names, found, is_certain=True)):
            found |= {old: Match(new, True) for old, new in certain}
        likely = list(self._search(names, found, is_certain=False))
        return found | {old: Match(new, False) for old, new in likely}

    def _pair_equal(self, found: Mapping[K, Match[K]]) -> Iterator[tuple[K, K]]:
        taken = {match.new for match in found.values()}
        old = group_by((key for key in self.old if key not in found), self.old.__getitem__)
        new = group_by((key for key in self.new if key not in taken), self.new.__getitem__)
        for pieces, keys in old.items():
            others = new.get(pieces, ())
            weight = weigh_all(pieces - self.common)
            if len(keys) == len(others) == 1 and weight >= _MIN_EQUAL:
                shared = self.shared[keys[0]]
                if all(key in self.new or shared[key] < weight for key in shared):
                    yield keys[0], others[0]

    def _search(
        self, names: Mapping[K, K], found: Mapping[K, Match[K]], *, is_certain: bool
    ) -> Iterator[tuple[K, K]]:
        """Yield the pairs of texts that share enough, and of which neither has a rival."""
        taken = {match.new for match in found.values()}
        max_rival = MAX_RIVAL if is_certain else _MAX_LIKELY_RIVAL
        for old, shared in self.shared.items():
            left = {key: weight for key, weight in shared.items() if key not in taken}
            choices = [key for key in left if key in self.new]
            if old in found or not choices:
                continue
            named = names.get(old)
            new = named if named in choices else max(choices, key=left.__getitem__)
            is_named = new == named
            limit = (_MAX_NAMED_RIVAL if is_named else max_rival) * left[new]
            others = (key for key in left if key != new and (key in self.new or not is_named))
            rivals = [left[key] for key in others]
            sources = (other for _, other in self._sources[new] if other not in found)
            rivals += [self.shared[other][new] for other in sources if other != old]
            if max(rivals, default=0.0) > limit or self._is_weak(old, new, is_named, is_certain):
                continue
            if not (is_certain and self._is_split(old, new, choices)):
                yield old, new

    def _is_weak(self, old: K, new: K, is_named: bool, is_certain: bool) -> bool:
        weight, present = self.shared[old][new], weigh_all(self.new[new])
        total = min(self.measure(old), present) if is_named else self.measure(old)
        is_slight = weight < _MIN_EVIDENCE or weight < _MIN_PART * present
        if is_certain and not is_named and is_slight:
            return True
        return weight < (_MIN_CERTAIN if is_certain else _MIN_LIKELY) * total

    def _is_split(self, old: K, new: K, others: Iterable[K]) -> bool:
        """Return True if another new text has a part that the found one lacks."""
        lost = self.old[old] - self.new[new] - self.common
        least = _MAX_SPLIT * self.measure(old)
        return any(weigh_all(lost & self.new[other]) > least for other in others if other != new)


# -- compare files by their names: extensions, equal names, series of numbers ----------------------


_DIGITS = lazy_pattern(r"\d+")
_MIN_YEAR = 1_000
"""A number of a file name from which it is a year, a date or an identifier."""

_DATED_NAME = lazy_pattern(r"(?:.*\D)?\d{4}\D?(?:W?\d\d?)(?:\D?\d\d)?(?:\D.*)?")


def is_same_series(old: str, new: str, *, dated: bool = False) -> bool:
    """Return True if two file names differ only in numbers, as daily notes do.

    Such files come from one template and are similar, but none of them is a renamed other. With
    `dated` only names with dates count. The same numbers with zeros in front, or in another order,
    are no other numbers.
    """
    old_name, new_name = (path[path.rfind("/") + 1 :] for path in (old, new))
    if old_name == new_name or _DIGITS.sub("0", old_name) != _DIGITS.sub("0", new_name):
        return False
    if _list_numbers(old_name) == _list_numbers(new_name):
        return False
    return not dated or _DATED_NAME.fullmatch(old_name.rpartition(".")[0]) is not None


def find_number_step(old: str, new: str) -> int:
    """Return by how much the only number differs that two file names differ in.

    Returns 0 if something else differs too, such as the folder, and for the same number with zeros.
    A year or a date does not count: it belongs to the text, not to the place in a series.
    """
    (folder, old_name), (new_folder, new_name) = (
        path.rpartition(".")[0].rpartition("/")[::2] for path in (old, new)
    )
    if folder != new_folder or not is_same_series(old, new) or is_same_series(old, new, dated=True):
        return 0
    numbers = zip(_DIGITS.findall(old_name), _DIGITS.findall(new_name), strict=False)
    differing = [(int(one), int(other)) for one, other in numbers if one != other]
    if len(differing) != 1 or max(differing[0]) >= _MIN_YEAR:
        return 0
    return differing[0][1] - differing[0][0]


def number_pattern(path: str) -> str:
    """Return a path with 0 for each number of the file name. It is equal in a series."""
    start = path.rfind("/") + 1
    return path[:start] + _DIGITS.sub("0", path[start:])


def _list_numbers(name: str) -> list[int]:
    return sorted(int(number) for number in _DIGITS.findall(name))


def list_unique_names(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """Map each path to the one with its file name, if no other path has it."""
    old, new = group_by(before, name_key), group_by(now, name_key)
    return {
        paths[0]: new[name][0]
        for name, paths in old.items()
        if len(paths) == 1 and len(new.get(name, ())) == 1
    }


_MAX_PAIRS = 4_000_000
"""Maximum number of pairs of files with the same content that are compared by their paths."""


def pair_names(
    old_paths: Collection[str], new_paths: Collection[str], is_empty: bool, any_alike: bool
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of files with the same content by their paths, clear ones first."""
    if len(old_paths) == len(new_paths) == 1 and not is_empty:
        yield next(iter(old_paths)), next(iter(new_paths))
        return
    if len(old_paths) * len(new_paths) > _MAX_PAIRS:
        return
    scores = {
        (old, new): score
        for old in old_paths
        for new in new_paths
        if any(score := _compare_paths(old, new)) and (score[0] or not is_empty)
    }
    if any_alike:
        unlike = dict.fromkeys(product(old_paths, new_paths), (0, False))
        yield from pick_best(unlike | scores)
        return
    while clear := _find_clear(scores):
        yield from clear
        olds, news = {old for old, _ in clear}, {new for _, new in clear}
        left = [pair for pair in scores if pair[0] not in olds and pair[1] not in news]
        scores = {pair: scores[pair] for pair in left}


def _compare_paths(old: str, new: str) -> "_Score":
    old_parts, new_parts = old.casefold().split("/"), new.casefold().split("/")
    return _count_equal(old_parts[::-1], new_parts[::-1]), old_parts[:-1] == new_parts[:-1]


def _count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of equal items at the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


_Pair = tuple[str, str]
_Score = tuple[int, bool]


def _find_clear(scores: Mapping[_Pair, _Score]) -> list[_Pair]:
    """Return the pairs with a higher score than any other pair with either path."""
    best: dict[tuple[int, str], list[_Score]] = {}
    for pair, score in scores.items():
        for end in enumerate(pair):
            best[end] = sorted((*best.get(end, ()), score))[-2:]
    return [
        pair
        for pair, score in scores.items()
        if all(best[end][-1] == score and best[end].count(score) == 1 for end in enumerate(pair))
    ]


def pick_best(scores: Mapping[_Pair, Any]) -> Iterator[_Pair]:
    """Yield the best pairs, each path once; of equals, those with one name first."""
    used: set[tuple[int, str]] = set()

    def has_same_name(pair: _Pair) -> bool:
        return file_name(pair[0]).casefold() == file_name(pair[1]).casefold()

    ranked = sorted(scores, key=lambda pair: (not has_same_name(pair), pair))
    for pair in sorted(ranked, key=lambda pair: scores[pair], reverse=True):
        ends = {(0, pair[0]), (1, pair[1])}
        if not ends & used:
            used |= ends
            yield pair


# -- find the present notes that have a line or sentence: templates and copies ---------------------


_MAX_HOLDERS = 50
"""Number of notes from which a piece does not tell which note is like another one."""

_MAX_RIVALS = 3
"""Maximum number of present notes that are compared with a renamed one."""


class PieceIndex:
    """The pieces of the present notes of a vault."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        self._notes = notes
        self._last: tuple[Pieces, dict[int, list[str]]] = frozenset(), {}

    def find_holders(self, wanted: Pieces) -> Mapping[int, Sequence[str]]:
        """Return the notes with each of some pieces; those asked for last are remembered."""
        if wanted != self._last[0]:
            self._last = wanted, self._search(wanted)
        return self._last[1]

    def _search(self, wanted: Pieces) -> dict[int, list[str]]:
        places: dict[int, list[str]] = {}
        for path, hashes in read_hashes(self._notes) if wanted else ():
            for piece in wanted.intersection(list_pieces(hashes)):
                places.setdefault(piece, []).append(path)
        return places

    def find_common(self, wanted: Pieces) -> set[int]:
        return {piece for piece, paths in self.find_holders(wanted).items() if len(paths) >= COMMON}


def choose_rivals(
    shared: Pieces, places: Mapping[int, Sequence[str]], limit: float, without: Collection[str]
) -> list[str]:
    """Return the few notes with most of some pieces, above a share of them."""
    weights: dict[str, float] = {}
    for piece in shared & places.keys():
        paths = places[piece]
        for path in paths if len(paths) <= _MAX_HOLDERS else paths[:_MAX_HOLDERS]:
            if path not in without:
                weights[path] = weights.get(path, 0.0) + weigh(piece)
    least = limit * weigh_all(shared)
    found = [path for path, weight in weights.items() if weight > least]
    return sorted(found, key=lambda path: (-weights[path], path))[:_MAX_RIVALS]
