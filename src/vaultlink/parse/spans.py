"""Sets of spans that are asked for many offsets."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate


class SpanSet:
    """Spans of a text, in any order. They may overlap.

    A question takes the logarithm of their number.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]]):
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        # The furthest end so far, because a span may contain later ones.
        self._ends = list(accumulate([end for _, end in ordered], max))

    def covers(self, at: int) -> bool:
        """Return True if a span contains an offset."""
        before = bisect_right(self._starts, at)
        return before > 0 and at < self._ends[before - 1]

    def covers_inside(self, at: int) -> bool:
        """Return True if a span contains an offset that is not its start."""
        before = bisect_left(self._starts, at)
        return before > 0 and at < self._ends[before - 1]
