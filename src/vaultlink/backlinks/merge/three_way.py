"""Three-way merge of single values and of lists."""

from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound=Hashable)


class CannotMerge(Exception):  # noqa: N818 - not an error: git merges then
    """The versions can't be merged safely; the message says why."""


class ThreeWay(NamedTuple, Generic[T]):
    """The values of the merge base, our side and their side."""

    base: T
    ours: T
    theirs: T

    def map(self, function: Callable[[T], S]) -> "ThreeWay[S]":
        """Apply a function to all three values."""
        return ThreeWay(function(self.base), function(self.ours), function(self.theirs))


def pick_changed(three: ThreeWay[T]) -> T:
    """Return the value that one side changed; ours if both did."""
    return three.theirs if three.ours == three.base else three.ours


def pick_present(three: ThreeWay[T | None]) -> T | None:
    """Return the merged value of the sides that have one, or None."""
    if three.ours is None or three.theirs is None:
        return three.theirs if three.ours is None else three.ours
    return pick_changed(three)


def merge_lists(three: ThreeWay[Sequence[H]]) -> list[H]:
    """Merge three lists.

    Items that one side deleted and the other did not change are removed; items that either side
    added are kept. Where both sides changed the same place, ours come before theirs.
    """
    base, ours, theirs = three
    to_ours, to_theirs = _match_positions(base, ours), _match_positions(base, theirs)
    merged: list[H] = []
    start = ThreeWay(0, 0, 0)
    for position in sorted(to_ours.keys() & to_theirs.keys()):
        match = ThreeWay(position, to_ours[position], to_theirs[position])
        merged += _merge_hunk(_slice_between(three, start, match))
        merged.append(ours[match.ours])
        start = match.map(lambda index: index + 1)
    return merged + _merge_hunk(_slice_between(three, start, three.map(len)))


def _match_positions(base: Sequence[H], side: Sequence[H]) -> dict[int, int]:
    """Return the positions of the base that a side kept, with its position there."""
    blocks = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _slice_between(
    three: ThreeWay[Sequence[H]], start: ThreeWay[int], end: ThreeWay[int]
) -> ThreeWay[list[H]]:
    return ThreeWay(
        *(list(items[first:last]) for items, first, last in zip(three, start, end, strict=True))
    )


def _merge_hunk(three: ThreeWay[list[H]]) -> list[H]:
    """Merge the items between two items that all versions have."""
    base, ours, theirs = three
    if base in (ours, theirs) or ours == theirs:
        return pick_changed(three)
    # One side only deleted, where the other made changes: in doubt, nothing is deleted.
    if not set(theirs) - set(base):
        return ours
    if not set(ours) - set(base):
        return theirs
    deleted = set(base) - (set(ours) & set(theirs))
    return [item for item in _union_in_order(ours, theirs) if item not in deleted]


def _union_in_order(ours: list[H], theirs: list[H]) -> list[H]:
    """Return all items of two lists, with common runs once."""
    merged: list[H] = []
    for _, start, end, their_start, their_end in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        merged += ours[start:end]
        if ours[start:end] != theirs[their_start:their_end]:
            merged += theirs[their_start:their_end]
    return merged
