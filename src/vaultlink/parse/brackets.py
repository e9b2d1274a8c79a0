"""Match brackets, and find the end of link destinations and bare URLs."""

import re

from vaultlink.text import lazy_pattern

_BRACKET = lazy_pattern(r"[\[\]\\](?:(?<!\\)|.)", re.S)
_MAX_PARENTHESES = 32
_DESTINATION = lazy_pattern(r"\(\s*(?:<([^>\n]*)>|())")
_IN_DESTINATION = lazy_pattern(r"[\s()\\](?:(?<!\\)|.)", re.S)
_TITLE = lazy_pattern(r"\s+(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^)\\])*\))", re.S)


def match_brackets(text: str) -> dict[int, int]:
    """Return opening to closing position of all bracket pairs.

    Escaped brackets do not count.
    """
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            opened.append(match.start())
        elif match[0] == "]" and opened:
            pairs[opened.pop()] = match.start()
    return pairs


def parse_link_destination(text: str, at: int, end: int) -> tuple[int, str]:
    """Return the end of a Markdown link and its destination as written.

    Args:
        text: The text of the run.
        at: Position of the opening parenthesis.
        end: End of the text to search.

    Returns:
        The position behind the closing parenthesis, and the destination; (0, "") if there is none.
    """
    opening = _DESTINATION.match(text, at, end)
    assert opening
    if opening[1] is not None:
        destination, stop = opening[1], opening.end()
    elif text.startswith("<", opening.start(2)):
        return 0, ""
    else:
        stop = _find_destination_end(text, opening.start(2), end)
        destination = text[opening.start(2) : stop]
    title = _TITLE.match(text, stop, end)
    stop = title.end() if title else stop
    while stop < end and text[stop].isspace():
        stop += 1
    return (stop + 1, destination) if stop < end and text[stop] == ")" and destination else (0, "")


def _find_destination_end(text: str, at: int, end: int) -> int:
    """Return the end of a bare destination (2.5, 2.19).

    It ends at white space or at an unbalanced parenthesis.
    """
    depth = 0
    for mark in _IN_DESTINATION.finditer(text, at, end):
        char = mark[0]
        if char == "(":
            depth += 1
            if depth > _MAX_PARENTHESES:
                return end
        elif char == ")":
            if not depth:
                return mark.start()
            depth -= 1
        elif char[0] != "\\":
            return mark.start()
    return end


def is_domain(domain: str) -> bool:
    """Return True if the last two labels of a domain contain no underscore."""
    return "_" not in "".join(domain.split(".")[-2:])


def trim_url_end(text: str, start: int, end: int) -> int:
    """Return the end of a URL without trailing punctuation of the sentence."""
    while end > start and text[end - 1] in "!*,.:?_~":
        end -= 1
    while text[end - 1] == ")" and text.count(")", start, end) > text.count("(", start, end):
        end -= 1
    return end
