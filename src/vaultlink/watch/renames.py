"""Moves and deletions of files while a vault is watched, found by content."""

from collections.abc import Collection, Mapping
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.history.file_pairs import UNCOMMITTED, Snapshot, follow
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import FileStamp, History, Note

_MAX_AGE_SECONDS = 600.0
"""Maximum seconds between the removal and the addition of a moved file.

The order does not matter: a file may be copied before it is deleted.
"""

_MAX_REMEMBERED = 10_000
"""Maximum number of removed files and of added files that are remembered."""


class _SeenFile(NamedTuple):
    """A file when it was removed or added; `seen_at` is on the monotonic clock."""

    stamp: FileStamp
    note: Note | None
    seen_at: float


class MoveTracker:
    def __init__(self, history: History):
        self._past = _keep_files(history)
        self._removed: dict[str, _SeenFile] = {}
        self._added: dict[str, _SeenFile] = {}

    def copy(self) -> "MoveTracker":
        other = MoveTracker(self._past)
        other._removed, other._added = dict(self._removed), dict(self._added)
        return other

    def learn_history(self, history: History) -> None:
        self._past = self._past.then(_keep_files(history))

    def record_removed(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._added.pop(path, None)
        self._removed[path] = _SeenFile(stamp, note, monotonic())

    def record_added(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._removed.pop(path, None)
        self._added[path] = _SeenFile(stamp, note, monotonic())

    def record_modified(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        if path in self._added:
            self._added[path] = self._added[path]._replace(stamp=stamp, note=note)

    def match_new_moves(self, notes: Mapping[str, Note]) -> dict[str, str]:
        """Return the moves found since the last call, old path to new path.

        `notes` are those of the vault.
        """
        self._removed, self._added = _keep_recent(self._removed), _keep_recent(self._added)
        since = max(self._past.gone.values(), default=UNCOMMITTED) + 1
        before, now = _to_snapshot(self._removed), _to_snapshot(self._added)
        fresh = follow(before, now, (), PieceIndex(notes), since)
        for old, new in fresh.moves.items():
            del self._removed[old], self._added[new]
        known = {path: self._past.gone[path] for path in fresh.gone if path in self._past.gone}
        self._past = self._past.then(replace(fresh, gone={**fresh.gone, **known}))
        return dict(fresh.moves)

    def current_history(self, files: Collection[str]) -> History:
        return self._past.within(files)


def _keep_files(history: History) -> History:
    return History(history.moves, history.deleted, history.gone)


def _keep_recent(seen: dict[str, _SeenFile]) -> dict[str, _SeenFile]:
    since = monotonic() - _MAX_AGE_SECONDS
    recent = [(path, item) for path, item in seen.items() if item.seen_at >= since]
    return dict(recent[-_MAX_REMEMBERED:])


def _to_snapshot(seen: Mapping[str, _SeenFile]) -> Snapshot:
    return Snapshot(
        {path: item.stamp for path, item in seen.items()},
        lambda path: seen[path].note if path in seen else None,
    )
