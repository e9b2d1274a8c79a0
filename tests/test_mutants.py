"""Tests of `make mutants`: what is changed, what is left out, and that the rest of the file stays."""

from collections.abc import Sequence

import pytest

from line_map import SOURCE, find_named, find_stale_tests, match_lines, sort_tests
from mutant_server import pair_code
from mutants import EQUIVALENT, read_equivalent
from mutations import find_mutants
from source import ROOT
from tables import each

pytestmark = pytest.mark.project

CHANGES: Sequence[tuple[str, list[str]]] = [
    ("return a < b", ["return a <= b", "return None"]),
    ("if a is not None:\n        pass", ["if a is None:"]),
    ("if not a:\n        pass", ["if a:"]),
    ("if a in b and c:\n        pass", ["if a in b or c:", "if a not in b and c:"]),
    ("return True", ["return False"]),
    ("return 3", ["return 4"]),
    ("return a[b:]", ["return a[b + 1:]", "return None"]),
    ("return len(a) - 1", ["return len(a) + 1", "return len(a) - 2", "return None"]),
    ("b.add(a)", ["pass"]),
    ("b.c = a", ["pass"]),
    ("raise ValueError", ["pass"]),
    ("b = 'key'", ['b = ""']),
]
"""A statement of a function, and what one of its lines becomes."""

UNCHANGED = [
    '"""A docstring."""',
    "b = a",
    "assert a > 1",
    "b = 'a message of words'",
    "b = f'{a > 1}'",
    "b: Literal['key'] = a",
    "b = cast('Key', a)",
    "raise AssertionError(1)",
    "import os",
]


def change(statement: str) -> list[str]:
    """Return the changed lines of a function with a statement, sorted."""
    code = f"def function(a, b=1, c='key'):\n    {statement}\n".encode()
    mutants = find_mutants("m.py", code)
    for mutant in mutants:
        lines = mutant.apply(code).decode().split("\n")
        others = code.decode().split("\n")
        assert lines[mutant.line - 1].strip() == mutant.after
        assert others[mutant.line - 1].strip() == mutant.before
        assert lines[: mutant.line - 1] == others[: mutant.line - 1]
        assert lines[mutant.line :] == others[mutant.line :]
        assert pair_code("m.py", code, mutant.apply(code))
    return sorted(mutant.after for mutant in mutants)


@pytest.mark.parametrize(("statement", "changes"), CHANGES)
def test_one_place_changes(statement: str, changes: list[str]) -> None:
    assert change(statement) == sorted(changes)


@pytest.mark.parametrize("statement", UNCHANGED)
def test_what_tests_may_leave_open_stays(statement: str) -> None:
    assert change(statement) == []


def test_deleted_statement_keeps_the_numbers_of_lines() -> None:
    code = b"def function(a):\n    a(\n        1,\n    )\n    return a\n"
    [deleted] = [each for each in find_mutants("m.py", code) if each.new == b"pass"]
    assert deleted.apply(code) == b"def function(a):\n    pass\n\n\n    return a\n"


def test_functions_that_are_added_or_removed_have_no_pair() -> None:
    code = b"def function(a):\n    a(lambda: 1)\n"
    [deleted] = [each for each in find_mutants("m.py", code) if each.new == b"pass"]
    assert pair_code("m.py", code, deleted.apply(code)) is None


def test_judged_mutants_exist() -> None:
    for judged in read_equivalent():
        data = (ROOT / SOURCE / judged["file"]).read_bytes()
        found = [(item.before, item.after) for item in find_mutants(judged["file"], data)]
        assert (judged["line"], judged["mutant"]) in found, f"{EQUIVALENT.name}: {judged['mutant']}"


@pytest.mark.parametrize(
    ("before", "after", "numbers"),
    [
        ("abcde", "abcde", {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}),
        ("abcde", "abXde", {1: 1, 5: 5}),
        ("abcdef", "abcXdef", {1: 1, 2: 2, 5: 6, 6: 7}),
        ("abcdef", "abef", {1: 1, 6: 4}),
        ("abc", "", {}),
    ],
)
def test_tests_of_changed_lines_and_those_around_them_run_again(
    before: str, after: str, numbers: dict[int, int]
) -> None:
    assert match_lines("\n".join(before).encode(), "\n".join(after).encode()) == numbers


FILES = {
    "rules/extra-space.yaml": "",
    "fixtures/every-link/A.md": "",
    "tests/cases.toml": "",
    "tests/steps.py": "",
    "tests/vaults.py": "def make():\n    import steps",
    "tests/test_cases.py": "CASES = read('cases.toml')",
    "tests/lsp/test_places.py": "from vaults import make",
    "tests/test_rules.py": "",
}


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("rules/extra-space.yaml", ["test_rules.py::test_rule[extra-space]"]),
        ("fixtures/every-link/A.md", ["test_rules.py::test_vault[every-link]"]),
        ("tests/cases.toml", ["test_cases.py::test_case"]),
        ("tests/steps.py", ["lsp/test_places.py::test_place"]),
        ("tests/test_cases.py", ["test_cases.py::test_case"]),
        ("src/vaultlink/model.py", []),
        ("tests/new.py", []),
    ],
)
def test_tests_that_name_or_import_a_changed_file_run_again(file: str, stale: list[str]) -> None:
    names = [
        "tests/test_rules.py::test_rule[extra-space]",
        "tests/test_rules.py::test_vault[every-link]",
        "tests/test_cases.py::test_case",
        "tests/lsp/test_places.py::test_place",
    ]
    files = {path: text.encode() for path, text in FILES.items()}
    changed = files | {file: b"# changed"}
    assert find_stale_tests(names, files, files) == set()
    assert find_stale_tests(names, files, changed) == {f"tests/{name}" for name in stale}


@each(
    ("names", "expected"),
    [
        ({"a.py::one"}, {"a.py::one"}),
        ({"a.py"}, {"a.py::one", "a.py::two[x]"}),
        ({"a.py", "aa.py::one"}, {"a.py::one", "a.py::two[x]", "aa.py::one"}),
        ({"a.py::two", "b.py", ""}, set()),
        (set(), set()),
    ],
)
def test_lines_of_a_module_are_those_of_all_its_tests(names: set[str], expected: set[str]) -> None:
    assert find_named(names, ["a.py::one", "a.py::two[x]", "aa.py::one"]) == expected


def test_other_functions_come_before_further_rows_of_one() -> None:
    rows = {"t.py::rows[a]": 1.0, "t.py::rows[b]": 1.1, "t.py::rows[c]": 1.2}
    assert sort_tests({**rows, "t.py::slow": 2.5, "t.py::quick": 0.5}) == [
        *("t.py::quick", "t.py::rows[a]", "t.py::rows[b]", "t.py::slow", "t.py::rows[c]")
    ]
