"""Undo a recorded run, and remove what interrupted runs left."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.disk.scan import list_files, parse_stray_name
from vaultlink.errors import JournalError
from vaultlink.write.file_locks import is_abandoned
from vaultlink.write.journal import clean_up_journal, record_and_write
from vaultlink.write.journal_files import (
    RecordedRun,
    is_lock_file_held,
    journal_folder,
    list_runs,
    mark_undone,
    reopen_run,
)
from vaultlink.write.open_folders import (
    CannotWrite,
    close_folders,
    open_parent,
    prepare_folders,
    split_path,
)
from vaultlink.write.recovery import (
    FOLLOWING_REASONS,
    UndoPlan,
    end_complete_run,
    is_final,
    list_created_folders,
    plan_undo,
    recover_run,
    revert_run,
)
from vaultlink.write.write_notes import DISK_REASONS, WriteResult

# -- remove the temporary files that interrupted runs left in a vault ------------------------------
# A file of a run in this user's journal is removed at once: no such run is writing, as the caller
# holds the write lock. Any other is removed if its process has ended. It may belong to another
# computer; then it is removed only after a while.


def remove_leftovers(root: Path, paths: Iterable[str]) -> None:
    """Remove the temporary files at these vault paths that no run needs."""
    ordered = sorted(paths, key=split_path)
    if not ordered:
        return
    clean_up_journal(root)
    runs = {run.id for run in list_runs(root)}
    folders = prepare_folders(root)
    try:
        for path in ordered:
            with suppress(OSError, CannotWrite):
                folder, name = open_parent(folders, path)
                run = parse_stray_name(name)
                if run and (run in runs or is_abandoned(name, folder.path_of(name), folder.handle)):
                    os.unlink(folder.path_of(name), dir_fd=folder.handle)
            close_folders(folders, keep=split_path(path)[0])
    finally:
        close_folders(folders)


def is_being_written(root: Path) -> bool:
    return is_lock_file_held(journal_folder(root) / "lock", keep=True)


# -- undo a recorded run. An undo is a recorded run too and can be undone --------------------------


class RevertedRun(NamedTuple):
    """An interrupted run that was reverted, and the result."""

    run: RecordedRun
    result: WriteResult

    @property
    def is_complete(self) -> bool:
        """True unless trying again may revert more."""
        return is_final(self.result.skipped)

    def describe(self) -> str:
        if not self.is_complete:
            return (
                f"An interrupted run ({self.run.command}) was reverted except for what was "
                f"skipped. `vaultlink undo {self.run.id}` tries the rest again."
            )
        return f"Reverted an interrupted run ({self.run.command})."


def find_last_run(runs: list[RecordedRun]) -> RecordedRun | None:
    """Return the last run that was not undone and is not an undo itself."""
    return next((run for run in runs if not run.undone and run.undoes is None), None)


def undo_run(root: Path, run: RecordedRun) -> WriteResult:
    """Undo a run. The caller must hold the write lock.

    The run counts as undone unless trying again may restore more. If the undo can't be recorded,
    the notes are restored all the same. An interrupted run is reverted without a record.
    """
    clean_up_journal(root)
    remove_leftovers(root, list_files(root).strays)
    if run.is_interrupted and not end_complete_run(root, run):
        return revert_run(root, run)
    plan = plan_undo(root, run)
    result = _make_undo(root, plan)
    while failed := _find_failed_moves(plan, result):
        plan = plan_undo(root, run, {**plan.failed, **failed})
        result = _make_undo(root, plan)
    skipped = sorted({*plan.skipped, *result.skipped}, key=lambda note: note.path)
    if is_final(skipped) and (result.written or result.moved or not skipped):
        mark_undone(root, run, True)
    return WriteResult(result.written, tuple(skipped), result.run_id, result.moved)


def _make_undo(root: Path, plan: UndoPlan) -> WriteResult:
    run = plan.run
    try:
        return record_and_write(
            root,
            f"vaultlink undo {run.id}",
            f"Restored the notes of {run.id}.",
            plan.writes,
            run.id,
            moves=plan.moves,
            obsolete=run.folders,
            emptied=list_created_folders(run, plan.left),
        )
    except JournalError:
        if any(item.undoes == run.id and item.is_interrupted for item in list_runs(root)):
            raise  # the undo was recorded, and could not be completed
        reopened = reopen_run(root, run)
        return revert_run(root, reopened) if reopened.is_interrupted else recover_run(root, run)


def _find_failed_moves(plan: UndoPlan, result: WriteResult) -> dict[str, str]:
    """Return why an undo was given up, by old path of the moves that failed.

    There are none if the disk failed: nothing else could be restored either.
    """
    if result.written or result.moved or result.run_id:
        return {}
    unwanted = DISK_REASONS | FOLLOWING_REASONS
    return {
        plan.moves[note.path]: note.reason
        for note in result.skipped
        if note.path in plan.moves and note.reason not in unwanted
    }


def revert_interrupted(root: Path) -> tuple[RevertedRun, ...]:
    """Revert the interrupted runs, the latest first, and return them.

    Those that had changed nothing are left out: only their records are deleted. So are those that
    had made all their changes: they are marked as ended and not reverted. The caller must hold the
    write lock and must not have read the vault yet. Raises JournalError if the disk can't be
    written to.
    """
    runs = [run for run in list_runs(root) if run.is_interrupted]
    if not runs:
        return ()
    clean_up_journal(root)
    remove_leftovers(root, list_files(root).strays)
    reverted = [
        RevertedRun(run, revert_run(root, run)) for run in runs if not end_complete_run(root, run)
    ]
    return tuple([item for item in reverted if item.result != WriteResult((), ())])
