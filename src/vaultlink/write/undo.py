"""Undo a recorded run, and remove what interrupted runs left."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.disk.scan import list_files, parse_leftover_name
from vaultlink.errors import JournalError, UsageError, propose
from vaultlink.model import SkippedNote
from vaultlink.text import quote_name
from vaultlink.write.file_locks import is_abandoned
from vaultlink.write.journal import (
    StuckRunError,
    clean_up_journal,
    record_and_write,
)
from vaultlink.write.journal_files import (
    PROGRAM_FILES,
    RecordedRun,
    is_lock_file_held,
    journal_folder,
    list_interrupted_runs,
    list_runs,
    lock_vault,
    mark_undone,
    reopen_run,
)
from vaultlink.write.open_folders import (
    CannotWrite,
    close_folders,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.overlaps import (
    Journal,
    Overlap,
    find_later_changes,
    find_overlaps,
    find_renamed_notes,
    find_sequel,
    is_whole,
    list_runs_to_undo,
    locate_folders,
    read_journal,
)
from vaultlink.write.recovery import (
    CREATED_SINCE,
    DAMAGED,
    EDITED_SINCE,
    FOLLOWING_REASONS,
    GONE_SINCE,
    UndoPlan,
    describe_blocked,
    end_complete_run,
    is_complete_run,
    is_final,
    list_blocked,
    list_created_folders,
    plan_revert,
    recover_run,
    revert_run,
)
from vaultlink.write.write_notes import DISK_REASONS, WriteResult

# -- remove the temporary files that interrupted runs left in a vault ------------------------------
# A file of a run in this user's journal is removed at once: no such run is writing, as the caller
# holds the write lock. Any other is removed if its process has ended. It may belong to another
# computer; then it is removed only after a while.


def remove_leftovers(root: Path, paths: Iterable[str]) -> None:
    """Remove the temporary files at these vault paths that no run needs.

    So are those in the hidden folders of programs, which no scan finds.
    """
    ordered = sorted([*paths, *_list_hidden_leftovers(root)], key=split_path)
    if not ordered:
        return
    clean_up_journal(root)
    runs = {run.id: run for run in list_runs(root)}
    folders, emptied = prepare_folders(root), list[str]()
    try:
        for path in ordered:
            with suppress(OSError, CannotWrite):
                folder, name = open_parent(folders, path)
                run = parse_leftover_name(name)
                if run and (run in runs or is_abandoned(name, folder.path_of(name), folder.handle)):
                    os.unlink(folder.path_of(name), dir_fd=folder.handle)
                    if run in runs and runs[run].undone:
                        emptied += list_created_folders(runs[run], ())
            close_folders(folders, keep=split_path(path)[0])
    finally:
        close_folders(folders)
    remove_empty_folders(root, emptied)


def _list_hidden_leftovers(root: Path) -> Iterator[str]:
    for folder in sorted({split_path(path)[0] for path in PROGRAM_FILES}):
        with suppress(OSError), os.scandir(root / folder) as entries:
            for entry in entries:
                if parse_leftover_name(entry.name):
                    yield f"{folder}/{entry.name}"


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

    @property
    def is_stuck(self) -> bool:
        """True if the run stays interrupted, as something can't be written."""
        return bool(list_blocked(self.result.skipped))

    def describe(self) -> str:
        if self.is_stuck:
            causes = describe_blocked(self.result.skipped)
            return (
                f"An interrupted run ({self.run.command}) can't be reverted yet: {causes}. The "
                "next run that writes tries it again. Until then, commands that change its notes "
                "are refused. "
                f"`vaultlink undo {self.run.id} --skip-unwritable` reverts the rest."
            )
        if not self.is_complete:
            return (
                f"An interrupted run ({self.run.command}) was reverted except for what was "
                f"skipped. `vaultlink undo {self.run.id}` tries the rest again."
            )
        return f"Reverted an interrupted run ({self.run.command})."


def find_last_run(runs: Sequence[RecordedRun]) -> RecordedRun | None:
    """Return the last run that was not undone and is not an undo itself."""
    return next((run for run in runs if not run.undone and run.undoes is None), None)


def select_run(runs: Sequence[RecordedRun], name: str | None = None) -> RecordedRun | None:
    """Return the run with a name, or with a start of a name. Raises UsageError.

    Without a name, it is the last interrupted run, else the last one; None if there is none.
    """
    if name is None:
        interrupted = [item for item in runs if item.is_interrupted]
        return find_last_run(interrupted) or find_last_run(runs)
    matches = [run for run in runs if run.id == name] or [
        run for run in runs if name and run.id.startswith(name)
    ]
    if len(matches) == 1:
        return matches[0]
    from difflib import get_close_matches  # noqa: PLC0415

    near = [run.id for run in matches] or get_close_matches(name, [run.id for run in runs])
    hint = propose(near[:2], "`vaultlink undo --list` lists the runs.")
    problem = "several runs match" if matches else "no run of this vault matches"
    raise UsageError(f"{problem} {quote_name(name)}. {hint}")


class LaterRunsError(UsageError):
    """A run that can't be undone before later ones, with what they have in common."""

    def __init__(self, run: RecordedRun, overlaps: Sequence[Overlap], first: Sequence[RecordedRun]):
        self.run, self.overlaps = run, overlaps
        commands = ", ".join([f"`vaultlink undo {item.id}`" for item in first])
        these = "this run" if len(first) == 1 else "these runs"
        super().__init__(
            f"can't undo the run {run.id} in part, and later runs changed the same notes. Nothing "
            f"was written. Undo {these} first: {commands}."
        )


class UndoneRun(NamedTuple):
    """A run that was undone, the result, and the runs to undo before the rest."""

    run: RecordedRun
    result: WriteResult
    first: Sequence[RecordedRun] = ()


def undo_selected(
    root: Path,
    run: RecordedRun,
    reverted: Sequence[RevertedRun],
    *,
    skips_edited: bool = False,
    skips_unwritable: bool = False,
    begin: Callable[[int], None] = lambda _notes: None,
) -> UndoneRun:
    """Undo a run, unless it is one of those that were just `reverted`.

    The caller must hold the write lock. `begin` is called with the number of notes. Raises
    LaterRunsError.
    """
    same = next((item for item in reverted if item.run.id == run.id), None)
    if same and not (same.is_stuck and skips_unwritable):
        return UndoneRun(*same)
    recorded = next((item for item in list_runs(root) if item.id == run.id), None)
    if recorded is None:  # it was interrupted before its first change
        return UndoneRun(run, WriteResult((), ()))
    journal = read_journal(root)
    overlaps = find_overlaps(root, recorded, journal)
    if overlaps and is_whole(recorded, journal.recorded):
        raise LaterRunsError(recorded, overlaps, list_runs_to_undo(root, overlaps))
    begin(len(recorded.changes))
    result = undo_run(root, recorded, skips_edited=skips_edited, skips_unwritable=skips_unwritable)
    return UndoneRun(recorded, result, list_runs_to_undo(root, overlaps))


def undo_named(root: Path, name: str | None = None) -> UndoneRun:
    """Undo a run after interrupted ones are reverted. Raises UsageError."""
    with lock_vault(root):
        run = select_run(list_runs(root), name)
        if run is None:
            raise UsageError(f"there is nothing to undo in {root}.")
        return undo_selected(root, run, revert_interrupted(root))


def plan_undo(
    root: Path,
    run: RecordedRun,
    failed: Mapping[str, str] = MappingProxyType({}),
    journal: Journal | None = None,
    *,
    in_part: bool = False,
    skips_edited: bool = False,
    skips_unwritable: bool = False,
) -> UndoPlan:
    """Plan the undo of a run. Writes nothing.

    A plan for a part of a run is refused if half of its changes would be wrong. With `in_part`,
    none is: what later runs changed too is left out. With `skips_edited`, notes that were edited
    since are; with `skips_unwritable`, those that can't be restored now. `failed` are reasons not
    to revert moves, by old path. The journal is read if it is not given.
    """
    journal = journal or read_journal(root)
    if run.is_interrupted and is_complete_run(root, run):
        run = replace(run, ended=True)
    sequel = find_sequel(journal, run)
    later = find_later_changes(root, run, sequel)
    renamed = find_renamed_notes(root, run, sequel)
    plan = plan_revert(root, run, failed, renamed=renamed, restored=later.restored)
    refuses = not in_part and is_whole(run, journal.recorded)
    if later.overlaps:
        return _leave_overlaps(plan, later.overlaps, refuses=refuses)
    barring = (
        []
        if in_part
        else list_barring(
            plan, is_whole=refuses, skips_edited=skips_edited, skips_unwritable=skips_unwritable
        )
    )
    return UndoPlan(run, (), barring, is_refused=True) if barring else plan


EDITED_REASONS = (EDITED_SINCE, CREATED_SINCE)
"""Reasons to skip what somebody else changed since a run."""


def list_barring(
    plan: UndoPlan, *, is_whole: bool, skips_edited: bool = False, skips_unwritable: bool = False
) -> list[SkippedNote]:
    """Return the notes for which all of a run stays as it is.

    A run that is not whole has none. An interrupted run is reverted whole whatever it did, but
    without what was edited since.
    """
    blocked = () if skips_unwritable else list_blocked(plan.skipped)
    if plan.run.is_interrupted or not is_whole:
        return list(blocked) if plan.run.is_interrupted else []
    reasons = (*(() if skips_edited else EDITED_REASONS), *(() if skips_unwritable else (DAMAGED,)))
    return [note for note in plan.skipped if note in blocked or note.reason in reasons]


def _leave_overlaps(plan: UndoPlan, overlaps: Sequence[Overlap], *, refuses: bool) -> UndoPlan:
    """Leave out what later runs changed too; with `refuses`, all changes."""
    paths = {path for overlap in overlaps for path in (overlap.path, overlap.former)}
    notes = [SkippedNote(overlap.path, overlap.reason) for overlap in overlaps]
    if refuses:
        return UndoPlan(plan.run, (), notes, overlaps=overlaps, is_refused=True)
    notes += [note for note in plan.skipped if note.path not in paths]
    return replace(
        plan,
        writes=[item for item in plan.writes if item.path not in paths],
        skipped=sorted(notes, key=lambda note: note.path),
        moves={place: old for place, old in plan.moves.items() if place not in paths},
        overlaps=overlaps,
    )


class UndoForecast(msgspec.Struct, frozen=True):
    """The numbers of notes and moved files that an undo would restore or not.

    Attributes:
        exact: Those that are as the run left them, and can be restored; 0 if it is refused.
        later: Those that later runs changed too; these must be undone first.
        edited: Those that were edited or created since.
        gone: Those that were removed or renamed since.
        damaged: Those whose old text in the journal is damaged.
        blocked: Those that can't be restored for another reason.
        is_refused: True if the run is undone whole or not at all, and others prevent that.
    """

    exact: int
    later: int
    edited: int
    gone: int
    damaged: int
    blocked: int
    is_refused: bool = False

    @property
    def is_exact(self) -> bool:
        return not (self.later or self.edited or self.gone or self.damaged or self.blocked)


def forecast_undo(root: Path, run: RecordedRun, journal: Journal) -> UndoForecast:
    """Compare a recorded run with the vault. Writes nothing."""
    plan = plan_undo(root, run, journal=journal, in_part=True)
    reasons = Counter(note.reason for note in plan.skipped)
    refuses = is_whole(run, journal.recorded)
    is_refused = bool((refuses and plan.overlaps) or list_barring(plan, is_whole=refuses))

    def count(*group: str) -> int:
        return sum(reasons.pop(reason, 0) for reason in group)

    return UndoForecast(
        exact=0 if is_refused else len(plan.writes) + len(plan.moves),
        later=count(*{overlap.reason for overlap in plan.overlaps}),
        edited=count(*EDITED_REASONS),
        gone=count(GONE_SINCE),
        damaged=count(DAMAGED),
        blocked=reasons.total(),
        is_refused=is_refused,
    )


def undo_run(
    root: Path, run: RecordedRun, *, skips_edited: bool = False, skips_unwritable: bool = False
) -> WriteResult:
    """Undo a run. The caller must hold the write lock.

    The run counts as undone unless trying again may restore more, or a later run changed a note of
    it too. If half of the undo would be wrong, such a note prevents all of it. So does one that was
    edited since, unless `skips_edited`, and one that can't be restored, unless `skips_unwritable`.
    If the undo can't be recorded, the notes are restored all the same. An interrupted run is
    reverted without a record.
    """
    clean_up_journal(root)
    remove_leftovers(root, list_files(root).leftovers)
    if run.is_interrupted:
        if not end_complete_run(root, run):
            return revert_run(root, run, skips_unwritable=skips_unwritable)
        run = replace(run, ended=True)
    make_plan = partial(
        plan_undo, root, run, skips_edited=skips_edited, skips_unwritable=skips_unwritable
    )
    plan = make_plan()
    result = _make_undo(root, plan)
    while failed := _find_failed_moves(plan, result):
        plan = make_plan({**plan.failed, **failed})
        result = _make_undo(root, plan)
    if plan.is_refused:
        return WriteResult((), tuple(plan.skipped))
    skipped = sorted({*plan.skipped, *result.skipped}, key=lambda note: note.path)
    is_done = not plan.overlaps and is_final(skipped)
    if is_done and (result.written or result.moved or not skipped):
        mark_undone(root, run)
    _remove_unused_folders(root)
    return WriteResult(result.written, tuple(skipped), result.run_id, result.moved)


def _make_undo(root: Path, plan: UndoPlan) -> WriteResult:
    run = plan.run
    if plan.is_refused:
        return WriteResult((), ())
    try:
        return record_and_write(
            root,
            f"vaultlink undo {run.id}",
            _describe_undo(run),
            plan.writes,
            run.id,
            moves=plan.moves,
            obsolete=run.folders,
            emptied=list_created_folders(run, plan.left),
            all_or_nothing=is_whole(run, list_runs(root)),
        )
    except StuckRunError:
        raise
    except JournalError:
        if any(item.undoes == run.id and item.is_interrupted for item in list_runs(root)):
            raise  # the undo was recorded, and could not be completed
        reopened = reopen_run(root, run)
        revert = revert_run if reopened.is_interrupted else recover_run
        return revert(root, reopened, skips_unwritable=True)


def _find_failed_moves(plan: UndoPlan, result: WriteResult) -> dict[str, str]:
    """Return why moves failed, by old path; empty if the disk failed."""
    if result.written or result.moved or result.run_id:
        return {}
    unwanted = DISK_REASONS | FOLLOWING_REASONS
    return {
        plan.moves[note.path]: note.reason
        for note in result.skipped
        if note.path in plan.moves and note.reason not in unwanted
    }


def _remove_unused_folders(root: Path) -> None:
    """Remove empty folders that only undone runs created: others may get their paths."""
    runs = {run.id: run for run in list_runs(root)}
    unused, lasting = set[str](), []
    for run in runs.values():
        is_undo, origin = _find_origin(run, runs)
        if origin.undone is not is_undo:
            unused.update(list_created_folders(run, ()))
        elif not is_undo:  # an undo creates only those that some run needed before
            lasting.append(run)
    unused = {path for path in unused if (root / path).is_dir()}
    if unused:
        journal = read_journal(root)
        unused -= {path for run in lasting for path in locate_folders(run, journal)}
    remove_empty_folders(root, [*unused])


def _find_origin(run: RecordedRun, runs: Mapping[str, RecordedRun]) -> tuple[bool, RecordedRun]:
    """Return True if a run is an undo, and the run that it undoes or makes again.

    Forged records may undo each other.
    """
    is_undo, origin, seen = False, run, set[str]()
    while origin.undoes is not None and origin.undoes in runs and origin.id not in seen:
        seen.add(origin.id)
        is_undo, origin = not is_undo, runs[origin.undoes]
    return is_undo, origin


def _describe_undo(run: RecordedRun) -> str:
    """Return the summary of the undo of a run, which may be an undo itself."""
    for verb, opposite in (("Undid: ", "Redid: "), ("Redid: ", "Undid: ")):
        if run.undoes is not None and run.summary.startswith(verb):
            return opposite + run.summary.removeprefix(verb)
    return f"Undid: {run.summary or run.command}"


def revert_interrupted(root: Path) -> tuple[RevertedRun, ...]:
    """Revert the interrupted runs, the latest first, and return them.

    Those that had changed nothing are left out: only their records are deleted. So are those that
    had made all their changes: they are marked as ended and not reverted. One of which something
    can't be written stays interrupted, and nothing of it is reverted. The caller must hold the
    write lock and must not have read the vault yet. Raises JournalError if the disk can't be
    written to.
    """
    runs = list_interrupted_runs(root)
    if not runs:
        return ()
    clean_up_journal(root)
    remove_leftovers(root, list_files(root).leftovers)
    reverted = [
        RevertedRun(run, revert_run(root, run)) for run in runs if not end_complete_run(root, run)
    ]
    return tuple([item for item in reverted if item.result != WriteResult((), ())])
