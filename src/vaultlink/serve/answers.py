"""Answers as JSON objects of at most 4 KB: counts first, then as many rows as fit."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from vaultlink.errors import USER_ERRORS
from vaultlink.report.json_document import encode_value
from vaultlink.report.pages import PageRows
from vaultlink.text import escape_controls

MAX_BYTES = 4096
"""Bytes of the longest answer, as UTF-8."""

_MAX_HEAD_BYTES = 2048
"""Bytes of what comes before the rows. The rest is for at least one row."""

_MAX_AFTER_BYTES = 200
"""Bytes that are kept free for the place of the next page."""


HALF_CHARACTER = "half of a character, as of an emoji that was cut. Send the whole text."
"""The end of the sentence about a text with a lone surrogate, which is not Unicode."""


class ToolAnswer(NamedTuple):
    """The parts of an answer.

    `counts` are the numbers of what there is, also of the rows that are left out. `rows` are those
    of the page, each behind the name of its list; they are made when needed. `cut` is None if no
    other page follows. `more` has other keys, which come behind the counts.
    """

    counts: Mapping[str, Any]
    rows: Iterable[tuple[str, Any]] = ()
    cut: PageRows[Any] | None = None
    lists: tuple[str, ...] = ()
    more: Mapping[str, Any] = {}


def encode_answer(answer: ToolAnswer) -> str:
    """Return an answer as JSON, with `next`: the `after` of the next page, or null."""
    head = shorten({"counts": answer.counts, **answer.more}, _MAX_HEAD_BYTES)
    lists: dict[str, list[Any]] = {name: [] for name in answer.lists}
    size = len(encode_value({**head, **lists, "next": ""})) + _MAX_AFTER_BYTES
    number = 0
    for name, row in answer.rows:
        left = MAX_BYTES - size - 1  # and a comma
        data = encode_value(row)
        if len(data) > left:
            if number:
                break
            row = shorten(row, left)  # noqa: PLW2901 - the only one of its page
            data = encode_value(row)
        lists[name].append(row)
        size += len(data) + 1
        number += 1
    end = {"next": answer.cut and answer.cut.name_next(number)} if answer.lists else {}
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


def describe_error(error: Exception) -> str:
    """Return the sentence of an error."""
    if isinstance(error, USER_ERRORS):
        return make_sentence("\n".join(map(escape_controls, str(error).split("\n"))))
    detail = escape_controls(" ".join(str(error).split())[:300])
    return make_sentence(
        f"internal error: {type(error).__name__}: {detail}. This is a bug in vaultlink; "
        "please report it."
    )
