"""Follow files from one state of a vault to a later one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from vaultlink.history.file_pairs import (
    EMPTY_CONTENTS,
    Content,
    Fate,
    FateKind,
    FileChanges,
    pair_files,
)
from vaultlink.history.matcher import Pieces, read_pieces
from vaultlink.history.piece_index import PieceIndex
from vaultlink.model import NO_HISTORY, FileStamp, History, Note

UNCOMMITTED = 1 << 40
"""Stands in `History.gone` for a file that vanished after the last commit.

It is larger than the time of a commit in seconds since the epoch.
"""


class Snapshot(NamedTuple):
    """The files of a vault at one time: stamps (None if unknown), and notes."""

    stamps: Mapping[str, FileStamp | None]
    note: Callable[[str], Note | None]

    def name_content(self, path: str) -> Content:
        """Return what tells the content of a file from others.

        It is that of the text for a note, and size and time for another file.
        """
        stamp, note = self.stamps[path], self.note(path)
        if stamp is not None and stamp.size == 0:
            return next(iter(EMPTY_CONTENTS))
        if note is not None and note.pieces:
            return "text", note.pieces
        return (stamp.size, stamp.modified) if stamp and stamp.size > 0 else object()


def follow(
    before: Snapshot,
    now: Snapshot,
    changed: Iterable[str],
    notes: PieceIndex,
    since: int = UNCOMMITTED,
) -> History:
    """Return the moves and deletions between two snapshots.

    The moves have the files too whose path another file has now, as in an exchange of names.
    `changed` are the paths in both whose stamp or note may differ, `notes` the present notes of the
    vault. `since` is the number in `History.gone` of the files that vanished.
    """
    removed = {path: before.name_content(path) for path in before.stamps if path not in now.stamps}
    kept = [path for path in dict.fromkeys(changed) if path in before.stamps and path in now.stamps]
    if not removed and not kept:
        return NO_HISTORY
    added = {path: now.name_content(path) for path in now.stamps if path not in before.stamps}
    pairs = {path: (before.name_content(path), now.name_content(path)) for path in kept}
    differing = {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}
    if not removed and (not added and len(differing) < 2):
        return NO_HISTORY
    files = FileChanges(removed, added, differing, may_be_swapped=True)
    fates = pair_files(files, _read_pieces, notes)
    return build_history(fates, dict.fromkeys(removed, since))


def build_history(fates: Mapping[str, Fate], gone: Mapping[str, int]) -> History:
    """Return the history that the fates of files lead to.

    `gone` numbers the files that vanished. Of others, only the moves count.
    """
    found: dict[str, dict[str, str]] = {kind: {} for kind in FateKind}
    for old, (kind, new) in fates.items():
        if kind == FateKind.MOVED or old in gone:
            found[kind][old] = new
    deleted = frozenset(found[FateKind.DELETED])
    return History(found[FateKind.MOVED], deleted, gone, found[FateKind.LIKELY])


def _read_pieces(contents: Collection[Content]) -> dict[Content, Pieces | None]:
    return {
        content: read_pieces(content[1])
        for content in contents
        if isinstance(content, tuple) and isinstance(content[1], bytes)
    }
