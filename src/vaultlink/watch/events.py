"""Where listeners leave word of what may have changed, and the one who looks waits for it.

Vault paths enter from any thread, in whatever number; what is taken out is a set of them, or the word to look at everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import Protocol

_MAX_PATHS = 2_000
"""More paths than these are not told apart: looking at everything costs no more than looking at each."""


@dataclass(frozen=True, slots=True)
class ChangeHints:
    """Paths at which something may have changed, or everything; they tell where to look, never what is there. `event_count` is how
    many hints had ever come then."""

    paths: frozenset[str] = frozenset()
    full_rescan: bool = False
    event_count: int = 0

    def __bool__(self) -> bool:
        return self.full_rescan or bool(self.paths)


class EventQueue:
    """Hints that nobody has looked at yet. `first_event` and `last_event` are when the first and the last of them came, on the monotonic
    clock; `event_count` is how many ever came; `stopped` says that nobody needs to look any more."""

    def __init__(self) -> None:
        self._lock, self._wakeup = Lock(), SimpleQueue[None]()
        self._paths: set[str] = set()
        self._full_rescan = False
        self.first_event = self.last_event = 0.0
        self.event_count = 0
        self.stopped = False

    def add_path(self, path: str) -> None:
        """Something may have changed at a path."""
        with self._lock:
            self._record_event()
            if not self._full_rescan:
                self._paths.add(path)
                self._full_rescan = len(self._paths) > _MAX_PATHS

    def request_full_rescan(self) -> None:
        """Something may have changed anywhere."""
        with self._lock:
            self._record_event()
            self._full_rescan = True

    def _record_event(self) -> None:
        self.last_event = monotonic()
        self.event_count += 1
        if not self:
            self.first_event = self.last_event
            self._wakeup.put(None)

    def __bool__(self) -> bool:
        return self._full_rescan or bool(self._paths)

    def take(self) -> ChangeHints:
        """All hints, which are gone from here then."""
        with self._lock:
            hints = self._collect_hints()
            self._paths, self._full_rescan = set(), False
        return hints

    def peek(self) -> ChangeHints:
        """All hints, which stay here."""
        with self._lock:
            return self._collect_hints()

    def _collect_hints(self) -> ChangeHints:
        return ChangeHints(
            frozenset() if self._full_rescan else frozenset(self._paths),
            self._full_rescan,
            self.event_count,
        )

    def wait(self, seconds: float) -> None:
        """Sleep until the first hint comes, the time is over, or somebody says stop."""
        try:
            self._wakeup.get(timeout=max(seconds, 0.0))
        except Empty:
            return

    def stop(self) -> None:
        """Nobody needs to look any more. May be called by a signal's handler."""
        self.stopped = True
        self._wakeup.put(None)


class WatchUnavailable(Exception):  # noqa: N818 - a state of affairs
    """The system has no watch left to give: what it says, and what helps."""


class WatchBackend(Protocol):
    """Leaves word in an inbox of what changes in folders. `detects_overflow` says whether it knows when a word got lost."""

    detects_overflow: bool

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch these folders, and no others; tells whether one came in. Raises NoWatch."""
        ...

    def is_alive(self) -> bool:
        """Whether words still come."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
