"""Who brings word of changes: the system's own means, or, where there are none, a look at everything every so often."""

import math
import sys
from collections.abc import Callable, Mapping

from vaultlink.watching.inbox import Inbox, Listener, NoWatch

_POLL = 2.0
"""Seconds between looks at everything where the system turns out to have no means left."""


Means = Callable[[Inbox], Listener]
"""What makes a listener; raises NoWatch."""


class Listening:
    """Sees to it that changes are heard of. `poll` is how many seconds pass between looks at everything, None where the system
    brings word; `relist` the same where words may get lost. `complaint` says what keeps the system from bringing word."""

    def __init__(self, inbox: Inbox, poll: float | None, relist: float, means: Means):
        self._inbox, self._relist, self._means = inbox, relist, means
        self._listener: Listener | None = None
        self._poll, self._asked = poll, poll
        self._looked = -math.inf
        self.complaint = ""

    def begin(self, folders: Mapping[str, str], now: float) -> None:
        """Begin to listen, or begin anew: everything is looked at first."""
        self.end()
        self._poll, self._looked = self._asked, now
        try:
            self._listener = None if self._poll else self._means(self._inbox)
        except NoWatch as error:
            self._fall_back(error)
        self.follow(folders)
        self._inbox.hint_everything()

    def follow(self, folders: Mapping[str, str]) -> bool:
        """Listen in these folders, and no others. Tells whether one came in, so that it has to be looked at again."""
        try:
            return self._listener is not None and self._listener.follow(folders)
        except NoWatch as error:
            self._fall_back(error)
            return False

    def wait(self, now: float) -> float:
        """Seconds until everything is to be looked at, whether or not word comes."""
        if self._listener is None:
            return self._looked + (self._poll or math.inf) - now
        return math.inf if self._listener.lossless else self._looked + self._relist - now

    def beat(self, folders: Mapping[str, str], now: float) -> None:
        """Look whether words still come, and have everything looked at if it is time to."""
        if self._listener is not None and not self._listener.alive():
            self.begin(folders, now)
        elif (
            self.wait(now) <= 0 and not self._inbox
        ):  # else each look would put off the batch that waits for quiet
            self._looked = now
            self._inbox.hint_everything()

    def end(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _fall_back(self, error: NoWatch) -> None:
        self.end()
        self._poll = _POLL
        self.complaint = f"{error} Until then everything is looked at every {_POLL:.0f} seconds, as with `--poll {_POLL:.0f}`."


def system_listener(inbox: Inbox) -> Listener:
    """The system's own means. Raises NoWatch if there is none left."""
    if sys.platform == "linux":
        from vaultlink.watching.inotify import Inotify  # noqa: PLC0415 - only where there is inotify

        return Inotify(inbox)
    else:  # noqa: RET505 - so that types are checked for both
        from vaultlink.watching.observer import Observed  # noqa: PLC0415

        return Observed(inbox)
