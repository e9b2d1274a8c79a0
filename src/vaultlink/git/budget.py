"""Limit what is read of a repository, in proportion to what it weighs on disk.

A few kilobytes of a repository can stand for gigabytes. What is beyond the budget is treated as
what git can't read.
"""

from pathlib import Path

from vaultlink.git.location import weigh_loose_objects, weigh_packs

MAX_BLOB = 4_000_000
"""Bytes of the largest old text that is read to find out what became of it."""

_PER_BYTE = 4
"""Bytes to read for each byte on disk: about what texts are compressed to."""

_MAX_FAILURES = 5
"""Times that git may fail on an object before no others are asked for."""


class ReadBudget:
    """Bytes that may still be read of a repository.

    Attributes:
        left: The bytes, perhaps without those for the weight of the repository.
        failures_left: Times that git may still fail on an object.
    """

    def __init__(self, root: Path, size: int):
        """Allow to read `size` bytes, and more of a repository that weighs more."""
        self._root, self._is_weighed = root, False
        self.left, self.failures_left = size, _MAX_FAILURES

    @property
    def can_go_on(self) -> bool:
        """False if everything is used up."""
        return self.left > 0 and self.failures_left > 0

    def take(self, size: int) -> bool:
        """Use up this many bytes. Return False, and use none, if there are fewer."""
        if size > self.left and size > self.weigh():
            return False
        self.left -= size
        return True

    def weigh(self) -> int:
        """Return the bytes that are left, with those for the weight of the repository.

        This is only found out when it is needed: it takes a look at each file.
        """
        if not self._is_weighed:
            self._is_weighed = True
            weight = weigh_packs(self._root) + weigh_loose_objects(self._root)
            self.left += weight * _PER_BYTE
        return self.left
