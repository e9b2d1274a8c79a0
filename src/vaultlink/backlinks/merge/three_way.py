"""Three versions of anything, and the choice between them; lists are united so that nothing new is lost."""

from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound=Hashable)


class CannotMerge(Exception):  # noqa: N818 - no error: git merges then
    """Versions that can't be merged here beyond doubt."""


class ThreeWay(NamedTuple, Generic[T]):
    """What the common ancestor, our side and their side have."""

    base: T
    ours: T
    theirs: T

    def map(self, function: Callable[[T], S]) -> "ThreeWay[S]":
        """What a function makes of each of them."""
        return ThreeWay(function(self.base), function(self.ours), function(self.theirs))


def pick_changed(three: ThreeWay[T]) -> T:
    """What one side changed; ours if both did."""
    return three.theirs if three.ours == three.base else three.ours


def pick_present(three: ThreeWay[T | None]) -> T | None:
    """What is chosen between the sides that have anything."""
    if three.ours is None or three.theirs is None:
        return three.theirs if three.ours is None else three.ours
    return pick_changed(three)


def merge_lists(three: ThreeWay[Sequence[H]]) -> list[H]:
    """One list of three: what one side deleted and the other left alone is gone, and all that either side added is there.
    Where both sides changed the same place, ours stands before theirs."""
    base, ours, theirs = three
    to_ours, to_theirs = _match_positions(base, ours), _match_positions(base, theirs)
    found: list[H] = []
    last = ThreeWay(0, 0, 0)
    for at in sorted(to_ours.keys() & to_theirs.keys()):
        here = ThreeWay(at, to_ours[at], to_theirs[at])
        found += _merge_hunk(_slice_between(three, last, here))
        found.append(ours[here.ours])
        last = here.map(lambda place: place + 1)
    return found + _merge_hunk(_slice_between(three, last, three.map(len)))


def _match_positions(base: Sequence[H], side: Sequence[H]) -> dict[int, int]:
    """The places of the base that a side kept, each with its place there."""
    blocks = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _slice_between(
    three: ThreeWay[Sequence[H]], start: ThreeWay[int], end: ThreeWay[int]
) -> ThreeWay[list[H]]:
    return ThreeWay(
        *(list(items[first:last]) for items, first, last in zip(three, start, end, strict=True))
    )


def _merge_hunk(three: ThreeWay[list[H]]) -> list[H]:
    """What becomes of a stretch between two items that all have."""
    base, ours, theirs = three
    if base in (ours, theirs) or ours == theirs:
        return pick_changed(three)
    if not set(theirs) - set(
        base
    ):  # they only deleted, in the midst of what we changed: kept in doubt
        return ours
    if not set(ours) - set(base):
        return theirs
    gone = set(base) - (set(ours) & set(theirs))
    return [item for item in _union_in_order(ours, theirs) if item not in gone]


def _union_in_order(ours: list[H], theirs: list[H]) -> list[H]:
    """All of two lists, what they share once."""
    found: list[H] = []
    for _, start, end, their_start, their_end in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        found += ours[start:end]
        if ours[start:end] != theirs[their_start:their_end]:
            found += theirs[their_start:their_end]
    return found
