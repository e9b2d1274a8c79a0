"""When it is time: for a batch, once the saving is over; for a repair, once the writer has paused.

Moments on the monotonic clock enter, seconds leave. No clock is read here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Debounce:
    """How long is waited for what, in seconds.

    A batch is told after `batch_quiet` seconds without a change, and `batch_max_delay` seconds after its first change at the latest. What
    will have to be told is worked out after `prepare_after` seconds already, and thrown away if something changes after all.
    Notes are repaired once nothing has changed for `fix_quiet` seconds, or `fix_max_delay` seconds after the first change that is to be
    seen to; a note that changed within `fix_quiet` seconds is not written even then. `heartbeat` is how often things are looked at
    of which no word comes. `rescan_interval` is how often everything is looked at where words may get lost.
    """

    batch_quiet: float = 0.1
    prepare_after: float = 0.01
    batch_max_delay: float = 1.5
    fix_quiet: float = 3.0
    fix_max_delay: float = 30.0
    heartbeat: float = 2.0
    rescan_interval: float = 60.0

    def seconds_until_batch(self, first: float, last: float, now: float) -> float:
        """Seconds until changes are looked at of which the first and the last came then."""
        return min(last + self.batch_quiet, first + self.batch_max_delay) - now

    def seconds_until_fix(self, first: float, last: float, now: float) -> float:
        """Seconds until notes are repaired, the first change since they last were, and the last of all, having come then."""
        return min(last + self.fix_quiet, first + self.fix_max_delay) - now
