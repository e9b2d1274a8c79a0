"""How the work of a function grows with the size of what it gets: as the size does, or as its square.

Calls are counted where Python does the work. Of a regular expression, which is one call, the processor time is compared, for
sizes so far apart that neither a busy machine nor the fixed cost of a call hides or feigns quadratic growth.
"""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

from running import measure_cpu_seconds

TIMES = 32
"""How many times as large the larger text is."""

MOST = 8 * TIMES
"""How many times as long it may take. Quadratic growth is 1,024 times as long; the garbage collector and a busy machine add less."""

LEAST_SECONDS = 0.05
"""A shorter time is no harm, and too short to compare."""


def assert_time_grows_slowly(prepare: Callable[[int], Callable[[], object]], size: int) -> None:
    """Assert that a call for 32 times a size takes at most 256 times as much processor time.

    `prepare` returns the call for a size.
    """
    call = prepare(size * TIMES)
    large = measure_cpu_seconds(call, rounds=1)
    if large >= LEAST_SECONDS:
        small = measure_cpu_seconds(prepare(size), rounds=3)
        if large > MOST * small:
            large = measure_cpu_seconds(call, rounds=3)
        assert large <= MOST * small, f"{small:.4f} s, {large:.2f} s"


def count_calls(function: Callable[[], object]) -> int:
    """Return the number of calls of functions, also of those in C, that a call makes."""
    return count_calls_by_name(function).total()


def count_calls_by_name(function: Callable[[], object]) -> Counter[str]:
    """Return how often a call calls functions of each name; those in C have the name of their caller and a point."""
    counts = Counter[str]()

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            counts[frame.f_code.co_name + "." * (event == "c_call")] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return counts
