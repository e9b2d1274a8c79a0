"""Rename a file or folder, never over another one.

Where the system can, one step checks that the new name is free and renames. Each rename is also an
audit event `os.rename`, as that of Python's own function is.
"""

import ctypes
import os
import sys
from errno import EEXIST, EINVAL, ENOSYS, ENOTSUP

from vaultlink.write.open_folders import OpenFolder

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
