"""Undo a recorded run, and remove what interrupted runs left."""

import os
import stat as modes
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from vaultlink.disk.scan import list_files, parse_stray_name
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal import clean_up_journal, make_changes, order_writes, record_and_write
from vaultlink.write.journal_files import (
    RecordedRun,
    is_lock_file_held,
    journal_folder,
    list_runs,
    mark_undone,
)
from vaultlink.write.moves import find_move_barriers
from vaultlink.write.open_folders import (
    CannotWrite,
    OpenFolder,
    close_folders,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.recovery import (
    GONE_SINCE,
    end_complete_run,
    list_created_folders,
    locate_moved_files,
    plan_restored_notes,
    revert_run,
)
from vaultlink.write.write_notes import WriteResult

# -- remove the temporary files that interrupted runs left in a vault ------------------------------
# A file of a run in this user's journal is removed at once: no such run is writing, as the caller
# holds the write lock. Any other may belong to another computer, so it is removed only after a
# while.


_MIN_AGE_SECONDS = 3600.0
"""Age after which a temporary file of an unknown run is removed; no run writes for this long."""


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
                if run and (run in runs or _is_abandoned(folder, name)):
                    os.unlink(folder.path_of(name), dir_fd=folder.handle)
            close_folders(folders, keep=split_path(path)[0])
    finally:
        close_folders(folders)


def _is_abandoned(folder: OpenFolder, name: str) -> bool:
    status = os.stat(folder.path_of(name), dir_fd=folder.handle, follow_symlinks=False)
    is_own = sys.platform == "win32" or status.st_uid == os.geteuid()
    is_old = status.st_mtime < time.time() - _MIN_AGE_SECONDS
    return is_own and is_old and modes.S_ISREG(status.st_mode)


def is_being_written(root: Path) -> bool:
    return is_lock_file_held(journal_folder(root) / "lock", keep=True)


# -- undo a recorded run. An undo is a recorded run too and can be undone --------------------------


class UndoPlan(msgspec.Struct, frozen=True):
    """The changes that undo a run, and the notes that would be skipped.

    The writes are at the present paths of notes; `moves` are from the present to the old paths.
    """

    run: RecordedRun
    writes: Sequence[PendingWrite]
    skipped: Sequence[SkippedNote]
    moves: Mapping[str, str] = {}


class RevertedRun(NamedTuple):
    """An interrupted run that was reverted, and the result."""

    run: RecordedRun
    result: WriteResult

    def describe(self) -> str:
        return f"Reverted an interrupted run ({self.run.command})."


def find_last_run(runs: list[RecordedRun]) -> RecordedRun | None:
    """Return the last run that was not undone and is not an undo itself."""
    return next((run for run in runs if not run.undone and run.undoes is None), None)


def plan_undo(root: Path, run: RecordedRun) -> UndoPlan:
    """Plan the undo of a run. Writes nothing."""
    located = locate_moved_files(root, run)
    new_paths = dict(run.moves)
    skipped = [SkippedNote(new_paths[old], GONE_SINCE) for old in located if not located[old]]
    moved = {old: place for old, place in located.items() if place is not None}
    moves = {place: old for old, place in moved.items()}
    while barriers := find_move_barriers(root, moves, run.folders):
        skipped += barriers
        for note in barriers:
            del moves[note.path]
    writes, skipped_notes = plan_restored_notes(root, run, moved)
    skipped += skipped_notes
    return UndoPlan(run, writes, sorted(skipped, key=lambda note: note.path), moves)


def undo_run(root: Path, run: RecordedRun) -> WriteResult:
    """Undo a run. The caller must hold the write lock.

    The run counts as undone unless a note could not be written or moved. If the undo can't be
    recorded, the notes are restored all the same. An interrupted run is reverted without a record.
    """
    clean_up_journal(root)
    remove_leftovers(root, list_files(root).strays)
    if run.is_interrupted and not end_complete_run(root, run):
        return revert_run(root, run)
    plan = plan_undo(root, run)
    try:
        result = record_and_write(
            root,
            f"vaultlink undo {run.id}",
            f"Restored the notes of {run.id}.",
            plan.writes,
            run.id,
            moves=plan.moves,
            obsolete=run.folders,
        )
    except JournalError:
        pending = order_writes(plan.writes, ())._replace(
            moves=tuple(plan.moves.items()), obsolete=run.folders, is_partial=True
        )
        result = make_changes(root, pending, f"{os.getpid()}-{os.urandom(3).hex()}")
    restored = {old for _, old in result.moved}
    moved = {old for old, _ in run.moves if old not in run.unmoved and old not in restored}
    remove_empty_folders(root, list_created_folders(run, moved))
    has_changed = result.written or result.moved
    if not result.skipped and (has_changed or not plan.skipped):
        mark_undone(root, run, True)
    skipped = sorted([*plan.skipped, *result.skipped], key=lambda note: note.path)
    return WriteResult(result.written, tuple(skipped), result.run_id, result.moved)


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
