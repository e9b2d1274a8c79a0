"""Three versions of anything, and the choice between them; lists are united so that nothing new is lost."""

from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound=Hashable)


class Unsure(Exception):  # noqa: N818 - no error: git merges then
    """Versions that can't be merged here beyond doubt."""


class Three(NamedTuple, Generic[T]):
    """What the common ancestor, our side and their side have."""

    base: T
    ours: T
    theirs: T

    def each(self, function: Callable[[T], S]) -> "Three[S]":
        """What a function makes of each of them."""
        return Three(function(self.base), function(self.ours), function(self.theirs))


def chosen(three: Three[T]) -> T:
    """What one side changed; ours if both did."""
    return three.theirs if three.ours == three.base else three.ours


def present(three: Three[T | None]) -> T | None:
    """What is chosen between the sides that have anything."""
    if three.ours is None or three.theirs is None:
        return three.theirs if three.ours is None else three.ours
    return chosen(three)


def united(three: Three[Sequence[H]]) -> list[H]:
    """One list of three: what one side deleted and the other left alone is gone, and all that either side added is there.
    Where both sides changed the same place, ours stands before theirs."""
    base, ours, theirs = three
    to_ours, to_theirs = _matches(base, ours), _matches(base, theirs)
    found: list[H] = []
    last = Three(0, 0, 0)
    for at in sorted(to_ours.keys() & to_theirs.keys()):
        here = Three(at, to_ours[at], to_theirs[at])
        found += _hunk(_between(three, last, here))
        found.append(ours[here.ours])
        last = here.each(lambda place: place + 1)
    return found + _hunk(_between(three, last, three.each(len)))


def _matches(base: Sequence[H], side: Sequence[H]) -> dict[int, int]:
    """The places of the base that a side kept, each with its place there."""
    blocks = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _between(three: Three[Sequence[H]], start: Three[int], end: Three[int]) -> Three[list[H]]:
    return Three(
        *(list(items[first:last]) for items, first, last in zip(three, start, end, strict=True))
    )


def _hunk(three: Three[list[H]]) -> list[H]:
    """What becomes of a stretch between two items that all have."""
    base, ours, theirs = three
    if base in (ours, theirs) or ours == theirs:
        return chosen(three)
    if not set(theirs) - set(
        base
    ):  # they only deleted, in the midst of what we changed: kept in doubt
        return ours
    if not set(ours) - set(base):
        return theirs
    gone = set(base) - (set(ours) & set(theirs))
    return [item for item in _both(ours, theirs) if item not in gone]


def _both(ours: list[H], theirs: list[H]) -> list[H]:
    """All of two lists, what they share once."""
    found: list[H] = []
    for _, start, end, their_start, their_end in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        found += ours[start:end]
        if ours[start:end] != theirs[their_start:their_end]:
            found += theirs[their_start:their_end]
    return found
