"""Revert a run that was interrupted. The caller must hold the write lock.

The moves are reverted first, then the notes. Both can be interrupted and repeated: the journal
identifies the moved files until all of them are at their old paths, and the bytes of a note show if
it was restored.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    delete_run,
    digest_content,
    journal_folder,
    list_runs,
    load_old_bytes,
    mark_undone,
    read_moving,
    remove_moving,
    write_ended,
)
from vaultlink.write.moves import (
    MovePlan,
    NameLookup,
    list_temporary_paths,
    locate_files,
    make_moves,
    map_path,
)
from vaultlink.write.open_folders import remove_empty_folders
from vaultlink.write.write_notes import (
    DISK_REASONS,
    WriteResult,
    describe_os_error,
    read_bytes,
    write_notes,
)

EDITED_SINCE = "it was edited since"
GONE_SINCE = "it was removed or renamed since"
_CREATED_SINCE = "a file with this name was created since"
_DAMAGED = "its old text in the journal is damaged"
LASTING_REASONS = frozenset((EDITED_SINCE, GONE_SINCE, _CREATED_SINCE, _DAMAGED))
"""Reasons to skip a note that stay: trying again can't restore it."""


def plan_restored_notes(
    root: Path, run: RecordedRun, moved: Mapping[str, str]
) -> tuple[list[PendingWrite], list[SkippedNote]]:
    """Return the writes that restore the notes of a run, and the skipped notes.

    `moved` are the moves that are still made, old path to present path. The paths in the result are
    the present ones.
    """
    writes: list[PendingWrite] = []
    skipped: list[SkippedNote] = []
    try:
        get_old_bytes = load_old_bytes(root, run)
    except OSError as error:
        reason = f"its old text can't be read: {describe_os_error(error)}"
        return [], [SkippedNote(change.path, reason) for change in run.changes]
    for number, change in enumerate(run.changes):
        if change.path in run.skipped:
            continue
        path = map_path(change.path, moved)
        try:
            current = read_bytes(root, path)
        except OSError as error:
            skipped.append(SkippedNote(path, describe_os_error(error)))
            continue
        digest = digest_content(current)
        if digest == change.old:
            continue
        if digest != change.new:
            skipped.append(SkippedNote(path, _skip_reason(change, current)))
            continue
        old = get_old_bytes(number, current)
        if old is None and change.old is not None:
            skipped.append(SkippedNote(path, _DAMAGED))
        else:
            writes.append(PendingWrite(path, current, old, change.mode))
    return writes, skipped


def _skip_reason(change: RecordedChange, current: bytes | None) -> str:
    if current is None:
        return GONE_SINCE
    return _CREATED_SINCE if change.new is None else EDITED_SINCE


def locate_moved_files(root: Path, run: RecordedRun) -> dict[str, str | None]:
    """Return where the files that a run moved are now, by old path.

    None stands for those that are gone, also because a later run moved them on. Those that are at
    their old paths are left out.
    """
    if run.is_interrupted:
        identities = read_moving(journal_folder(root), run)
        plan = MovePlan(run.moves, list_temporary_paths(run.moves, run.id))
        places = [] if identities is None else locate_files(root, plan, identities)
    else:
        runs = list_runs(root) if run.moves else []
        names, later = NameLookup(root), _list_later_moves(runs, run)
        places = [
            None if _is_passed_on(new, later, names) else next(filter(names.has, paths), None)
            for (_, new), paths in zip(run.moves, _list_places(run, runs), strict=True)
        ]
    return {
        old: place
        for (old, _), place in zip(run.moves, places, strict=False)
        if place != old and old not in run.unmoved
    }


def _list_places(run: RecordedRun, runs: Sequence[RecordedRun]) -> Iterator[list[str]]:
    """Yield for each move where its file may be now, the likeliest place first.

    An undo that did not move a file back may have left it at a hidden path, moved the folder that
    it is in, or moved another file to its new path.
    """
    undos = [item for item in reversed(runs) if item.undoes == run.id and item.ended]
    hidden = [{new: path for (_, new), path in _hide_moves(item).items()} for item in undos]
    made = [_list_made_moves(item) for item in undos]
    taken = {path for moves in made for path in moves.values()}
    for (old, new), path in _hide_moves(run).items():
        found = [paths[old] for paths in hidden if old in paths]
        yield [path, *found, *({reduce(map_path, made, new)} - taken), old]


def _hide_moves(run: RecordedRun) -> dict[tuple[str, str], str]:
    return dict(zip(run.moves, list_temporary_paths(run.moves, run.id), strict=True))


def _list_made_moves(run: RecordedRun) -> dict[str, str]:
    return {old: new for old, new in run.moves if old not in run.unmoved}


def _list_later_moves(runs: Sequence[RecordedRun], run: RecordedRun) -> list[dict[str, str]]:
    """Return the moves of later runs that are still made, the earliest first.

    An undo is no such run: the moves of a run do not contain those that were undone.
    """
    undone = {item.undoes for item in runs}
    return [
        _list_made_moves(item)
        for item in reversed(runs)
        if item.time_ns > run.time_ns
        and item.undoes is None
        and not item.is_interrupted
        and (not item.undone or item.id in undone)  # else its undo could not be recorded
    ]


def _is_passed_on(path: str, runs: Sequence[Mapping[str, str]], names: NameLookup) -> bool:
    """Return True if a file at a path is not the one that was there before some runs."""
    place = path
    for moves in runs:
        place = map_path(place, moves)
    return place != path and (names.has(place) or any(path in moves.values() for moves in runs))


def list_created_folders(run: RecordedRun, moved: Collection[str]) -> list[str]:
    """Return the folders that a run created and that are at their paths now.

    `moved` are the old paths of the moves that are made now. Where another folder was before it was
    moved away, the created one is only while that is moved.
    """
    before, now = dict(run.moves), {old: new for old, new in run.moves if old in moved}
    return [
        path
        for path in run.folders
        if map_path(path, before) == path or map_path(path, now) != path
    ]


def recover_run(root: Path, run: RecordedRun) -> WriteResult:
    """Revert the changes of an interrupted run, and leave its record as it is.

    In the result, `moved` are the present and the old paths of the files that were moved back.
    """
    folder = journal_folder(root)
    located = locate_moved_files(root, run)
    hidden = {old: path for (old, _), path in _hide_moves(run).items()}
    new_paths = dict(run.moves)
    back = [(place, old) for old, place in located.items() if place is not None]
    remove_empty_folders(root, list_created_folders(run, located))
    reasons = make_moves(root, MovePlan(back, [hidden[old] for _, old in back]), run.folders)
    moved = {back[number][1]: back[number][0] for number in reasons}
    skipped = [SkippedNote(back[number][0], reason) for number, reason in reasons.items()]
    skipped += [SkippedNote(new_paths[old], GONE_SINCE) for old in located if not located[old]]
    if run.moves and not moved:
        remove_moving(folder, run)
    writes, skipped_notes = plan_restored_notes(root, run, moved)
    result = write_notes(root, writes, run.id)
    remove_empty_folders(root, list_created_folders(run, moved))
    skipped += [*skipped_notes, *result.skipped]
    return WriteResult(
        result.written,
        tuple(sorted(skipped, key=lambda note: note.path)),
        moved=tuple(move for number, move in enumerate(back) if number not in reasons),
    )


def end_complete_run(root: Path, run: RecordedRun) -> bool:
    """Mark an interrupted run as ended, and return True, if only this mark is missing.

    A run that moves files has more to do after its last change, and is always reverted.
    """
    if run.moves or not all(_has_new_bytes(root, change) for change in run.changes):
        return False
    write_ended(journal_folder(root), run, ())
    return True


def _has_new_bytes(root: Path, change: RecordedChange) -> bool:
    try:
        return digest_content(read_bytes(root, change.path)) == change.new
    except OSError:
        return False


def revert_run(root: Path, run: RecordedRun) -> WriteResult:
    """Revert an interrupted run, and mark it as ended.

    It is marked as undone too, except if trying again may restore more. If nothing had to be
    reverted, its record is deleted. Raises JournalError if the disk can't be read or written; the
    run stays interrupted then.
    """
    folder, result = journal_folder(root), recover_run(root, run)
    for note in result.skipped:
        if any(reason in note.reason for reason in DISK_REASONS):
            raise JournalError(
                f"can't revert the interrupted run {run.id} ({run.command}): {note.path}: "
                f"{note.reason}. Nothing else was written. The next run that writes tries it again."
            )
    if not (result.written or result.moved or result.skipped):
        delete_run(folder, run.id)
        return result
    located = locate_moved_files(root, run)
    write_ended(folder, run, run.skipped, [old for old, _ in run.moves if not located.get(old)])
    if LASTING_REASONS.issuperset(note.reason for note in result.skipped):
        mark_undone(root, run, True)
    return result
