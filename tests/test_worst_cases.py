"""The time of hostile notes grows with their size, not with its square."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from exploring import TIMES
from growth import assert_time_grows_slowly
from running import create_vault
from tables import each
from vaultlink.__main__ import main as run_vaultlink
from vaultlink.api import Settings, open_vault
from vaultlink.index.anchors import build_anchor_table, find_anchor, find_slug_heading
from vaultlink.model import Edit, Note, Safety
from vaultlink.parse.canvas import parse_canvas
from vaultlink.parse.note import parse_note
from vaultlink.rules.metadata import _find_usual_tags

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from shapes import list_shapes, render_shape

SIZE = 8_000 if TIMES else 2_000
"""Characters of the smaller note. `benchmarks/worst_cases.py` has larger ones."""

PARSED = [
    # links
    *("opening brackets", "opening brackets in lines", "closing brackets", "empty brackets"),
    *("wikilinks", "wikilinks cut by a line", "unclosed wikilinks", "unclosed display texts"),
    *("escaped opening brackets", "doubled Markdown brackets", "nested brackets", "nested images"),
    *("unclosed destinations", "unclosed angle destinations", "unclosed titles", "nested links"),
    *("spaces in a destination", "unclosed references", "unclosed reference definitions"),
    *("backslashes and brackets", "exclamation marks and brackets", "URL of punctuation"),
    *("links cut by a table", "many cut links and code in a row", "links to the note itself"),
    # inline text
    *("rows of backticks", "unclosed code", "dollars and text", "pairs of dollars"),
    *("unclosed tags", "unclosed attributes", "spaces in a tag", "comments with dashes"),
    *("comment starts", "instructions", "declarations", "CDATA", "at signs in an autolink"),
    *("stars and text", "underscores and text", "alternating emphasis", "nested emphasis"),
    *("footnotes", "nested footnotes", "tags", "nested tag", "comments", "prose", "one long word"),
    # blocks
    *("empty lines", "lines of spaces", "headings", "hashes in a heading", "underlined headings"),
    *("stars with spaces", "fences", "unclosed fences in quotes", "fence in a list"),
    *("unclosed math in quotes", "unclosed comments in quotes", "unclosed comment"),
    *("HTML blocks", "one HTML block", "unclosed scripts", "nested quotes", "callouts"),
    *("lazy lines of nested quotes", "bullets in one line", "items of growing indent"),
    *("blank lines in a list", "table", "delimiter row", "nested footnote definitions"),
    *("block ids", "detached block ids", "carets", "long lines of dashes in quotes"),
    # what vaultlink reads
    *("disable comments", "unclosed directives", "rules of a directive", "usual section headings"),
    *("section headings with entries", "section headings in one line", "entries"),
    *("entry with many dashes", "prose in a section", "section marker pairs", "prompts"),
    *("names in a query", "open links in a query", "calls in a base", "names of attachments"),
    # properties and canvases
    *("links in properties", "unquoted links in properties", "unclosed frontmatter"),
    *("unclosed quoted text", "flow brackets", "merge keys", "nested properties", "canvas edges"),
    *("canvas text of brackets", "anchors and aliases", "sexagesimal numbers"),
]
"""A shape for each state of the parsers. `make explore` tries all."""


def prepare_parsing(shape: str, size: int) -> Callable[[], object]:
    """Return the call that parses a note of a shape."""
    name, text = next(iter(render_shape(shape, size).items()))
    return partial(parse_canvas if name.endswith(".canvas") else parse_note, name, text)


@each("shape", list(list_shapes()) if TIMES else PARSED)
def test_time_of_parsing_grows_with_the_size(shape: str) -> None:
    assert_time_grows_slowly(partial(prepare_parsing, shape), SIZE)


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


@each("shape", CHECKED)
def test_time_of_a_check_grows_with_the_size(shape: str, tmp_path: Path) -> None:
    def prepare(size: int) -> Callable[[], object]:
        root = create_vault(tmp_path / str(size), render_shape(shape, size))
        return lambda: open_vault(root, Settings(cache=False, jobs=1)).check()

    assert_time_grows_slowly(prepare, SIZE)


FIXED = ["nested tag", "one HTML block", "section marker pairs"]


@each("shape", FIXED)
def test_time_of_fixing_grows_with_the_size(shape: str, tmp_path: Path) -> None:
    def prepare(size: int) -> Callable[[], object]:
        root = create_vault(tmp_path / str(size), render_shape(shape, size))
        options = ("--vault", str(root), "--no-cache", "--no-history", "--jobs", "1")
        return lambda: run_vaultlink(["fix", "--diff", *options])

    assert_time_grows_slowly(prepare, SIZE)


@each(
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


@each(("missing", "safety"), [((), Safety.SAFE), (("a",), Safety.UNSAFE)])
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


@each(
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
