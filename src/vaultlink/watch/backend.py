"""Sources of change events: the system's backend, or polling where there is none."""

import math
import sys
from collections.abc import Callable, Mapping

from vaultlink.watch.events import EventQueue, FlushableBackend, WatchBackend, WatchUnavailable

_FALLBACK_POLL_SECONDS = 2.0
"""Seconds between full rescans if the system backend becomes unavailable."""

BackendFactory = Callable[[EventQueue], WatchBackend]
"""Opens a backend that adds events to the queue. Raises WatchUnavailable."""


class EventFeed:
    """Delivers change events from a backend, or requests full rescans by polling.

    `poll` is the number of seconds between full rescans, None to use the system backend.
    `rescan_interval` is the number of seconds between full rescans for a backend that may lose
    events. `warning` explains why the system backend is unavailable, "" if it is not.
    """

    def __init__(
        self,
        events: EventQueue,
        poll: float | None,
        rescan_interval: float,
        backend_factory: BackendFactory,
    ):
        self._events, self._rescan_interval = events, rescan_interval
        self._backend_factory = backend_factory
        self._backend: WatchBackend | None = None
        self._poll_seconds = self._requested_poll = poll
        self._last_rescan = -math.inf
        self.warning = ""

    def start(self, folders: Mapping[str, str], now: float) -> None:
        self.stop()
        self._poll_seconds, self._last_rescan = self._requested_poll, now
        try:
            self._backend = None if self._poll_seconds else self._backend_factory(self._events)
        except WatchUnavailable as error:
            self._fall_back_to_polling(error)
        self.watch_folders(folders)
        self._events.request_full_rescan()

    def watch_folders(self, folders: Mapping[str, str]) -> bool:
        """Watch exactly these folders, as a backend does."""
        try:
            return self._backend is not None and self._backend.watch_folders(folders)
        except WatchUnavailable as error:
            self._fall_back_to_polling(error)
            return False

    def seconds_until_rescan(self, now: float) -> float:
        """Return the seconds until the next full rescan that no event requests."""
        if self._backend is None:
            return self._last_rescan + (self._poll_seconds or math.inf) - now
        return (
            math.inf
            if self._backend.detects_overflow
            else self._last_rescan + self._rescan_interval - now
        )

    def check(self, folders: Mapping[str, str], now: float) -> None:
        """Restart a backend that has ended, and request a full rescan if one is due."""
        if self._backend is not None and not self._backend.is_alive():
            self.start(folders, now)
        elif (
            self.seconds_until_rescan(now) <= 0 and not self._events
        ):  # a rescan would delay a batch that waits for quiet
            self._last_rescan = now
            self._events.request_full_rescan()

    def flush(self) -> bool:
        """Return True if the events of all changes before this call are in the queue now."""
        return (
            isinstance(self._backend, FlushableBackend)
            and self._backend.detects_overflow
            and self._backend.flush()
        )

    def stop(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _fall_back_to_polling(self, error: WatchUnavailable) -> None:
        self.stop()
        self._poll_seconds = _FALLBACK_POLL_SECONDS
        self.warning = (
            f"{error} Until then the vault is scanned every {_FALLBACK_POLL_SECONDS:.0f} seconds, "
            f"as with `--poll {_FALLBACK_POLL_SECONDS:.0f}`."
        )


def open_system_backend(events: EventQueue) -> WatchBackend:
    if sys.platform == "linux":
        from vaultlink.watch.backend_inotify import InotifyBackend  # noqa: PLC0415 - only where there is inotify

        return InotifyBackend(events)
    else:  # noqa: RET505 - mypy checks both branches
        from vaultlink.watch.backend_watchdog import WatchdogBackend  # noqa: PLC0415

        return WatchdogBackend(events)
