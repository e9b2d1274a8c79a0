"""Check moves by file names: chains of moves, and files of one series."""

import re
from collections.abc import Collection, Mapping

Moves = Mapping[str, str]
"""Mapping of old vault paths to new ones."""


def resolve_moves(moves: Moves, files: Collection[str]) -> dict[str, str]:
    """Follow chains of moves and return those that are valid.

    The old path must no longer exist, the new one must exist, and both must have the same
    extension.
    """
    resolved = {}
    for old in moves:
        new, seen = moves[old], {old}
        while new not in files and new in moves and new not in seen:
            seen.add(new)
            new = moves[new]
        if old not in files and new in files and file_extension(old) == file_extension(new):
            resolved[old] = new
    return resolved


_DIGITS = re.compile(r"\d+")
_DATED_NAME = re.compile(r"(?:.*\D)?\d{4}\D?(?:W?\d\d?)(?:\D?\d\d)?(?:\D.*)?")


def is_same_series(old: str, new: str, *, same: bool) -> bool:
    """Return True if two file names differ only in numbers, as daily notes do.

    Such files come from one template and are similar, but none of them is a renamed other. With
    `same` (identical content) only names with dates count.
    """
    old_name, new_name = (path[path.rfind("/") + 1 :] for path in (old, new))
    if old_name == new_name or _DIGITS.sub("0", old_name) != _DIGITS.sub("0", new_name):
        return False
    return not same or _DATED_NAME.fullmatch(old_name.rpartition(".")[0]) is not None


def file_extension(path: str) -> str:
    """Return the extension of a file in lower case, without the dot."""
    return path[path.rfind("/") + 1 :].rpartition(".")[2].lower()
