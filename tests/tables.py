"""Tests of many cases: one test, in which each case is a subtest that keeps its name."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Test = Callable[..., None]
Ids = Iterable[str] | Callable[[Any], object] | None


def each(
    names: str | Sequence[str], rows: Iterable[Any], *, ids: Ids = None
) -> Callable[[Test], Test]:
    """Return a decorator that runs a test for each row, as `pytest.mark.parametrize` does, but as one test.

    It is for cases that take milliseconds: pytest takes as long for a test as they do. They share the fixtures of the test, so
    that nothing may stay of one.
    """
    arguments = split_names(names)
    is_single = isinstance(names, str) and len(arguments) == 1
    fixed = None if ids is None or callable(ids) else list(ids)
    added: list[tuple[str, dict[str, Any]]] = []
    for number, row in enumerate(rows):
        given = row if isinstance(row, PARAMETERS) else pytest.param(*([row] if is_single else row))
        assert not given.marks, "use pytest.mark.parametrize for cases with marks"
        assert len(given.values) == len(arguments)
        name = given.id or (
            fixed[number] if fixed else name_case(arguments, given.values, number, ids)
        )
        added.append((str(name), dict(zip(arguments, given.values, strict=True))))
    assert added, "no rows"

    def decorate(test: Test) -> Test:
        function, others = getattr(test, "table", (test, [("", {})]))
        table = [
            (f"{other}-{name}" if other else name, {**other_values, **values})
            for name, values in added
            for other, other_values in others
        ]

        @functools.wraps(function)
        def run(*, subtests: pytest.Subtests, **fixtures: Any) -> None:
            for name, values in table:
                with subtests.test(name):
                    function(**fixtures, **values)

        parameters = inspect.signature(function).parameters.values()
        kept = [one for one in parameters if one.name not in table[0][1]]
        subtests = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
        signature = inspect.Signature([*kept, subtests])
        vars(run).update(__signature__=signature, table=(function, table))
        return run

    return decorate


PARAMETERS = type(pytest.param())


def split_names(names: str | Sequence[str]) -> list[str]:
    """Return the names of the arguments."""
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def name_case(arguments: Sequence[str], values: Sequence[Any], number: int, ids: Ids) -> str:
    """Return the name of a case as pytest makes it of the values."""
    made = [ids(value) if callable(ids) else None for value in values]
    return "-".join(
        str(value) if isinstance(value, (str, int, float, bool, type(None))) else f"{name}{number}"
        for name, value in (
            (name, value if one is None else one)
            for name, value, one in zip(arguments, values, made, strict=True)
        )
    )
