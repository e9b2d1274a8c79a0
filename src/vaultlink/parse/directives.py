"""Instructions to vaultlink inside a note: comments that switch rules off, and the `vaultlink` property."""

import re
from collections.abc import Iterable

from vaultlink.model import Directive, PropertyValue, text_items
from vaultlink.text import line_and_column

DIRECTIVE_PREFIX = "vaultlink-"
"""What a text must hold for a directive to be possible."""

_COMMENT_MARK = re.compile("%%")
_DIRECTIVE = re.compile(
    r"(?:%%|<!--)[ \t]*vaultlink-(?P<action>disable(?:-line|-next-line|-file)?|enable)(?![\w-])(?P<rules>[^%\n]*?)[ \t]*"
    r"(?:%%|-->)"
)


def find_directives(
    text: str, starts: list[int], code: Iterable[tuple[int, int]]
) -> tuple[Directive, ...]:
    """The directives in a note's comments, those inside code left out."""
    spans = list(code)
    found = []
    for match in _DIRECTIVE.finditer(text):
        if not any(start <= match.start() < end for start, end in spans):
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
    """Spans of the comments in a note's body: from one `%%` to the next; the last, if it is left alone, opens none."""
    spans = list(code)
    marks = [
        at
        for at in (match.start() for match in _COMMENT_MARK.finditer(text, start))
        if not any(begin <= at < end for begin, end in spans)
    ]
    return list(zip(marks[::2], marks[1::2], strict=False))


def parse_ignored_rules(value: PropertyValue) -> tuple[str, ...]:
    """The rules of a property `vaultlink: {ignore: [...]}`."""
    return tuple(text_items(value.get("ignore"))) if isinstance(value, dict) else ()
