"""The time of hostile notes grows with their size, not with its square."""

import math
import sys
from pathlib import Path

import pytest

from exploring import TIMES
from running import create_vault, measure_cpu_seconds
from vaultlink.__main__ import main as run_vaultlink
from vaultlink.api import open_vault
from vaultlink.index.anchors import build_anchor_table, find_anchor, find_slug_heading
from vaultlink.model import Edit, Note, Safety
from vaultlink.parse.canvas import parse_canvas
from vaultlink.parse.note import parse_note
from vaultlink.rules.metadata import _find_usual_tags

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from shapes import list_shapes, render_shape

SIZE = 8_000 if TIMES else 4_000
"""Characters of the smaller note: quadratic time shows above the fixed cost of a note. `benchmarks/worst_cases.py` has larger ones."""

MAX_EXPONENT = 1.5
"""Below 2, which is quadratic, with room for the errors of short measurements."""

LEAST_SECONDS = 0.02
"""A shorter time is no harm, and too short to compare."""


def measure_parsing(shape: str, size: int, rounds: int) -> float:
    """Return the least processor time of parsing a note of a shape, in seconds."""
    name, text = next(iter(render_shape(shape, size).items()))
    parse = parse_canvas if name.endswith(".canvas") else parse_note
    return measure_cpu_seconds(lambda: parse(name, text), rounds)


def measure_check(folder: Path, shape: str, size: int) -> float:
    """Return the processor time of checking a vault with a note of a shape, in seconds."""
    root = create_vault(folder, render_shape(shape, size))
    return measure_cpu_seconds(lambda: open_vault(root).check(), rounds=1)


def find_exponent(small: float, large: float) -> float:
    """Return the exponent of the times of two notes, one of eight times the size."""
    return math.log(large / small, 8) if large >= LEAST_SECONDS else 0.0


@pytest.mark.parametrize("shape", list(list_shapes()))
def test_time_of_parsing_grows_with_the_size(shape: str) -> None:
    exponents = []
    for _ in range(3):  # another program may disturb one measurement
        large = measure_parsing(shape, SIZE * 8, rounds=1)
        if large < LEAST_SECONDS:
            return
        small = measure_parsing(shape, SIZE, rounds=3)  # too long a time would hide a defect
        exponents.append(find_exponent(small, large))
        if exponents[-1] <= MAX_EXPONENT:
            return
    raise AssertionError(f"{shape}: exponents {exponents}")


CHECKED = [
    "disable comments with links",
    "disable-line comments",
    "headings and near misses",
    "equal headings and near misses",
    "slugs of headings",
    "block ids and near misses",
    "section headings with entries",
    "section marker pairs",
    "anchors in properties",
    "merge keys",
]


@pytest.mark.parametrize("shape", CHECKED)
def test_time_of_a_check_grows_with_the_size(shape: str, tmp_path: Path) -> None:
    exponents = []
    for attempt in range(3):
        seconds = [
            measure_check(tmp_path / f"{attempt}-{size}", shape, size) for size in (SIZE, SIZE * 8)
        ]
        exponents.append(find_exponent(*seconds))
        if exponents[-1] <= MAX_EXPONENT:
            return
    raise AssertionError(f"{shape}: exponents {exponents}")


FIXED = ["nested tag", "one HTML block", "section marker pairs"]


def measure_fix(folder: Path, shape: str, size: int) -> float:
    """Return the processor time of planning the fixes of a note of a shape, in seconds."""
    root = create_vault(folder, render_shape(shape, size))
    words = ["fix", "--diff", "--vault", str(root), "--no-cache", "--no-history", "--jobs", "1"]
    return measure_cpu_seconds(lambda: run_vaultlink(words), rounds=1)


@pytest.mark.parametrize("shape", FIXED)
def test_time_of_fixing_grows_with_the_size(shape: str, tmp_path: Path) -> None:
    exponents = []
    for attempt in range(3):
        seconds = [  # smaller notes take less time than the command itself
            measure_fix(tmp_path / f"{attempt}-{size}", shape, size)
            for size in (SIZE * 2, SIZE * 16)
        ]
        exponents.append(find_exponent(*seconds))
        if exponents[-1] <= MAX_EXPONENT:
            return
    raise AssertionError(f"{shape}: exponents {exponents}")


@pytest.mark.parametrize(
    ("uses", "usual"),
    [
        ({"a": 1, "A": 2}, {"a": "A"}),
        ({"a": 1, "A": 1}, {"a": "A"}),
        ({"a/b": 2, "A/b": 1}, {"A/b": "a/b"}),
        ({"a/b": 1, "A/B": 2, "a": 2}, {"a/b": "a/B", "A/B": "a/B"}),
        ({"a//B": 1, "a//b": 2, "a/": 1}, {"a//B": "a//b"}),
        ({"a/b/c": 1, "x/B/C": 1}, {}),
    ],
)
def test_usual_case_of_tags_is_found_by_level(uses: dict[str, int], usual: dict[str, str]) -> None:
    assert _find_usual_tags(uses) == usual


def test_only_the_first_link_in_html_holds_the_text_of_the_change() -> None:
    problems = note_of("<br>\n[[a]]\n[[b]]\n").problems
    changes = [(5, 16, "\n[[a]]\n[[b]]"), (5, 16, "")]
    assert [problem.replacements for problem in problems] == [(change,) for change in changes]


@pytest.mark.parametrize(("missing", "safety"), [((), Safety.SAFE), (("a",), Safety.UNSAFE)])
def test_first_link_in_html_that_resolves_has_the_fix(
    missing: tuple[str, ...], safety: Safety, tmp_path: Path
) -> None:
    files = {f"{name}.md": "x\n" for name in "abc" if name not in missing}
    root = create_vault(tmp_path / "v", {**files, "n.md": "<br>\n[[a]]\n[[b]]\n[[c]]\n"})
    fixes = [item.fix for item in open_vault(root).check() if item.rule == "hidden-link"]
    assert [fix and fix.safety for fix in fixes] == [safety] + [None] * (len(files) - 1)
    assert fixes[0]
    assert fixes[0].edits == (Edit("n.md", 5, 22, "\n[[a]]\n[[b]]\n[[c]]"),)


def note_of(text: str) -> Note:
    return parse_note("a.md", text)


def test_nested_footnotes_are_read_without_recursion() -> None:
    links = note_of("x " + "^[" * 5_000 + "[[a]]" + "]" * 5_000).links
    assert [link.target for link in links] == ["a"]


def test_a_heading_at_the_end_of_an_html_block_is_read() -> None:
    note_of("</div>\nfile.jpg [[a]]\n## Backlinks and others\n")


def test_aliases_that_multiply_are_refused() -> None:
    note = parse_note("a.md", render_shape("multiplied aliases", 1_000)["shape.md"])
    assert [problem.kind for problem in note.problems] == ["invalid-frontmatter"]


@pytest.mark.parametrize(
    ("subpath", "line"),
    [("#A", 1), ("#A#C", 5), ("#B#C", 5), ("#C", 5), ("#A#A", None), ("#C#B", None), ("#^id", 7)],
)
def test_table_finds_what_a_path_names(subpath: str, line: int | None) -> None:
    note = note_of("# A\n## B\n# A\n## B\n### C\n\nText ^id\n")
    found = find_anchor(note, subpath)
    assert (found and found.line) == line
    assert build_anchor_table(note) is build_anchor_table(note)


def test_equal_notes_have_tables_of_their_own() -> None:
    one, other = note_of("# A\n"), note_of("# A\n")
    assert find_slug_heading(one, "#a") is one.headings[0]
    assert find_slug_heading(other, "#a") is other.headings[0]
