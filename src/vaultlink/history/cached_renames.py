"""Find moves and deletions by comparing a vault with its last cached state.

A plain rename keeps size and modification time. A renamed and edited note keeps much of its
content, which few other notes have.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set

from vaultlink.history.note_matching import VaultSnapshot, match_replaced, match_similar
from vaultlink.history.note_similarity import find_unique_names
from vaultlink.history.rename_checks import file_extension, is_same_series
from vaultlink.index.resolve import parent_folder
from vaultlink.model import NO_HISTORY, FileStamp, History, Note

__all__ = ["VaultSnapshot", "find_replacements", "history_between", "moves_between"]

_MIN_SHARED = 0.5
"""Minimum share of common content of a removed and an added note that may be the same."""

_MAX_COMPARED = 200
"""Maximum number of removed or added notes that are compared with each other."""


def history_between(before: VaultSnapshot, now: VaultSnapshot) -> History:
    """Return the moves from removed to added files, and the deleted files.

    A removed and an added file match if no others have the same extension, size and modification
    time. Notes also match if their content is clearly more similar than that of any other pair with
    either. Weaker matches are likely moves. A removed file is deleted if no added file has the size
    and time, or much of a note's content, in common with it.
    """
    removed = [path for path in before.stamps if path not in now.stamps]
    if not removed:
        return NO_HISTORY
    added = [path for path in now.stamps if path not in before.stamps]
    moves, unsure = _match_unique(_group_by_stamp(removed, before), _group_by_stamp(added, now))
    staying = _group_by_stamp((path for path in now.stamps if path in before.stamps), now)
    for old, new in list(moves.items()):
        if (
            not _may_be_same(before.note(old), now.note(new))
            or is_same_series(old, new, same=True)
            or _stamp_key(new, now.stamps.get(new)) in staying
        ):
            del moves[old]
            unsure.add(old)
    rest = [path for path in removed if path not in moves]
    likely: dict[str, str] = {}
    if rest:
        taken = set(moves.values())
        free = [path for path in added if path not in taken]
        same_content, same_as_several = _match_same_content(rest, free, before, now)
        unsure |= same_as_several
        moves.update(same_content)
        certain, likely = match_similar(removed, added, moves, before, now)
        moves.update(certain)
        rest = [path for path in rest if path not in moves]
        free = [path for path in free if path not in set(moves.values())]
        deleted = _find_deleted(set(rest) - unsure - likely.keys(), free, before, now)
    else:
        deleted = frozenset[str]()
    return History(moves, deleted, dict.fromkeys((*moves, *rest), 0), likely)


def moves_between(before: VaultSnapshot, now: VaultSnapshot) -> dict[str, str]:
    """Return the moves from removed to added files."""
    return dict(history_between(before, now).moves)


def find_replacements(
    before: VaultSnapshot, now: VaultSnapshot, changed: Iterable[str]
) -> dict[str, str]:
    """Return where the files went whose paths hold other files now.

    These are chains of renames (1 to 2, 2 to 3) and exchanged names. The result has the removed
    files too that are now at a path of another one.

    Args:
        before: The earlier files.
        now: The present files.
        changed: The paths whose stamp or note changed.
    """
    kept = [path for path in dict.fromkeys(changed) if path in before.stamps and path in now.stamps]
    if not kept:
        return {}
    removed = [path for path in before.stamps if path not in now.stamps]
    added = [path for path in now.stamps if path not in before.stamps]
    proven = {
        path: other
        for path, other in _find_moved_stamps(
            (*kept, *removed), (*kept, *added), before, now
        ).items()
        if path not in now.stamps or _has_lost_content(path, before, now)
    }
    ends = set(proven.values())
    similar = match_replaced(
        [path for path in (*kept, *removed) if path not in proven],
        [path for path in (*kept, *added) if path not in ends],
        before,
        now,
    )
    return proven | _drop_broken_chains(similar, proven, before.stamps.keys() & now.stamps.keys())


def _has_lost_content(path: str, before: VaultSnapshot, now: VaultSnapshot) -> bool:
    """Return True if a note at a path no longer has most of what it had.

    An attachment has if an earlier file has the size and time of the present one: it came from
    another path.
    """
    old, new = before.note(path), now.note(path)
    if old is None or new is None:
        key = _stamp_key(path, now.stamps.get(path))
        return any(
            other != path and key is not None and _stamp_key(other, stamp) == key
            for other, stamp in before.stamps.items()
        )
    content = _list_content(old)
    return 2 * len(content & _list_content(new)) < len(content) or not content


def _find_moved_stamps(
    old_paths: Iterable[str], new_paths: Iterable[str], before: VaultSnapshot, now: VaultSnapshot
) -> dict[str, str]:
    """Return where files went whose size and time no other file has, or had before.

    Moves from removed to added files are left out.
    """
    old, new = _group_by_stamp(old_paths, before), _group_by_stamp(new_paths, now)
    keys = {key for key in old.keys() & new.keys() if len(old[key]) == len(new[key]) == 1}
    if not keys:
        return {}
    sizes = _sizes_of((old[key][0] for key in keys), before)
    all_old = _group_by_stamp(_select_sizes(before.stamps, sizes, before), before)
    pairs = {old[key][0]: new[key][0] for key in keys if len(all_old[key]) == 1}
    return {
        path: other
        for path, other in pairs.items()
        if path != other
        and (path in now.stamps or other in before.stamps)
        and _may_be_same(before.note(path), now.note(other))
    }


def _may_be_same(old: Note | None, new: Note | None) -> bool:
    return old is None or new is None or _list_content(old) == _list_content(new)


def _drop_broken_chains(
    similar: Mapping[str, str], proven: Mapping[str, str], staying: Set[str]
) -> dict[str, str]:
    """Return the replacements whose replaced file is known to be elsewhere too.

    `staying` are the paths that exist before and now.
    """
    found = dict(similar)
    while broken := [
        path
        for path, other in found.items()
        if other in staying and other not in found and other not in proven
    ]:
        for path in broken:
            del found[path]
    return found


# -- same size and time, or same content ----------------------------------------------------------


def _match_unique(
    removed_by_key: Mapping[object, list[str]], added_by_key: Mapping[object, list[str]]
) -> tuple[dict[str, str], set[str]]:
    """Return old and new paths that share a key with no other file.

    Of several files with a key, those match that share a file name, or else a folder, with no
    other. Also return the old paths that share a key with several files.
    """
    matches: dict[str, str] = {}
    unsure: set[str] = set()
    for value, paths in removed_by_key.items():
        others = added_by_key.get(value, ())
        if len(paths) == 1 and len(others) == 1:
            matches[paths[0]] = others[0]
        elif others:
            pairs = _pair_by_place(paths, others)
            matches.update(pairs)
            unsure.update(path for path in paths if path not in pairs)
    return matches, unsure


def _pair_by_place(removed: Collection[str], added: Collection[str]) -> dict[str, str]:
    """Return the pairs with a file name, or else a folder, that no other file has."""
    pairs = dict(find_unique_names(removed, added))
    if len(removed) == len(added):
        rest = [path for path in removed if path not in pairs]
        free = [path for path in added if path not in set(pairs.values())]
        pairs.update(find_unique_names(rest, free, parent_folder))
    return pairs


def _group_by_key(
    paths: Iterable[str], key: Callable[[str, VaultSnapshot], object], side: VaultSnapshot
) -> dict[object, list[str]]:
    groups: dict[object, list[str]] = {}
    for path in paths:
        value = key(path, side)
        if value is not None:
            groups.setdefault(value, []).append(path)
    return groups


def _match_same_content(
    removed: Iterable[str], added: Iterable[str], before: VaultSnapshot, now: VaultSnapshot
) -> tuple[dict[str, str], set[str]]:
    """Match notes by a size and content that no other note has.

    Also return the old paths that have them in common with several notes. Content that a kept note
    has too comes from a template.
    """
    common = _sizes_of(removed, before) & _sizes_of(added, now)
    if not common:
        return {}, set()
    old, new, kept = (
        _group_by_key(_select_sizes(paths, common, side), _content_key, side)
        for paths, side in (
            (removed, before),
            (added, now),
            (before.stamps.keys() & now.stamps.keys(), now),
        )
    )
    matches, unsure = _match_unique(old, new)
    from_template = {path for key, paths in old.items() if key in kept for path in paths}
    unsure |= from_template & matches.keys()
    return {
        path: other
        for path, other in matches.items()
        if path not in from_template and not is_same_series(path, other, same=True)
    }, unsure


def _sizes_of(paths: Iterable[str], side: VaultSnapshot) -> set[int]:
    return {stamp.size for path in paths if (stamp := side.stamps[path])}


def _select_sizes(paths: Iterable[str], sizes: Set[int], side: VaultSnapshot) -> list[str]:
    return [path for path in paths if (stamp := side.stamps[path]) and stamp.size in sizes]


def _group_by_stamp(paths: Iterable[str], side: VaultSnapshot) -> dict[object, list[str]]:
    return _group_by_key(paths, lambda path, side: _stamp_key(path, side.stamps[path]), side)


def _stamp_key(path: str, stamp: FileStamp | None) -> object:
    return (file_extension(path), stamp.size, stamp.modified) if stamp and stamp.size > 0 else None


def _content_key(path: str, side: VaultSnapshot) -> object:
    """Return size and content; None without links, headings or properties."""
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


# -- deleted files --------------------------------------------------------------------------------


def _find_deleted(
    removed: Collection[str], added: Collection[str], before: VaultSnapshot, now: VaultSnapshot
) -> frozenset[str]:
    """Return removed files that no added file can be; none if too many to compare."""
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
