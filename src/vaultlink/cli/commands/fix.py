"""`vaultlink fix`: repairs on disk, what was done on stdout and stderr, what remains in the exit code."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

from vaultlink.api import Vault, replace_state
from vaultlink.baseline.match import KnownFindings, KnownSplit, split_known
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.known import find_known_sources, make_new_finding_selector, select_revision_known
from vaultlink.cli.options import FixSelectionOptions, option
from vaultlink.cli.results import choose_exit_code, choose_finding_format, render_results
from vaultlink.cli.stdin import find_start_path, reads_stdin, select_vault_paths, with_stdin_text
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import (
    find_vault_root,
    make_path_filter,
    open_scanned_vault,
    scan_from_options,
    warn_unreadable_folders,
)
from vaultlink.cli.write_run import (
    hold_write_lock,
    print_skipped_notes,
    report_broken_promise,
    write_fixes,
)
from vaultlink.errors import UsageError
from vaultlink.fix.loop import FixPlan
from vaultlink.fix.select import FindingWithFix, allowed_fixes
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import is_note
from vaultlink.report.concise import summarize_check
from vaultlink.report.fix_summary import (
    count_fixed_by_rule,
    describe_fixed,
    describe_unsafe,
    fixed_row,
    render_examples,
    skipped_rows,
)
from vaultlink.report.known_counts import describe_known
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.apply import remaining_state
from vaultlink.write.write import WriteResult


@dataclass(frozen=True, kw_only=True)
class FixOptions(FixSelectionOptions):
    """What `fix` is told."""

    interactive: Annotated[
        bool,
        option(
            "-i",
            "--interactive",
            help="Go through the findings one by one and choose what is done.",
        ),
    ] = False


def fix(options: FixOptions) -> int:
    """Fix what can be fixed safely, backlinks sections included.

    A safe fix changes where no link leads but those it is about, and no word that a link shows. Every run can be undone
    with `vaultlink undo`. A note that changes meanwhile, is read-only or in a sync conflict is left alone and named. What
    remains is reported as by `vaultlink check`. The exit code is 0 if nothing remains, 1 if there are findings or notes
    left alone (with --diff: if anything would change), 2 if the command or a setting can't be followed.

    With --changed-since only what the changes since that revision brought about is fixed. A text on standard input is printed as
    fixing leaves it, and nothing is written.

    Output formats: {formats}. The default is full (what was fixed) on a terminal and concise
    (what remains) elsewhere.
    """
    return run_fix(options)


def run_fix(options: FixSelectionOptions) -> int:
    """Fix the vault, or print what fixing would change. Only one run writes in a vault at a time; somebody who takes time
    to choose, or to read what was done, is waited for by nobody."""
    terminal = Terminal(options)
    form = choose_finding_format(terminal)
    asking, standing = isinstance(options, FixOptions) and options.interactive, reads_stdin(options)
    if asking and standing:
        raise UsageError(
            "--interactive asks on standard input, --stdin-filename reads a note from it: choose one."
        )
    if options.diff or asking or standing:
        done = _plan_and_write(options, terminal, asking)
    else:
        with hold_write_lock(terminal, find_vault_root(options, find_start_path(options))):
            done = _plan_and_write(options, terminal, asking)
    if done.plan.broken_promise:
        return report_broken_promise(done.plan.broken_promise)
    if done.result:
        return _report_fixes(options, terminal, form, done)
    return (
        print_fix_diff(terminal, done.vault, done.plan)
        if options.diff
        else _print_fixed_stdin(options, terminal, done)
    )


class _FixRun(NamedTuple):
    """A vault, what is known of its findings, its repair, and what became of that on disk: nothing where it is only looked at,
    or was refused."""

    vault: Vault
    known: Sequence[KnownFindings]
    plan: FixPlan
    result: WriteResult | None


def _plan_and_write(options: FixSelectionOptions, terminal: Terminal, asking: bool) -> _FixRun:
    """Work a repair out and, unless it is only to be looked at, write it."""
    scan = scan_from_options(options, find_start_path(options))
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    gate = find_known_sources(options, scan)
    vault = with_stdin_text(options, open_scanned_vault(scan, terminal))
    known, wanted, answers = (
        gate.load_known(vault),
        make_path_filter(select_vault_paths(options, scan.root)),
        parse_fix_answers(options, scan.root),
    )
    if asking:
        from vaultlink.cli.interactive import choose_fixes  # noqa: PLC0415 - only where somebody answers

        asked = split_known(
            vault.state.diagnostics, select_revision_known(known), vault.text, wanted
        ).new
        plan = vault.fixer.plan_chosen(
            choose_fixes(asked, terminal, vault, answers or FixAnswers())
        )
    else:
        plan = vault.fixer.plan(
            allowed_fixes(vault.rules, vault.config, unsafe=options.unsafe_fixes, wanted=wanted),
            answers,
            make_new_finding_selector(known, vault, wanted),
        )
    if plan.broken_promise or options.diff or reads_stdin(options):
        return _FixRun(vault, known, plan, None)
    with hold_write_lock(terminal, scan.root) if asking else nullcontext():
        result = write_fixes(
            terminal,
            vault,
            plan,
            describe_fixed(count_fixed_by_rule(plan.fixed), len(plan.texts)),
        )
    return _FixRun(vault, known, plan, result)


def _report_fixes(
    options: FixSelectionOptions, terminal: Terminal, form: str, done: _FixRun
) -> int:
    """Tell what was done, what was left alone and what remains."""
    plan, result = done.plan, done.result
    assert result
    after = replace_state(done.vault, remaining_state(plan, result.skipped))
    left = _split_remaining(options, done, after)
    early, late = (
        _select_written(made, result)
        for made in (
            plan.fixed[: plan.first_round_count],
            plan.fixed[plan.first_round_count :],
        )
    )
    made = early + late
    row = fixed_row(made, result.written, result.run_id, skipped_rows(result.skipped))
    shown = form == "full" and not options.statistics
    if shown:
        terminal.print_results(
            render_examples(made, len(early), plan.texts, terminal.width, terminal.palette)
        )
    else:
        terminal.print_results(render_results(options, terminal, form, after, left, {"fixed": row}))
    print_skipped_notes(terminal, result.skipped)
    fixed = describe_fixed(row.by_rule, row.notes, brief=shown) + (
        " `vaultlink undo` takes it back." if row.run else ""
    )
    for sentence in (
        fixed,
        describe_unsafe(left.new, options.unsafe_fixes),
        *_summarise(after, left),
    ):
        if sentence:
            terminal.print_message(sentence)
    return max(choose_exit_code(options, left.new), EXIT_FINDINGS if result.skipped else EXIT_CLEAN)


def _split_remaining(options: FixSelectionOptions, done: _FixRun, after: Vault) -> KnownSplit:
    """What is still found, in the paths that the command is about."""
    return split_known(
        after.state.diagnostics,
        done.known,
        after.text,
        make_path_filter(select_vault_paths(options, after.root)),
    )


def _summarise(after: Vault, left: KnownSplit) -> list[str]:
    return [
        summarize_check(left.new, sum(map(is_note, after.index.files)), left.known_counts),
        *map(describe_known, left.known_counts),
    ]


def _print_fixed_stdin(options: FixSelectionOptions, terminal: Terminal, done: _FixRun) -> int:
    """Print the text that stood in for a note as fixing would leave it; tell what remains."""
    [(path, data)] = done.vault.overlays.items()
    fixed = (
        done.vault.fixer.encode(path, done.plan.texts[path][1]) if path in done.plan.texts else data
    )
    after = replace(replace_state(done.vault, done.plan.after), overlays={path: fixed})
    left = _split_remaining(options, done, after)
    terminal.print_results(fixed)
    print_skipped_notes(terminal, done.vault.fixer.skipped(done.plan))
    for sentence in (
        describe_fixed(count_fixed_by_rule(done.plan.fixed), len(done.plan.texts)),
        *_summarise(after, left),
    ):
        if sentence:
            terminal.print_message(sentence)
    return choose_exit_code(options, left.new)


def _select_written(made: Sequence[FindingWithFix], result: WriteResult) -> list[FindingWithFix]:
    """The fixes that reached the disk."""
    paths = frozenset(result.written)
    return [(item, fix) for item, fix in made if any(edit.path in paths for edit in fix.edits)]


def parse_fix_answers(options: FixSelectionOptions, root: Path) -> FixAnswers | None:
    """What to do about dangling topics; None if nothing."""
    if not options.unsafe_fixes:
        for name, given in (
            ("--unlink", options.unlink),
            ("--create", options.create),
            ("--template", options.template),
        ):
            if given:
                raise UsageError(f"{name} is an unsafe fix: it needs --unsafe-fixes too.")
        return None
    template = FixAnswers().template
    if options.template:
        try:
            template = options.template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--template: {options.template} can't be read: {error}.") from None
    folder = _resolve_create_folder(options.create, root) if options.create else None
    return FixAnswers(options.unlink, folder, template)


def _resolve_create_folder(given: Path, root: Path) -> str:
    """A folder in the vault, that need not be there yet, as a vault path with a slash behind it ("" for the root)."""
    place = (given if given.is_absolute() else root / given).resolve()
    if not place.is_relative_to(root):
        raise UsageError(f"--create: {given} lies outside the vault {root}.")
    path = place.relative_to(root).as_posix()
    if any(part.startswith(".") for part in place.relative_to(root).parts):
        raise UsageError(
            f"--create: Obsidian sees nothing in {path}, since its name begins with a dot."
        )
    return "" if path == "." else f"{path}/"


def print_fix_diff(terminal: Terminal, vault: Vault, plan: FixPlan) -> int:
    """Print what would be written."""
    terminal.print_results(
        unified_diff(
            [(path, *texts) for path, texts in sorted(plan.texts.items())], terminal.palette
        )
    )
    print_skipped_notes(terminal, vault.fixer.skipped(plan))
    terminal.print_message(
        describe_fixed(count_fixed_by_rule(plan.fixed), len(plan.texts), would=True)
    )
    return EXIT_FINDINGS if plan.texts else EXIT_CLEAN
