"""Sync many files to disk with one call, where that is supported.

With one `fsync` a file, each file waits for the disk; with `syncfs`, all of them wait once.
"""

import ctypes
import os
import sys

_SYNCFS_SAFE = frozenset((0xEF53, 0x9123683E, 0x58465342, 0xF2F52010, 0x01021994))
"""Types of file systems that `syncfs` writes to disk completely.

They are ext2 to ext4, btrfs, xfs and f2fs, and tmpfs, which has no disk. Others, such as FUSE file
systems, may only react to the `fsync` of each file.
"""


def sync_filesystem(handle: int) -> bool:
    """Write all data of an open folder's file system to its disk.

    Return False where that is not supported; each file needs its own `fsync` then. Raises OSError
    if the disk reports an error.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        status = ctypes.create_string_buffer(512)
        if libc.fstatfs(handle, status) != 0:
            return False
        word = status.raw[: ctypes.sizeof(ctypes.c_long)]  # the first one is the type
        if int.from_bytes(word, sys.byteorder) & 0xFFFFFFFF not in _SYNCFS_SAFE:
            return False
        failed = libc.syncfs(handle)
    except (OSError, AttributeError):  # another system, or another C library
        return False
    if failed:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return True
