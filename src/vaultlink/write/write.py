"""Write notes. No other module writes them.

A note is replaced completely or not at all: its new bytes are written to a temporary file beside
it, synced to disk, and renamed over it after it was compared once more.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from vaultlink.files import STRAY_PREFIX, read_regular
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.open_folders import (
    CannotWrite,
    OpenFolder,
    OpenFolders,
    close_folders,
    find_folder,
    open_folder,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.replace import (
    ReplaceJob,
    check_replacement,
    commit_replacement,
    describe_os_error,
    discard_replacement,
    prepare_replacement,
    sync_replacement,
)

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
            check_replacement(ReplaceJob(item.old, item.new, None, folder, name, ""))
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


def read_bytes(root: Path, path: str) -> bytes | None:
    """Return the current bytes of a file of the vault, or None if it does not exist."""
    try:
        return read_regular(os.path.join(root, path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _temporary_name(token: str, number: int) -> str:
    """Return the name of a temporary file. The dot hides it in every vault."""
    return f"{STRAY_PREFIX}{token}-{number}.tmp"


# -- a batch -------------------------------------------------------------------------------------


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
            jobs[number] = ReplaceJob(
                item.old, item.new, item.mode, folder, name, _temporary_name(token, number)
            )
    try:
        for job in jobs.values():
            _attempt(prepare_replacement, job)
            if job.skip_reason and ends_run(job.skip_reason):
                break
        else:
            _sync_all([job for job in jobs.values() if job.ready])
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
            _attempt(sync_replacement, job)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - not needed for few notes

    from vaultlink.write.fsync import sync_filesystem  # noqa: PLC0415

    devices = {job.device: job.folder.handle for job in jobs}
    try:
        together = all(
            handle is not None and sync_filesystem(handle) for handle in devices.values()
        )
    except OSError:
        together = False  # only fsync of each file shows which one fails
    if not together:
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(lambda job: _attempt(sync_replacement, job), jobs))
