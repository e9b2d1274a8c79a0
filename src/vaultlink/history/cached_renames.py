"""Find moves by comparing a vault with the cached state of the last run.

A plain rename keeps size and modification time; a rewritten note keeps its links, headings and
properties.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from vaultlink.history.rename_checks import file_extension, is_same_series
from vaultlink.model import FileStamp, Note


class VaultSnapshot(NamedTuple):
    """The files of a vault at one time.

    `stamps` are their sizes and times by path, None where unknown; `note` returns a note by path.
    """

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]


def moves_between(before: VaultSnapshot, now: VaultSnapshot) -> dict[str, str]:
    """Return moves from removed to added files.

    A removed and an added file match if no others have the same extension, size and modification
    time; or, for notes, the same size, links, headings and properties.
    """
    removed = [path for path in before.stamps if path not in now.stamps]
    added = [path for path in now.stamps if path not in before.stamps]
    if not removed or not added:
        return {}
    moves = _match_unique(
        removed, added, lambda path, side: _stamp_key(path, side.stamps.get(path)), before, now
    )
    removed = [path for path in removed if path not in moves]
    added = [path for path in added if path not in set(moves.values())]
    same_content = _match_unique(removed, added, _content_key, before, now)
    return {
        **moves,
        **{
            old: new for old, new in same_content.items() if not is_same_series(old, new, same=True)
        },
    }


def _match_unique(
    removed: Iterable[str],
    added: Iterable[str],
    key: Callable[[str, VaultSnapshot], object],
    before: VaultSnapshot,
    now: VaultSnapshot,
) -> dict[str, str]:
    """Return old and new paths that share a key with no other file."""
    removed_by_key, added_by_key = (
        _group_by_key(removed, key, before),
        _group_by_key(added, key, now),
    )
    return {
        paths[0]: added_by_key[value][0]
        for value, paths in removed_by_key.items()
        if len(paths) == 1 and len(added_by_key.get(value, ())) == 1
    }


def _group_by_key(
    paths: Iterable[str], key: Callable[[str, VaultSnapshot], object], side: VaultSnapshot
) -> dict[object, list[str]]:
    groups: dict[object, list[str]] = {}
    for path in paths:
        value = key(path, side)
        if value is not None:
            groups.setdefault(value, []).append(path)
    return groups


def _stamp_key(path: str, stamp: FileStamp | None) -> object:
    return (file_extension(path), stamp.size, stamp.modified) if stamp and stamp.size > 0 else None


def _content_key(path: str, side: VaultSnapshot) -> object:
    """Return a note's size and content as a key.

    None if the note has no links, headings or properties to recognise it by.
    """
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
