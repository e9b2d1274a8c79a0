"""Find suppressions in a note: comments and the `vaultlink` property."""

import re
from collections.abc import Iterable

from vaultlink.model import Directive, PropertyValue, text_items
from vaultlink.parse.brackets import MarkSearch, SpanSet
from vaultlink.text import lazy_pattern, line_and_column

_COMMENT_MARK = lazy_pattern("%%")
_DIRECTIVE_START = lazy_pattern(
    r"(?:%%|<!--)[ \t]*vaultlink-(?P<action>disable(?:-line|-next-line|-file)?|enable)(?![\w-])"
)
_DIRECTIVE_END = lazy_pattern(r"%|-->|\n")


def find_directives(
    text: str, starts: list[int], code: Iterable[tuple[int, int]]
) -> tuple[Directive, ...]:
    """Return the directives in a note's comments, except those in code."""
    spans, marks, found = SpanSet(code), MarkSearch(text), []
    opening = _DIRECTIVE_START.search(text)
    while opening:
        start, at = opening.span()
        close = marks.find_char(_DIRECTIVE_END, at)
        closing = next((mark for mark in ("%%", "-->") if text.startswith(mark, close)), "")
        if close != -1 and closing:
            names = text[at:close].strip()
            rules = tuple(re.split(r"[,\s]+", names)) if names else ()
            at = close + len(closing)
            if not spans.covers(start):
                place = line_and_column(starts, start)
                found.append(Directive(start, at, *place, opening["action"], rules))
        opening = _DIRECTIVE_START.search(text, at)
    return tuple(found)


def find_comment_spans(
    text: str, start: int, code: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the spans of the `%%` comments in a note's body.

    Each comment runs from one `%%` to the next. An unpaired last `%%` starts no comment.
    """
    spans = SpanSet(code)
    marks = [
        at
        for at in (match.start() for match in _COMMENT_MARK.finditer(text, start))
        if not spans.covers(at)
    ]
    return list(zip(marks[::2], marks[1::2], strict=False))


def parse_ignored_rules(value: PropertyValue) -> tuple[str, ...]:
    """Return the rules in the value of a property `vaultlink: {ignore: [...]}`."""
    return tuple(text_items(value.get("ignore"))) if isinstance(value, dict) else ()
