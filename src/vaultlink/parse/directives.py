"""Find suppressions in a note: comments and the `vaultlink` property."""

import re
from collections.abc import Iterable

from vaultlink.model import Directive, PropertyValue, text_items
from vaultlink.parse.spans import SpanSet
from vaultlink.text import lazy_pattern, line_and_column

DIRECTIVE_PREFIX = "vaultlink-"
"""The text that every directive contains."""

_COMMENT_MARK = lazy_pattern("%%")
_DIRECTIVE = lazy_pattern(
    r"(?:%%|<!--)[ \t]*vaultlink-(?P<action>disable(?:-line|-next-line|-file)?|enable)(?![\w-])"
    r"(?P<rules>[^%\n]*?)[ \t]*(?:%%|-->)"
)


def find_directives(
    text: str, starts: list[int], code: Iterable[tuple[int, int]]
) -> tuple[Directive, ...]:
    """Return the directives in a note's comments, except those in code.

    Args:
        text: The note's text.
        starts: The offsets of its line starts.
        code: The spans of code.
    """
    spans = SpanSet(code)
    found = []
    for match in _DIRECTIVE.finditer(text):
        if not spans.covers(match.start()):
            rules = (
                tuple(re.split(r"[,\s]+", match["rules"].strip())) if match["rules"].strip() else ()
            )
            found.append(
                Directive(
                    *match.span(), *line_and_column(starts, match.start()), match["action"], rules
                )
            )
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
