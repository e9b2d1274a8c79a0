"""What the last run remembers of files that moved: a plain rename keeps size and time, a note written anew what is in it."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from vaultlink.files import Stamp
from vaultlink.model import Note
from vaultlink.moves.naming import extension, of_a_series


class Remembered(NamedTuple):
    """The files of a vault as they were: sizes and times (None where they are unknown), and the notes by path."""

    stamps: Mapping[str, Stamp | None]
    note: Callable[[str], Note | None]


def remembered_moves(before: Remembered, now: Remembered) -> dict[str, str]:
    """Files that are gone and files that are new, where one of each has the same size and time, or the same size and, in a
    note, the same links, headings and properties."""
    gone = [path for path in before.stamps if path not in now.stamps]
    came = [path for path in now.stamps if path not in before.stamps]
    if not gone or not came:
        return {}
    moves = _paired(
        gone, came, lambda path, side: _moment(path, side.stamps.get(path)), before, now
    )
    gone = [path for path in gone if path not in moves]
    came = [path for path in came if path not in set(moves.values())]
    alike = _paired(gone, came, _content, before, now)
    return {
        **moves,
        **{one: other for one, other in alike.items() if not of_a_series(one, other, same=True)},
    }


def _paired(
    gone: Iterable[str],
    came: Iterable[str],
    key: Callable[[str, Remembered], object],
    before: Remembered,
    now: Remembered,
) -> dict[str, str]:
    """Old and new paths that have a key to themselves."""
    old, new = _keyed(gone, key, before), _keyed(came, key, now)
    return {
        paths[0]: new[what][0]
        for what, paths in old.items()
        if len(paths) == 1 and len(new.get(what, ())) == 1
    }


def _keyed(
    paths: Iterable[str], key: Callable[[str, Remembered], object], side: Remembered
) -> dict[object, list[str]]:
    keyed: dict[object, list[str]] = {}
    for path in paths:
        what = key(path, side)
        if what is not None:
            keyed.setdefault(what, []).append(path)
    return keyed


def _moment(path: str, stamp: Stamp | None) -> object:
    return (extension(path), stamp.size, stamp.modified) if stamp and stamp.size > 0 else None


def _content(path: str, side: Remembered) -> object:
    """A note's size and what is in it; None of one in which nothing tells it from others."""
    stamp, note = side.stamps.get(path), side.note(path)
    if (
        not stamp
        or stamp.size <= 0
        or note is None
        or note.blank
        or not (note.links or note.headings or note.properties)
    ):
        return None
    return stamp.size, repr((note.properties, note.headings, note.blocks, note.links, note.tags))
