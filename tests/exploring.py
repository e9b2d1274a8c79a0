"""How many random examples the tests try.

A run of all tests tries a few, the same ones each time. `make explore` tries many times as many, different ones.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

TIMES = int(os.environ.get("VAULTLINK_EXPLORE") or 0)
"""How many times as many examples are tried; 0 in a run of all tests."""


def count_examples(few: int) -> int:
    """Return the number of examples of a test: half of a few in a run of all tests, and many times as many in `make explore`."""
    return few * TIMES or max(few // 2, 1)


def choose_seeds(few: int) -> range:
    """Return the seeds of a random test, one for each example; half of a few in a run of all tests."""
    return range(few * TIMES, few * TIMES * 2) if TIMES else range(count_examples(few))


def spread(values: Iterable[Any], at_once: int = 1) -> Sequence[Any]:
    """Return values of a parameter: `make test` tries the first ones, `make test-all` the others. A tuple has several values."""
    first, others = [*values][:at_once], [*values][at_once:]
    return [
        *first,
        *(
            pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.thorough)
            for one in others
        ),
    ]


def spread_seeds(few: int, at_once: int = 1) -> Sequence[Any]:
    """Return the seeds of a random test that takes seconds: `make test` tries the first ones, `make test-all` the others."""
    return spread(choose_seeds(few), at_once)
