"""Plan a refactoring, and write it or print what it would change."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from vaultlink.api import Vault
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import LISTING_FORMATS, print_lines, print_rows
from vaultlink.cli.options import OpenOptions, option
from vaultlink.cli.shown_paths import make_path_formatter
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import (
    find_vault_root,
    open_scanned_vault,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.write_run import hold_write_lock, print_skipped_notes, write_refactor
from vaultlink.disk.rename_questions import ask_disk
from vaultlink.errors import UsageError
from vaultlink.git.location import find_work_tree
from vaultlink.model import SkippedNote
from vaultlink.refactor.expansion import list_obsolete_folders
from vaultlink.refactor.plan import RefactorPlan, Rename
from vaultlink.refactor.refusals import refuse_renames
from vaultlink.report.refactor_result import (
    describe_refactor,
    list_captured,
    list_changed_files,
    list_mentions,
    render_refactor,
)
from vaultlink.report.unified_diff import unified_diff
from vaultlink.rules.file_names import read_name_limits
from vaultlink.write.apply import AnalysedTexts
from vaultlink.write.git_moves import stage_moves
from vaultlink.write.strays import sweep_strays
from vaultlink.write.undo import revert_interrupted
from vaultlink.write.write import WriteResult

COLUMNS = ("path", "new_path", "edits")
HEADER = ("file", "becomes", "edits")


class RefactorOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of commands that rename."""

    diff: Annotated[
        bool,
        option("--diff", "--dry-run", help="Print a unified diff of the changes; write nothing."),
    ] = False
    git: Annotated[bool, option("--git", help="Stage the new paths of files that git tracks.")] = (
        False
    )


class RefactorRequest(NamedTuple):
    """A vault, its texts as analysed, and what to rename in it."""

    vault: Vault
    texts: AnalysedTexts
    renames: tuple[Rename, ...]
    merge: bool = False


ReadRenames = Callable[[Vault], tuple[Rename, ...]]
PlanRefactor = Callable[[RefactorRequest], RefactorPlan]


def run_refactor(
    options: RefactorOptions, read: ReadRenames, plan_all: PlanRefactor, *, merge: bool = False
) -> int:
    """Run a command that renames; return the exit code.

    `read` returns the renames, and `plan_all` plans them. Nothing is written if one of them raises
    an error. Only one run at a time writes to a vault.
    """
    terminal = Terminal(options)
    output_format = terminal.choose_format(LISTING_FORMATS, "table", "table")
    if options.diff:
        request = _open_request(options, terminal, read, merge=merge)
        return _print_preview(terminal, output_format, request, plan_all(request))
    root = find_vault_root(options)
    if options.git and find_work_tree(root) is None:
        raise UsageError(f"--git: {root} is not in a git work tree. Nothing was written.")
    with hold_write_lock(terminal, root):
        if revert_interrupted(root):
            terminal.print_message("Reverted a run that was interrupted.")
        request = _open_request(options, terminal, read, merge=merge)
        plan = plan_all(request)
        _print_captured(terminal, request.vault, plan)
        result = write_refactor(
            terminal,
            root,
            plan,
            request.texts.encode_text,
            describe_refactor(plan, request.vault.index),
            list_obsolete_folders(plan),
        )
        unstaged = stage_moves(root, plan.files) if options.git and result.moved else None
    code = _report_written(terminal, output_format, request, plan, result)
    if unstaged is None:
        return code
    print_stderr(f"The moved files are not staged: {unstaged}")
    return max(code, EXIT_FINDINGS)


def _open_request(
    options: RefactorOptions, terminal: Terminal, read: ReadRenames, *, merge: bool
) -> RefactorRequest:
    """Open the vault, read the arguments, and refuse what can't be renamed."""
    scan = scan_from_options(options)
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    if not options.diff:
        sweep_strays(scan.root, scan.listing.strays)
    vault = open_scanned_vault(scan, terminal)
    renames = read(vault)
    limits = read_name_limits(vault.config.options)
    refuse_renames(renames, vault.index, ask_disk(scan.root), limits, merge=merge)
    return RefactorRequest(vault, AnalysedTexts(scan), renames, merge)


def _name_reasons(request: RefactorRequest, plan: RefactorPlan) -> tuple[SkippedNote, ...]:
    """Return the skipped notes of a plan, each with a reason."""
    reasons = request.texts.skip_reasons
    return tuple(
        [
            item
            if item.reason
            else SkippedNote(item.path, reasons.get(item.path, "it can't be read"))
            for item in plan.skipped
        ]
    )


def _print_preview(
    terminal: Terminal, output_format: str, request: RefactorRequest, plan: RefactorPlan
) -> int:
    """Print what would change; return the exit code."""
    index, skipped = request.vault.index, _name_reasons(request, plan)
    if output_format == "json":
        terminal.print_results(render_refactor(plan, request.texts.encode_text, skipped))
    else:
        changes = [
            (path, _decode_bytes(request, path, old), _decode_bytes(request, path, new))
            for path, (old, new) in sorted(plan.texts.items())
        ]
        terminal.print_diff(unified_diff(changes, terminal.palette, plan.files))
    _print_captured(terminal, request.vault, plan)
    print_skipped_notes(skipped)
    terminal.print_message(describe_refactor(plan, index, would=True))
    _print_mentions(terminal, request.vault, plan)
    return EXIT_FINDINGS if plan.texts or plan.moves or skipped else EXIT_CLEAN


def _decode_bytes(request: RefactorRequest, path: str, text: str | None) -> str | None:
    """Return a text with the byte order mark that its file has.

    A diff without it could not be applied.
    """
    return None if text is None else request.texts.encode_text(path, text).decode()


def _report_written(
    terminal: Terminal,
    output_format: str,
    request: RefactorRequest,
    plan: RefactorPlan,
    result: WriteResult,
) -> int:
    """Print what was written and what was not; return the exit code."""
    skipped = (*_name_reasons(request, plan), *result.skipped)
    if output_format == "json":
        terminal.print_results(
            render_refactor(
                plan, request.texts.encode_text, skipped, frozenset(result.written), result.run_id
            )
        )
    elif output_format == "tsv":
        print_lines(terminal, COLUMNS, list_changed_files(plan))
    elif terminal.verbose:
        print_rows(terminal, HEADER, list_changed_files(plan), "")
    print_skipped_notes(skipped)
    if result.run_id is None:
        terminal.print_message("Nothing was written." if skipped else "Nothing changed.")
    else:
        sentence = describe_refactor(plan, request.vault.index)
        terminal.print_message(f"{sentence} `vaultlink undo` reverts it.")
    _print_mentions(terminal, request.vault, plan)
    if skipped and result.run_id is not None:
        terminal.print_message("Run the same command again to complete it.")
    return EXIT_FINDINGS if skipped else EXIT_CLEAN


def _print_captured(terminal: Terminal, vault: Vault, plan: RefactorPlan) -> None:
    lines = list_captured(
        plan.captured, make_path_formatter(vault.root), all_of_them=terminal.verbose
    )
    for line in lines:
        terminal.print_message(line)


def _print_mentions(terminal: Terminal, vault: Vault, plan: RefactorPlan) -> None:
    lines = list_mentions(
        plan.mentions, make_path_formatter(vault.root), all_of_them=terminal.verbose
    )
    for line in lines:
        terminal.print_message(line)
