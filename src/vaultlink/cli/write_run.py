"""What the commands that write to a vault have in common: one at a time, a record, and words for what was left alone."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.cli.exit_codes import EXIT_ERROR
from vaultlink.cli.terminal import Terminal, format_label, print_stderr
from vaultlink.model import SkippedNote
from vaultlink.report.layout import escape_controls
from vaultlink.write.journal import record_and_write
from vaultlink.write.lock import lock_vault
from vaultlink.write.write import PendingWrite, WriteResult

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.loop import FixPlan
    from vaultlink.fix.verify import BrokenPromise


def hold_write_lock(terminal: Terminal, root: Path) -> AbstractContextManager[None]:
    """Keep other runs from writing in a vault; if one is writing, say so and wait for it."""
    return lock_vault(
        root,
        lambda: terminal.print_message("Another run is writing in this vault; waiting for it."),
    )


def write_fixes(terminal: Terminal, vault: "Vault", plan: "FixPlan", summary: str) -> WriteResult:
    """Write what a repair comes to, with a record of this run's words and what they do."""
    try:
        return vault.fixer.write(plan, _format_command_line(), summary)
    except KeyboardInterrupt:
        terminal.print_message(
            "Some notes may be written already; `vaultlink undo` puts them back."
        )
        raise


def write_vault_files(root: Path, writes: Sequence[PendingWrite], summary: str) -> WriteResult:
    """Write files of a vault's folder that are no notes, with a record of this run's words and what they do."""
    return record_and_write(root, _format_command_line(), summary, writes)


def _format_command_line() -> str:
    return shlex.join(["vaultlink", *sys.argv[1:]])


def print_skipped_notes(terminal: Terminal, refused: Iterable[SkippedNote]) -> None:
    """Name the notes that were not written. There may be many; they are told in full, since each is somebody's work."""
    for skipped_note in refused:
        terminal.print_message(
            f"{escape_controls(skipped_note.path)}: left alone: {skipped_note.reason}."
        )


def report_broken_promise(breach: "BrokenPromise") -> int:
    """Say why nothing was written at all."""
    rules = " or ".join(breach.rules) or "a rule"
    print_stderr(
        f"{format_label('error:')} nothing was written: in {escape_controls(breach.path)} {escape_controls(breach.problem)}.\n"
        f"A fix of {rules} is to blame. This is a fault in vaultlink; please report it. "
        f"`--unfixable {','.join(breach.rules)}` goes around it."
    )
    return EXIT_ERROR
