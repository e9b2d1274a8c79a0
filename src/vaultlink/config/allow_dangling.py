"""Add topics to `allow-dangling` in the text of a configuration file."""

from collections.abc import Sequence

from vaultlink.config.list_items import insert_list_items
from vaultlink.config.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_WILDCARDS,
    compile_globs,
    count_wildcards,
)
from vaultlink.text import lazy_pattern

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
