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

from vaultlink.folders import Folder, Folders, Refused, enter, folders, leave, remove_empty, split
from vaultlink.replacing import Job, discard, prepare, reason, settle, sync

_BATCH = 200
"""Notes whose new bytes lie ready beside them at one time, each in an open folder at worst."""

_THREADS = 16
"""Many files reach a disk side by side in half the time they need one by one."""

_FEW = 4
"""Notes that reach the disk one by one before anything else would have begun."""


@dataclass(frozen=True, slots=True)
class Write:
    """What a note, by its vault path, holds and shall hold. No old bytes: nothing may be there. No new bytes: the file
    goes. `mode` is the permissions of a note that is made, where they are known."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A note that was left as it is, and why: a clause such as "it changed since it was read"."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The notes written and those left alone, by path; and the run by which the journal knows it, if it does."""

    written: tuple[str, ...]
    refused: tuple[Refusal, ...]
    run: str | None = None


def write(root: Path, writes: Sequence[Write], sign: str = "") -> Outcome:
    """Write notes. What goes wrong with one is told and the rest goes on; nothing is left behind of those refused.

    `sign` is part of the temporary names, by which `sweep` finds what a killed run left.
    """
    known = folders(root)
    sign = sign or f"{os.getpid()}-{os.urandom(3).hex()}"
    order = sorted(range(len(writes)), key=lambda number: split(writes[number].path))
    why: dict[int, str | None] = {}
    try:
        for begin in range(0, len(order), _BATCH):
            batch = order[begin : begin + _BATCH]
            why.update(_write_batch(known, {number: writes[number] for number in batch}, sign))
            leave(known, keep=split(writes[batch[-1]].path)[0])
    finally:
        leave(known)
        remove_empty(root, known.made)
    refused = [
        Refusal(writes[number].path, clause) for number, clause in why.items() if clause is not None
    ]
    written = [writes[number].path for number, clause in why.items() if clause is None]
    return Outcome(tuple(sorted(written)), tuple(sorted(refused, key=lambda refusal: refusal.path)))


def sweep(root: Path, paths: Sequence[str], sign: str) -> None:
    """Remove what a run that was killed left beside the notes it was to write, and nothing else."""
    known = folders(root)
    for path, number in sorted((split(path)[0], number) for number, path in enumerate(paths)):
        with suppress(OSError, Refused):
            folder = enter(known, path)
            os.unlink(folder.at(_temporary(sign, number)), dir_fd=folder.handle)
        leave(known, keep=path)
    leave(known)


def read_bytes(root: Path, path: str) -> bytes | None:
    """What a file of the vault holds now; None if there is none. Raises OSError for what can't be read."""
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as stream:
            return stream.readall()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _temporary(sign: str, number: int) -> str:
    """The name of a note's new bytes until they take its place. The dot keeps it out of every vault."""
    return f".vaultlink-{sign}-{number}.tmp"


# -- a batch ------------------------------------------------------------------------------------------------------


def _write_batch(known: Folders, writes: Mapping[int, Write], sign: str) -> dict[int, str | None]:
    """Write some notes; tells of each why it was refused, or None.

    All new bytes are ready before the first note is compared and replaced, so that nothing slow comes in between.
    """
    why: dict[int, str | None] = {}
    jobs: dict[int, Job] = {}
    for number, item in writes.items():
        try:
            folder, name = _placed(known, item)
        except (OSError, Refused) as error:
            why[number] = reason(error)
        else:
            jobs[number] = Job(
                item.old, item.new, item.mode, folder, name, _temporary(sign, number)
            )
    try:
        for job in jobs.values():
            _attempt(prepare, job)
        _bring_to_disk([job for job in jobs.values() if job.ready])
        for number, job in jobs.items():
            if job.why is None:
                _attempt(settle, job)
            why[number] = job.why
    finally:
        for job in jobs.values():
            discard(job)
    return why


def _placed(known: Folders, item: Write) -> tuple[Folder, str]:
    if sys.platform == "win32" and not {"\\", ":"}.isdisjoint(item.path):
        raise Refused("its name is none on this system")
    if "\0" in item.path or not {"", ".", ".."}.isdisjoint(item.path.split("/")):
        raise Refused("its path is none in a vault")
    path, name = split(item.path)
    return enter(known, path, make=item.old is None), name


def _attempt(step: Callable[[Job], None], job: Job) -> None:
    try:
        step(job)
    except (OSError, Refused) as error:
        job.why = reason(error)
        discard(job)  # at once: the disk may be full


def _bring_to_disk(jobs: Sequence[Job]) -> None:
    """What lies ready must survive a loss of power before it takes a note's place."""
    if len(jobs) <= _FEW:
        for job in jobs:
            _attempt(sync, job)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a run that writes little needs neither

    from vaultlink.syncing import sync_together  # noqa: PLC0415

    devices = {job.device: job.folder.handle for job in jobs}
    try:
        together = all(handle is not None and sync_together(handle) for handle in devices.values())
    except OSError:
        together = False  # which file it is that fails, only its own call tells
    if not together:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda job: _attempt(sync, job), jobs))
