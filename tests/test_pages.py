"""Pages of a listing: every row is on one page, also if rows before it are gone meanwhile."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from exploring import spread
from forge import ROOT
from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink.errors import UsageError
from vaultlink.report.pages import BY_NUMBER, BY_PATH, Order, Page, PageRows

Row = tuple[str, int]

BY_PLACE: Order[Row] = Order((str, int), lambda row: row)
BY_SCORE: Order[float] = Order((float,), lambda score: (-score,))

ROWS = [("a.md", 1), ("a.md", 3), ("a.md", 3), ("a.md", 3), ("b: 2:1.md", 1), ("ü\n.md", 9)]


def list_pages(rows: list[Row], limit: int, order: Order[Row] = BY_PLACE) -> list[PageRows[Row]]:
    found = [Page(limit).cut(rows, order)]
    while after := found[-1].name_next():
        found.append(Page(limit, after).cut(rows, order))
    return found


@each("order", [BY_PLACE, BY_NUMBER])
@each("limit", [1, 2, 3, 5, 6, 7])
def test_every_row_is_on_one_page(limit: int, order: Order[Row]) -> None:
    pages = list_pages(ROWS, limit, order)
    assert [row for page in pages for row in page.rows] == ROWS
    assert all(len(page.rows) == limit for page in pages[:-1])
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_page_without_a_limit_has_all_rows() -> None:
    assert Page().cut(ROWS, BY_PLACE).rows == ROWS
    assert Page().cut(ROWS, BY_PLACE).name_next() is None


@each(
    ("number", "after"),
    [
        (1, "a.md:1:0"),
        (2, "a.md:3:0"),
        (4, "a.md:3:2"),
        (5, "b: 2:1.md:1:0"),
        (6, None),
    ],
)
def test_next_page_begins_behind_a_place(number: int, after: str | None) -> None:
    assert Page(number).cut(ROWS, BY_PLACE).name_next() == after


@each("name", ["line\nend.md", "\udcff.md", "\x1b[2J.md", "x" * 300])
def test_place_that_can_not_be_shown_is_a_number(name: str) -> None:
    rows = [("a.md", 1), (name, 1), ("zz", 1)]
    assert Page(2).cut(rows, BY_PLACE).name_next() == "2"
    assert Page(2, "2").cut(rows, BY_PLACE).rows == [("zz", 1)]


@each("gone", [1, 2, 3])
def test_rows_that_are_gone_meanwhile_hide_no_others(gone: int) -> None:
    rows = [(f"{name}.md", line) for name in "abc" for line in range(3)]
    after = Page(gone).cut(rows, BY_PLACE).name_next() or ""
    assert Page(9, after).cut(rows[gone:], BY_PLACE).rows == rows[gone:]


def test_row_that_is_added_meanwhile_is_listed_behind_the_place_only() -> None:
    rows = [("a.md", 1), ("c.md", 1)]
    after = Page(1).cut(rows, BY_PLACE).name_next() or ""
    later = [("a.md", 0), ("a.md", 1), ("b.md", 1), ("c.md", 1)]
    assert Page(9, after).cut(later, BY_PLACE).rows == [("b.md", 1), ("c.md", 1)]


@each("score", [0.5, 12.25, 1e-07, 1e300])
def test_scores_are_places(score: float) -> None:
    rows = [score, score / 2, score / 4]
    after = Page(1).cut(rows, BY_SCORE).name_next() or ""
    assert Page(9, after).cut(rows, BY_SCORE).rows == rows[1:]


@each("after", ["a.md", "a.md:x:0", "a.md:1", "1:2", ":", "-1", "1.5", "a.md:1:0:", "9" * 16, "²"])
def test_other_texts_are_no_places(after: str) -> None:
    with pytest.raises(UsageError, match="is no place in this listing"):
        Page(1, after).cut(ROWS, BY_SCORE if after == "a.md:1" else BY_PLACE)  # type: ignore[arg-type]


def test_behind_the_last_row_there_is_nothing() -> None:
    for after in ("99", "zz.md:1:0"):
        page = Page(5, after).cut([("a.md", 1)], BY_PLACE)
        assert (page.rows, page.name_next()) == ([], None)


def test_no_row_behind_the_next_page_is_taken() -> None:
    taken = iter(f"{number}.md" for number in range(9))
    assert Page(2).cut(taken, BY_PATH).rows == ["0.md", "1.md"]
    assert next(taken) == "3.md"


# -- `--limit` and `--after` of commands ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def podcast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a sample vault that is in no repository: each run would ask git about the commits of this project."""
    return Path(
        shutil.copytree(
            ROOT / "fixtures" / "podcast-wiki", tmp_path_factory.mktemp("pages") / "vault"
        )
    )


LISTINGS = {
    "check": "findings",
    "check --select ALL": "findings",
    "links": "links",
    "links long_tide index": "links",
    "show": "notes",
    "unresolved": "topics",
    "orphans": "notes",
    "deadends": "notes",
    "backlinks": "notes",
    "backlinks long_tide": "backlinks",
    "related long_tide": "related",
    "mentions": "mentions",
    "history long_tide": "links",
}


def list_whole(run: RunCommand, podcast: Path, line: str, key: str, *words: str) -> list[str]:
    data: Any = run(*line.split(), *words, "--json", "--vault", podcast).data
    return [json.dumps(row) for row in data[key]]


@pytest.mark.thorough
@pytest.mark.parametrize("limit", spread(("4", "1")))
@each(("line", "key"), LISTINGS.items(), ids=LISTINGS)
def test_pages_of_a_command_have_every_row_once(
    run: RunCommand, podcast: Path, line: str, key: str, limit: str
) -> None:
    found: list[str] = []
    after: tuple[str, ...] = ()
    while True:
        words = (*line.split(), "--json", "--limit", limit, *after)
        data: Any = run(*words, "--vault", podcast).data
        found += [json.dumps(row) for row in data[key]]
        if data["next"] is None:
            break
        assert len(data[key]) == int(limit)
        after = (f"--after={data['next']}",)
    whole = list_whole(run, podcast, line, key, *(("--limit", "99") if "related" in line else ()))
    assert (found if len(line.split()) < 3 else sorted(found)) == (
        whole if len(line.split()) < 3 else sorted(whole)
    )


@each(
    ("line", "output_format"),
    [
        ("check", "json-lines"),
        *((line, "tsv") for line in LISTINGS if not line.startswith(("check", "show"))),
    ],
)
def test_place_of_the_next_page_is_on_stderr(
    run: RunCommand, podcast: Path, line: str, output_format: str
) -> None:
    words = (*line.split(), "--output-format", output_format, "--vault", str(podcast))
    head = 0 if output_format == "json-lines" else 1
    found: list[str] = []
    after: list[str] = []
    while True:
        done = run(*words, "--limit", "3", *after)
        found += done.lines[head:]
        match = re.search(r"^More rows follow: (.*) lists them\.$", done.err, re.MULTILINE)
        if match is None:
            break
        assert len(done.lines[head:]) == 3
        after = shlex.split(match[1])
    more = ("--limit", "99") if "related" in line else ()
    whole = run(*words, *more).lines[head:]
    assert sorted(found) == sorted(whole)


def test_numbers_of_a_page_are_those_of_all_findings(run: RunCommand, podcast: Path) -> None:
    words = ("check", "--vault", str(podcast))
    whole: Any = run(*words, "--json").data
    page: Any = run(*words, "--json", "--limit", "1").data
    assert page["summary"] == whole["summary"]
    assert run(*words, "--limit", "1").err.replace("Listed are the first 1 finding.\n", "") == (
        run(*words).err
    )
    assert run(*words, "--limit", "1").code == run(*words).code == 1
    errors = run(*words, "--limit", "1", "--fail-on", "error", "--output-format", "concise")
    assert (errors.code, "VL125" in errors.out) == (1, True)


@each("output_format", ["full", "concise", "github", "gitlab", "sarif", "junit", "markdown"])
def test_other_formats_list_the_first_findings_and_refuse_a_place(
    run: RunCommand, podcast: Path, output_format: str
) -> None:
    words = ("check", "--vault", str(podcast), "--output-format", output_format)
    assert len(run(*words, "--limit", "1").out) < len(run(*words).out)
    done = run(*words, "--after", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --after requires --output-format json or json-lines.\n"


@each("line", sorted(LISTINGS.keys() - {"check", "check --select ALL"}))
def test_tables_have_the_first_rows_and_refuse_a_place(
    run: RunCommand, podcast: Path, line: str
) -> None:
    output_format = "page" if line == "show" else "table"
    words = (*line.split(), "--vault", podcast, "--output-format", output_format)
    assert len(run(*words, "--limit", "1").out) <= len(run(*words).out)
    done = run(*words, "--after", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("error: --after requires --output-format json or tsv.\n")


@each(
    ("line", "why"),
    [
        ("check --limit 0", "--limit: must be a whole number above 0"),
        ("check --limit x", "--limit: must be a whole number above 0"),
        (f"check --limit {'9' * 5_000}", "--limit: must be a whole number above 0"),
        ("check --limit 1 --fix", "--limit and --fix can't be used together"),
        ("check --limit 1 --diff", "--limit and --diff can't be used together"),
        ("check --limit 1 --statistics", "--limit and --statistics can't be used together"),
        ("check --json --after a.md", "“a.md” is no place in this listing"),
        ("links --json --after a.md:1", "“a.md:1” is no place in this listing"),
        ("orphans --json --after x", "“x” is no place in this listing"),
        ("unresolved --json --after a.md:1:1:0", "is no place in this listing"),
        ("related long_tide --json --after a.md", "is no place in this listing"),
        ("backlinks --limit 1 --write", "there is no option --limit"),
        ("mentions --limit 1 --diff", "--limit and --diff can't be used together"),
        ("mentions --after 1 --write", "--after and --write can't be used together"),
        ("graph --limit 1", "--limit"),
    ],
)
def test_page_that_can_not_be_is_a_usage_error(
    run: RunCommand, podcast: Path, line: str, why: str
) -> None:
    done = run(*line.split(), "--vault", podcast)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_pages_of_drafts_have_what_they_add(
    run: RunCommand, podcast: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = tmp_path / "drafts.json"
    drafts.write_text(json.dumps({"new.md": "[[one]]\n\n[[two]]\n\n[[three]]\n"}))
    after: tuple[str, ...] = ()
    found: list[str] = []
    for _ in range(3):
        with drafts.open() as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            words = ("check", "--stdin-drafts", "-", "--select", "planned-note", "--json")
            data: Any = run(*words, "--limit", "1", *after, "--vault", podcast).data
        found += [row["target"] for row in data["findings"]]
        after = (f"--after={data['next']}",)
    assert (found, data["next"], data["summary"]["findings"]) == (["one", "two", "three"], None, 3)


@each("limit", [1, 3])
def test_findings_that_are_fixed_meanwhile_hide_no_others(
    run: RunCommand, tmp_path: Path, limit: int
) -> None:
    lines = [f"- [[Old {number}]] and [[New]]" for number in range(5)]
    files = {f"Log {name}.md": "\n".join(lines) for name in ("1:2", "A", "B")}
    vault = create_vault(tmp_path / "vault", {**files, "Home.md": ""})
    seen: list[tuple[str, int, str]] = []
    after: tuple[str, ...] = ()
    while True:
        words = ("check", "--json", "--select", "planned-note", "--limit", str(limit), *after)
        data: Any = run(*words, "--vault", vault).data
        for row in data["findings"]:
            seen.append((row["path"], row["line"], row["target"]))
            text = (vault / row["path"]).read_text()
            write_files(vault, {row["path"]: text.replace(f"[[{row['target']}]]", "[[Home]]", 1)})
        if data["next"] is None:
            break
        after = ("--after", data["next"])
    expected = [(path, line, name) for path in sorted(files) for line in range(1, 6)
                for name in (f"Old {line - 1}", "New")]  # fmt: skip
    assert seen == expected


def test_many_findings_have_pages_with_the_numbers_of_all(run: RunCommand, tmp_path: Path) -> None:
    notes = {f"N {number}.md": "[[gap]] [[Home]] [[Home notes]]\n" * 4 for number in range(150)}
    vault = create_vault(tmp_path / "vault", {**notes, "Home.md": "", "Home note.md": ""})
    words = ("check", "--json", "--vault", str(vault))
    whole: Any = run(*words).data
    assert whole["summary"]["findings"] > 1_000
    for after in ((), ("--after", "N 77.md:2:1:VL125:0"), ("--after", "zz.md:1:1:VL125:0")):
        page: Any = run(*words, "--limit", "3", *after).data
        assert page["summary"] == {**whole["summary"], "unsafe_fixable": None}
        place = ("N 77.md", 2, 1) if "N 77.md:2:1:VL125:0" in after else ("", 0, 0)
        place = ("zz.md", 1, 1) if "zz.md:1:1:VL125:0" in after else place
        rows = [
            row for row in whole["findings"] if (row["path"], row["line"], row["column"]) > place
        ]
        assert page["findings"] == rows[:3]
    lines = run("check", "--vault", vault)
    page_lines = run("check", "--limit", "3", "--vault", vault)
    assert page_lines.lines == lines.lines[:3]
    assert page_lines.err.replace("Listed are the first 3 findings.\n", "") == lines.err
