"""Free the memory and files of replaced vaults, in a watcher that runs for months.

The objects of a vault live as long as it is watched, so they are exempt from garbage collection.
They contain reference cycles: a vault that was replaced stays, with its open cache file, until all
objects are looked at once.
"""

import gc
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_THRESHOLDS = (100_000, 20, 100)
"""New objects form few reference cycles, so collections are rare."""


def exempt_present_objects() -> None:
    """Exempt all present objects from garbage collection, and begin to collect others."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    _return_free_memory()


def free_new_objects() -> None:
    """Free unused objects that are not exempt from collection, if others are.

    It takes milliseconds, so it is done after each batch: what one leaves would double the memory
    within ten.
    """
    if gc.get_freeze_count():
        gc.collect()
        _return_free_memory()


def free_unused_objects() -> None:
    """Free what is not used any more, exempt objects included. The others stay exempt."""
    is_exempting = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if is_exempting:
        gc.freeze()
    _return_free_memory()


def _return_free_memory() -> None:
    """Return to the system what the C library keeps of freed memory, where it can."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - only a watcher needs it

    with suppress(OSError, AttributeError):  # it is another library than that of GNU
        ctypes.CDLL(None).malloc_trim(0)


_MIN_SECONDS = 5.0
"""Seconds between two collections, at least."""

_MAX_SHARE = 0.02
"""Share of the time that collections may take."""


class CollectionTimer:
    """Says when to free what batches left. Times are monotonic seconds."""

    def __init__(self, now: float):
        self._has_changed, self._next = False, now + _MIN_SECONDS

    def record_batch(self) -> None:
        """Record that there may be something to free."""
        self._has_changed = True

    def is_due(self, now: float) -> bool:
        """Return True if it is time to call `collect`."""
        return self._has_changed and now >= self._next

    def collect(self, free: Callable[[], None]) -> None:
        """Free what is not used any more."""
        begun = time.monotonic()
        free()
        now = time.monotonic()
        self._has_changed = False
        self._next = now + max(_MIN_SECONDS, (now - begun) / _MAX_SHARE)
