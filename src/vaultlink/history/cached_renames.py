"""What the last run remembers of files that moved: a plain rename keeps size and time, a note written anew what is in it."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from vaultlink.history.rename_checks import file_extension, is_same_series
from vaultlink.model import FileStamp, Note


class VaultSnapshot(NamedTuple):
    """The files of a vault as they were: sizes and times (None where they are unknown), and the notes by path."""

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]


def moves_between(before: VaultSnapshot, now: VaultSnapshot) -> dict[str, str]:
    """Files that are gone and files that are new, where one of each has the same size and time, or the same size and, in a
    note, the same links, headings and properties."""
    gone = [path for path in before.stamps if path not in now.stamps]
    came = [path for path in now.stamps if path not in before.stamps]
    if not gone or not came:
        return {}
    moves = _match_unique(
        gone, came, lambda path, side: _stamp_key(path, side.stamps.get(path)), before, now
    )
    gone = [path for path in gone if path not in moves]
    came = [path for path in came if path not in set(moves.values())]
    alike = _match_unique(gone, came, _content_key, before, now)
    return {
        **moves,
        **{one: other for one, other in alike.items() if not is_same_series(one, other, same=True)},
    }


def _match_unique(
    gone: Iterable[str],
    came: Iterable[str],
    key: Callable[[str, VaultSnapshot], object],
    before: VaultSnapshot,
    now: VaultSnapshot,
) -> dict[str, str]:
    """Old and new paths that have a key to themselves."""
    old, new = _group_by_key(gone, key, before), _group_by_key(came, key, now)
    return {
        paths[0]: new[what][0]
        for what, paths in old.items()
        if len(paths) == 1 and len(new.get(what, ())) == 1
    }


def _group_by_key(
    paths: Iterable[str], key: Callable[[str, VaultSnapshot], object], side: VaultSnapshot
) -> dict[object, list[str]]:
    keyed: dict[object, list[str]] = {}
    for path in paths:
        what = key(path, side)
        if what is not None:
            keyed.setdefault(what, []).append(path)
    return keyed


def _stamp_key(path: str, stamp: FileStamp | None) -> object:
    return (file_extension(path), stamp.size, stamp.modified) if stamp and stamp.size > 0 else None


def _content_key(path: str, side: VaultSnapshot) -> object:
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
