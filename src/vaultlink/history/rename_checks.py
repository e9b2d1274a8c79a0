"""What names alone tell of moves: whether one still holds, and whether two files are of a series rather than one file moved."""

import re
from collections.abc import Collection, Mapping

Moves = Mapping[str, str]
"""Old vault path to new vault path."""


def resolve_moves(moves: Moves, files: Collection[str]) -> dict[str, str]:
    """The moves whose old path is still gone and whose new path is there, followed from one to the next."""
    true = {}
    for old in moves:
        new, seen = moves[old], {old}
        while new not in files and new in moves and new not in seen:
            seen.add(new)
            new = moves[new]
        if old not in files and new in files and file_extension(old) == file_extension(new):
            true[old] = new
    return true


_DIGITS = re.compile(r"\d+")
_DATED_NAME = re.compile(r"(?:.*\D)?\d{4}\D?(?:W?\d\d?)(?:\D?\d\d)?(?:\D.*)?")


def is_same_series(old: str, new: str, *, same: bool) -> bool:
    """Whether two names differ in numbers only, as those of daily notes do: made from one template, they are much alike, and
    none of them has become another. Where the text stayed the `same`, only dates tell that."""
    one, other = (path[path.rfind("/") + 1 :] for path in (old, new))
    if one == other or _DIGITS.sub("0", one) != _DIGITS.sub("0", other):
        return False
    return not same or _DATED_NAME.fullmatch(one.rpartition(".")[0]) is not None


def file_extension(path: str) -> str:
    """What a file's name ends in, in small letters."""
    return path[path.rfind("/") + 1 :].rpartition(".")[2].lower()
