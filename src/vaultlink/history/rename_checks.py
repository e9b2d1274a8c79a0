"""The history of files, and checks by file names: chains of moves, file series."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from vaultlink.model import History
from vaultlink.text import lazy_pattern

Moves = Mapping[str, str]
"""Mapping of old vault paths to new ones."""

MAX_DELETED = 10_000
"""Maximum number of deleted paths that are remembered, the latest ones."""


def resolve_moves(moves: Moves, files: Collection[str]) -> dict[str, str]:
    """Follow chains of moves and return those that are valid.

    The old path must no longer exist, the new one must exist, and both must have the same
    extension.
    """
    resolved = {}
    for old in moves:
        new = _follow_chain(old, moves, files)
        if old not in files and new in files and file_extension(old) == file_extension(new):
            resolved[old] = new
    return resolved


def resolve_history(moves: Moves, deleted: Iterable[str], files: Collection[str]) -> History:
    """Return the valid moves, and the deleted files that still do not exist.

    A file that was moved and then deleted is deleted under its old path too. Of more than
    `MAX_DELETED` deleted paths, the first ones are returned.
    """
    resolved = resolve_moves(moves, files)
    gone = dict.fromkeys(path for path in deleted if path not in files and path not in resolved)
    gone.update(
        dict.fromkeys(
            old
            for old in moves
            if old not in files and old not in resolved and _follow_chain(old, moves, files) in gone
        )
    )
    return History(resolved, frozenset(islice(gone, MAX_DELETED)))


UNCOMMITTED = 1 << 40
"""Stands in `History.gone` for a file that vanished after the last commit.

It is larger than the time of a commit in seconds since the epoch.
"""


def extend_history(known: History, new: History, files: Collection[str]) -> History:
    """Return an earlier history and what happened since, as far as it is still valid."""
    history = resolve_history(
        {**known.moves, **new.moves}, (*sorted(new.deleted), *sorted(known.deleted)), files
    )
    now = max(known.gone.values(), default=UNCOMMITTED) + 1
    gone = {**known.gone, **dict.fromkeys((*new.moves, *new.deleted, *new.gone), now)}
    return replace(
        known,
        moves=history.moves,
        deleted=history.deleted,
        gone={path: since for path, since in gone.items() if path not in files},
        likely={
            old: path
            for old, path in {**known.likely, **new.likely}.items()
            if old not in files and path in files and old not in history.moves
        },
    )


def _follow_chain(old: str, moves: Moves, files: Collection[str]) -> str:
    """Return the last path of a file that was moved several times."""
    new, seen = moves[old], {old}
    while new not in files and new in moves and new not in seen:
        seen.add(new)
        new = moves[new]
    return new


_DIGITS = lazy_pattern(r"\d+")
_DATED_NAME = lazy_pattern(r"(?:.*\D)?\d{4}\D?(?:W?\d\d?)(?:\D?\d\d)?(?:\D.*)?")


_MIN_RENUMBERED = 98
"""Minimum similarity in percent of a note whose number changed."""


def is_same_series(old: str, new: str, *, same: bool) -> bool:
    """Return True if two file names differ only in numbers, as daily notes do.

    Such files come from one template and are similar, but none of them is a renamed other. With
    `same` (identical content) only names with dates count. A number with more zeros in front is the
    same number.
    """
    old_name, new_name = (path[path.rfind("/") + 1 :] for path in (old, new))
    if old_name == new_name or _DIGITS.sub("0", old_name) != _DIGITS.sub("0", new_name):
        return False
    if _list_numbers(old_name) == _list_numbers(new_name):
        return False
    return not same or _DATED_NAME.fullmatch(old_name.rpartition(".")[0]) is not None


def is_series_member(old: str, new: str, similarity: int) -> bool:
    """Return True if two similar files are members of a series, not one renamed file.

    `similarity` is that of their contents in percent. Nearly the same content under another number
    is a renumbered file, unless the name is a date.
    """
    return is_same_series(old, new, same=similarity >= _MIN_RENUMBERED)


def number_pattern(path: str) -> str:
    """Return a path with 0 for each number of the file name. It is equal in a series."""
    start = path.rfind("/") + 1
    return path[:start] + _DIGITS.sub("0", path[start:])


def _list_numbers(name: str) -> list[int]:
    return [int(number) for number in _DIGITS.findall(name)]


def file_extension(path: str) -> str:
    """Return the extension of a file in lower case, without the dot."""
    return path[path.rfind("/") + 1 :].rpartition(".")[2].lower()


def choose_evenly(items: Sequence[str], number: int) -> Sequence[str]:
    """Return at most `number` of the items, evenly distributed."""
    step = max(1, -(-len(items) // number))
    return items[::step]
