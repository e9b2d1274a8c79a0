"""Tests of many cases: one test, in which each case is a subtest that keeps its name."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

Test = Callable[..., None]
Ids = Iterable[object] | Callable[[Any], object] | None


def each(
    names: str | Sequence[str], rows: Iterable[Any], *, ids: Ids = None
) -> Callable[[Test], Test]:
    """Return a decorator that runs a test for each row, as `pytest.mark.parametrize` does, but as one test.

    It is for cases that take milliseconds: pytest takes as long for a test as they do. Each case has a `tmp_path`, a
    `monkeypatch` and fixtures of the module of its own, made anew; cases share all other fixtures. Without a row, the test
    is skipped.
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

    def decorate(test: Test) -> Test:
        if not added:
            return skip_test(test)
        function, others = getattr(test, "table", (test, [("", {})]))
        table = [
            (f"{other}-{name}" if other else name, {**other_values, **values})
            for name, values in added
            for other, other_values in others
        ]

        parameters = inspect.signature(function).parameters
        needed = list_shared(function, table[0][1])

        @functools.wraps(function)
        def run(*, subtests: pytest.Subtests, **shared: Any) -> None:
            for name, values in table:
                with subtests.test(name), make_fixtures(function, values, shared) as fixtures:
                    function(**{key: fixtures[key] for key in parameters})

        signature = inspect.Signature(
            [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
                for name in [*needed, "subtests"]
            ]
        )
        vars(run).update(__signature__=signature, table=(function, table))
        return run

    return decorate


def skip_test(test: Test) -> Test:
    """Return a test without arguments that is skipped, since no case of it is there."""

    @pytest.mark.skip(reason="no cases")
    def skipped() -> None: ...

    skipped.__name__ = test.__name__
    return skipped


PARAMETERS = type(pytest.param())
FIXTURE = type(pytest.fixture(lambda: None))


def find_fixture(function: Test, name: str) -> Callable[..., Any] | None:
    """Return the function of a fixture that the module of a test has for each test, or None.

    A fixture with parameters is one of the test, too, which has each parameter for all cases.
    """
    found = function.__globals__.get(name)
    if not isinstance(found, FIXTURE):
        return None
    marker, made = vars(found)["_fixture_function_marker"], vars(found)["__wrapped__"]
    is_made_anew = marker.scope == "function" and not marker.params
    return made if is_made_anew else None


def list_shared(function: Test, values: Mapping[str, Any]) -> list[str]:
    """Return the fixtures that all cases of a test share: those that it and the fixtures of its module need."""
    names, shared = list(inspect.signature(function).parameters), list[str]()
    for name in names:  # grows
        if name in values or name in shared:
            continue
        if fixture := find_fixture(function, name):
            names += [item for item in inspect.signature(fixture).parameters if item not in names]
        else:
            shared.append(name)
    return shared


_numbers = count(1)


@contextmanager
def make_fixtures(
    function: Test, values: Mapping[str, Any], shared: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Return the arguments of a test for a case and of the fixtures that it needs, for as long as the case runs."""
    with pytest.MonkeyPatch.context() as monkeypatch, ExitStack() as stack:
        made = {**shared, **values}
        if "monkeypatch" in shared:
            made["monkeypatch"] = monkeypatch
        if "tmp_path" in shared:
            made["tmp_path"] = make_folder(shared["tmp_path"], monkeypatch)
        if "capfdbinary" in shared:
            shared["capfdbinary"].readouterr()

        def make(name: str) -> None:
            if name in made:
                return
            fixture = find_fixture(function, name)
            assert fixture, f"{name}: define it above the test"
            arguments = list(inspect.signature(fixture).parameters)
            for argument in arguments:
                make(argument)
            result = fixture(**{argument: made[argument] for argument in arguments})
            if inspect.isgenerator(result):
                result = stack.enter_context(contextmanager(lambda: result)())
            made[name] = result

        for name in inspect.signature(function).parameters:
            assert name in values or name not in shared or not find_fixture(function, name), (
                f"{name}: define it above the test"
            )
            make(name)
        yield made


def make_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the folder of a case in that of its test, and put what variables have there into it."""
    own = folder / str(next(_numbers))
    own.mkdir()
    for name, value in os.environ.items():
        if value == str(folder) or value.startswith(f"{folder}{os.sep}"):
            monkeypatch.setenv(name, f"{own}{value.removeprefix(str(folder))}")
    return own


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
