"""Where files went while they were watched: what is gone and what came are put together by what is in them.

What was seen enters, look by look; old vault paths and where each is now leave.
"""

from collections.abc import Collection, Mapping
from time import monotonic
from typing import NamedTuple

from vaultlink.files import Stamp
from vaultlink.model import Note
from vaultlink.moves import Remembered, remembered_moves, still_true

_KEPT = 600.0
"""Seconds between the going and the coming of a file, at most; in either order, as it may be copied before it is deleted."""

_MOST = 10_000
"""More files that are gone, or came, and more moves, are not remembered."""


class _Seen(NamedTuple):
    """A file as it was when it went, or as it came; and when."""

    stamp: Stamp
    note: Note | None
    when: float


class Moving:
    """What is known of files that went elsewhere."""

    def __init__(self, moves: Mapping[str, str]):
        self._moves = dict(moves)
        self._gone: dict[str, _Seen] = {}
        self._came: dict[str, _Seen] = {}

    def copy(self) -> "Moving":
        """The same knowledge, to go on from."""
        other = Moving(self._moves)
        other._gone, other._came = dict(self._gone), dict(self._came)
        return other

    def learn(self, moves: Mapping[str, str]) -> None:
        """Somebody else, such as git, tells where files went."""
        self._moves = {**self._moves, **moves}

    def went(self, path: str, stamp: Stamp, note: Note | None) -> None:
        """A file is gone that was so before."""
        self._came.pop(path, None)
        self._gone[path] = _Seen(stamp, note, monotonic())

    def came(self, path: str, stamp: Stamp, note: Note | None) -> None:
        """A file is there that was not, and is so now."""
        self._gone.pop(path, None)
        self._came[path] = _Seen(stamp, note, monotonic())

    def saved(self, path: str, stamp: Stamp, note: Note | None) -> None:
        """A file holds something else now."""
        if path in self._came:
            self._came[path] = self._came[path]._replace(stamp=stamp, note=note)

    def pairs(self) -> dict[str, str]:
        """The moves that came to light since this was last asked, old path to new path."""
        self._gone, self._came = _lately(self._gone), _lately(self._came)
        fresh = remembered_moves(_remembered(self._gone), _remembered(self._came))
        for old, new in fresh.items():
            del self._gone[old], self._came[new]
            self._moves.pop(old, None)
            self._moves[old] = new
        while len(self._moves) > _MOST:
            del self._moves[next(iter(self._moves))]
        return fresh

    def now(self, files: Collection[str]) -> dict[str, str]:
        """All moves that hold, the files being these."""
        return still_true(self._moves, files)


def _lately(seen: dict[str, _Seen]) -> dict[str, _Seen]:
    since = monotonic() - _KEPT
    recent = [(path, item) for path, item in seen.items() if item.when >= since]
    return dict(recent[-_MOST:])


def _remembered(seen: Mapping[str, _Seen]) -> Remembered:
    return Remembered(
        {path: item.stamp for path, item in seen.items()},
        lambda path: seen[path].note if path in seen else None,
    )
