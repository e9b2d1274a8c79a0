"""Find the longest part of a sequence that is in order."""

from bisect import bisect_left
from collections.abc import Sequence


def longest_run(values: Sequence[int]) -> list[int]:
    """Return the positions of the longest increasing subsequence of distinct values."""
    ends: list[int] = []
    at: list[int] = []
    previous: list[int] = []
    for position, value in enumerate(values):
        place = bisect_left(ends, value)
        if place == len(ends):
            ends.append(value)
            at.append(position)
        else:
            ends[place] = value
            at[place] = position
        previous.append(at[place - 1] if place else -1)
    found = []
    position = at[-1] if at else -1
    while position >= 0:
        found.append(position)
        position = previous[position]
    return found[::-1]
