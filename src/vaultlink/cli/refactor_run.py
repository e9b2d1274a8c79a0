"""Plan a refactoring, and write it or print what it would change."""

from collections.abc import Callable
from typing import Annotated

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS
from vaultlink.cli.listing import Listing, choose_listing_format, print_document, print_listing
from vaultlink.cli.options import DiffOption, OpenOptions, option
from vaultlink.cli.shown_paths import make_path_formatter
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import find_vault_root, open_scanned_vault
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.fix.sources import FixSources
from vaultlink.git.location import find_work_tree
from vaultlink.refactor.relocation import RefusedError
from vaultlink.report.plan_result import (
    ChangedFile,
    describe_refactor,
    list_captured,
    list_changed_files,
    list_unchanged,
    render_plan,
)
from vaultlink.write.git_moves import stage_moves
from vaultlink.write.write import WriteResult

_TABLE = {"file": "path", "becomes": "new_path", "edits": "edits"}

_MOST_NAMED = 5
"""Notes that a refusal names, at most."""


class RefactorOptions(OpenOptions, frozen=True, kw_only=True):
    diff: DiffOption = False
    git: Annotated[bool, option("--git", help="Stage the new paths of files that git tracks.")] = (
        False
    )
    skip_unwritable: Annotated[
        bool,
        option(
            "--skip-unwritable",
            help="Leave out notes that can't be changed, instead of writing nothing.",
        ),
    ] = False


MakePlan = Callable[[Vault, FixSources], Plan]
"""Plans a refactoring. Raises UsageError if it can't be made."""


def run_refactor(name: str, options: RefactorOptions, make_plan: MakePlan, hint: str = "") -> int:
    """Run a command that renames; return the exit code.

    Nothing is written if `make_plan` raises an error. `hint` is a sentence to print below places
    that keep the old name.
    """
    if (
        options.git
        and not options.diff
        and find_work_tree(root := find_vault_root(options)) is None
    ):
        raise UsageError(f"--git: {root} is not in a git work tree. Nothing was written.")
    return run_plan(_Refactoring(name, options, make_plan, hint))


class _Refactoring(WritingCommand):
    """A command that renames, moves, splits or joins notes."""

    def __init__(self, name: str, options: RefactorOptions, make_plan: MakePlan, hint: str):
        terminal = Terminal(options)
        output_format = choose_listing_format(terminal, piped="table")
        super().__init__(name, options, terminal, output_format)
        self._make_plan, self._choices, self.is_dry = make_plan, options, options.diff
        self._unstaged: str | None = None
        self._hint = hint

    def make_plan(self, scan: VaultScan) -> Plan:
        """Plan the refactoring. Raises RefusedError if a note must not be left out."""
        vault = open_scanned_vault(scan, self.terminal)
        try:
            plan = self._make_plan(vault, vault.fixer.sources())
            if plan.skipped and not self._choices.skip_unwritable:
                raise RefusedError(_describe_skipped(plan))
        except RefusedError as error:
            ending = "" if "othing was written" in str(error) else " Nothing was written."
            raise RefusedError(f"{error}{ending}") from None
        self._root, self._show_path = vault.root, make_path_formatter(vault.root)
        text = list_captured(plan.captured, self._show_path, all_of_them=self.terminal.verbose)
        if text:
            self.terminal.print_message(text)
        return replace(plan, is_whole=not self._choices.skip_unwritable)

    def describe(self, plan: Plan, *, would: bool = False) -> str:
        return describe_refactor(plan, would=would)

    def preview(self, plan: Plan) -> int:
        code = super().preview(plan)
        self._print_unchanged(plan)
        return code

    def complete(self, plan: Plan, result: WriteResult) -> None:
        if self._choices.git and result.moved:
            self._unstaged = stage_moves(self._root, plan.files)

    def report(self, plan: Plan, result: WriteResult) -> int:
        terminal, skipped = self.terminal, plan.skipped
        if not print_document(
            terminal,
            self.output_format,
            lambda: render_plan(self.name, plan, skipped, result.run_id),
        ):
            listing = Listing(
                "edits",
                (),
                ChangedFile._fields,
                _TABLE if terminal.verbose else (),
                lines=list_changed_files(plan),
            )
            print_listing(terminal, self.output_format, listing)
        print_skipped_notes(skipped)
        is_written = bool(result.written or result.moved)
        if is_written:
            terminal.print_message(f"{self.describe(plan)} `vaultlink undo` reverts it.")
        elif result.run_id is not None:
            terminal.print_message(
                "The run was given up, and not all of it could be reverted. "
                "The next command that writes reverts the rest."
            )
        else:
            terminal.print_message("Nothing was written." if skipped else "Nothing changed.")
        self._print_unchanged(plan)
        if skipped and is_written:
            terminal.print_message(
                "When the skipped notes can be written, run the same command again to complete it."
            )
        if self._unstaged is not None:
            print_stderr(f"The moved files are not staged: {self._unstaged}")
        if skipped and not is_written:
            return EXIT_ERROR
        return EXIT_FINDINGS if skipped or self._unstaged is not None else EXIT_CLEAN

    def _print_unchanged(self, plan: Plan) -> None:
        text = list_unchanged(plan.unchanged, self._show_path, all_of_them=self.terminal.verbose)
        if text:
            self.terminal.print_message(f"{text}\n{self._hint}" if self._hint else text)


def _describe_skipped(plan: Plan) -> str:
    """Return why a refactoring is refused that would have to leave out notes."""
    named = [f"{note.path} can't be changed: {note.reason}" for note in plan.skipped[:_MOST_NAMED]]
    others = len(plan.skipped) - len(named)
    more = f" {others:,} more can't be changed either." if others else ""
    return (
        f"{'. '.join(named)}.{more} Nothing was written. "
        "--skip-unwritable leaves out what can't be changed."
    )
