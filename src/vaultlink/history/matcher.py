"""Decide which text became which other one, by the lines that they share.

A text became another one if that has much of it, and no other text has nearly as much. Pieces that
several texts have say nothing: they come from a template.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from vaultlink.parse.pieces import hash_pieces, list_pieces, weigh
from vaultlink.text import group_by

K = TypeVar("K", bound=Hashable)

Pieces = frozenset[int]
"""The hashes of the pieces of a text."""

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


def read_pieces(hashes: bytes) -> Pieces:
    """Return the pieces of a text from their hashes."""
    return frozenset(list_pieces(hashes))


def read_data_pieces(data: bytes | None) -> Pieces | None:
    """Return the pieces of a content; None if it can't be read."""
    return None if data is None else read_pieces(hash_pieces(data))


def weigh_all(pieces: Iterable[int]) -> float:
    """Return the weight of pieces: about their length in bytes."""
    return sum(map(weigh, pieces))


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
        """Return what old texts became.

        `names` maps old texts to new ones that have their name, which no other has.
        """
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
            if (
                len(keys) == len(others) == 1
                and weight >= _MIN_EQUAL
                and not any(
                    key not in self.new and shared >= weight
                    for key, shared in self.shared[keys[0]].items()
                )
            ):
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
            rivals = [
                other
                for key, other in left.items()
                if key != new and (key in self.new or not is_named)
            ]
            rivals += [
                self.shared[other][new]
                for _, other in self._sources[new]
                if other != old and other not in found
            ]
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
