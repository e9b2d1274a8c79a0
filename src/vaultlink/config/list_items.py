"""Add values and list items in the text of a configuration file, in TOML or JSON."""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from vaultlink.config.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_WILDCARDS,
    compile_globs,
    count_wildcards,
)
from vaultlink.text import count_shared, lazy_pattern

# tomlkit finds the place. Every other character of the file stays as it is.


def insert_list_items(
    text: str, items: Sequence[str], key: str, table: Sequence[str] = (), new_table: str = ""
) -> str | None:
    """Return the text of a configuration file with more items in a list.

    Items that the list has already are left out. A missing list is created. `table` is the path of
    a table that must exist, such as `tool`, `vaultlink`, `new_table` a table below it, which is
    created if it is missing. None if no item can be inserted without another change of the text.
    """
    for item in items:
        inserted = _change_table(text, item, key, table, new_table, is_item=True)
        if inserted is None:
            return None
        text = inserted
    return text


def insert_value(text: str, value: object, key: str, table: Sequence[str] = ()) -> str | None:
    """Return the text of a configuration file with a key that it lacks.

    `table` is the path of a table that must exist. Return None if the key has another value, or
    can't be inserted without another change of the text.
    """
    return _change_table(text, value, key, table, is_item=False)


def _change_table(
    text: str, value: Any, key: str, table: Sequence[str], new_table: str = "", *, is_item: bool
) -> str | None:
    """Return a text with a value of a key, or one item more in its list."""
    from tomlkit import dumps, parse  # noqa: PLC0415 - only needed to change a file
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415
    from tomlkit.items import Array  # noqa: PLC0415

    try:
        document = parse(text)
        settings = _find_table(document, table, new_table)
        if settings is None:
            return None
        if key not in settings:
            settings[key] = [value] if is_item else value
        elif not is_item:
            return text if settings[key] == value else None
        elif isinstance(items := settings[key], Array):
            if value in items:
                return text
            items.append(value)
        else:
            return None
        after = dumps(document)
    except (TOMLKitError, KeyError):
        return None
    path = (*table, *([new_table] if new_table else []), key)
    return _check_insertion(text, after, value, path, is_item=is_item)


def _find_table(
    document: MutableMapping[str, Any], table: Sequence[str], new_table: str
) -> MutableMapping[str, Any] | None:
    """Return the table that contains the list; None if there is a value in its place."""
    from tomlkit import table as create_table  # noqa: PLC0415 - only needed to change a file
    from tomlkit.items import AbstractTable  # noqa: PLC0415

    settings: Any = document
    for name in table:
        settings = settings[name] if isinstance(settings, AbstractTable | dict) else None
    if new_table and isinstance(settings, dict):
        if new_table not in settings:
            settings[new_table] = create_table()
        settings = settings[new_table]
    return settings if isinstance(settings, dict) else None


def _check_insertion(
    before: str, after: str, value: object, path: Sequence[str], *, is_item: bool
) -> str | None:
    """Return text with the line ends of `before`; None if more than `value` changed."""
    import tomllib  # noqa: PLC0415 - only needed to change a file

    start = count_shared(before, after)
    tail = before[start:]
    inserted = after[start : len(after) - len(tail)]
    if not after.endswith(tail):
        return None
    if "\r\n" in before:
        inserted = inserted.replace("\r\n", "\n").replace("\n", "\r\n")
    result = before[:start] + inserted + tail
    expected = _add_value(tomllib.loads(before), value, path, is_item=is_item)
    return result if tomllib.loads(result) == expected else None


def _add_value(
    values: Mapping[str, Any], value: object, path: Sequence[str], *, is_item: bool
) -> dict[str, Any]:
    key, *rest = path
    if rest:
        return {**values, key: _add_value(values.get(key, {}), value, rest, is_item=is_item)}
    return {**values, key: [*values.get(key, ()), value] if is_item else value}


# -- add an item to a list in JSON -----------------------------------------------------------------


class _Element(NamedTuple):
    """A member of an object, or an element of an array, which has the key ""."""

    key: str
    start: int
    value_start: int
    end: int


def insert_json_item(text: str, item: object, path: Sequence[str]) -> str | None:
    """Return an object in JSON with one item more in a list.

    Every other character stays. `path` has the keys that lead to the list. What is missing there is
    created. Return None if the text is no object, has comments or a key twice, or if another value
    is in that place.
    """
    try:
        before = json.loads(text, object_pairs_hook=_refuse_repeated_keys)
        expected = _add_value(before, item, path, is_item=True)
        after = _insert_into_json(text, item, path)
        return after if json.loads(after) == expected else None
    except (AttributeError, TypeError, ValueError, RecursionError):
        return None


def _refuse_repeated_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in members}) < len(members):
        raise ValueError("a key occurs twice")
    return dict(members)


def _insert_into_json(text: str, item: object, path: Sequence[str]) -> str:
    """Insert an item where the path ends, or what is missing where it breaks off."""
    start = _skip_blanks(text, 0)
    elements, end = _read_elements(text, start)
    value, rest = item, list(path)
    while rest and (found := [element for element in elements if element.key == rest[0]]):
        start, rest = found[0].value_start, rest[1:]
        elements, end = _read_elements(text, start)
    if rest:
        value = [item]
        for name in reversed(rest[1:]):
            value = {name: value}
    key = f"{json.dumps(rest[0])}: " if rest else ""
    if not elements:
        return _fill_empty(text, start, end, key, value)
    last = elements[-1]
    lead = text[text.rfind("\n", 0, last.start) + 1 : last.start]
    if lead.strip() or "\n" not in text[start : last.start]:  # beside others on one line
        new = f", {key}{json.dumps(value, ensure_ascii=False)}"
    else:
        new = f",\n{lead}{key}{_format_json(text, value, lead)}"
    return text[: last.end] + _adapt_line_ends(text, new) + text[last.end :]


def _fill_empty(text: str, start: int, end: int, key: str, value: object) -> str:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    outer = line[: len(line) - len(line.lstrip())]
    indent = outer + _find_indent(text)
    new = f"\n{indent}{key}{_format_json(text, value, indent)}"
    if "\n" not in text[start:end]:
        new += f"\n{outer}"
    return text[: start + 1] + _adapt_line_ends(text, new) + text[start + 1 :]


def _format_json(text: str, value: object, indent: str) -> str:
    written = json.dumps(value, indent=_find_indent(text), ensure_ascii=False)
    return written.replace("\n", f"\n{indent}")


def _find_indent(text: str) -> str:
    """Return the indent of the first line that has one."""
    found = _INDENT.search(text)
    return found[1] if found else "  "


_INDENT = lazy_pattern(r"\n([ \t]+)\S")


def _adapt_line_ends(text: str, new: str) -> str:
    return new.replace("\n", "\r\n") if "\r\n" in text else new


def _read_elements(text: str, start: int) -> tuple[list[_Element], int]:
    """Return the content of a JSON object or array, and its end. Raises ValueError."""
    if text[start] not in "{[":
        raise ValueError("neither an object nor an array")
    is_object, decoder = text[start] == "{", json.JSONDecoder()
    found, at = list[_Element](), _skip_blanks(text, start + 1)
    while text[at] not in "}]":
        begin, key = at, ""
        if is_object:
            key, at = decoder.raw_decode(text, at)
            at = _skip_blanks(text, _skip_blanks(text, at) + 1)
        value_start = at
        _, at = decoder.raw_decode(text, at)
        found.append(_Element(key, begin, value_start, at))
        at = _skip_blanks(text, at)
        at = _skip_blanks(text, at + 1) if text[at] == "," else at
    return found, at


def _skip_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at


# -- add topics to `allow-dangling` in the text of a configuration file ----------------------------

_KEY = "allow-dangling"

_SPECIAL = lazy_pattern(r"[*?\[]")
"""Characters that have a meaning in a pattern."""


def make_topic_patterns(topics: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fewest patterns that allow topics; None if one can't be allowed."""
    names = [topic for topic in topics if topic.removesuffix(".md") not in {*topics} - {topic}]
    patterns = [make_topic_pattern(name) for name in names]
    return None if None in patterns else tuple(filter(None, patterns))


def make_topic_pattern(topic: str) -> str | None:
    """Return the pattern that allows a topic; None if no pattern can."""
    pattern = _SPECIAL.sub(lambda match: f"[{match[0]}]", topic)
    is_valid = len(pattern) <= MAX_PATTERN_LENGTH and count_wildcards(pattern) <= MAX_WILDCARDS
    return pattern if is_valid and topic.isprintable() and compile_globs([pattern])(topic) else None


def allow_topics(text: str, patterns: Sequence[str], table: Sequence[str] = ()) -> str | None:
    """Return a settings file with more in `allow-dangling`; None if that can't be."""
    return insert_list_items(text, patterns, _KEY, table)
