"""One note on disk gets other bytes: they are laid ready beside it, and take its place once it was compared again.

A job enters; that a note is not to be touched, and why, is raised as `Refused`, what the system can't do as `OSError`.
"""

import os
import stat as modes
import sys
from contextlib import suppress
from dataclasses import dataclass
from errno import EACCES, EDQUOT, EEXIST, EFBIG, ELOOP, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS
from io import FileIO

from vaultlink.folders import FOLDER_GONE, NO_FOLDER, Folder, Refused

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_READING = os.O_RDONLY | _NO_LINK | _BINARY | getattr(os, "O_NONBLOCK", 0)
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY

CHANGED = "it changed since it was read"
_LINK = "it is a symbolic link"
READ_ONLY = "it is read-only"
_OTHERS = "it belongs to another user or group, and would not after being written"
_TAKEN = "there is a file of this name already"
SECOND_NAME = "it has a second name (a hard link), which would keep the old text"
_WORDS = {
    EACCES: "its folder may not be written to",
    EPERM: "the system does not permit it",
    EDQUOT: "no space is left to this user",
    EEXIST: _TAKEN,
    EFBIG: "the system allows no files of this size",
    ELOOP: _LINK,
    ENOENT: "it is gone",
    ENOSPC: "no space is left on the device",
    ENOTDIR: NO_FOLDER,
    EROFS: "it lies on a device that can only be read",
}


@dataclass(slots=True)
class Job:
    """One note to write: its old bytes and its new ones, None for no file; its place; the permissions of one that is made;
    whether its new bytes lie ready and on which device, what told the file when it was compared first, and why it is not
    written after all."""

    old: bytes | None
    new: bytes | None
    mode: int | None
    folder: Folder
    name: str
    temporary: str
    ready: bool = False
    device: int = 0
    status: os.stat_result | None = None
    why: str | None = None


def prepare(job: Job) -> None:
    """Look whether a note can be written, and put its new bytes beside it."""
    if job.old is None:
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise Refused(_TAKEN)
        _make(job, None)
        return
    handle = _open(job)
    try:
        job.status = _compared(handle, job.old)
        if not os.access(job.folder.at(job.name), os.W_OK, dir_fd=job.folder.handle):
            raise Refused(READ_ONLY)
        if job.new is not None:
            _make(job, handle)
    finally:
        os.close(handle)


def sync(job: Job) -> None:
    """Bring a note's new bytes to the disk."""
    handle = os.open(
        job.folder.at(job.temporary), os.O_WRONLY | _NO_LINK | _BINARY, dir_fd=job.folder.handle
    )
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def settle(job: Job) -> None:
    """Compare a note once more, and let its new bytes take its place."""
    if job.old is None:
        _place(job)
        return
    handle = _open(job)
    try:
        now = _compared(handle, job.old)
    finally:
        os.close(handle)
    if job.status is None or _told(now) != _told(job.status):
        raise Refused(CHANGED)
    at = job.folder.at
    if job.new is None:
        os.unlink(at(job.name), dir_fd=job.folder.handle)
    else:
        os.replace(
            at(job.temporary),
            at(job.name),
            src_dir_fd=job.folder.handle,
            dst_dir_fd=job.folder.handle,
        )
        job.ready = False


def discard(job: Job) -> None:
    """Take a note's new bytes away again."""
    if job.ready:
        with suppress(OSError):
            os.unlink(job.folder.at(job.temporary), dir_fd=job.folder.handle)
        job.ready = False


def reason(error: Exception) -> str:
    """What went wrong with a file, as a clause that people understand."""
    if not isinstance(error, OSError):
        return str(error)
    return (
        _WORDS.get(error.errno or 0) or f"the system says: {(error.strerror or str(error)).lower()}"
    )


def _open(job: Job) -> int:
    if not _NO_LINK and os.path.islink(job.folder.at(job.name)):
        raise Refused(_LINK)
    try:
        return os.open(job.folder.at(job.name), _READING, dir_fd=job.folder.handle)
    except PermissionError:
        raise Refused("it may not be read") from None


def _compared(handle: int, old: bytes) -> os.stat_result:
    """What tells a note that can be replaced and holds the old bytes."""
    status = os.fstat(handle)
    if not modes.S_ISREG(status.st_mode):
        raise Refused(
            "it is a folder" if modes.S_ISDIR(status.st_mode) else "it is no ordinary file"
        )
    if status.st_nlink > 1:
        raise Refused(SECOND_NAME)
    if not status.st_mode & modes.S_IWUSR:
        raise Refused(READ_ONLY)
    if status.st_size != len(old) or FileIO(handle, closefd=False).readall() != old:
        raise Refused(CHANGED)
    return status


def _told(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _make(job: Job, model: int | None) -> None:
    """Put a note's new bytes beside it, with all that the file had which is not bytes."""
    try:
        handle = os.open(
            job.folder.at(job.temporary),
            _MAKING,
            0o666 if model is None else 0o600,
            dir_fd=job.folder.handle,
        )
    except FileNotFoundError:
        raise Refused(FOLDER_GONE) from None
    job.ready = True
    try:
        rest = memoryview(job.new or b"")
        while rest:
            rest = rest[os.write(handle, rest) :]
        if model is not None and job.status is not None:
            if sys.platform != "win32":
                _dress(handle, model, job.status)
        elif job.mode is not None and sys.platform != "win32":
            os.fchmod(handle, job.mode)
        job.device = os.fstat(handle).st_dev
    finally:
        os.close(handle)


def _dress(handle: int, model: int, status: os.stat_result) -> None:
    """Give a file the owner, permissions and attributes of another."""
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(handle, status.st_uid, status.st_gid)
        except OSError:
            raise Refused(_OTHERS) from None
    if now.st_mode != status.st_mode:
        os.fchmod(handle, modes.S_IMODE(status.st_mode))
    if sys.platform == "linux":
        with suppress(OSError):  # where there are no attributes
            kept = os.listxattr(model)
            for name in {*os.listxattr(handle)} - {*kept}:
                os.removexattr(handle, name)
            for name in kept:
                with suppress(OSError):  # some are the system's
                    os.setxattr(handle, name, os.getxattr(model, name))
    if sys.platform == "darwin":  # a file is there no younger than it was last changed
        os.utime(handle, ns=(status.st_atime_ns, int(status.st_birthtime * 1e9)))
        os.utime(handle)


def _place(job: Job) -> None:
    """Let a new note appear under its name, which must be free."""
    at, handle = job.folder.at, job.folder.handle
    if sys.platform != "win32":
        try:
            os.link(at(job.temporary), at(job.name), src_dir_fd=handle, dst_dir_fd=handle)
        except FileExistsError:
            raise Refused(_TAKEN) from None
        except OSError:
            pass  # a file system without hard links
        else:
            discard(job)
            return
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise Refused(_TAKEN)
    os.rename(at(job.temporary), at(job.name), src_dir_fd=handle, dst_dir_fd=handle)
    job.ready = False
