"""Run a command that changes a vault: lock, plan, write or preview, report."""

import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INTERRUPTED
from vaultlink.cli.listing import print_plan
from vaultlink.cli.options import OpenOptions
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import find_vault_root, scan_from_options, warn_of_scan
from vaultlink.disk.scan import VaultScan
from vaultlink.model import SkippedNote
from vaultlink.report.layout import escape_controls
from vaultlink.write.journal_files import lock_vault
from vaultlink.write.undo import RevertedRun, revert_interrupted, sweep_strays
from vaultlink.write.write import WriteResult

if TYPE_CHECKING:
    from vaultlink.fix.plan import Plan


@contextmanager
def hold_write_lock(terminal: Terminal, root: Path, *, reverting: bool = True) -> Iterator[None]:
    """Hold the write lock of a vault; report it if another run holds it.

    With `reverting`, interrupted runs are reverted first, so the vault must be read after this.
    """
    with lock_vault(
        root,
        lambda: terminal.print_message("Another run is writing to this vault; waiting for it."),
    ):
        if reverting:
            report_reverted(terminal, revert_interrupted(root))
        yield


def report_reverted(terminal: Terminal, reverted: Iterable[RevertedRun]) -> None:
    for item in reverted:
        print_skipped_notes(item.result.skipped)
        terminal.print_message(escape_controls(item.describe()))


class WritingCommand(ABC):
    """A command that plans a change of a vault; `run_plan` does everything else.

    Attributes:
        name: The name of the command.
        options: Its options.
        terminal: Where it prints.
        output_format: How it prints results. Only `json` concerns --diff, too.
        start: A path in the vault, if one is named.
        overrides: Settings of the command in addition to those of its options.
        is_dry: True if it writes nothing.
        is_interactive: True if it asks the user. The write lock is not held meanwhile.
    """

    start: Path | None = None
    overrides: Mapping[str, Any] | None = None
    is_dry = False
    is_interactive = False

    def __init__(self, name: str, options: OpenOptions, terminal: Terminal, output_format: str):
        self.name, self.options = name, options
        self.terminal, self.output_format = terminal, output_format

    @abstractmethod
    def make_plan(self, scan: VaultScan) -> "Plan | None":
        """Plan the change; None if it is known that there is nothing to change."""

    @abstractmethod
    def describe(self, plan: "Plan", *, would: bool = False) -> str:
        """Return sentences about a plan, "" for none. `would` says that it is not written."""

    def complete(  # noqa: B027 - most commands do nothing else
        self, plan: "Plan", result: WriteResult
    ) -> None:
        """Do what belongs to writing, while the write lock is held."""

    @abstractmethod
    def report(self, plan: "Plan", result: WriteResult) -> int:
        """Print what was written and what was skipped; return the exit code.

        `plan` is the part of the plan that was written, with all notes that were not.
        """

    def report_nothing(self) -> int:
        """Print that there is no plan, if `make_plan` returned None; return the exit code."""
        return EXIT_CLEAN

    def list_more_keys(self, _plan: "Plan") -> Mapping[str, object]:
        """Return the keys of the JSON document of a plan that only this command has."""
        return {}

    def preview(self, plan: "Plan") -> int:
        """Print what would be written and skipped; return the exit code."""
        more = self.list_more_keys(plan)
        print_plan(self.terminal, self.output_format, self.name, plan, plan.skipped, more)
        print_skipped_notes(plan.skipped)
        if sentence := self.describe(plan, would=True):
            self.terminal.print_message(sentence)
        return EXIT_FINDINGS if plan or plan.skipped else EXIT_CLEAN


def run_plan(command: WritingCommand) -> int:
    """Plan a change of a vault, and preview or write it; return the exit code.

    Only one run at a time writes to a vault. The lock is held from before the vault is read, but
    not while waiting for the user or while printing results.
    """
    terminal, is_interactive = command.terminal, command.is_interactive
    root = None if command.is_dry else find_vault_root(command.options, command.start)
    if root and is_interactive:
        with hold_write_lock(terminal, root):
            pass  # interrupted runs are reverted before the vault is read
    with hold_write_lock(terminal, root) if root and not is_interactive else nullcontext():
        scan = scan_from_options(command.options, command.start, command.overrides)
        terminal.check_output_file(scan.root)
        warn_of_scan(scan, terminal)
        if root and not is_interactive:
            sweep_strays(scan.root, scan.listing.strays)
        try:
            plan = command.make_plan(scan)
        except (KeyboardInterrupt, EOFError):
            if not is_interactive:
                raise
            print_stderr("Stopped: nothing was written.")
            return EXIT_INTERRUPTED
        result = _write(command, scan, plan) if root and plan is not None else None
    if plan is None:
        return command.report_nothing()
    if result is None:
        return command.preview(plan)
    done = plan.written(result.written, moved=bool(result.moved))
    return command.report(replace(done, skipped=result.skipped), result)


def _write(command: WritingCommand, scan: VaultScan, plan: "Plan") -> WriteResult:
    from vaultlink.write.fixer import apply_plan  # noqa: PLC0415 - a dry run does not need it

    terminal, is_interactive = command.terminal, command.is_interactive
    with hold_write_lock(terminal, scan.root) if is_interactive else nullcontext():
        try:
            result = apply_plan(scan, plan, format_command_line(), command.describe(plan))
        except KeyboardInterrupt:
            terminal.print_message(
                "Some files may have been changed already; the next command that writes reverts "
                "that."
            )
            raise
        command.complete(plan, result)
    return result


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
