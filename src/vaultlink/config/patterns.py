"""Patterns over vault paths: configured globs and Obsidian's ignore filters."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from vaultlink.index.resolve import normalize_name
from vaultlink.text import lazy_pattern


def compile_globs(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate that is True for paths that match one of the globs.

    `*` and `?` stay within a folder, `**` crosses folders, `[…]` is a set of characters. A glob
    without a slash matches at any depth, one with a slash from the vault's root; a glob that
    matches a folder matches everything in it. Case-sensitive.
    """
    if not patterns:
        return _match_nothing
    fits = re.compile("|".join(map(_glob_to_regex, patterns))).fullmatch
    return lambda path: fits(_to_nfc(path)) is not None


def compile_obsidian_filters(filters: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate that is True for paths excluded by Obsidian.

    `filters` are Obsidian's ignore filters (section 10.3). `/…/` is a regular expression, any other
    filter the beginning of a path. Case-insensitive. An invalid expression matches nothing.
    """
    starts = tuple(item.lower() for item in filters if item and not _is_expression(item))
    tests = [
        test for item in filters if _is_expression(item) and (test := _compile_or_none(item[1:-1]))
    ]
    if not starts and not tests:
        return _match_nothing
    return lambda path: path.lower().startswith(starts) or any(test.search(path) for test in tests)


def compile_path_prefixes(paths: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate that is True for these paths and everything in these folders.

    The paths of notes may lack `.md`. Case and Unicode form are ignored.
    """
    wanted = frozenset(normalize_name(path) for path in paths)
    folders = tuple(path + "/" for path in wanted)

    def matches(path: str) -> bool:
        name = normalize_name(path)
        return name.startswith(folders) or name in wanted or name.removesuffix(".md") in wanted

    return matches if wanted else _match_nothing


def _match_nothing(_path: str) -> bool:
    return False


def _to_nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_GLOB_TOKEN = lazy_pattern(r"\*\*/|/\*\*|\*\*|\*|\?|\[!?\]?[^\]/]*\]|[^*?\[/]+|.", re.DOTALL)


def _glob_to_regex(pattern: str) -> str:
    """Return a regular expression for the whole path."""
    glob = _to_nfc(pattern).rstrip("/")
    anywhere = "" if "/" in glob else "(?:.*/)?"
    body = "".join(map(_token_to_regex, _GLOB_TOKEN.findall(glob.removeprefix("/"))))
    return f"(?s:{anywhere}{body}(?:/.*)?)"


def _token_to_regex(text: str) -> str:
    if text in _WILDCARDS:
        return _WILDCARDS[text]
    if text[0] != "[" or len(text) < 3:
        return re.escape(text)
    inverted = text[1] == "!"
    inside = re.escape(text[2 if inverted else 1 : -1]).replace("\\-", "-")
    whole = f"(?!/)[{'^' if inverted else ''}{inside}]"
    return whole if _compile_or_none(whole) else re.escape(text)  # a range such as z-a is not valid


_WILDCARDS = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _is_expression(item: str) -> bool:
    return len(item) > 2 and item[0] == item[-1] == "/"


def _compile_or_none(source: str) -> re.Pattern[str] | None:
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error:
        return None
