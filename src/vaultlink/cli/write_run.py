"""Run a command that writes."""

import shlex
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INTERRUPTED
from vaultlink.cli.listings import is_json, print_plan
from vaultlink.cli.opening import (
    KeptAnswer,
    StartPaths,
    find_vault_root,
    name_vault,
    protect_vault,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.options import OpenOptions
from vaultlink.cli.terminal import Terminal, format_label, print_stderr
from vaultlink.config.protection import PROTECTION_OF_MANY
from vaultlink.disk.scan import VaultScan
from vaultlink.index.resolve import parent_folder
from vaultlink.model import SkippedNote
from vaultlink.report import DIFF
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.text import list_first
from vaultlink.write.journal_files import lock_vault
from vaultlink.write.open_folders import FOLDER_NOT_WRITABLE
from vaultlink.write.own_files import remove_hidden_leftovers
from vaultlink.write.undo import RevertedRun, remove_leftovers, revert_interrupted
from vaultlink.write.write_notes import WriteResult

if TYPE_CHECKING:
    from vaultlink.fix.plan import Plan


@contextmanager
def hold_write_lock(terminal: Terminal, root: Path) -> Iterator[bool]:
    """Hold the write lock of a vault; report it if another run holds it.

    Interrupted runs are reverted first, so the vault must be read after this. Yields True if more
    of them can be reverted later.
    """
    with wait_for_lock(terminal, root):
        with terminal.progress_line("Reading the journal"):
            reverted = revert_interrupted(root)
        yield report_reverted(terminal, reverted)


@contextmanager
def wait_for_lock(terminal: Terminal, root: Path) -> Iterator[None]:
    """Hold the write lock of a vault; report it if another run holds it."""
    with lock_vault(
        root,
        lambda: terminal.print_message("Another run is writing to this vault; waiting for it."),
    ):
        remove_hidden_leftovers(root)
        yield


def report_reverted(terminal: Terminal, reverted: Iterable[RevertedRun]) -> bool:
    """Print which runs were reverted; return True if more can be reverted later."""
    is_partial = False
    for item in reverted:
        if item.is_stuck:
            print_stderr(f"{format_label('warning:')} {escape_controls(item.describe())}")
        else:
            print_skipped_notes(item.result.skipped)
            terminal.print_message(escape_controls(item.describe()))
        is_partial |= not item.is_complete
    return is_partial


class WritingCommand(ABC):
    """A command that plans a change of a vault; `run_plan` does everything else.

    Attributes:
        name: The name of the command.
        options: Its options.
        terminal: Where and how it prints. Only the format `json` concerns --diff, too.
        root: The folder of the vault, once it is scanned.
        start: Paths in the vault, if any are named.
        overrides: Settings of the command in addition to those of its options.
        is_dry: True if it writes nothing.
        is_interactive: True if it asks the user. The write lock is not held meanwhile.
    """

    root = Path()
    start: StartPaths = ()
    overrides: Mapping[str, Any] | None = None
    is_dry = False
    is_interactive = False

    def __init__(self, name: str, options: OpenOptions, terminal: Terminal):
        self.name, self.options, self.terminal = name, options, terminal

    def identify_inputs(self, _scan: VaultScan) -> str | None:
        """Return what the plan depends on beside the vault; None if it can't be kept.

        What is printed about a plan that was not written is kept for a run on the unchanged vault.
        """
        return None

    @abstractmethod
    def make_plan(self, scan: VaultScan) -> "Plan | None":
        """Plan the change; None if it is known that there is nothing to change."""

    @abstractmethod
    def describe(self, plan: "Plan", *, would: bool = False) -> str:
        """Return sentences about a plan, "" for none. `would` says that it is not written."""

    def choose_written_format(self) -> str:
        """Return the format of what is printed."""
        is_diff = self.is_dry and not is_json(self.terminal)
        return DIFF if is_diff else self.terminal.output_format

    def describe_undo(self) -> str:
        """Return a sentence with the command that reverts the run."""
        return f"`vaultlink undo{name_vault(self.options.vault, self.root)}` reverts it."

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
        print_plan(self.terminal, self.name, plan, plan.skipped, self.list_more_keys(plan))
        print_skipped_notes(plan.skipped)
        if sentence := self.describe(plan, would=True):
            self.terminal.print_message(sentence)
        return EXIT_FINDINGS if plan or plan.skipped else EXIT_CLEAN


def run_plan(command: WritingCommand) -> int:
    """Plan a change of a vault, and preview or write it; return the exit code.

    Only one run at a time writes to a vault. The lock is held from before the vault is read, but
    not while waiting for the user or while printing results. The exit code is at least 1 if an
    interrupted run could be reverted only in part.
    """
    terminal, is_interactive = command.terminal, command.is_interactive
    root = None if command.is_dry else find_vault_root(command.options, command.start)
    is_partial = False
    if root and is_interactive:
        with hold_write_lock(terminal, root) as is_partial:
            pass  # interrupted runs are reverted before the vault is read
    is_locked = root is not None and not is_interactive
    with hold_write_lock(terminal, root) if root and is_locked else nullcontext(is_partial) as left:
        is_partial = left
        try:
            scan = scan_from_options(command.options, command.start, command.overrides)
            protect_vault(scan.root, terminal, scan)
            terminal.written_format = command.choose_written_format()
            terminal.check_output_file()
            warn_of_scan(scan, terminal)
            _warn_of_protection(scan, terminal)
            if is_locked:
                remove_leftovers(scan.root, scan.listing.leftovers)
            command.root = scan.root
            inputs = None if is_interactive else command.identify_inputs(scan)
            kind = command.name if command.is_dry else f"{command.name}-nothing"
            kept = KeptAnswer(scan, terminal, kind, inputs)
            plan = command.make_plan(scan) if kept.output is None else None
        except (KeyboardInterrupt, EOFError):
            if not is_interactive:
                raise
            print_stderr("Stopped: nothing was written.")
            return EXIT_INTERRUPTED
        result = _write(command, scan, plan) if root and plan is not None else None
    # What a run did, or left out because of others, holds only once.
    is_unique = result and (result.run_id or result.skipped or result.is_outdated)
    is_kept = not (is_partial or is_unique)
    code = kept.print(lambda: _report(command, plan, result), is_kept=is_kept)
    return max(code, EXIT_FINDINGS) if is_partial else code


def _warn_of_protection(scan: VaultScan, terminal: Terminal) -> None:
    """Print the patterns of `protect` and `write-paths` that match nothing."""
    if any(key in layer.values for layer in scan.layers for key in ("protect", "write-paths")):
        from vaultlink.cli.unmatched_items import describe_unmatched_protection  # noqa: PLC0415 - rarely set

        for clause in describe_unmatched_protection(scan):
            terminal.print_message(f"warning: {escape_controls(clause)}.")


def print_unread_folders(scan: VaultScan, terminal: Terminal) -> None:
    """Print that links in folders that can't be read stay."""
    folders = scan.listing.unreadable_folders
    if folders:
        named = escape_controls(list_first([f"{folder}/" for folder, _ in folders]))
        terminal.print_message(f"Links in {named} stay as they are.")


def _report(command: WritingCommand, plan: "Plan | None", result: WriteResult | None) -> int:
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
            with terminal.progress_line(name_writing(len(plan.texts))):
                result = apply_plan(scan, plan, format_command_line(), command.describe(plan))
        except KeyboardInterrupt:
            terminal.print_message(
                "Some files may have been changed already; the next command that writes reverts "
                "that."
            )
            raise
        command.complete(plan, result)
    return result


def name_writing(notes: int) -> str:
    """Return the name of the phase in which notes are written, or only other files."""
    return f"Writing {format_count(notes, 'note')}" if notes else "Writing"


def format_command_line() -> str:
    """Return the command line of this process, as it is recorded in the journal."""
    return shlex.join(["vaultlink", *sys.argv[1:]])


_MAX_IN_FOLDER = 5
"""Notes of a folder without permissions that are named one by one, at most."""


def _find_closed_folder(note: SkippedNote) -> str:
    """Return the folder of a note that is skipped because of it; else ""."""
    return (parent_folder(note.path) or "./") if note.reason == FOLDER_NOT_WRITABLE else ""


def print_skipped_notes(skipped: Iterable[SkippedNote]) -> None:
    """Print every skipped note with the reason, also with --quiet.

    The list is never shortened; only those that the settings protect, and those in a folder
    without permissions, are counted.
    """
    notes = list(skipped)
    for reason, many in PROTECTION_OF_MANY.items():
        protected = [note for note in notes if note.reason == reason]
        if len(protected) > 1:
            notes = [note for note in notes if note.reason != reason]
            print_stderr(f"{format_count(len(protected), 'note')} skipped: {many}.")
    counts = Counter(filter(None, map(_find_closed_folder, notes)))
    closed = {folder: count for folder, count in counts.items() if count > _MAX_IN_FOLDER}
    for folder, count in closed.items():
        print_stderr(
            f"{escape_controls(folder)}: {format_count(count, 'note')} skipped: "
            "the folder is not writable."
        )
    for skipped_note in [note for note in notes if _find_closed_folder(note) not in closed]:
        print_stderr(
            f"{escape_controls(skipped_note.path)}: skipped: "
            f"{escape_controls(skipped_note.reason)}."
        )
