"""Sync a file system and rename without overwriting, by calls of the C library."""

import ctypes
import os
import sys
from errno import EEXIST, EINVAL, ENOSYS, ENOTSUP

from vaultlink.write.open_folders import OpenFolder

# -- sync many files to disk with one call, where that is supported --------------------------------
# With one `fsync` a file, each file waits for the disk; with `syncfs`, all of them wait once.

SYNCFS_SAFE = frozenset((0xEF53, 0x9123683E, 0x58465342, 0xF2F52010, 0x01021994))
"""Types of file systems that `syncfs` writes to disk completely.

They are ext2 to ext4, btrfs, xfs and f2fs, and tmpfs, which has no disk. Others, such as FUSE file
systems, may only react to the `fsync` of each file.
"""


def read_filesystem_type(handle: int) -> int | None:
    """Return the type of an open folder's file system; None if it is unknown."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        status = ctypes.create_string_buffer(512)
        if libc.fstatfs(handle, status) != 0:
            return None
    except (OSError, AttributeError):  # another system, or another C library
        return None
    word = status.raw[: ctypes.sizeof(ctypes.c_long)]  # the first one is the type
    return int.from_bytes(word, sys.byteorder) & 0xFFFFFFFF


def sync_filesystem(handle: int) -> bool:
    """Write a file system's data to its disk; False if unsupported. Raises OSError."""
    if read_filesystem_type(handle) not in SYNCFS_SAFE:
        return False
    try:
        failed = ctypes.CDLL(None, use_errno=True).syncfs(handle)
    except (OSError, AttributeError):  # another system, or another C library
        return False
    if failed:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return True


# -- rename a file or folder, never over another one -----------------------------------------------
# Where the system can, one step checks that the new name is free and renames. Each rename is also
# an audit event `os.rename`, as that of Python's own function is.


_RENAME_NOREPLACE = 1
"""Flag of `renameat2` on Linux."""

_RENAME_EXCL = 4
"""Flag of `renameatx_np` on macOS."""

_UNSUPPORTED = (EINVAL, ENOSYS, ENOTSUP)
"""Errors of file systems that can't check and rename in one step."""


def rename_to_free_name(
    source_folder: OpenFolder, source: str, target_folder: OpenFolder, target: str
) -> None:
    """Rename a file or folder. `source` and `target` are names in the folders.

    Raises FileExistsError if the disk takes the name for that of a file, maybe the same one.
    """
    source_handle, target_handle = source_folder.handle, target_folder.handle
    if source_handle is None or target_handle is None:  # Windows never overwrites
        os.rename(source_folder.path_of(source), target_folder.path_of(target))
        return
    sys.audit("os.rename", source, target, source_handle, target_handle)
    error = _rename_in_one_step(source_handle, source, target_handle, target)
    if error in _UNSUPPORTED:
        if os.path.lexists(os.path.join(target_folder.path, target)):
            error = EEXIST
        else:
            os.rename(source, target, src_dir_fd=source_handle, dst_dir_fd=target_handle)
            return
    if error:
        raise OSError(error, os.strerror(error), source)


def _rename_in_one_step(source_handle: int, source: str, target_handle: int, target: str) -> int:
    """Return the error number of the system's function; 0 if it renamed."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        rename = libc.renameatx_np if sys.platform == "darwin" else libc.renameat2
    except (OSError, AttributeError):  # another system, or another C library
        return ENOSYS
    flag = _RENAME_EXCL if sys.platform == "darwin" else _RENAME_NOREPLACE
    names = os.fsencode(source), os.fsencode(target)
    failed = rename(source_handle, names[0], target_handle, names[1], ctypes.c_uint(flag))
    return ctypes.get_errno() if failed else 0
