"""Find moves and deletions by comparing a vault with its last cached state.

A plain rename keeps size and modification time; a rewritten note keeps its links, headings and
properties.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import NamedTuple

from vaultlink.history.rename_checks import file_extension, is_same_series
from vaultlink.model import NO_HISTORY, FileStamp, History, Note

_MIN_SHARED = 0.5
"""Minimum share of common content of a removed and an added note that may be the same."""

_MAX_COMPARED = 200
"""Maximum number of removed or added notes that are compared with each other."""


class VaultSnapshot(NamedTuple):
    """The files of a vault at one time.

    `stamps` are their sizes and times by path, None where unknown; `note` returns a note by path.
    """

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]


def history_between(before: VaultSnapshot, now: VaultSnapshot) -> History:
    """Return the moves from removed to added files, and the deleted files.

    A removed and an added file match if no others have the same extension, size and modification
    time; or, for notes, the same size, links, headings and properties. A removed file is deleted if
    no added file has these in common with it, or much of a note's content.
    """
    removed = [path for path in before.stamps if path not in now.stamps]
    if not removed:
        return NO_HISTORY
    added = [path for path in now.stamps if path not in before.stamps]
    moves, similar = _match_unique(
        removed, added, lambda path, side: _stamp_key(path, side.stamps.get(path)), before, now
    )
    removed = [path for path in removed if path not in moves]
    added = [path for path in added if path not in set(moves.values())]
    same_content, same_as_several = _match_unique(removed, added, _content_key, before, now)
    moves.update(
        (old, new) for old, new in same_content.items() if not is_same_series(old, new, same=True)
    )
    unsure = similar | same_as_several | same_content.keys()
    deleted = _find_deleted(set(removed) - unsure, added, before, now)
    return History(moves, deleted, dict.fromkeys((*moves, *removed), 0))


def moves_between(before: VaultSnapshot, now: VaultSnapshot) -> dict[str, str]:
    """Return the moves from removed to added files."""
    return dict(history_between(before, now).moves)


def _match_unique(
    removed: Iterable[str],
    added: Iterable[str],
    key: Callable[[str, VaultSnapshot], object],
    before: VaultSnapshot,
    now: VaultSnapshot,
) -> tuple[dict[str, str], set[str]]:
    """Return old and new paths that share a key with no other file.

    Also return the old paths that share a key with several files.
    """
    removed_by_key, added_by_key = (
        _group_by_key(removed, key, before),
        _group_by_key(added, key, now),
    )
    matches: dict[str, str] = {}
    unsure: set[str] = set()
    for value, paths in removed_by_key.items():
        others = added_by_key.get(value, ())
        if len(paths) == 1 and len(others) == 1:
            matches[paths[0]] = others[0]
        elif others:
            unsure.update(paths)
    return matches, unsure


def _find_deleted(
    removed: Collection[str], added: Collection[str], before: VaultSnapshot, now: VaultSnapshot
) -> frozenset[str]:
    """Return those removed files that no added file can be.

    Where there are too many notes to compare, none of them is returned.
    """
    notes = [(path, note) for path in removed if (note := before.note(path))]
    others = [note for path in added if (note := now.note(path))]
    if not notes or not others:
        return frozenset(removed)
    if len(notes) > _MAX_COMPARED or len(others) > _MAX_COMPARED:
        return frozenset(removed).difference(path for path, _ in notes)
    contents = [_list_content(note) for note in others]
    return frozenset(removed).difference(
        path
        for path, note in notes
        if (content := _list_content(note))
        and any(_share_content(content, other) for other in contents)
    )


def _list_content(note: Note) -> Set[object]:
    """Return the headings, links, blocks and properties of a note."""
    return {
        *((heading.level, heading.text) for heading in note.headings),
        *(link.raw for link in note.links),
        *(block.id for block in note.blocks),
        *((item.key, repr(item.value)) for item in note.properties or ()),
    }


def _share_content(one: Set[object], other: Set[object]) -> bool:
    return 2 * len(one & other) >= _MIN_SHARED * (len(one) + len(other))


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
