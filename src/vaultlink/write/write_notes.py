"""Write notes. No other module writes them."""

import os
import stat as modes
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import (
    EACCES,
    EDQUOT,
    EEXIST,
    EFBIG,
    EIO,
    ELOOP,
    ENOENT,
    ENOSPC,
    ENOTDIR,
    EPERM,
    EROFS,
    EXDEV,
)
from io import FileIO
from pathlib import Path

import msgspec

from vaultlink.files import LEFTOVER_PREFIX, read_regular
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.open_folders import (
    CHANGED_SINCE_READ,
    FOLDER_GONE,
    FOLDER_NOT_WRITABLE,
    HARD_LINKED,
    NOT_A_FOLDER,
    READ_ONLY,
    CannotWrite,
    OpenFolder,
    OpenFolders,
    close_folders,
    find_folder,
    has_other_link,
    open_folder,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)

# -- replace one note: write a temporary file, compare again, rename -------------------------------
# The functions raise `CannotWrite` for notes that must not be touched, with the reason.

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | _NO_FOLLOW | _BINARY | getattr(os, "O_NONBLOCK", 0)
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY

IS_SYMLINK = "it is a symbolic link"
OTHER_DEVICE = "its new folder is on another disk"
_FOREIGN_OWNER = "it belongs to another user or group, which can't be preserved"
NAME_TAKEN = "a file with this name already exists"
_DISK_ERRORS = {
    EDQUOT: "the disk quota of this user is used up",
    EIO: "the disk reports an input/output error",
    ENOSPC: "no space is left on the device",
    EROFS: "its file system is read-only",
}
DISK_REASONS = frozenset(_DISK_ERRORS.values())
"""Reasons that concern the disk, not one file: no other file can be written either, most likely."""

_ERRNO_MESSAGES = {
    **_DISK_ERRORS,
    EACCES: FOLDER_NOT_WRITABLE,
    EPERM: "the system does not permit it",
    EEXIST: NAME_TAKEN,
    EFBIG: "it exceeds the file size limit of the system",
    ELOOP: IS_SYMLINK,
    ENOENT: "it no longer exists",
    ENOTDIR: NOT_A_FOLDER,
    EXDEV: OTHER_DEVICE,
}


class ReplaceJob(msgspec.Struct):
    """One note to write.

    `old` and `new` are its bytes, None for no file; `mode` are the permissions of a created file.
    `ready` is True while the temporary file exists, `device` is its device. `status` is that of the
    note at the first comparison, `skip_reason` why it is not written.
    """

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
    """Check that a note can be written, and write its new bytes to a temporary file."""
    with _open_writable(job) as handle:
        if job.new is not None:
            _write_temporary(job, handle)


def _check_replacement(job: ReplaceJob) -> None:
    """Check that a note can be written, as far as that is known without writing."""
    if not os.access(job.folder.path, os.W_OK | os.X_OK):
        raise CannotWrite(_ERRNO_MESSAGES[EACCES])
    with _open_writable(job):
        pass
    if sys.platform != "win32" and job.status and job.new is not None:
        if os.geteuid() not in (0, job.status.st_uid):
            raise CannotWrite(_FOREIGN_OWNER)


def _sync_replacement(job: ReplaceJob) -> None:
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
    """Compare a note again, and replace it by its temporary file."""
    if job.old is None:
        _move_into_place(job)
        return
    handle = _open(job)
    try:
        status = _check_unchanged(job, handle, job.old)
    finally:
        os.close(handle)
    if job.status is None or _identify(status) != _identify(job.status):
        raise CannotWrite(CHANGED_SINCE_READ)
    path_of = job.folder.path_of
    if job.new is None:
        os.unlink(path_of(job.name), dir_fd=job.folder.handle)
    else:
        os.replace(
            path_of(job.temporary_name),
            path_of(job.name),
            src_dir_fd=job.folder.handle,
            dst_dir_fd=job.folder.handle,
        )
        job.ready = False


def discard_replacement(job: ReplaceJob) -> None:
    """Remove the temporary file, if possible; it stays `ready` otherwise."""
    if job.ready:
        try:
            os.unlink(job.folder.path_of(job.temporary_name), dir_fd=job.folder.handle)
        except FileNotFoundError:
            pass
        except OSError:
            return
        job.ready = False


def describe_os_error(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    reported = f"the system reports: {(error.strerror or str(error)).lower()}"
    return _ERRNO_MESSAGES.get(error.errno or 0, reported)


@contextmanager
def _open_writable(job: ReplaceJob) -> Iterator[int | None]:
    """Open a note that can be written and holds the old bytes; None for a new one."""
    if job.old is None:
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise CannotWrite(NAME_TAKEN)
        yield None
        return
    handle = _open(job)
    try:
        job.status = _check_unchanged(job, handle, job.old)
        if not os.access(job.folder.path_of(job.name), os.W_OK, dir_fd=job.folder.handle):
            raise CannotWrite(READ_ONLY)
        yield handle
    finally:
        os.close(handle)


def _open(job: ReplaceJob) -> int:
    if not _NO_FOLLOW and os.path.islink(job.folder.path_of(job.name)):
        raise CannotWrite(IS_SYMLINK)
    try:
        return os.open(job.folder.path_of(job.name), _READ_FLAGS, dir_fd=job.folder.handle)
    except PermissionError:
        raise CannotWrite("this user may not read it") from None


def _check_unchanged(job: ReplaceJob, handle: int, old: bytes) -> os.stat_result:
    status = os.fstat(handle)
    if not modes.S_ISREG(status.st_mode):
        is_folder = modes.S_ISDIR(status.st_mode)
        raise CannotWrite("it is a folder" if is_folder else "it is not a regular file")
    if has_other_link(job.folder.path, status):
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


def _write_temporary(job: ReplaceJob, original: int | None) -> None:
    """Write a note's new bytes to a file beside it, with the note's metadata."""
    try:
        handle = os.open(
            job.folder.path_of(job.temporary_name),
            _CREATE_FLAGS,
            0o666 if original is None else 0o600,
            dir_fd=job.folder.handle,
        )
    except FileNotFoundError:
        raise CannotWrite(FOLDER_GONE) from None
    job.ready = True
    try:
        rest = memoryview(job.new or b"")
        while rest:
            rest = rest[os.write(handle, rest) :]
        if original is not None and job.status is not None:
            if sys.platform != "win32":
                _copy_metadata(handle, original, job.status)
        elif job.mode is not None and sys.platform != "win32":
            os.fchmod(handle, job.mode & 0o777)
        job.device = os.fstat(handle).st_dev
    finally:
        os.close(handle)


def _copy_metadata(handle: int, original: int, status: os.stat_result) -> None:
    """Give a file the owner, permissions and extended attributes of another."""
    own_status = os.fstat(handle)
    if (own_status.st_uid, own_status.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(handle, status.st_uid, status.st_gid)
        except OSError:
            raise CannotWrite(_FOREIGN_OWNER) from None
    if own_status.st_mode != status.st_mode:
        os.fchmod(handle, modes.S_IMODE(status.st_mode))
    if sys.platform == "linux":
        with suppress(OSError):  # file system without attributes
            attributes = os.listxattr(original)
            for name in {*os.listxattr(handle)} - {*attributes}:
                os.removexattr(handle, name)
            for name in attributes:
                with suppress(OSError):  # some are reserved for the system
                    os.setxattr(handle, name, os.getxattr(original, name))
    # On macOS, a modification time before the creation time also moves the creation time back.
    if sys.platform == "darwin":
        os.utime(handle, ns=(status.st_atime_ns, int(status.st_birthtime * 1e9)))
        os.utime(handle)


def _move_into_place(job: ReplaceJob) -> None:
    """Give a new note its name, which must be free."""
    path_of, handle = job.folder.path_of, job.folder.handle
    if sys.platform != "win32":
        try:
            os.link(
                path_of(job.temporary_name), path_of(job.name), src_dir_fd=handle, dst_dir_fd=handle
            )
        except FileExistsError:
            raise CannotWrite(NAME_TAKEN) from None
        except OSError:
            pass  # a file system without hard links
        else:
            discard_replacement(job)
            return
        if os.path.lexists(os.path.join(job.folder.path, job.name)):
            raise CannotWrite(NAME_TAKEN)
    os.rename(path_of(job.temporary_name), path_of(job.name), src_dir_fd=handle, dst_dir_fd=handle)
    job.ready = False


# -- write notes. No other module writes them ------------------------------------------------------
# A note is replaced completely or not at all: its new bytes are written to a temporary file beside
# it, synced to disk, and renamed over it after it was compared once more.


_BATCH_SIZE = 200
"""Maximum number of temporary files at once; each may need an open folder."""

_SYNC_THREADS = 16
"""Threads for `fsync`: many files in parallel take half the time of one by one."""

_MAX_SEQUENTIAL_SYNCS = 4
"""Number of notes up to which syncing one by one is fastest."""


class WriteResult(msgspec.Struct, frozen=True):
    """The notes written and those skipped, by path.

    `run_id` is the run's name in the journal, if it is recorded. `moved` are the old and new paths
    of the files and folders that were renamed; those that were not are in `skipped`, by old path.
    `is_outdated` is True if nothing was written because the vault changed since it was read;
    `reverted` has a sentence about each interrupted run that was reverted instead.
    """

    written: tuple[str, ...]
    skipped: tuple[SkippedNote, ...]
    run_id: str | None = None
    moved: tuple[tuple[str, str], ...] = ()
    is_outdated: bool = False
    reverted: tuple[str, ...] = ()


def write_notes(
    root: Path,
    writes: Sequence[PendingWrite],
    token: str = "",
    first_number: int = 0,
    ends_run: Callable[[str], bool] = lambda _reason: False,
) -> WriteResult:
    """Write notes, and skip those that can't be written.

    `token` and the numbers of the notes, from `first_number` on, are parts of the temporary names,
    by which `remove_leftovers` finds the files of a killed run. After a note is skipped for a
    reason for which `ends_run` returns True, no other one is written; those are neither written nor
    skipped in the result.
    """
    folders = prepare_folders(root)
    token = token or f"{os.getpid()}-{os.urandom(3).hex()}"
    order = sorted(range(len(writes)), key=lambda number: split_path(writes[number].path))
    reasons: dict[int, str | None] = {}
    try:
        for begin in range(0, len(order), _BATCH_SIZE):
            batch = order[begin : begin + _BATCH_SIZE]
            numbered = {number + first_number: writes[number] for number in batch}
            found = _write_batch(folders, numbered, token, ends_run)
            reasons |= found
            if _end_run(found, ends_run):
                break
            close_folders(folders, keep=split_path(writes[batch[-1]].path)[0])
    finally:
        close_folders(folders)
        remove_empty_folders(root, folders.created)
    paths = {number: writes[number - first_number].path for number in reasons}
    written = [paths[number] for number, reason in reasons.items() if reason is None]
    skipped = [SkippedNote(paths[number], reason) for number, reason in reasons.items() if reason]
    return WriteResult(tuple(sorted(written)), tuple(sorted(skipped, key=lambda note: note.path)))


def find_write_barriers(root: Path, writes: Sequence[PendingWrite]) -> list[SkippedNote]:
    """Return the notes that can't be written now, with the reasons. Writes nothing."""
    folders, found = prepare_folders(root), []
    for item in writes:
        try:
            _check_path(item.path)
            path, name = split_path(item.path)
            place, missing = find_folder(folders, path, create=item.old is None)
            folder = OpenFolder(None, place)
            name = split_path(missing[0])[1] if missing else name
            _check_replacement(ReplaceJob(item.old, item.new, None, folder, name, ""))
        except (OSError, CannotWrite) as error:
            found.append(SkippedNote(item.path, describe_os_error(error)))
    return found


def remove_leftovers(root: Path, paths: Sequence[str], token: str) -> None:
    """Remove the temporary files that a killed run left beside these notes."""
    folders = prepare_folders(root)
    for path, number in sorted((split_path(path)[0], number) for number, path in enumerate(paths)):
        with suppress(OSError, CannotWrite):
            folder = open_folder(folders, path)
            os.unlink(folder.path_of(_temporary_name(token, number)), dir_fd=folder.handle)
        close_folders(folders, keep=path)
    close_folders(folders)


def has_leftovers(root: Path, paths: Iterable[str], token: str) -> bool:
    """Return True if a run left temporary files in the folders of notes."""
    for folder in {split_path(path)[0] for path in paths}:
        with suppress(OSError), os.scandir(root / folder) as entries:
            if any(entry.name.startswith(f"{LEFTOVER_PREFIX}{token}-") for entry in entries):
                return True
    return False


def read_bytes(root: Path, path: str) -> bytes | None:
    """Return the current bytes of a file of the vault, or None if it does not exist."""
    try:
        return read_regular(os.path.join(root, path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _temporary_name(token: str, number: int) -> str:
    """Return the name of a temporary file. The dot hides it in every vault."""
    return f"{LEFTOVER_PREFIX}{token}-{number}.tmp"


def _write_batch(
    folders: OpenFolders,
    writes: Mapping[int, PendingWrite],
    token: str,
    ends_run: Callable[[str], bool],
) -> dict[int, str | None]:
    """Write some notes; return, by number, why each was skipped, or None.

    All temporary files are complete before the first note is compared and replaced, so that no slow
    step comes between comparing and replacing.
    """
    reasons: dict[int, str | None] = {}
    jobs: dict[int, ReplaceJob] = {}
    for number, item in writes.items():
        try:
            _check_path(item.path)
            folder, name = open_parent(folders, item.path, create=item.old is None)
        except (OSError, CannotWrite) as error:
            reasons[number] = describe_os_error(error)
        else:
            hidden = _temporary_name(token, number)
            jobs[number] = ReplaceJob(item.old, item.new, item.mode, folder, name, hidden)
    try:
        for job in jobs.values():
            _attempt(prepare_replacement, job)
            if job.skip_reason and ends_run(job.skip_reason):
                break
        else:
            _sync_all([job for job in jobs.values() if job.ready and not job.skip_reason])
        reasons |= {number: job.skip_reason for number, job in jobs.items() if job.skip_reason}
        ready = {} if _end_run(reasons, ends_run) else jobs
        for number, job in ready.items():
            if job.skip_reason is None:
                _attempt(commit_replacement, job)
            reasons[number] = job.skip_reason
            if job.skip_reason and ends_run(job.skip_reason):
                break
    finally:
        for job in jobs.values():
            discard_replacement(job)
    return reasons


def _end_run(reasons: Mapping[int, str | None], ends_run: Callable[[str], bool]) -> bool:
    return any(reason is not None and ends_run(reason) for reason in reasons.values())


def _check_path(path: str) -> None:
    if sys.platform == "win32" and not {"\\", ":"}.isdisjoint(path):
        raise CannotWrite("its name is not valid on this system")
    if "\0" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise CannotWrite("its path is not valid in a vault")


def _attempt(step: Callable[[ReplaceJob], None], job: ReplaceJob) -> None:
    try:
        step(job)
    except (OSError, CannotWrite) as error:
        job.skip_reason = describe_os_error(error)
        discard_replacement(job)  # now, as the disk may be full


def _sync_all(jobs: Sequence[ReplaceJob]) -> None:
    """Sync temporary files to disk, so that a power loss can't destroy a note."""
    if len(jobs) <= _MAX_SEQUENTIAL_SYNCS:
        for job in jobs:
            _attempt(_sync_replacement, job)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - not needed for few notes

    from vaultlink.write.system_calls import sync_filesystem  # noqa: PLC0415

    devices = {job.device: job.folder.handle for job in jobs}
    try:
        together = all(one is not None and sync_filesystem(one) for one in devices.values())
    except OSError:
        together = False  # only fsync of each file shows which one fails
    if not together:
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(lambda job: _attempt(_sync_replacement, job), jobs))
