"""Add items to a list in the text of a configuration file."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from vaultlink.config.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_WILDCARDS,
    compile_globs,
    count_wildcards,
)
from vaultlink.text import lazy_pattern

# -- add items to a list in the text of a configuration file ---------------------------------------
# tomlkit finds the place. Every other character of the file stays as it is.


def insert_list_items(
    text: str, items: Sequence[str], key: str, table: Sequence[str] = (), new_table: str = ""
) -> str | None:
    """Return the text of a configuration file with more items in a list.

    Items that the list has already are left out.

    Args:
        text: The text of the file.
        items: The items to add.
        key: The key of the list. It is created if it does not exist.
        table: The path of a table that must exist, such as `tool`, `vaultlink`.
        new_table: The table with the key, below `table`. It is created if it does not exist. ""
            for `table` itself.

    Returns:
        The text; None if the items can't be inserted without another change of the text.
    """
    for item in items:
        inserted = _insert_item(text, item, key, table, new_table)
        if inserted is None:
            return None
        text = inserted
    return text


def _insert_item(
    text: str, item: str, key: str, table: Sequence[str], new_table: str
) -> str | None:
    from tomlkit import dumps, parse  # noqa: PLC0415 - only needed to change a file
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415
    from tomlkit.items import Array  # noqa: PLC0415

    try:
        document = parse(text)
        settings = _find_table(document, table, new_table)
        if settings is None:
            return None
        if key not in settings:
            settings[key] = [item]
        elif isinstance(items := settings[key], Array):
            if item in items:
                return text
            items.append(item)
        else:
            return None
        after = dumps(document)
    except (TOMLKitError, KeyError):
        return None
    return _check_insertion(text, after, item, (*table, *([new_table] if new_table else []), key))


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


def _check_insertion(before: str, after: str, item: str, path: Sequence[str]) -> str | None:
    """Return text with the line ends of `before`; None if more than `item` changed."""
    import tomllib  # noqa: PLC0415 - only needed to change a file

    start = 0
    while start < len(before) and before[start] == after[start]:
        start += 1
    tail = before[start:]
    inserted = after[start : len(after) - len(tail)]
    if not after.endswith(tail):
        return None
    if "\r\n" in before:
        inserted = inserted.replace("\r\n", "\n").replace("\n", "\r\n")
    result = before[:start] + inserted + tail
    expected = _add_value(tomllib.loads(before), item, path)
    return result if tomllib.loads(result) == expected else None


def _add_value(values: Mapping[str, Any], item: str, path: Sequence[str]) -> dict[str, Any]:
    key, *rest = path
    changed = _add_value(values.get(key, {}), item, rest) if rest else [*values.get(key, ()), item]
    return {**values, key: changed}


# -- add topics to `allow-dangling` in the text of a configuration file ----------------------------


_KEY = "allow-dangling"
_EXTENSION = ".md"

_SPECIAL = lazy_pattern(r"[*?\[]")
"""Characters that have a meaning in a pattern."""


def make_topic_patterns(topics: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fewest patterns that allow topics; None if one can't be allowed."""
    names = [topic for topic in topics if topic.removesuffix(_EXTENSION) not in {*topics} - {topic}]
    patterns = [make_topic_pattern(name) for name in names]
    return None if None in patterns else tuple(filter(None, patterns))


def make_topic_pattern(topic: str) -> str | None:
    """Return the pattern that allows a topic; None if no pattern can."""
    pattern = _SPECIAL.sub(lambda match: f"[{match[0]}]", topic)
    is_valid = len(pattern) <= MAX_PATTERN_LENGTH and count_wildcards(pattern) <= MAX_WILDCARDS
    return pattern if is_valid and topic.isprintable() and compile_globs([pattern])(topic) else None


def allow_topics(text: str, patterns: Sequence[str], table: Sequence[str] = ()) -> str | None:
    """Return the text of a configuration file with more patterns in `allow-dangling`.

    `table` is the path of the table with the settings, such as `tool`, `vaultlink`. The result is
    None if the patterns can't be inserted without another change of the text.
    """
    return insert_list_items(text, patterns, _KEY, table)
