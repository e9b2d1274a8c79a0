"""When it is time: for a batch, once the saving is over; for a repair, once the writer has paused.

Moments on the monotonic clock enter, seconds leave. No clock is read here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long is waited for what, in seconds.

    A batch is told after `quiet` seconds without a change, and `longest` seconds after its first change at the latest. What
    will have to be told is worked out after `early` seconds already, and thrown away if something changes after all.
    Notes are repaired once nothing has changed for `calm` seconds, or `patience` seconds after the first change that is to be
    seen to; a note that changed within `calm` seconds is not written even then. `heartbeat` is how often things are looked at
    of which no word comes. `relist` is how often everything is looked at where words may get lost.
    """

    quiet: float = 0.1
    early: float = 0.01
    longest: float = 1.5
    calm: float = 3.0
    patience: float = 30.0
    heartbeat: float = 2.0
    relist: float = 60.0

    def until_batch(self, first: float, last: float, now: float) -> float:
        """Seconds until changes are looked at of which the first and the last came then."""
        return min(last + self.quiet, first + self.longest) - now

    def until_repair(self, first: float, last: float, now: float) -> float:
        """Seconds until notes are repaired, the first change since they last were, and the last of all, having come then."""
        return min(last + self.calm, first + self.patience) - now
