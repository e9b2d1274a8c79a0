"""Answers as JSON objects of at most 4 KB: counts first, then as many rows as fit."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from vaultlink.errors import UsageError
from vaultlink.report.json_document import encode_value
from vaultlink.text import quote_name

MAX_BYTES = 4096
"""Bytes of the longest answer, as UTF-8."""

_MAX_HEAD_BYTES = 2048
"""Bytes of what comes before the rows. The rest is for at least one row."""


_MAX_AFTER_BYTES = 200
"""Bytes of the longest place in a listing. A row with a longer one is named by its number."""

Place: TypeAlias = tuple[str | int | float, ...]
"""The place of a row in its listing: places are sorted as the rows are."""


class Page(NamedTuple):
    """The wanted rows: at most `limit`, after the place `after` in their listing.

    `after` is the place of a row, with colons between its parts, or the number of rows before the
    page, in digits. A place stays true when rows before it are gone.
    """

    limit: int = 50
    after: str = ""

    @property
    def number(self) -> int:
        """The number of rows before the page. Raises UsageError if `after` is a place."""
        if re.fullmatch(r"\d{0,15}", self.after, re.ASCII):
            return int(self.after or 0)
        raise self._refuse()

    def make_test(self, *kinds: type) -> Callable[[int, Place], bool]:
        """Return a test whether a row, by its number and place, comes before the page.

        Args:
            kinds: The types of the parts of a place.

        Raises:
            UsageError: `after` is not a place with these types.
        """
        if ":" not in self.after:
            first = self.number
            return lambda number, _place: number < first
        match = re.fullmatch(":".join(_PATTERNS[kind] for kind in kinds), self.after, re.DOTALL)
        if match is None:
            raise self._refuse()
        last = tuple(kind(part) for kind, part in zip(kinds, match.groups(), strict=True))
        return lambda _number, place: place <= last

    def _refuse(self) -> UsageError:
        return UsageError(
            f"{quote_name(self.after)} is no place in this listing. The value of “after” is that "
            "of “next” in an answer to the same question."
        )


_PATTERNS = {str: "(.*)", int: r"(-?\d{1,15})", float: r"(-?\d{1,15}\.\d{1,20})"}


class ToolAnswer(NamedTuple):
    """The parts of an answer.

    Attributes:
        counts: The numbers of what there is, also of the rows that are left out.
        rows: The rows of the page, as (name of their list, row). They are made when needed.
        total: The number of all rows.
        lists: The names of the lists, in their order.
        more: Other keys, behind the counts.
        start: The number of rows before the page.
        get_place: Returns the place of a row of the page by its number; None if rows have none.
    """

    counts: Mapping[str, Any]
    rows: Iterable[tuple[str, Any]] = ()
    total: int = 0
    lists: tuple[str, ...] = ()
    more: Mapping[str, Any] = {}
    start: int = 0
    get_place: Callable[[int], Place] | None = None

    def name_next(self, number: int) -> str:
        """Return the `after` of the page behind the first rows of this one."""
        if self.get_place is not None:
            text = ":".join(map(str, self.get_place(number - 1)))
            if len(encode_value(text)) <= _MAX_AFTER_BYTES:
                return text
        return str(self.start + number)


def encode_answer(answer: ToolAnswer, page: Page) -> str:
    """Return an answer as JSON, with `next`: the `after` of the next page, or null."""
    head = shorten({"counts": answer.counts, **answer.more}, _MAX_HEAD_BYTES)
    lists: dict[str, list[Any]] = {name: [] for name in answer.lists}
    size = len(encode_value({**head, **lists, "next": ""})) + _MAX_AFTER_BYTES
    number = 0
    for name, row in answer.rows:
        left = MAX_BYTES - size - 1  # and a comma
        data = encode_value(row)
        if len(data) > left or number == page.limit:
            if number:
                break
            row = shorten(row, left)  # noqa: PLW2901 - the only one of its page
            data = encode_value(row)
        lists[name].append(row)
        size += len(data) + 1
        number += 1
    is_last = answer.start + number >= answer.total or not number
    end = {"next": None if is_last else answer.name_next(number)} if answer.lists else {}
    return encode_value({**head, **lists, **end}).decode()


_LENGTHS = (1_000, 500, 250, 120, 60, 30, 10, 3)
"""Characters of the longest text, and items of the longest list, that are tried in turn."""


def shorten(value: Any, size: int) -> Any:
    """Return a value with at most `size` bytes of JSON: long texts end with “…”."""
    if len(encode_value(value)) <= size:
        return value
    for length in _LENGTHS:
        short = _cut(value, length)
        if len(encode_value(short)) <= size:
            return short
    return {}


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= length else f"{value[: length - 1]}…"
    if isinstance(value, Mapping):
        items = list(value.items())[:length]
        return {_cut(key, length + 20): _cut(item, length) for key, item in items}
    if isinstance(value, list | tuple):
        return [_cut(item, length) for item in value[:length]]
    return value


_SERVER_WORDS = (
    (re.compile(r"; --verbose lists all\."), "."),
    (re.compile(r"`vaultlink show [^`]*`"), "`note`"),
    (re.compile(r"`vaultlink (unresolved|merge|extract|rename|move)`"), r"`\1`"),
    (re.compile(r"(?<!\S)--(merge|to|unlink)\b"), r"“\1”"),
    (
        re.compile(r"unlink, redirect to another note, or leave\."),
        "“unlink”: true, “to”: NOTE, or “leave”: true.",
    ),
)
"""Words of messages for the command line, and those of the tools for the same."""


def make_sentence(text: str) -> str:
    """Return a message in the words of the tools, with at most 4 KB."""
    for pattern, words in _SERVER_WORDS:
        text = pattern.sub(words, text)
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= MAX_BYTES:
        return data.decode()
    return data[: MAX_BYTES - 3].decode("utf-8", "ignore") + "…"
