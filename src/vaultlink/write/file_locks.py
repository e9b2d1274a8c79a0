"""Lock files, and find the temporary files that no process needs any more."""

import os
import re
import stat as modes
import sys
import time

from vaultlink.files import NO_FOLLOW
from vaultlink.text import lazy_pattern


def try_lock(handle: int) -> bool:
    """Return True if the lock was acquired, or if the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


# -- temporary files of one process ----------------------------------------------------------------
# Their names begin with the id of the process, which locks the file as long as it writes. Another
# computer may have made the file: there, the id means nothing, but most network drives have locks.


_PROCESS_LEFTOVER = lazy_pattern(r"\.vaultlink-(\d{1,10})-[0-9a-f]{6}-\d+\.tmp", re.ASCII)

_LEFTOVER_SECONDS = 3600.0
"""Age after which a temporary file of an unknown process is removed; none writes for this long."""


def is_abandoned(name: str, path: str, folder: int | None = None) -> bool:
    """Return True for a temporary file of this user, of an ended process or old."""
    status = os.stat(path, dir_fd=folder, follow_symlinks=False)
    is_own = sys.platform == "win32" or status.st_uid == os.geteuid()
    if not (is_own and modes.S_ISREG(status.st_mode)):
        return False
    if status.st_mtime < time.time() - _LEFTOVER_SECONDS:
        return True
    match = _PROCESS_LEFTOVER.fullmatch(name)
    return match is not None and _has_ended(int(match[1])) and not _is_locked(path, folder)


def _has_ended(process: int) -> bool:
    """Return True if a process does not exist; on Windows, that is not known."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _is_locked(path: str, folder: int | None) -> bool:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | NO_FOLLOW, dir_fd=folder)
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)
