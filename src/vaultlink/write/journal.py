"""Record each writing run in the user's state folder, so that it can be undone."""

import os
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from msgspec.structs import replace

from vaultlink.config.checks import RunLimits
from vaultlink.errors import JournalError
from vaultlink.links.edit_math import count_equal_ends
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal_files import (
    MAX_INFLATED_BYTES,
    MAX_RECORD_BYTES,
    RecordedChange,
    RecordedRun,
    delete_run,
    digest_content,
    encode_header,
    find_record_problem,
    journal_folder,
    list_interrupted_runs,
    list_runs,
    make_journal_error,
    make_journal_folder,
    write_ended,
    write_moving,
)
from vaultlink.write.moves import (
    Move,
    MovePlan,
    find_folders_to_create,
    find_move_barriers,
    list_temporary_paths,
    make_identifier,
    make_moves,
    map_path,
)
from vaultlink.write.open_folders import find_missing_folders, remove_empty_folders
from vaultlink.write.overlaps import find_reach
from vaultlink.write.own_files import write_atomically
from vaultlink.write.recovery import (
    NEEDED,
    describe_blocked,
    list_digests,
    may_be_needed,
    plan_revert,
    recover_run,
)
from vaultlink.write.write_notes import (
    DISK_REASONS,
    WriteResult,
    find_write_barriers,
    remove_leftovers,
    write_notes,
)


class RunAbandoned(Exception):  # noqa: N818 - a condition, not a fault
    """A run that must not go on. What it did must be reverted.

    `result` are the notes that it wrote and skipped, `moves` the moves that it could not make.
    """

    def __init__(self, result: WriteResult, moves: Sequence[SkippedNote] = ()):
        super().__init__()
        self.result, self.moves = result, moves


class StuckRunError(JournalError):
    """An interrupted run that can't be reverted has the notes of another run."""


class PendingRun(NamedTuple):
    """The changes of a run.

    If a note in `first` is skipped, nothing else is changed. `removals` have paths before the
    moves. `obsolete` folders are removed as soon as a move leaves them empty, or if the removals
    do. A move that can't be made ends the run, and so does an error of the disk: with
    `is_partial`, the note is skipped instead. With `is_whole`, each note that can't be written
    ends it.
    """

    first: Sequence[PendingWrite]
    others: Sequence[PendingWrite]
    removals: Sequence[PendingWrite]
    moves: Sequence[Move] = ()
    obsolete: Collection[str] = ()
    is_partial: bool = False
    is_whole: bool = False

    def ends_run(self, reason: str) -> bool:
        return self.is_whole or (not self.is_partial and reason in DISK_REASONS)

    @property
    def writes(self) -> list[PendingWrite]:
        """All notes, in the order in which they are written."""
        return [*self.first, *self.others, *self.removals]


def _order_writes(writes: Sequence[PendingWrite], first: Collection[str]) -> PendingRun:
    """Return a run without moves, with its notes in order, those in `first` first."""
    written = [item for item in writes if item.new is not None]
    return PendingRun(
        [item for item in written if item.path in first],
        [item for item in written if item.path not in first],
        [item for item in writes if item.new is None],
    )


def make_changes(
    root: Path, run: PendingRun, token: str, before_moves: Callable[[], None] = lambda: None
) -> WriteResult:
    """Make the changes of a run, and call `before_moves` before the first move.

    The caller must hold the write lock. `token` is part of temporary names. Raises RunAbandoned,
    whose cause is a JournalError of `before_moves` if there was one.
    """
    result = write_notes(root, run.first, token, 0, lambda _reason: True)
    if result.skipped:
        raise RunAbandoned(result)
    others = write_notes(root, run.others, token, len(run.first), run.ends_run)
    result = _extend(result, others, run)
    if run.moves:
        try:
            before_moves()
        except JournalError as error:
            raise RunAbandoned(result) from error
        result = _make_moves(root, run, token, result)
    if run.removals:
        if result.skipped and not run.is_partial:  # their links would lead to a removed note
            raise RunAbandoned(result)
        if result.skipped:
            result, run = _keep_needed(result, run)
        result = _extend(result, _remove_notes(root, run, token, dict(result.moved)), run)
        moved = dict(result.moved)
        remove_empty_folders(root, [map_path(path, moved) for path in run.obsolete])
    return result


def _keep_needed(result: WriteResult, run: PendingRun) -> tuple[WriteResult, PendingRun]:
    """Leave out removals of notes that may have the text of one that was skipped."""
    kept = [item for item in run.removals if may_be_needed(item)]
    skipped = (*result.skipped, *(SkippedNote(item.path, NEEDED) for item in kept))
    removals = [item for item in run.removals if item not in kept]
    return replace(result, skipped=skipped), run._replace(removals=removals)


def _extend(result: WriteResult, later: WriteResult, run: PendingRun) -> WriteResult:
    """Return both results together; raise RunAbandoned if the later one ends the run."""
    joined = replace(
        result,
        written=tuple(sorted([*result.written, *later.written])),
        skipped=tuple(sorted([*result.skipped, *later.skipped], key=lambda note: note.path)),
    )
    if any(run.ends_run(note.reason) for note in later.skipped):
        raise RunAbandoned(joined)
    return joined


def _make_moves(root: Path, run: PendingRun, token: str, result: WriteResult) -> WriteResult:
    plan = MovePlan(run.moves, list_temporary_paths(run.moves, token))
    reasons = make_moves(root, plan, run.obsolete, stop=True)
    if reasons:
        failed = [SkippedNote(run.moves[number][0], reason) for number, reason in reasons.items()]
        raise RunAbandoned(result, failed)
    return replace(result, moved=tuple(run.moves))


def _remove_notes(root: Path, run: PendingRun, token: str, moved: dict[str, str]) -> WriteResult:
    """Remove notes at their paths after the moves; the result has those before them."""
    places = {map_path(item.path, moved): item for item in run.removals}
    writes = [replace(item, path=place) for place, item in places.items()]
    begin = len(run.first) + len(run.others)
    result = write_notes(root, writes, token, begin, run.ends_run)
    return WriteResult(
        tuple(places[place].path for place in result.written),
        tuple(SkippedNote(places[note.path].path, note.reason) for note in result.skipped),
    )


# -- record each writing run in the user's state folder, so that it can be undone ------------------
# A run is recorded completely, and synced to disk, before its first note is written. Nothing is
# recorded while it runs: a note with its old bytes was not written yet, one with its new bytes
# was. Old bytes that are a prefix or suffix of the new ones are not stored.


_DAY_NS = 24 * 3600 * 10**9
"""Nanoseconds of a day."""

_COMPRESS_THRESHOLD = 256
"""Bytes above which stored bytes are compressed."""


class JournalUse:
    """Knows if this process has recorded a run."""

    has_recorded: ClassVar[bool] = False

    @classmethod
    def reset(cls) -> None:
        cls.has_recorded = False


def record_and_write(  # noqa: PLR0913 - all parts of a run
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
    *,
    moves: Mapping[str, str] = MappingProxyType({}),
    first: Collection[str] = frozenset(),
    obsolete: Collection[str] = (),
    emptied: Sequence[str] = (),
    left_out: Collection[str] = (),
    all_or_nothing: bool = False,
    limits: RunLimits | None = None,
) -> WriteResult:
    """Record a run, then make its changes. The caller must hold the write lock.

    If a move can't be made, or the disk is full or defective, nothing is changed at all, unless the
    run is an undo without moves: that skips what it can't change. A run that changes nothing leaves
    no record. If the run was reverted but not all of it could be, `run_id` is set and nothing is in
    `written`.

    `writes` are by path before the moves; if one of those in `first` is skipped, nothing is
    changed. `moves` are old and new paths of files or folders; folders in `obsolete` are removed as
    soon as a move leaves them empty, those in `emptied` if they are empty at the end. `left_out`
    are notes that the run should change too and can't, for the record. With `all_or_nothing`,
    nothing is changed if a note can't be written; all are compared before the first, those of an
    undo by its plan. Older records above `limits` are deleted.

    Raises JournalError if the record can't be written. Nothing is changed then, or the message says
    that the next run reverts it. Raises StuckRunError if an interrupted run has the same notes.
    """
    moves = {old: new for old, new in moves.items() if old != new}
    if not writes and not moves:
        return WriteResult((), ())
    is_undo = undoes is not None
    _refuse_stuck_run(root, writes, moves)
    barriers = [] if is_undo else [*find_move_barriers(root, moves, obsolete)]
    barriers += find_write_barriers(root, writes) if all_or_nothing and not is_undo else []
    if barriers:
        return WriteResult((), tuple(sorted(barriers, key=lambda note: note.path)))
    pending = _order_writes(writes, first)._replace(
        moves=tuple(moves.items()),
        obsolete=obsolete,
        is_partial=is_undo and not moves,
        is_whole=all_or_nothing,
    )
    is_whole = all_or_nothing and not is_undo  # an undo is what the run is that it undoes
    run = record_run(
        root, command, summary, pending.writes, undoes, moves, limits=limits, whole=is_whole
    )
    folder = journal_folder(root)
    try:
        result = make_changes(root, pending, run.id, lambda: _record_identities(root, run))
    except RunAbandoned as abandoned:
        result, error = _revert(root, run, abandoned), abandoned.__cause__
        if error and result.run_id:
            problem = f"can't write the journal in {folder}, nor revert the run {run.id}."
            advice = "The next run that writes reverts it when the cause is removed."
            raise JournalError(f"{problem} {advice}") from None
        if error:
            raise error from None
        return result
    if not result.written and not result.moved:
        delete_run(folder, run.id)
        return result
    remove_empty_folders(root, emptied)
    moved = dict(result.moved)
    unmoved = [old for old in moves if old not in moved]
    paths = {*left_out, *(item.path for item in writes)}.difference(result.written)
    write_ended(folder, run, sorted(paths), unmoved)
    return replace(result, run_id=run.id)


def _refuse_stuck_run(root: Path, writes: Sequence[PendingWrite], moves: Mapping[str, str]) -> None:
    """Raise StuckRunError if an interrupted run has the same notes or names."""
    reach = find_reach(writes, moves)
    for run in list_interrupted_runs(root):
        if reach.meets(find_reach(run.changes, dict(run.moves))):
            raise StuckRunError(
                f"this would change notes of an interrupted run ({run.command}), which can't be "
                f"reverted yet: {describe_blocked(plan_revert(root, run).skipped)}. Nothing was "
                f"written. `vaultlink undo {run.id} --skip-unwritable` reverts the rest."
            )


def _record_identities(root: Path, run: RecordedRun) -> None:
    folder = journal_folder(root)
    try:
        identify = make_identifier(root, list_digests(run))
        write_moving(folder, run, [identify(old, old) for old, _ in run.moves])
    except OSError as error:
        raise make_journal_error(folder, error) from None


def _revert(root: Path, run: RecordedRun, abandoned: RunAbandoned) -> WriteResult:
    """Revert what a run did. It stays interrupted if something of it is left."""
    named = abandoned.result.skipped
    touched = {  # the state after an error of the disk is not certain
        *abandoned.result.written,
        *(note.path for note in named if note.reason in DISK_REASONS),
    }
    untouched = {change.path for change in run.changes} - touched
    result = recover_run(root, replace(run, skipped=frozenset(untouched)))
    skipped = sorted((*named, *abandoned.moves, *result.skipped), key=lambda note: note.path)
    if not result.skipped:
        delete_run(journal_folder(root), run.id)
    return WriteResult((), tuple(skipped), run.id if result.skipped else None)


def record_run(
    root: Path,
    command: str,
    summary: str,
    writes: Sequence[PendingWrite],
    undoes: str | None = None,
    moves: Mapping[str, str] = MappingProxyType({}),
    *,
    limits: RunLimits | None = None,
    whole: bool = False,
) -> RecordedRun:
    """Record a run before it writes or moves anything. Raises JournalError.

    Older records above `limits` are deleted; without limits, none.
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
    folders = [
        *find_missing_folders(root, [item.path for item in writes if item.old is None]),
        *find_folders_to_create(root, moves),
    ]
    run = RecordedRun(
        _choose_id(folder, time_ns),
        time_ns,
        command,
        summary,
        os.fsencode(root),
        undoes,
        tuple(dict.fromkeys(folders)),
        tuple([change for change, _ in parts]),
        moves=tuple(moves.items()),
        whole=whole,
    )
    if problem := find_record_problem(run, sum(len(stored) for _, stored in parts)):
        cause = "Nothing was written, because it could not be undone."
        raise JournalError(f"the run can't be recorded: {problem}. {cause}")
    content = [encode_header(run), *(stored for _, stored in parts)]
    if sum(map(len, content)) > MAX_RECORD_BYTES:
        size = f"more than {MAX_RECORD_BYTES:,} bytes, which is too much to record"
        advice = "Nothing was written. Fix fewer notes at once."
        raise JournalError(f"the run changes {size}. {advice}")
    try:
        write_atomically(folder / f"{run.id}.run", content, durable=True)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    if limits:
        _prune(folder, runs, run.time_ns, limits)
    return run


def _choose_id(folder: Path, time_ns: int) -> str:
    """Return an id that no other run of the same second has."""
    second = time.strftime("%Y%m%d-%H%M%S", time.localtime(time_ns // 10**9))
    while True:
        name = f"{second}-{os.urandom(2).hex()}"
        if not (folder / f"{name}.run").exists():
            return name


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
        prefix_size, suffix_size = count_equal_ends(old, new)
    stored = old[prefix_size : len(old) - suffix_size]
    compressed = _COMPRESS_THRESHOLD < len(stored) <= room
    if compressed:
        stored = zlib.compress(stored, 1)
    digests = digest_content(old), digest_content(new)
    sizes = prefix_size, suffix_size, len(stored)
    return RecordedChange(item.path, *digests, mode, *sizes, compressed), stored


def clean_up_journal(root: Path) -> None:
    """Remove the temporary files of killed runs. The caller must hold the write lock."""
    folder = journal_folder(root)
    for run in list_runs(root):
        if run.is_interrupted:  # `revert_interrupted` reverts it
            remove_leftovers(root, [change.path for change in run.changes], run.id)
        elif not run.ended:  # it must not become interrupted when it is no longer undone
            write_ended(folder, run, ())
    for file in folder.glob("*.tmp"):
        with suppress(OSError):
            file.unlink()


def _prune(folder: Path, runs: Sequence[RecordedRun], now: int, limits: RunLimits) -> None:
    """Delete runs that are too old, and the oldest ones above a total size."""
    room = limits.size
    for run in runs:
        with suppress(OSError):
            room -= (folder / f"{run.id}.run").stat().st_size
        is_excess = room < 0 or now - run.time_ns > limits.days * _DAY_NS
        if is_excess and not run.is_interrupted:  # it must be reverted first
            delete_run(folder, run.id)
