"""Instructions to vaultlink inside a note: comments that switch rules off, and the `vaultlink` property."""

import re
from collections.abc import Iterable

from vaultlink.model import Directive, Value, text_items
from vaultlink.text import position

SIGN = "vaultlink-"
"""What a text must hold for a directive to be possible."""

_DIRECTIVE = re.compile(
    r"(?:%%|<!--)[ \t]*vaultlink-(?P<action>disable(?:-line|-next-line|-file)?|enable)(?![\w-])(?P<rules>[^%\n]*?)[ \t]*"
    r"(?:%%|-->)")


def comment_directives(text: str, starts: list[int], code: Iterable[tuple[int, int]]) -> tuple[Directive, ...]:
    """The directives in a note's comments, those inside code left out."""
    spans = list(code)
    found = []
    for match in _DIRECTIVE.finditer(text):
        if not any(start <= match.start() < end for start, end in spans):
            rules = tuple(re.split(r"[,\s]+", match["rules"].strip())) if match["rules"].strip() else ()
            found.append(Directive(*match.span(), *position(starts, match.start()), match["action"], rules))
    return tuple(found)


def property_rules(value: Value) -> tuple[str, ...]:
    """The rules of a property `vaultlink: {ignore: [...]}`."""
    return tuple(text_items(value.get("ignore"))) if isinstance(value, dict) else ()
