"""What was surely meant as a link and is none. Whether it names anything is for a rule to say."""

import re

from vaultlink.parse.inline_types import MalformedLink

_MALFORMED_WIKILINKS = (
    (
        re.compile(r"\[\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?\](?![\](:\[])"),
        "one closing bracket is missing",
    ),
    (re.compile(r"\[\[([^\[\]|#]+\n[^\[\]|#]+)\]\]"), "it contains a line break"),
    (
        re.compile(r"\[\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?(?=\n|$)"),
        "the closing brackets are missing",
    ),
)
_MALFORMED_SINGLE_BRACKETS = (
    (
        re.compile(r"(?<!\[)\[([^\[\]\n|#]+)(?:[|#][^\[\]\n]*)?\]\]"),
        "one opening bracket is missing",
    ),
    (
        re.compile(r"(?<!\])\[[^\[\]\n]+\]\(([^()\n<>\"']*[^()\n<>\"'\s] [^()\n<>\"']*)\)"),
        "its destination contains a space",
    ),
    (
        re.compile(r"\[[^\[\]\n]+\] \(([^()\n<>\"' ]+\.md)\)"),
        "a space is between text and destination",
    ),
)


def match_malformed_link(text: str, at: int, end: int, close: int) -> MalformedLink | None:
    """The slip that starts with the bracket at a position; `close` is where that bracket closes, 0 if it does not."""
    if text.startswith("[[", at):
        patterns = _MALFORMED_WIKILINKS
    elif close and text[close + 1 : close + 2] in ("]", "(", " "):
        patterns = _MALFORMED_SINGLE_BRACKETS
    else:
        return None
    for pattern, fault in patterns:
        match = pattern.match(text, at, end)
        if match:
            return MalformedLink(at, match.end(), match[1].strip(), fault)
    return None
