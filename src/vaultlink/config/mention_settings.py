"""The settings of `[mentions]`, and the list of what is never linked."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from vaultlink.config.checks import (
    format_value,
    read_one_line,
    read_switch,
    read_text_list,
    reject_long_patterns,
)
from vaultlink.config.layers import Layer

ARROW = " -> "
"""Stands between the notes of a pair."""


class IgnoredMentions(NamedTuple):
    """The entries of `ignore`: names, notes, pairs of notes, globs of folders."""

    names: frozenset[str]
    notes: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    folders: tuple[str, ...]


def read_mentions_setting(layer: Layer, key: str, value: Any) -> Any:
    """Return a checked setting of `[mentions]`. Raises ConfigError."""
    place = f"mentions.{key}"
    if key == "ignore":
        items = [read_one_line(layer, place, item) for item in read_text_list(layer, place, value)]
        reject_long_patterns(layer, place, parse_ignored(items).folders)
        return tuple(items)
    if key == "min-score":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise layer.make_error(
                place, f"must be a number from 0 to 1, not {format_value(value)}."
            )
        return float(value)
    return read_switch(layer, place, value)


def parse_ignored(items: Iterable[str]) -> IgnoredMentions:
    """Sort the entries of `ignore` by kind.

    `a.md -> b.md` is a pair, a text that ends with `.md` the path of a note. A text that ends with
    a slash, or has a slash and `*`, is a glob of folders or notes in the syntax of .gitignore;
    `TCP/IP` is not. Any entry is a name too, because an alias may look like a path.
    """
    entries, notes, pairs, folders = tuple(items), set(), set(), []
    for item in entries:
        source, arrow, target = item.partition(ARROW)
        if arrow and is_note_path(source) and is_note_path(target):
            pairs.add((source.strip(), target.strip()))
            continue
        if item.strip().endswith("/") or ("/" in item and "*" in item):
            folders.append(item.strip())
        if is_note_path(item):
            notes.add(item.strip())
    return IgnoredMentions(frozenset(entries), frozenset(notes), frozenset(pairs), tuple(folders))


def ignore_mentions(text: str, items: Iterable[str], table: tuple[str, ...] = ()) -> str | None:
    """Return a settings file with more ignored mentions; None if that can't be."""
    from vaultlink.config.list_items import insert_list_items  # noqa: PLC0415 - only to write

    return insert_list_items(text, list(items), "ignore", table, "mentions")


def is_note_path(text: str) -> bool:
    """Return True if an entry of `ignore` is read as the path of a note."""
    return text.strip().lower().endswith(".md")
