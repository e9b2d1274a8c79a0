"""Putting back what a run changed. A recorded run enters; what has to be written for that, or what came of it, leaves.

A note is restored only if it holds the very bytes that the run gave it. Undoing is a writing run like any other, and can
be undone too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultlink.folders import remove_empty
from vaultlink.journal import Change, Run, digest, mark_undone, old_bytes, perform, tidy
from vaultlink.replacing import reason
from vaultlink.writing import Outcome, Refusal, Write, read_bytes

EDITED = "it was edited since"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What undoing a run would write, and which notes it would leave alone."""

    run: Run
    writes: tuple[Write, ...]
    refused: tuple[Refusal, ...]


def last(known: list[Run]) -> Run | None:
    """The run that is undone when none is named: the last that neither was undone nor is an undoing itself."""
    return next((run for run in known if not run.undone and run.undoes is None), None)


def restoration(root: Path, run: Run) -> Restoration:
    """Look what there is to put back. Writes nothing."""
    found = list(_restorations(root, run))
    return Restoration(
        run,
        tuple([item for item in found if isinstance(item, Write)]),
        tuple([item for item in found if isinstance(item, Refusal)]),
    )


def undo_run(root: Path, run: Run) -> Outcome:
    """Put back what a run changed. The caller holds the lock.

    The run counts as undone unless a note could not be written: then undoing it again may do the rest.
    """
    tidy(root)
    plan = restoration(root, run)
    outcome = perform(
        root, f"vaultlink undo {run.id}", f"Put back what {run.id} wrote.", plan.writes, run.id
    )
    remove_empty(root, run.folders)
    if not outcome.refused and (outcome.written or not plan.refused):
        mark_undone(root, run, True)
    refused = sorted([*plan.refused, *outcome.refused], key=lambda refusal: refusal.path)
    return Outcome(outcome.written, tuple(refused), outcome.run)


def _restorations(root: Path, run: Run) -> Iterator[Write | Refusal]:
    try:
        ask = old_bytes(root, run)
    except OSError as error:
        yield from (
            Refusal(change.path, f"its old text can't be read: {reason(error)}")
            for change in run.changes
        )
        return
    for number, change in enumerate(run.changes):
        if change.path in run.refused:
            continue
        try:
            now = read_bytes(root, change.path)
        except OSError as error:
            yield Refusal(change.path, reason(error))
            continue
        sign = digest(now)
        if sign == change.old:
            continue
        if sign != change.new:
            yield Refusal(change.path, _why(change, now))
        else:
            old = ask(number, now)
            if old is None and change.old is not None:
                yield Refusal(change.path, "what the journal kept of it is damaged")
            else:
                yield Write(change.path, now, old, change.mode)


def _why(change: Change, now: bytes | None) -> str:
    if now is None:
        return "it was removed or renamed since"
    return "a file of this name was made since" if change.new is None else EDITED
