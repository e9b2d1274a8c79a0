"""The only module that writes notes. What a note must still hold and what it shall hold instead enter, as bytes; which
notes were written leaves, and why the others were not.

A note is replaced whole or not at all: its new bytes are written beside it under a name of their own, brought to the
disk, and renamed over it right after it was compared once more. Nothing is overwritten that was not read before.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vaultlink.model import SkippedNote
from vaultlink.write.open_folders import (
    CannotWrite,
    OpenFolder,
    OpenFolders,
    close_folders,
    open_folder,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.replace import (
    ReplaceJob,
    commit_replacement,
    describe_os_error,
    discard_replacement,
    prepare_replacement,
    sync_replacement,
)

_BATCH_SIZE = 200
"""Notes whose new bytes lie ready beside them at one time, each in an open folder at worst."""

_SYNC_THREADS = 16
"""Many files reach a disk side by side in half the time they need one by one."""

_MAX_SEQUENTIAL_SYNCS = 4
"""Notes that reach the disk one by one before anything else would have begun."""


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """What a note, by its vault path, holds and shall hold. No old bytes: nothing may be there. No new bytes: the file
    goes. `mode` is the permissions of a note that is made, where they are known."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The notes written and those left alone, by path; and the run by which the journal knows it, if it does."""

    written: tuple[str, ...]
    skipped: tuple[SkippedNote, ...]
    run_id: str | None = None


def write_notes(root: Path, writes: Sequence[PendingWrite], sign: str = "") -> WriteResult:
    """Write notes. What goes wrong with one is told and the rest goes on; nothing is left behind of those refused.

    `sign` is part of the temporary names, by which `remove_leftovers` finds what a killed run left.
    """
    known = prepare_folders(root)
    sign = sign or f"{os.getpid()}-{os.urandom(3).hex()}"
    order = sorted(range(len(writes)), key=lambda number: split_path(writes[number].path))
    why: dict[int, str | None] = {}
    try:
        for begin in range(0, len(order), _BATCH_SIZE):
            batch = order[begin : begin + _BATCH_SIZE]
            why.update(_write_batch(known, {number: writes[number] for number in batch}, sign))
            close_folders(known, keep=split_path(writes[batch[-1]].path)[0])
    finally:
        close_folders(known)
        remove_empty_folders(root, known.created)
    refused = [
        SkippedNote(writes[number].path, clause)
        for number, clause in why.items()
        if clause is not None
    ]
    written = [writes[number].path for number, clause in why.items() if clause is None]
    return WriteResult(tuple(sorted(written)), tuple(sorted(refused, key=lambda note: note.path)))


def remove_leftovers(root: Path, paths: Sequence[str], sign: str) -> None:
    """Remove what a run that was killed left beside the notes it was to write, and nothing else."""
    known = prepare_folders(root)
    for path, number in sorted((split_path(path)[0], number) for number, path in enumerate(paths)):
        with suppress(OSError, CannotWrite):
            folder = open_folder(known, path)
            os.unlink(folder.path_of(_temporary_name(sign, number)), dir_fd=folder.handle)
        close_folders(known, keep=path)
    close_folders(known)


def read_bytes(root: Path, path: str) -> bytes | None:
    """What a file of the vault holds now; None if there is none. Raises OSError for what can't be read."""
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as stream:
            return stream.readall()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _temporary_name(sign: str, number: int) -> str:
    """The name of a note's new bytes until they take its place. The dot keeps it out of every vault."""
    return f".vaultlink-{sign}-{number}.tmp"


# -- a batch ------------------------------------------------------------------------------------------------------


def _write_batch(
    known: OpenFolders, writes: Mapping[int, PendingWrite], sign: str
) -> dict[int, str | None]:
    """Write some notes; tells of each why it was refused, or None.

    All new bytes are ready before the first note is compared and replaced, so that nothing slow comes in between.
    """
    why: dict[int, str | None] = {}
    jobs: dict[int, ReplaceJob] = {}
    for number, item in writes.items():
        try:
            folder, name = _locate(known, item)
        except (OSError, CannotWrite) as error:
            why[number] = describe_os_error(error)
        else:
            jobs[number] = ReplaceJob(
                item.old, item.new, item.mode, folder, name, _temporary_name(sign, number)
            )
    try:
        for job in jobs.values():
            _attempt(prepare_replacement, job)
        _sync_all([job for job in jobs.values() if job.ready])
        for number, job in jobs.items():
            if job.skip_reason is None:
                _attempt(commit_replacement, job)
            why[number] = job.skip_reason
    finally:
        for job in jobs.values():
            discard_replacement(job)
    return why


def _locate(known: OpenFolders, item: PendingWrite) -> tuple[OpenFolder, str]:
    if sys.platform == "win32" and not {"\\", ":"}.isdisjoint(item.path):
        raise CannotWrite("its name is none on this system")
    if "\0" in item.path or not {"", ".", ".."}.isdisjoint(item.path.split("/")):
        raise CannotWrite("its path is none in a vault")
    path, name = split_path(item.path)
    return open_folder(known, path, make=item.old is None), name


def _attempt(step: Callable[[ReplaceJob], None], job: ReplaceJob) -> None:
    try:
        step(job)
    except (OSError, CannotWrite) as error:
        job.skip_reason = describe_os_error(error)
        discard_replacement(job)  # at once: the disk may be full


def _sync_all(jobs: Sequence[ReplaceJob]) -> None:
    """What lies ready must survive a loss of power before it takes a note's place."""
    if len(jobs) <= _MAX_SEQUENTIAL_SYNCS:
        for job in jobs:
            _attempt(sync_replacement, job)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a run that writes little needs neither

    from vaultlink.write.fsync import sync_filesystem  # noqa: PLC0415

    devices = {job.device: job.folder.handle for job in jobs}
    try:
        together = all(
            handle is not None and sync_filesystem(handle) for handle in devices.values()
        )
    except OSError:
        together = False  # which file it is that fails, only its own call tells
    if not together:
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(lambda job: _attempt(sync_replacement, job), jobs))
