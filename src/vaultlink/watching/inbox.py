"""Where listeners leave word of what may have changed, and the one who looks waits for it.

Vault paths enter from any thread, in whatever number; what is taken out is a set of them, or the word to look at everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import Protocol

_MOST = 2_000
"""More paths than these are not told apart: looking at everything costs no more than looking at each."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Paths at which something may have changed, or everything; they tell where to look, never what is there. `count` is how
    many hints had ever come then."""

    paths: frozenset[str] = frozenset()
    everything: bool = False
    count: int = 0

    def __bool__(self) -> bool:
        return self.everything or bool(self.paths)


class Inbox:
    """Hints that nobody has looked at yet. `first` and `last` are when the first and the last of them came, on the monotonic
    clock; `count` is how many ever came; `stopped` says that nobody needs to look any more."""

    def __init__(self) -> None:
        self._lock, self._bell = Lock(), SimpleQueue[None]()
        self._paths: set[str] = set()
        self._everything = False
        self.first = self.last = 0.0
        self.count = 0
        self.stopped = False

    def hint(self, path: str) -> None:
        """Something may have changed at a path."""
        with self._lock:
            self._touched()
            if not self._everything:
                self._paths.add(path)
                self._everything = len(self._paths) > _MOST

    def hint_everything(self) -> None:
        """Something may have changed anywhere."""
        with self._lock:
            self._touched()
            self._everything = True

    def _touched(self) -> None:
        self.last = monotonic()
        self.count += 1
        if not self:
            self.first = self.last
            self._bell.put(None)

    def __bool__(self) -> bool:
        return self._everything or bool(self._paths)

    def take(self) -> Hints:
        """All hints, which are gone from here then."""
        with self._lock:
            hints = self._hints()
            self._paths, self._everything = set(), False
        return hints

    def peek(self) -> Hints:
        """All hints, which stay here."""
        with self._lock:
            return self._hints()

    def _hints(self) -> Hints:
        return Hints(
            frozenset() if self._everything else frozenset(self._paths),
            self._everything,
            self.count,
        )

    def wait(self, seconds: float) -> None:
        """Sleep until the first hint comes, the time is over, or somebody says stop."""
        try:
            self._bell.get(timeout=max(seconds, 0.0))
        except Empty:
            return

    def stop(self) -> None:
        """Nobody needs to look any more. May be called by a signal's handler."""
        self.stopped = True
        self._bell.put(None)


class NoWatch(Exception):  # noqa: N818 - a state of affairs
    """The system has no watch left to give: what it says, and what helps."""


class Listener(Protocol):
    """Leaves word in an inbox of what changes in folders. `lossless` says whether it knows when a word got lost."""

    lossless: bool

    def follow(self, folders: Mapping[str, str], /) -> bool:
        """Watch these folders, and no others; tells whether one came in. Raises NoWatch."""
        ...

    def alive(self) -> bool:
        """Whether words still come."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
