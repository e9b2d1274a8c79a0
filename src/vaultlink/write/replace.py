"""One note on disk gets other bytes: they are laid ready beside it, and take its place once it was compared again.

A job enters; that a note is not to be touched, and why, is raised as `CannotWrite`, what the system can't do as `OSError`.
"""

import os
import stat as modes
import sys
from contextlib import suppress
from dataclasses import dataclass
from errno import EACCES, EDQUOT, EEXIST, EFBIG, ELOOP, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS
from io import FileIO

from vaultlink.write.open_folders import FOLDER_GONE, NOT_A_FOLDER, CannotWrite, OpenFolder

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | _NO_FOLLOW | _BINARY | getattr(os, "O_NONBLOCK", 0)
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY

CHANGED_SINCE_READ = "it changed since it was read"
_IS_SYMLINK = "it is a symbolic link"
READ_ONLY = "it is read-only"
_FOREIGN_OWNER = "it belongs to another user or group, and would not after being written"
_NAME_TAKEN = "there is a file of this name already"
HARD_LINKED = "it has a second name (a hard link), which would keep the old text"
_ERRNO_MESSAGES = {
    EACCES: "its folder may not be written to",
    EPERM: "the system does not permit it",
    EDQUOT: "no space is left to this user",
    EEXIST: _NAME_TAKEN,
    EFBIG: "the system allows no files of this size",
    ELOOP: _IS_SYMLINK,
    ENOENT: "it is gone",
    ENOSPC: "no space is left on the device",
    ENOTDIR: NOT_A_FOLDER,
    EROFS: "it lies on a device that can only be read",
}


@dataclass(slots=True)
class ReplaceJob:
    """One note to write: its old bytes and its new ones, None for no file; its place; the permissions of one that is made;
    whether its new bytes lie ready and on which device, what told the file when it was compared first, and why it is not
    written after all."""

    old: bytes | None
    new: bytes | None
    mode: int | None
    folder: OpenFolder
    name: str
    temporary_name: str
    ready: bool = False
    device: int = 0
    status: os.stat_result | None = None
    skip_reason: str | None = None


def prepare_replacement(job: ReplaceJob) -> None:
    """Look whether a note can be written, and put its new bytes beside it."""
    if job.old is None:
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise CannotWrite(_NAME_TAKEN)
        _write_temporary(job, None)
        return
    handle = _open(job)
    try:
        job.status = _check_unchanged(handle, job.old)
        if not os.access(job.folder.path_of(job.name), os.W_OK, dir_fd=job.folder.handle):
            raise CannotWrite(READ_ONLY)
        if job.new is not None:
            _write_temporary(job, handle)
    finally:
        os.close(handle)


def sync_replacement(job: ReplaceJob) -> None:
    """Bring a note's new bytes to the disk."""
    handle = os.open(
        job.folder.path_of(job.temporary_name),
        os.O_WRONLY | _NO_FOLLOW | _BINARY,
        dir_fd=job.folder.handle,
    )
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def commit_replacement(job: ReplaceJob) -> None:
    """Compare a note once more, and let its new bytes take its place."""
    if job.old is None:
        _move_into_place(job)
        return
    handle = _open(job)
    try:
        now = _check_unchanged(handle, job.old)
    finally:
        os.close(handle)
    if job.status is None or _identify(now) != _identify(job.status):
        raise CannotWrite(CHANGED_SINCE_READ)
    at = job.folder.path_of
    if job.new is None:
        os.unlink(at(job.name), dir_fd=job.folder.handle)
    else:
        os.replace(
            at(job.temporary_name),
            at(job.name),
            src_dir_fd=job.folder.handle,
            dst_dir_fd=job.folder.handle,
        )
        job.ready = False


def discard_replacement(job: ReplaceJob) -> None:
    """Take a note's new bytes away again."""
    if job.ready:
        with suppress(OSError):
            os.unlink(job.folder.path_of(job.temporary_name), dir_fd=job.folder.handle)
        job.ready = False


def describe_os_error(error: Exception) -> str:
    """What went wrong with a file, as a clause that people understand."""
    if not isinstance(error, OSError):
        return str(error)
    return (
        _ERRNO_MESSAGES.get(error.errno or 0)
        or f"the system says: {(error.strerror or str(error)).lower()}"
    )


def _open(job: ReplaceJob) -> int:
    if not _NO_FOLLOW and os.path.islink(job.folder.path_of(job.name)):
        raise CannotWrite(_IS_SYMLINK)
    try:
        return os.open(job.folder.path_of(job.name), _READ_FLAGS, dir_fd=job.folder.handle)
    except PermissionError:
        raise CannotWrite("it may not be read") from None


def _check_unchanged(handle: int, old: bytes) -> os.stat_result:
    """What tells a note that can be replaced and holds the old bytes."""
    status = os.fstat(handle)
    if not modes.S_ISREG(status.st_mode):
        raise CannotWrite(
            "it is a folder" if modes.S_ISDIR(status.st_mode) else "it is no ordinary file"
        )
    if status.st_nlink > 1:
        raise CannotWrite(HARD_LINKED)
    if not status.st_mode & modes.S_IWUSR:
        raise CannotWrite(READ_ONLY)
    if status.st_size != len(old) or FileIO(handle, closefd=False).readall() != old:
        raise CannotWrite(CHANGED_SINCE_READ)
    return status


def _identify(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _write_temporary(job: ReplaceJob, model: int | None) -> None:
    """Put a note's new bytes beside it, with all that the file had which is not bytes."""
    try:
        handle = os.open(
            job.folder.path_of(job.temporary_name),
            _CREATE_FLAGS,
            0o666 if model is None else 0o600,
            dir_fd=job.folder.handle,
        )
    except FileNotFoundError:
        raise CannotWrite(FOLDER_GONE) from None
    job.ready = True
    try:
        rest = memoryview(job.new or b"")
        while rest:
            rest = rest[os.write(handle, rest) :]
        if model is not None and job.status is not None:
            if sys.platform != "win32":
                _copy_metadata(handle, model, job.status)
        elif job.mode is not None and sys.platform != "win32":
            os.fchmod(handle, job.mode)
        job.device = os.fstat(handle).st_dev
    finally:
        os.close(handle)


def _copy_metadata(handle: int, model: int, status: os.stat_result) -> None:
    """Give a file the owner, permissions and attributes of another."""
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(handle, status.st_uid, status.st_gid)
        except OSError:
            raise CannotWrite(_FOREIGN_OWNER) from None
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


def _move_into_place(job: ReplaceJob) -> None:
    """Let a new note appear under its name, which must be free."""
    at, handle = job.folder.path_of, job.folder.handle
    if sys.platform != "win32":
        try:
            os.link(at(job.temporary_name), at(job.name), src_dir_fd=handle, dst_dir_fd=handle)
        except FileExistsError:
            raise CannotWrite(_NAME_TAKEN) from None
        except OSError:
            pass  # a file system without hard links
        else:
            discard_replacement(job)
            return
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise CannotWrite(_NAME_TAKEN)
    os.rename(at(job.temporary_name), at(job.name), src_dir_fd=handle, dst_dir_fd=handle)
    job.ready = False
