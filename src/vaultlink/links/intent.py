"""Recognize text in double brackets that its author did not mean as a link.

Obsidian reads such text as a link. The rules here are syntax only: they know no file names, so
callers ask only about links that do not resolve. In doubt, a link is meant as one.
"""

import re

from vaultlink.index.resolve import spelling_key
from vaultlink.links.kinds import bracketed_text
from vaultlink.model import Link
from vaultlink.text import lazy_pattern

_PLAIN = lazy_pattern(r"[^\W\d_\u037a\uf900-\uffff][^\[\]$=<>&|\"':*!?]*(?:\|[^$]*)?")
"""Text that certainly is a link's: a name that starts with a letter, perhaps with display text."""

_UNUSUAL = lazy_pattern(r"[\[\]$=<>&|\"':*!?]|^[\W\d]")
"""Signs of text that may not be a link."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"
_QUOTED = r"(?:\"[^\"]*\"|'[^']*')"
_ITEM = rf"(?:{_NUMBER}|{_QUOTED})"
_LIST = lazy_pattern(rf"\s*{_ITEM}(?:\s*[,;]\s*{_ITEM})+\s*[,;]?\s*", re.I)
"""Numbers or quoted strings, at least two of them: a row of an array, or an index."""

_THOUSANDS = lazy_pattern(r"\d{1,3}(?:,\d{3})+")

_CHARACTER_CLASS = lazy_pattern(r":\^?[a-z]+:|:[<>]:|=.=")
"""The inside of a bracket expression, such as `[[:alpha:]]`."""

_VARIABLE = lazy_pattern(r"\$(?:[A-Za-z_][\w\[\]]*|[{(@#?*!\d])")
_UNARY_TEST = lazy_pattern(r"\s+(?:!\s+)*(?:-[a-zA-Z]|!)\s+\S.*")
_COMPARISON = lazy_pattern(r"\s(?:[=!]=|=~|[<>=]|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef)|&&|\|\|)\s+\S")
_DICE_COMMAND = lazy_pattern(r"/[a-z]+ .*\d*d\d+.*")
"""An inline roll of a virtual tabletop, such as `[[/r 2d6 + 3]]`."""

_WILDCARD = lazy_pattern(r"\*\.\w+(?:#.*)?")
_PLACEHOLDER = lazy_pattern(r"<[^<>:/%]+>")


def is_meant_as_link(link: Link) -> bool:
    """Return True unless an unresolved link is clearly code, a list or other text.

    A Markdown link is always meant as one.
    """
    inner = bracketed_text(link)
    return inner is None or is_link_text(inner)


def names_topic(link: Link, resolved: str | None) -> bool:
    """Return True if a link names a dangling topic.

    It does not resolve, and is meant as a link.
    """
    return resolved is None and not link.external and is_meant_as_link(link)


def is_link_text(inner: str) -> bool:
    """Return True unless the text between double brackets is clearly not a link's.

    False for arrays, shell tests, bracket expressions, several bracketed texts or Markdown
    links in a row, dice rolls, and placeholders: a wildcard, a word in angle brackets, bare
    punctuation.
    """
    if _PLAIN.fullmatch(inner) or not _UNUSUAL.search(inner):
        return True
    target = inner[: pipe if (pipe := inner.find("|", 1)) != -1 else None].strip().rstrip("\\")
    if "](" in target or _has_crossing_brackets(target) or _is_shell_test(inner):
        return False
    if _THOUSANDS.fullmatch(target):
        return True
    if any(
        pattern.fullmatch(target)
        for pattern in (_LIST, _CHARACTER_CLASS, _DICE_COMMAND, _WILDCARD, _PLACEHOLDER)
    ):
        return False
    # A target without letters, digits and symbols, such as `...`, is a sample of the syntax.
    return "#" in target or "^" in target or "|" in target or bool(spelling_key(target))


def _has_crossing_brackets(target: str) -> bool:
    """Return True for `a], [b`: a bracket closes that opens before the target."""
    close = target.find("]")
    return close != -1 and close < target.find("[") and target.count("[", 0, close) == 0


def _is_shell_test(inner: str) -> bool:
    """Return True for the inside of a shell's `[[ … ]]`, which spaces surround."""
    spaced = inner[:1].isspace() and inner[-1:].isspace()
    if spaced and (_UNARY_TEST.fullmatch(inner) or _VARIABLE.match(inner.strip(" \t\"'"))):
        return True
    return _COMPARISON.search(inner) is not None and (
        _VARIABLE.search(inner) is not None or (spaced and "=" in inner)
    )
