"""Putting back what a run changed. A recorded run enters; what has to be written for that, or what came of it, leaves.

A note is restored only if it holds the very bytes that the run gave it. Undoing is a writing run like any other, and can
be undone too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultlink.model import SkippedNote
from vaultlink.write.journal import (
    RecordedChange,
    RecordedRun,
    clean_up_journal,
    digest_content,
    load_old_bytes,
    mark_undone,
    record_and_write,
)
from vaultlink.write.open_folders import remove_empty_folders
from vaultlink.write.replace import describe_os_error
from vaultlink.write.write import PendingWrite, WriteResult, read_bytes

EDITED_SINCE = "it was edited since"


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing a run would write, and which notes it would leave alone."""

    run: RecordedRun
    writes: tuple[PendingWrite, ...]
    skipped: tuple[SkippedNote, ...]


def find_last_run(known: list[RecordedRun]) -> RecordedRun | None:
    """The run that is undone when none is named: the last that neither was undone nor is an undoing itself."""
    return next((run for run in known if not run.undone and run.undoes is None), None)


def plan_undo(root: Path, run: RecordedRun) -> UndoPlan:
    """Look what there is to put back. Writes nothing."""
    found = list(_plan_notes(root, run))
    return UndoPlan(
        run,
        tuple([item for item in found if isinstance(item, PendingWrite)]),
        tuple([item for item in found if isinstance(item, SkippedNote)]),
    )


def undo_run(root: Path, run: RecordedRun) -> WriteResult:
    """Put back what a run changed. The caller holds the lock.

    The run counts as undone unless a note could not be written: then undoing it again may do the rest.
    """
    clean_up_journal(root)
    plan = plan_undo(root, run)
    result = record_and_write(
        root, f"vaultlink undo {run.id}", f"Put back what {run.id} wrote.", plan.writes, run.id
    )
    remove_empty_folders(root, run.folders)
    if not result.skipped and (result.written or not plan.skipped):
        mark_undone(root, run, True)
    refused = sorted([*plan.skipped, *result.skipped], key=lambda note: note.path)
    return WriteResult(result.written, tuple(refused), result.run_id)


def _plan_notes(root: Path, run: RecordedRun) -> Iterator[PendingWrite | SkippedNote]:
    try:
        ask = load_old_bytes(root, run)
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
            now = read_bytes(root, change.path)
        except OSError as error:
            yield SkippedNote(change.path, describe_os_error(error))
            continue
        sign = digest_content(now)
        if sign == change.old:
            continue
        if sign != change.new:
            yield SkippedNote(change.path, _skip_reason(change, now))
        else:
            old = ask(number, now)
            if old is None and change.old is not None:
                yield SkippedNote(change.path, "what the journal kept of it is damaged")
            else:
                yield PendingWrite(change.path, now, old, change.mode)


def _skip_reason(change: RecordedChange, now: bytes | None) -> str:
    if now is None:
        return "it was removed or renamed since"
    return "a file of this name was made since" if change.new is None else EDITED_SINCE
