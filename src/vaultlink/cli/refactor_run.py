"""Plan a refactoring, and write it or print what it would change."""

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

from msgspec.structs import replace

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
from vaultlink.fix.sources import FixSources
from vaultlink.git.location import find_work_tree
from vaultlink.model import SkippedNote
from vaultlink.refactor.expansion import list_obsolete_folders
from vaultlink.refactor.plan import RefactorPlan, RefusedError, Rename
from vaultlink.refactor.refusals import refuse_new_note, refuse_renames
from vaultlink.report.refactor_result import (
    describe_refactor,
    list_captured,
    list_changed_files,
    list_mentions,
    render_refactor,
)
from vaultlink.report.unified_diff import unified_diff
from vaultlink.rules.portable_names import read_name_limits
from vaultlink.write.apply import AnalysedTexts, make_fix_sources
from vaultlink.write.git_moves import stage_moves
from vaultlink.write.strays import sweep_strays
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


class RefactorRun(NamedTuple):
    """A vault, its texts as analysed, and a refactoring of it."""

    vault: Vault
    texts: AnalysedTexts
    plan: RefactorPlan


MakePlan = Callable[[Vault, FixSources], RefactorPlan]
"""Plans a refactoring. Raises UsageError if it can't be made."""


def run_refactor(options: RefactorOptions, make_plan: MakePlan) -> int:
    """Run a command that renames; return the exit code.

    Nothing is written if `make_plan` raises an error. Only one run at a time writes to a vault.
    """
    terminal = Terminal(options)
    output_format = terminal.choose_format(LISTING_FORMATS, "table", "table")
    if options.diff:
        return _print_preview(terminal, output_format, _plan(options, terminal, make_plan))
    root = find_vault_root(options)
    if options.git and find_work_tree(root) is None:
        raise UsageError(f"--git: {root} is not in a git work tree. Nothing was written.")
    with hold_write_lock(terminal, root):
        run = _plan(options, terminal, make_plan)
        plan = run.plan
        _print_captured(terminal, run)
        result = write_refactor(
            terminal,
            root,
            plan,
            run.texts.encode_text,
            describe_refactor(plan, run.vault.index),
            list_obsolete_folders(plan),
        )
        unstaged = stage_moves(root, plan.files) if options.git and result.moved else None
    code = _report_written(terminal, output_format, run, result)
    if unstaged is None:
        return code
    print_stderr(f"The moved files are not staged: {unstaged}")
    return max(code, EXIT_FINDINGS)


def check_renames(vault: Vault, renames: Sequence[Rename], *, merge: bool = False) -> None:
    """Refuse renames that can't be made. Raises RefusedError."""
    limits = read_name_limits(vault.config.options)
    refuse_renames(renames, vault.index, ask_disk(vault.root), limits, merge=merge)


def check_new_note(vault: Vault, path: str) -> None:
    """Refuse to create a note at a path. Raises RefusedError."""
    limits = read_name_limits(vault.config.options)
    refuse_new_note(path, vault.index, ask_disk(vault.root), limits)


def _plan(options: RefactorOptions, terminal: Terminal, make_plan: MakePlan) -> RefactorRun:
    """Open the vault and plan the refactoring."""
    scan = scan_from_options(options)
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    if not options.diff:
        sweep_strays(scan.root, scan.listing.strays)
    vault, texts = open_scanned_vault(scan, terminal), AnalysedTexts(scan)
    try:
        plan = make_plan(vault, make_fix_sources(scan, texts, None))
    except RefusedError as error:
        ending = "" if "othing was written" in str(error) else " Nothing was written."
        raise RefusedError(f"{error}{ending}") from None
    return RefactorRun(vault, texts, plan)


def _name_reasons(run: RefactorRun) -> tuple[SkippedNote, ...]:
    """Return the skipped notes of a plan, each with a reason."""
    reasons = run.texts.skip_reasons
    return tuple(
        [
            item
            if item.reason
            else SkippedNote(item.path, reasons.get(item.path, "it can't be read"))
            for item in run.plan.skipped
        ]
    )


def _print_preview(terminal: Terminal, output_format: str, run: RefactorRun) -> int:
    """Print what would change; return the exit code."""
    plan, skipped = run.plan, _name_reasons(run)
    if output_format == "json":
        terminal.print_results(render_refactor(plan, run.texts.encode_text, skipped))
    else:
        changes = [
            (path, _decode_bytes(run, path, old), _decode_bytes(run, path, new))
            for path, (old, new) in sorted(plan.texts.items())
        ]
        terminal.print_diff(unified_diff(changes, terminal.palette, plan.files))
    _print_captured(terminal, run)
    print_skipped_notes(skipped)
    terminal.print_message(describe_refactor(plan, run.vault.index, would=True))
    _print_mentions(terminal, run)
    return EXIT_FINDINGS if plan.texts or plan.moves or skipped else EXIT_CLEAN


def _decode_bytes(run: RefactorRun, path: str, text: str | None) -> str | None:
    """Return a text with the byte order mark that its file has.

    A diff without it could not be applied.
    """
    return None if text is None else run.texts.encode_text(path, text).decode()


def _report_written(
    terminal: Terminal,
    output_format: str,
    run: RefactorRun,
    result: WriteResult,
) -> int:
    """Print what was written and what was not; return the exit code."""
    plan, skipped = run.plan, (*_name_reasons(run), *result.skipped)
    done = _reduce_to_written(plan, result)
    if output_format == "json":
        terminal.print_results(
            render_refactor(
                plan, run.texts.encode_text, skipped, frozenset(result.written), result.run_id
            )
        )
    elif output_format == "tsv":
        print_lines(terminal, COLUMNS, list_changed_files(done))
    elif terminal.verbose:
        print_rows(terminal, HEADER, list_changed_files(done), "")
    print_skipped_notes(skipped)
    if result.run_id is None:
        terminal.print_message("Nothing was written." if skipped else "Nothing changed.")
    elif not result.written and not result.moved:
        terminal.print_message(
            "The run was given up, and not all of it could be reverted. "
            f"`vaultlink undo {result.run_id}` reverts the rest."
        )
    else:
        sentence = describe_refactor(done, run.vault.index)
        terminal.print_message(f"{sentence} `vaultlink undo` reverts it.")
    _print_mentions(terminal, run)
    if skipped and result.run_id is not None:
        terminal.print_message(
            "When the skipped notes can be written, run the same command again to complete it."
        )
    return EXIT_FINDINGS if skipped else EXIT_CLEAN


def _reduce_to_written(plan: RefactorPlan, result: WriteResult) -> RefactorPlan:
    """Return the part of a plan that was carried out."""
    written = frozenset(result.written)
    return replace(
        plan,
        files=plan.files if result.moved or not plan.moves else {},
        edits={path: edits for path, edits in plan.edits.items() if path in written},
        texts={path: pair for path, pair in plan.texts.items() if path in written},
    )


def _print_captured(terminal: Terminal, run: RefactorRun) -> None:
    lines = list_captured(
        run.plan.captured, make_path_formatter(run.vault.root), all_of_them=terminal.verbose
    )
    for line in lines:
        terminal.print_message(line)


def _print_mentions(terminal: Terminal, run: RefactorRun) -> None:
    lines = list_mentions(
        run.plan.mentions, make_path_formatter(run.vault.root), all_of_them=terminal.verbose
    )
    for line in lines:
        terminal.print_message(line)
