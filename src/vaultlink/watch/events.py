"""Queue of change events between backends and the watcher, and its delays."""

from collections.abc import Mapping
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import Protocol, runtime_checkable

import msgspec

# Backends add vault paths from any thread, any number of times.

_MAX_PATHS = 2_000
"""Above this number of paths a full rescan costs no more than checking each of them."""


class ChangeHints(msgspec.Struct, frozen=True):
    """Paths at which something may have changed, or a request for a full rescan.

    Hints say where to look, not what changed. `event_count` is the number of events ever recorded
    when the hints were taken.
    """

    paths: frozenset[str] = frozenset()
    full_rescan: bool = False
    event_count: int = 0

    def __bool__(self) -> bool:
        return self.full_rescan or bool(self.paths)


class EventQueue:
    """Hints that were not taken yet.

    `first_event` and `last_event` are the times of the first and last of them on the monotonic
    clock, `event_count` is the number of events ever recorded. `stopped` is True after `stop`.
    """

    def __init__(self) -> None:
        self._lock, self._wakeup = Lock(), SimpleQueue[None]()
        self._paths: set[str] = set()
        self._full_rescan = False
        self.first_event = self.last_event = 0.0
        self.event_count = 0
        self.stopped = False

    def add_path(self, path: str) -> None:
        with self._lock:
            self._record_event()
            if not self._full_rescan:
                self._paths.add(path)
                self._full_rescan = len(self._paths) > _MAX_PATHS

    def request_full_rescan(self) -> None:
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
        with self._lock:
            hints = self._collect_hints()
            self._paths, self._full_rescan = set(), False
        return hints

    def peek(self) -> ChangeHints:
        with self._lock:
            return self._collect_hints()

    def _collect_hints(self) -> ChangeHints:
        return ChangeHints(
            frozenset() if self._full_rescan else frozenset(self._paths),
            self._full_rescan,
            self.event_count,
        )

    def wait(self, seconds: float) -> None:
        try:
            self._wakeup.get(timeout=max(seconds, 0.0))
        except Empty:
            return

    def stop(self) -> None:
        """Wake the watcher to end it. Safe to call in a signal handler."""
        self.stopped = True
        self._wakeup.put(None)


class WatchUnavailable(Exception):  # noqa: N818 - a state, not a mistake
    """The system has no watch left; the message says why and what helps."""


class WatchBackend(Protocol):
    """Adds the changes in watched folders to an event queue.

    `detects_overflow` is True if it knows when the system dropped an event.
    """

    detects_overflow: bool

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch exactly these folders, by vault path with their path on disk.

        Return True if one was added: changes in it before must be looked for. Raises
        WatchUnavailable.
        """

    def is_alive(self) -> bool:
        """Return True while the backend delivers events."""

    def close(self) -> None:
        """Release all resources."""


@runtime_checkable
class FlushableBackend(WatchBackend, Protocol):
    """A backend that can say that no event is still on its way."""

    def flush(self) -> bool:
        """Wait for the events of all changes so far; return True if they have come."""


# -- debouncing of batches and fixes ---------------------------------------------------------------
# Times are seconds on the monotonic clock. No clock is read here.


class Debounce(msgspec.Struct, frozen=True):
    """Delays of a watcher, in seconds.

    - batch_quiet: a batch is reported after so long without a change,
    - batch_max_delay: and at the latest so long after its first change.
    - prepare_after: the batch is prepared after so long without a change, and discarded if
      something changes afterwards.
    - fix_quiet: fixes are applied after so long without a change. A note that changed within this
      time is never written.
    - fix_max_delay: fixes are applied at the latest so long after the first unhandled change.
    - fix_busy_delay: the same while a program changes many files, such as Obsidian after a rename.
    - heartbeat: interval of the checks for changes that cause no event.
    - rescan_interval: interval of full rescans where events may get lost.
    """

    batch_quiet: float = 0.1
    prepare_after: float = 0.01
    batch_max_delay: float = 1.5
    fix_quiet: float = 3.0
    fix_max_delay: float = 30.0
    fix_busy_delay: float = 600.0
    heartbeat: float = 2.0
    rescan_interval: float = 60.0

    def seconds_until_batch(self, first: float, last: float, now: float) -> float:
        """Return the seconds until a batch is due, from its first and last change."""
        return min(last + self.batch_quiet, first + self.batch_max_delay) - now

    def seconds_until_fix(
        self, first: float, last: float, now: float, *, is_busy: bool = False
    ) -> float:
        """Return the seconds until fixes are due, by the changes since the last fixes.

        `is_busy` is True if a program changes many files.
        """
        longest = self.fix_busy_delay if is_busy else self.fix_max_delay
        return min(last + self.fix_quiet, first + longest) - now
