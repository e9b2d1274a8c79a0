"""Make the changes of a run in their order: notes, then moves, then removed notes."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.move_order import Move, list_temporary_paths, map_path
from vaultlink.write.moves import MovePlan, make_moves
from vaultlink.write.replace import DISK_REASONS
from vaultlink.write.write import WriteResult, write_notes


class RunAbandoned(Exception):  # noqa: N818 - a condition, not a fault
    """A run that must not go on. What it did must be reverted.

    `result` are the notes that it wrote and skipped, `moves` the moves that it could not make.
    """

    def __init__(self, result: WriteResult, moves: Sequence[SkippedNote] = ()):
        super().__init__()
        self.result, self.moves = result, moves


class PendingRun(NamedTuple):
    """The changes of a run.

    If a note in `first` is skipped, nothing else is changed. `removals` have paths before the
    moves. `obsolete` folders are removed as soon as a move leaves them empty. With `is_partial`,
    all that can't be written or moved is skipped; otherwise a move that can't be made ends the run,
    and so does an error of the disk. With `is_whole`, each note that can't be written ends it.
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


def order_writes(writes: Sequence[PendingWrite], first: Collection[str]) -> PendingRun:
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
        result = _extend(result, _remove_notes(root, run, token, dict(result.moved)), run)
    return result


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
    reasons = make_moves(root, plan, run.obsolete, stop=not run.is_partial)
    skipped = [SkippedNote(run.moves[number][0], reason) for number, reason in reasons.items()]
    if skipped and not run.is_partial:
        raise RunAbandoned(result, skipped)
    moved = tuple(move for number, move in enumerate(run.moves) if number not in reasons)
    every = sorted([*result.skipped, *skipped], key=lambda note: note.path)
    return replace(result, skipped=tuple(every), moved=moved)


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
