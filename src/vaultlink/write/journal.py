"""Record each writing run in the user's state folder, so that it can be undone.

A run is recorded completely, and synced to disk, before its first note is written. Nothing is
recorded while it runs: a note with its old bytes was not written yet, one with its new bytes was.
Old bytes that are a prefix or suffix of the new ones are not stored.
"""

import os
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from vaultlink.errors import JournalError
from vaultlink.write.journal_files import (
    MAX_INFLATED_BYTES,
    MAX_RECORD_BYTES,
    RecordedChange,
    RecordedRun,
    delete_run,
    digest_content,
    encode_header,
    list_runs,
    write_file,
    write_marker,
)
from vaultlink.write.lock import journal_folder, make_journal_error, make_journal_folder
from vaultlink.write.open_folders import find_missing_folders
from vaultlink.write.write import PendingWrite, WriteResult, remove_leftovers, write_notes

_MAX_AGE_NS = 90 * 24 * 3600 * 10**9
"""Nanoseconds after which a record is deleted: 90 days."""

_MAX_TOTAL_BYTES = 200_000_000
"""Bytes of all records, above which the oldest ones are deleted."""

_COMPRESS_THRESHOLD = 256
"""Bytes above which stored bytes are compressed."""


class JournalUse:
    """States whether this process has recorded a run."""

    has_recorded: ClassVar[bool] = False

    @classmethod
    def reset(cls) -> None:
        """Forget that a run was recorded."""
        cls.has_recorded = False


def record_and_write(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
) -> WriteResult:
    """Record a run, then write its notes. The caller must hold the write lock.

    A run that writes nothing leaves no record.

    Raises:
        JournalError: The record can't be written.
    """
    if not writes:
        return WriteResult((), ())
    run = record_run(root, command, summary, writes, undoes)
    result = write_notes(root, writes, run.id)
    if not result.written:
        delete_run(journal_folder(root), run.id)
        return result
    write_marker(
        journal_folder(root),
        run.id,
        "ended",
        msgspec.msgpack.encode([skipped_note.path for skipped_note in result.skipped]),
    )
    return replace(result, run_id=run.id)


def record_run(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
) -> RecordedRun:
    """Record a run before it writes.

    Raises:
        JournalError: The record can't be written.
    """
    JournalUse.has_recorded = True
    folder = make_journal_folder(root)
    clean_up_journal(root)
    runs = list_runs(root)
    time_ns = max(time.time_ns(), runs[0].time_ns + 1 if runs else 0)
    room = MAX_INFLATED_BYTES
    parts = []
    for item in writes:
        parts.append(_record_change(root, item, room))
        room -= len(item.old or b"") if parts[-1][0].compressed else 0
    run = RecordedRun(
        f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(time_ns // 10**9))}-{os.urandom(2).hex()}",
        time_ns,
        command,
        summary,
        os.fsencode(root),
        undoes,
        tuple(find_missing_folders(root, [item.path for item in writes if item.old is None])),
        tuple([change for change, _ in parts]),
    )
    content = [encode_header(run), *(stored for _, stored in parts)]
    if sum(map(len, content)) > MAX_RECORD_BYTES:
        raise JournalError(
            f"the run changes more than {MAX_RECORD_BYTES:,} bytes, which is too much to record. "
            "Nothing was written. Fix fewer notes at once."
        )
    try:
        write_file(
            folder,
            f"{run.id}.run",
            content,
            durable=True,
        )
    except OSError as error:
        raise make_journal_error(folder, error) from None
    _prune(folder, runs, run.time_ns)
    return run


def _record_change(root: Path, item: PendingWrite, room: int) -> tuple[RecordedChange, bytes]:
    """Return the record of a change; at most `room` bytes are compressed."""
    old, new = item.old, item.new
    if old is None:
        return RecordedChange(item.path, None, digest_content(new), None, 0, 0, 0, False), b""
    prefix_size, suffix_size, mode = 0, 0, None
    if new is None:
        with suppress(OSError):
            mode = (root / item.path).stat().st_mode & 0o7777
    else:
        shorter = min(len(old), len(new))
        prefix_size = _count_equal(shorter, lambda low, high: old[low:high] == new[low:high])
        suffix_size = _count_equal(
            shorter - prefix_size,
            lambda low, high: (
                old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low]
            ),
        )
    stored = old[prefix_size : len(old) - suffix_size]
    compressed = _COMPRESS_THRESHOLD < len(stored) <= room
    if compressed:
        stored = zlib.compress(stored, 1)
    return RecordedChange(
        item.path,
        digest_content(old),
        digest_content(new),
        mode,
        prefix_size,
        suffix_size,
        len(stored),
        compressed,
    ), stored


def _count_equal(limit: int, same: Callable[[int, int], bool]) -> int:
    """Return the number of equal bytes, at most `limit`, by binary search."""
    low = 0
    while low < limit:
        middle = (low + limit + 1) // 2
        if same(low, middle):
            low = middle
        else:
            limit = middle - 1
    return low


def clean_up_journal(root: Path) -> None:
    """Remove what killed runs left beside notes and in the journal.

    The caller must hold the write lock.
    """
    folder = journal_folder(root)
    for run in list_runs(root):
        if not run.ended:
            remove_leftovers(root, [change.path for change in run.changes], run.id)
            write_marker(folder, run.id, "ended", msgspec.msgpack.encode([]))
    for file in folder.glob("*.tmp"):
        with suppress(OSError):
            file.unlink()


def mark_undone(root: Path, run: RecordedRun, undone: bool) -> None:
    """Mark a run as undone, or remove that mark.

    If the run is itself an undo, the run it undid is marked the other way round.
    """
    folder, runs = journal_folder(root), {item.id: item for item in list_runs(root)}
    current: RecordedRun | None = run
    while current is not None:
        if undone:
            write_marker(folder, current.id, "undone")
        else:
            (folder / f"{current.id}.undone").unlink(missing_ok=True)
        undone = not undone
        current = runs.pop(current.undoes, None) if current.undoes else None


def _prune(folder: Path, runs: Sequence[RecordedRun], now: int) -> None:
    """Delete runs older than 90 days, and the oldest ones above 200 MB in total."""
    room = _MAX_TOTAL_BYTES
    for run in runs:
        with suppress(OSError):
            room -= (folder / f"{run.id}.run").stat().st_size
        if room < 0 or now - run.time_ns > _MAX_AGE_NS:
            delete_run(folder, run.id)
