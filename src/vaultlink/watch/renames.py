"""Moves and deletions of files while a vault is watched.

Removed and added files are matched by their content. Matches are reported as old vault path to
current vault path.
"""

from collections.abc import Collection, Mapping
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.history.cached_renames import VaultSnapshot, history_between
from vaultlink.history.rename_checks import UNCOMMITTED, resolve_history
from vaultlink.model import FileStamp, History, Note

_MAX_AGE_SECONDS = 600.0
"""Maximum seconds between the removal and the addition of a moved file.

    The order does not matter: a file may be copied before it is deleted.
"""

_MAX_REMEMBERED = 10_000
"""Maximum number of removed files, of added files and of moves that are remembered."""


class _SeenFile(NamedTuple):
    """A file when it was removed or added; `seen_at` is on the monotonic clock."""

    stamp: FileStamp
    note: Note | None
    seen_at: float


class MoveTracker:
    """Tracks the files that were moved since the watcher started."""

    def __init__(self, history: History):
        self._moves, self._deleted = dict(history.moves), dict.fromkeys(sorted(history.deleted))
        self._gone = dict(history.gone)
        self._removed: dict[str, _SeenFile] = {}
        self._added: dict[str, _SeenFile] = {}

    def copy(self) -> "MoveTracker":
        """Return an independent copy."""
        other = MoveTracker(History(self._moves))
        other._deleted, other._gone = dict(self._deleted), dict(self._gone)
        other._removed, other._added = dict(self._removed), dict(self._added)
        return other

    def learn_history(self, history: History) -> None:
        """Add moves and deletions from another source, such as git."""
        self._moves = {**self._moves, **history.moves}
        self._deleted.update(dict.fromkeys(sorted(history.deleted)))
        self._gone = {**history.gone, **self._gone}

    def record_removed(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        """Record that a file was removed; `stamp` and `note` describe it before."""
        self._added.pop(path, None)
        self._removed[path] = _SeenFile(stamp, note, monotonic())

    def record_added(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        """Record that a file was added; `stamp` and `note` describe it now."""
        self._gone.pop(path, None)
        self._removed.pop(path, None)
        self._added[path] = _SeenFile(stamp, note, monotonic())

    def record_modified(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        """Record that the content of a file changed."""
        if path in self._added:
            self._added[path] = self._added[path]._replace(stamp=stamp, note=note)

    def match_new_moves(self) -> dict[str, str]:
        """Return the moves found since the last call, old path to new path."""
        self._removed, self._added = _keep_recent(self._removed), _keep_recent(self._added)
        fresh = history_between(_to_snapshot(self._removed), _to_snapshot(self._added))
        for old, new in fresh.moves.items():
            del self._removed[old], self._added[new]
            self._moves.pop(old, None)
            self._moves[old] = new
        for path in fresh.deleted:
            self._deleted.pop(path, None)
            self._deleted[path] = None
        now = max(self._gone.values(), default=UNCOMMITTED) + 1
        self._gone = {**dict.fromkeys(fresh.gone, now), **self._gone}
        for remembered in (self._moves, self._deleted, self._gone):
            while len(remembered) > _MAX_REMEMBERED:
                del remembered[next(iter(remembered))]
        return dict(fresh.moves)

    def current_history(self, files: Collection[str]) -> History:
        """Return all moves and deletions that are valid for the given files."""
        history = resolve_history(self._moves, reversed(self._deleted), files)
        return replace(history, gone={k: n for k, n in self._gone.items() if k not in files})


def _keep_recent(seen: dict[str, _SeenFile]) -> dict[str, _SeenFile]:
    since = monotonic() - _MAX_AGE_SECONDS
    recent = [(path, item) for path, item in seen.items() if item.seen_at >= since]
    return dict(recent[-_MAX_REMEMBERED:])


def _to_snapshot(seen: Mapping[str, _SeenFile]) -> VaultSnapshot:
    return VaultSnapshot(
        {path: item.stamp for path, item in seen.items()},
        lambda path: seen[path].note if path in seen else None,
    )
