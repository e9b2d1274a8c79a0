"""Patterns over vault paths and names: globs as in configuration, and Obsidian's own ignore filters.

Patterns enter, predicates leave. Nothing here knows what the answer is used for.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence


def glob_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path fits one of the globs.

    `*` and `?` stay within a folder, `**` crosses folders, `[…]` is a set of characters. A glob without a slash fits at
    any depth, one with a slash from the vault's root; what names a folder fits everything below it. Case counts.
    """
    if not patterns:
        return _never
    fits = re.compile("|".join(map(_regex, patterns))).fullmatch
    return lambda path: fits(_composed(path)) is not None


def obsidian_filters(filters: Sequence[str]) -> Callable[[str], bool]:
    """Whether Obsidian's ignore filters name a path (specification 10.3): `/…/` is a regular expression, any other
    filter the beginning of a path; case does not count. An expression that can't be read fits nothing."""
    starts = tuple(item.lower() for item in filters if item and not _is_expression(item))
    tests = [test for item in filters if _is_expression(item) and (test := _expression(item[1:-1]))]
    if not starts and not tests:
        return _never
    return lambda path: path.lower().startswith(starts) or any(test.search(path) for test in tests)


def _never(_path: str) -> bool:
    return False


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_PIECE = re.compile(r"\*\*/|/\*\*|\*\*|\*|\?|\[!?\]?[^\]/]*\]|[^*?\[/]+|.", re.DOTALL)


def _regex(pattern: str) -> str:
    """One glob as a regular expression for the whole of a path."""
    glob = _composed(pattern).rstrip("/")
    anywhere = "" if "/" in glob else "(?:.*/)?"
    body = "".join(map(_piece, _PIECE.findall(glob.removeprefix("/"))))
    return f"(?s:{anywhere}{body}(?:/.*)?)"


def _piece(text: str) -> str:
    if text in _WILD:
        return _WILD[text]
    if text[0] != "[" or len(text) < 3:
        return re.escape(text)
    inverted = text[1] == "!"
    inside = re.escape(text[2 if inverted else 1 : -1]).replace("\\-", "-")
    whole = f"(?!/)[{'^' if inverted else ''}{inside}]"
    return whole if _expression(whole) else re.escape(text)  # a range from z to a is no set


_WILD = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _is_expression(item: str) -> bool:
    return len(item) > 2 and item[0] == item[-1] == "/"


def _expression(source: str) -> re.Pattern[str] | None:
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error:
        return None
