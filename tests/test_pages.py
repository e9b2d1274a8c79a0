"""Pages of a listing: every row is on one page, also if rows before it are gone meanwhile."""

import pytest

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


@pytest.mark.parametrize("order", [BY_PLACE, BY_NUMBER])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_every_row_is_on_one_page(limit: int, order: Order[Row]) -> None:
    pages = list_pages(ROWS, limit, order)
    assert [row for page in pages for row in page.rows] == ROWS
    assert all(len(page.rows) == limit for page in pages[:-1])
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_page_without_a_limit_has_all_rows() -> None:
    assert Page().cut(ROWS, BY_PLACE).rows == ROWS
    assert Page().cut(ROWS, BY_PLACE).name_next() is None


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("name", ["line\nend.md", "\udcff.md", "\x1b[2J.md", "x" * 300])
def test_place_that_can_not_be_shown_is_a_number(name: str) -> None:
    rows = [("a.md", 1), (name, 1), ("zz", 1)]
    assert Page(2).cut(rows, BY_PLACE).name_next() == "2"
    assert Page(2, "2").cut(rows, BY_PLACE).rows == [("zz", 1)]


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_rows_that_are_gone_meanwhile_hide_no_others(gone: int) -> None:
    rows = [(f"{name}.md", line) for name in "abc" for line in range(3)]
    after = Page(gone).cut(rows, BY_PLACE).name_next() or ""
    assert Page(9, after).cut(rows[gone:], BY_PLACE).rows == rows[gone:]


def test_row_that_is_added_meanwhile_is_listed_behind_the_place_only() -> None:
    rows = [("a.md", 1), ("c.md", 1)]
    after = Page(1).cut(rows, BY_PLACE).name_next() or ""
    later = [("a.md", 0), ("a.md", 1), ("b.md", 1), ("c.md", 1)]
    assert Page(9, after).cut(later, BY_PLACE).rows == [("b.md", 1), ("c.md", 1)]


@pytest.mark.parametrize("score", [0.5, 12.25, 1e-07, 1e300])
def test_scores_are_places(score: float) -> None:
    rows = [score, score / 2, score / 4]
    after = Page(1).cut(rows, BY_SCORE).name_next() or ""
    assert Page(9, after).cut(rows, BY_SCORE).rows == rows[1:]


@pytest.mark.parametrize(
    "after", ["a.md", "a.md:x:0", "a.md:1", "1:2", ":", "-1", "1.5", "a.md:1:0:", "9" * 16, "²"]
)
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
