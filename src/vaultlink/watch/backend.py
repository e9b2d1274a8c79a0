"""Who brings word of changes: the system's own means, or, where there are none, a look at everything every so often."""

import math
import sys
from collections.abc import Callable, Mapping

from vaultlink.watch.events import EventQueue, WatchBackend, WatchUnavailable

_FALLBACK_POLL_SECONDS = 2.0
"""Seconds between looks at everything where the system turns out to have no means left."""


BackendFactory = Callable[[EventQueue], WatchBackend]
"""What makes a listener; raises NoWatch."""


class EventSource:
    """Sees to it that changes are heard of. `poll` is how many seconds pass between looks at everything, None where the system
    brings word; `relist` the same where words may get lost. `warning` says what keeps the system from bringing word."""

    def __init__(
        self, events: EventQueue, poll: float | None, relist: float, means: BackendFactory
    ):
        self._events, self._rescan_interval, self._backend_factory = events, relist, means
        self._backend: WatchBackend | None = None
        self._poll_seconds, self._requested_poll = poll, poll
        self._last_rescan = -math.inf
        self.warning = ""

    def start(self, folders: Mapping[str, str], now: float) -> None:
        """Begin to listen, or begin anew: everything is looked at first."""
        self.stop()
        self._poll_seconds, self._last_rescan = self._requested_poll, now
        try:
            self._backend = None if self._poll_seconds else self._backend_factory(self._events)
        except WatchUnavailable as error:
            self._fall_back_to_polling(error)
        self.watch_folders(folders)
        self._events.request_full_rescan()

    def watch_folders(self, folders: Mapping[str, str]) -> bool:
        """Listen in these folders, and no others. Tells whether one came in, so that it has to be looked at again."""
        try:
            return self._backend is not None and self._backend.watch_folders(folders)
        except WatchUnavailable as error:
            self._fall_back_to_polling(error)
            return False

    def seconds_until_rescan(self, now: float) -> float:
        """Seconds until everything is to be looked at, whether or not word comes."""
        if self._backend is None:
            return self._last_rescan + (self._poll_seconds or math.inf) - now
        return (
            math.inf
            if self._backend.detects_overflow
            else self._last_rescan + self._rescan_interval - now
        )

    def check(self, folders: Mapping[str, str], now: float) -> None:
        """Look whether words still come, and have everything looked at if it is time to."""
        if self._backend is not None and not self._backend.is_alive():
            self.start(folders, now)
        elif (
            self.seconds_until_rescan(now) <= 0 and not self._events
        ):  # else each look would put off the batch that waits for quiet
            self._last_rescan = now
            self._events.request_full_rescan()

    def stop(self) -> None:
        """Listen no more."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _fall_back_to_polling(self, error: WatchUnavailable) -> None:
        self.stop()
        self._poll_seconds = _FALLBACK_POLL_SECONDS
        self.warning = f"{error} Until then everything is looked at every {_FALLBACK_POLL_SECONDS:.0f} seconds, as with `--poll {_FALLBACK_POLL_SECONDS:.0f}`."


def open_system_backend(events: EventQueue) -> WatchBackend:
    """The system's own means. Raises NoWatch if there is none left."""
    if sys.platform == "linux":
        from vaultlink.watch.backend_inotify import InotifyBackend  # noqa: PLC0415 - only where there is inotify

        return InotifyBackend(events)
    else:  # noqa: RET505 - so that types are checked for both
        from vaultlink.watch.backend_watchdog import WatchdogBackend  # noqa: PLC0415

        return WatchdogBackend(events)
