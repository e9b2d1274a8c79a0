"""Pages of a listing: some of its rows, and the place of the next page."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from vaultlink.errors import UsageError
from vaultlink.model import Diagnostic
from vaultlink.text import quote_name

RowT = TypeVar("RowT")

Place: TypeAlias = tuple[str | int | float, ...]
"""The place of a row in its listing: places are sorted as the rows are."""

_MAX_BYTES = 200
"""Bytes of the longest place. A row with a longer one is named by its number."""


class Order(NamedTuple, Generic[RowT]):
    """The order of a listing, by the places of its rows.

    `kinds` are the types of the parts of a place; () if rows are only known by their numbers.
    """

    kinds: tuple[type, ...]
    get_place: Callable[[RowT], Place]


BY_NUMBER: Order[Any] = Order((), lambda _row: ())
"""The order of rows that have no places."""

BY_PATH: Order[Any] = Order((str,), lambda row: (getattr(row, "path", row),))
"""The order of paths, or of rows with one each."""

BY_POSITION: Order[Any] = Order((str, int, int), lambda row: (row.path, row.line, row.column))
"""The order of rows with the path of a note and a position in it."""

FINDINGS: Order[Diagnostic] = Order(
    (str, int, int, str), lambda item: (item.path, item.line, item.column, item.code)
)
"""The order of findings."""


class Page(NamedTuple):
    """The wanted rows: at most `limit`, behind the place `after` in their listing.

    `after` is the place of a row, with colons between its parts and the number of earlier rows with
    the same place at its end; or the number of rows before the page, in digits. A place stays true
    when rows before it are gone.
    """

    limit: int | None = None
    after: str = ""

    def cut(self, rows: Iterable[RowT], order: Order[RowT] = BY_NUMBER) -> "PageRows[RowT]":
        """Return the rows of the page. No row behind the next one is taken.

        Raises UsageError if `after` is not a place in this order.
        """
        if self == Page():
            return PageRows(list(rows), [], is_page=False)
        is_before = self._make_test(order.kinds)
        listed, places, start = list[RowT](), list[Place](), 0
        for number, (place, row) in enumerate(_find_places(rows, order)):
            if is_before(number, place):
                start = number + 1
            elif len(listed) == self.limit:
                return PageRows(listed, places, order.kinds, start, has_more=True)
            else:
                listed.append(row)
                places.append(place)
        return PageRows(listed, places, order.kinds, start)

    def _make_test(self, kinds: Sequence[type]) -> Callable[[int, Place], bool]:
        """Return a test whether a row, by its number and place, comes before the page."""
        if re.fullmatch(r"\d{0,15}", self.after, re.ASCII):
            first = int(self.after or 0)
            return lambda number, _place: number < first
        last = _read_place(self.after, kinds)
        if last is None:
            raise UsageError(
                f"{quote_name(self.after)} is no place in this listing. The value of “after” is "
                "that of “next” in an answer to the same question."
            )
        return lambda _number, place: place <= last


class PageRows(NamedTuple, Generic[RowT]):
    """The rows of a page, at most as many as wanted, each with its place.

    `kinds` are the types of the parts of a place, and `start` is the number of rows before the
    page. `has_more` is True if there are rows behind it, and `is_page` False if all rows were
    wanted.
    """

    rows: list[RowT]
    places: list[Place]
    kinds: tuple[type, ...] = ()
    start: int = 0
    has_more: bool = False
    is_page: bool = True

    def name_next(self, number: int | None = None) -> str | None:
        """Return the `after` of the next page; None if there is none.

        `number` is the number of rows that were shown, by default all.
        """
        shown = len(self.rows) if number is None else number
        if not shown or (shown == len(self.rows) and not self.has_more):
            return None
        place = self.places[shown - 1]
        text = ":".join(map(str, place))
        is_good = text.isprintable() and len(text.encode()) <= _MAX_BYTES
        if is_good and self.kinds and _read_place(text, self.kinds) == place:
            return text
        return str(self.start + shown)


def _find_places(rows: Iterable[RowT], order: Order[RowT]) -> Iterator[tuple[Place, RowT]]:
    """Yield rows with their places, which end with a number among rows with the same."""
    previous, count = None, 0
    for row in rows:
        place = order.get_place(row)
        count = count + 1 if place == previous else 0
        previous = place
        yield (*place, count), row


_PATTERNS = {str: "(.*)", int: r"(-?\d{1,15})", float: r"(-?\d{1,15}\.\d{1,20})"}


def _read_place(text: str, kinds: Sequence[type]) -> Place | None:
    parts = (*kinds, int) if kinds else ()
    match = re.fullmatch(":".join([_PATTERNS[kind] for kind in parts]), text, re.DOTALL)
    if match is None or not parts:
        return None
    return tuple(kind(part) for kind, part in zip(parts, match.groups(), strict=True))
