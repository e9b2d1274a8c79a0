"""Bringing many files to the disk at once, where the system can and the file system is known to mean it.

One by one, each file waits for the disk; together, they wait once.
"""

import ctypes
import os
import sys

_SYNCFS_SAFE = frozenset((0xEF53, 0x9123683E, 0x58465342, 0xF2F52010, 0x01021994))
"""File systems whose every file is on the disk after `syncfs`: ext2 to ext4, btrfs, xfs, f2fs; and tmpfs, which has none.
Others, such as those that a program serves, may know of it only by the files' own `fsync`."""


def sync_filesystem(handle: int) -> bool:
    """Bring all that was written to the file system of an open folder to its disk. False where that can't be done, and
    files have to be synced one by one; raises OSError when the disk fails."""
    try:
        system = ctypes.CDLL(None, use_errno=True)
        known = ctypes.create_string_buffer(512)
        if (
            system.fstatfs(handle, known) != 0
            or _parse_filesystem_type(known.raw) not in _SYNCFS_SAFE
        ):
            return False
        failed = system.syncfs(handle)
    except (OSError, AttributeError):  # another system, or another C library
        return False
    if failed:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return True


def _parse_filesystem_type(status: bytes) -> int:
    """The file system's number, which is the first word of what the system tells of it."""
    return int.from_bytes(status[: ctypes.sizeof(ctypes.c_long)], sys.byteorder) & 0xFFFFFFFF
