"""Debouncing of batches and fixes.

Times are seconds on the monotonic clock. No clock is read here.
"""

import msgspec


class Debounce(msgspec.Struct, frozen=True):
    """Delays of a watcher, in seconds.

    - batch_quiet: a batch is reported after so long without a change,
    - batch_max_delay: and at the latest so long after its first change.
    - prepare_after: the batch is prepared after so long without a change, and discarded if
      something changes afterwards.
    - fix_quiet: fixes are applied after so long without a change. A note that changed within this
      time is never written.
    - fix_max_delay: fixes are applied at the latest so long after the first unhandled change.
    - heartbeat: interval of the checks for changes that cause no event.
    - rescan_interval: interval of full rescans where events may get lost.
    """

    batch_quiet: float = 0.1
    prepare_after: float = 0.01
    batch_max_delay: float = 1.5
    fix_quiet: float = 3.0
    fix_max_delay: float = 30.0
    heartbeat: float = 2.0
    rescan_interval: float = 60.0

    def seconds_until_batch(self, first: float, last: float, now: float) -> float:
        """Return the seconds until a batch is due, from its first and last change."""
        return min(last + self.batch_quiet, first + self.batch_max_delay) - now

    def seconds_until_fix(self, first: float, last: float, now: float) -> float:
        """Return the seconds until fixes are due, by the changes since the last fixes."""
        return min(last + self.fix_quiet, first + self.fix_max_delay) - now
