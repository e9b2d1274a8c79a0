"""Plan the writes that restore the notes of a run. Writes nothing.

A note is restored only if it holds exactly the bytes that the run wrote.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    digest_content,
    load_old_bytes,
)
from vaultlink.write.move_order import map_path
from vaultlink.write.replace import describe_os_error
from vaultlink.write.write import read_bytes

EDITED_SINCE = "it was edited since"
GONE_SINCE = "it was removed or renamed since"
_CREATED_SINCE = "a file with this name was created since"
_DAMAGED = "its old text in the journal is damaged"
LASTING_REASONS = frozenset((EDITED_SINCE, GONE_SINCE, _CREATED_SINCE, _DAMAGED))
"""Reasons to skip a note that stay: trying again can't restore it."""


def plan_restored_notes(
    root: Path, run: RecordedRun, moved: Mapping[str, str]
) -> tuple[tuple[PendingWrite, ...], tuple[SkippedNote, ...]]:
    """Return the writes that restore the notes of a run, and the skipped notes.

    `moved` are the moves that are still made, old path to present path. The paths in the result are
    the present ones.
    """
    items = list(_plan_notes(root, run, moved))
    return (
        tuple([item for item in items if isinstance(item, PendingWrite)]),
        tuple([item for item in items if isinstance(item, SkippedNote)]),
    )


def _plan_notes(
    root: Path, run: RecordedRun, moved: Mapping[str, str]
) -> Iterator[PendingWrite | SkippedNote]:
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
        path = map_path(change.path, moved)
        try:
            current = read_bytes(root, path)
        except OSError as error:
            yield SkippedNote(path, describe_os_error(error))
            continue
        digest = digest_content(current)
        if digest == change.old:
            continue
        if digest != change.new:
            yield SkippedNote(path, _skip_reason(change, current))
        else:
            old = get_old_bytes(number, current)
            if old is None and change.old is not None:
                yield SkippedNote(path, _DAMAGED)
            else:
                yield PendingWrite(path, current, old, change.mode)


def _skip_reason(change: RecordedChange, current: bytes | None) -> str:
    if current is None:
        return GONE_SINCE
    return _CREATED_SINCE if change.new is None else EDITED_SINCE
