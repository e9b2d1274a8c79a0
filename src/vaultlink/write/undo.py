"""Undo a recorded run.

A note is restored only if it holds exactly the bytes that the run wrote. An undo is a recorded run
too and can be undone.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vaultlink.disk.scan import list_files
from vaultlink.errors import JournalError
from vaultlink.model import SkippedNote
from vaultlink.write.journal import clean_up_journal, mark_undone, record_and_write
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    digest_content,
    list_runs,
    load_old_bytes,
)
from vaultlink.write.open_folders import remove_empty_folders
from vaultlink.write.replace import describe_os_error
from vaultlink.write.strays import sweep_strays
from vaultlink.write.write import PendingWrite, WriteResult, read_bytes, write_notes

EDITED_SINCE = "it was edited since"


class UndoPlan(msgspec.Struct, frozen=True):
    """The writes that undo a run, and the notes that would be skipped."""

    run: RecordedRun
    writes: tuple[PendingWrite, ...]
    skipped: tuple[SkippedNote, ...]


def find_last_run(runs: list[RecordedRun]) -> RecordedRun | None:
    """Return the last run that was not undone and is not an undo itself."""
    return next((run for run in runs if not run.undone and run.undoes is None), None)


def plan_undo(root: Path, run: RecordedRun) -> UndoPlan:
    """Plan the undo of a run. Writes nothing."""
    items = list(_plan_notes(root, run))
    return UndoPlan(
        run,
        tuple([item for item in items if isinstance(item, PendingWrite)]),
        tuple([item for item in items if isinstance(item, SkippedNote)]),
    )


def undo_run(root: Path, run: RecordedRun) -> WriteResult:
    """Undo a run. The caller must hold the write lock.

    The run counts as undone unless a note could not be written; undo it again to restore the rest.
    If the undo can't be recorded, the notes are restored all the same, and it can't be undone.
    """
    clean_up_journal(root)
    sweep_strays(root, list_files(root).strays)
    plan = plan_undo(root, run)
    try:
        result = record_and_write(
            root,
            f"vaultlink undo {run.id}",
            f"Restored the notes of {run.id}.",
            plan.writes,
            run.id,
        )
    except JournalError:
        result = write_notes(root, plan.writes)
    remove_empty_folders(root, run.folders)
    if not result.skipped and (result.written or not plan.skipped):
        mark_undone(root, run, True)
    skipped = sorted([*plan.skipped, *result.skipped], key=lambda note: note.path)
    return WriteResult(result.written, tuple(skipped), result.run_id)


def revert_interrupted(root: Path) -> RecordedRun | None:
    """Undo the last run if it was interrupted while creating notes, and return it.

    None if it was not. Some of its notes would be candidates for guesses of the next run. The
    caller must hold the write lock.
    """
    run = find_last_run(list_runs(root))
    if run is None or run.ended or all(change.old is not None for change in run.changes):
        return None
    return run if undo_run(root, run).written else None


def _plan_notes(root: Path, run: RecordedRun) -> Iterator[PendingWrite | SkippedNote]:
    try:
        get_old_bytes = load_old_bytes(root, run)
    except OSError as error:
        yield from (
            SkippedNote(change.path, f"its old text can't be read: {describe_os_error(error)}")
            for change in run.changes
        )
        return
    for number, change in enumerate(run.changes):
        if change.path in run.skipped:
            continue
        try:
            current = read_bytes(root, change.path)
        except OSError as error:
            yield SkippedNote(change.path, describe_os_error(error))
            continue
        digest = digest_content(current)
        if digest == change.old:
            continue
        if digest != change.new:
            yield SkippedNote(change.path, _skip_reason(change, current))
        else:
            old = get_old_bytes(number, current)
            if old is None and change.old is not None:
                yield SkippedNote(change.path, "its old text in the journal is damaged")
            else:
                yield PendingWrite(change.path, current, old, change.mode)


def _skip_reason(change: RecordedChange, current: bytes | None) -> str:
    if current is None:
        return "it was removed or renamed since"
    return "a file with this name was created since" if change.new is None else EDITED_SINCE
