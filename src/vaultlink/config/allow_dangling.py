"""Add topics to `allow-dangling` in the text of a configuration file.

tomlkit finds the place. Every other character of the file stays as it is.
"""

from collections.abc import Sequence

from vaultlink.config.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_WILDCARDS,
    compile_globs,
    count_wildcards,
)
from vaultlink.text import lazy_pattern

_KEY = "allow-dangling"

_SPECIAL = lazy_pattern(r"[*?\[]")
"""Characters that have a meaning in a pattern."""


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
    for pattern in patterns:
        inserted = _insert_pattern(text, pattern, table)
        if inserted is None:
            return None
        text = inserted
    return text


def _insert_pattern(text: str, pattern: str, table: Sequence[str]) -> str | None:
    from tomlkit import dumps, parse  # noqa: PLC0415 - only needed to change a file
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415
    from tomlkit.items import AbstractTable, Array  # noqa: PLC0415

    try:
        document = parse(text)
        settings: object = document
        for name in table:
            settings = settings[name] if isinstance(settings, AbstractTable | dict) else None
        if not isinstance(settings, dict):
            return None
        if _KEY not in settings:
            settings[_KEY] = [pattern]
        elif isinstance(patterns := settings[_KEY], Array):
            if pattern in patterns:
                return text
            patterns.append(pattern)
        else:
            return None
        after = dumps(document)
    except (TOMLKitError, KeyError):
        return None
    return _check_insertion(text, after, pattern, table)


def _check_insertion(before: str, after: str, pattern: str, table: Sequence[str]) -> str | None:
    """Return the text after an insertion, with the line ends of the text before.

    Return None if something was changed that is not the inserted pattern.
    """
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
    values, expected = tomllib.loads(result), tomllib.loads(before)
    for name in table:
        values, parent = values[name], expected
        expected = parent[name]
    is_only_change = values[_KEY] == [*expected.get(_KEY, ()), pattern] and {**values, _KEY: 0} == {
        **expected,
        _KEY: 0,
    }
    return result if is_only_change else None
