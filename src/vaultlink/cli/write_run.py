"""Shared parts of commands that write: write lock, journal, skipped notes."""

import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.model import SkippedNote
from vaultlink.report.layout import escape_controls
from vaultlink.write.journal import record_and_write
from vaultlink.write.lock import lock_vault
from vaultlink.write.undo import RevertedRun, revert_interrupted
from vaultlink.write.write import PendingWrite, WriteResult

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.loop import FixPlan
    from vaultlink.refactor.plan import RefactorPlan


@contextmanager
def hold_write_lock(terminal: Terminal, root: Path, *, reverting: bool = True) -> Iterator[None]:
    """Hold the write lock of a vault; report it if another run holds it.

    With `reverting`, runs that were interrupted while moving or creating files are reverted first,
    so the vault must be read after this.
    """
    with lock_vault(
        root,
        lambda: terminal.print_message("Another run is writing to this vault; waiting for it."),
    ):
        if reverting:
            report_reverted(terminal, revert_interrupted(root))
        yield


def report_reverted(terminal: Terminal, reverted: Iterable[RevertedRun]) -> None:
    """Print the interrupted runs that were reverted, and what was skipped."""
    for run, result in reverted:
        print_skipped_notes(result.skipped)
        terminal.print_message(f"Reverted an interrupted run ({escape_controls(run.command)}).")


class InterviewStopped(Exception):  # noqa: N818 - not an error
    """The user stopped answering questions. Nothing was written."""


def write_fixes(
    terminal: Terminal,
    vault: "Vault",
    plan: "FixPlan",
    summary: str,
    others: Sequence[PendingWrite] = (),
) -> WriteResult:
    """Write a plan, and record the command line and the summary in the journal.

    `others` are files that are not notes, which the same run writes.
    """
    try:
        return vault.fixer.write(plan, format_command_line(), summary, others)
    except KeyboardInterrupt:
        terminal.print_message(
            "Some notes may have been written already; `vaultlink undo` reverts them."
        )
        raise


def write_vault_files(root: Path, writes: Sequence[PendingWrite], summary: str) -> WriteResult:
    """Write files of the vault that are not notes, and record the run in the journal."""
    return record_and_write(root, format_command_line(), summary, writes)


def write_refactor(
    terminal: Terminal,
    root: Path,
    plan: "RefactorPlan",
    encode: Callable[[str, str], bytes],
    summary: str,
    obsolete: Collection[str] = (),
) -> WriteResult:
    """Write the texts of a refactoring and rename its files, as one run.

    `encode` returns the bytes of the text of a file. `obsolete` are folders that are removed if
    they become empty.
    """
    writes = [
        PendingWrite(
            path,
            None if old is None else encode(path, old),
            None if new is None else encode(path, new),
        )
        for path, (old, new) in sorted(plan.texts.items())
        if old != new
    ]
    try:
        return record_and_write(
            root,
            format_command_line(),
            summary,
            writes,
            moves=plan.moves,
            first=plan.first,
            obsolete=obsolete,
            left_out=[note.path for note in plan.skipped],
        )
    except KeyboardInterrupt:
        terminal.print_message(
            "Some files may have been changed already; the next run that writes reverts that."
        )
        raise


def format_command_line() -> str:
    """Return the command line of this process, as it is recorded in the journal."""
    return shlex.join(["vaultlink", *sys.argv[1:]])


def print_skipped_notes(skipped: Iterable[SkippedNote]) -> None:
    """Print every skipped note with the reason, also with --quiet.

    The list is never shortened.
    """
    for skipped_note in skipped:
        print_stderr(
            f"{escape_controls(skipped_note.path)}: skipped: "
            f"{escape_controls(skipped_note.reason)}."
        )
