"""`vaultlink fix`: apply fixes on disk; report what was fixed and what remains."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, replace_state
from vaultlink.baseline.match import KnownFindings, KnownSplit, split_known
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INTERRUPTED
from vaultlink.cli.fix_answers import parse_fix_answers
from vaultlink.cli.known import find_known_sources, make_new_finding_selector, select_revision_known
from vaultlink.cli.mention_fixes import (
    NO_MENTIONS,
    MentionFixes,
    plan_mention_fixes,
    reject_mention_conflicts,
)
from vaultlink.cli.next_steps import propose_after_fix
from vaultlink.cli.options import FixSelectionOptions, option
from vaultlink.cli.results import (
    CheckedVault,
    choose_exit_code,
    render_results,
    split_findings,
)
from vaultlink.cli.stdin import find_start_path, reads_stdin, select_vault_paths, with_stdin_text
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import (
    find_vault_root,
    make_path_filter,
    open_scanned_vault,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.write_run import (
    InterviewStopped,
    hold_write_lock,
    print_skipped_notes,
    write_fixes,
)
from vaultlink.errors import UsageError
from vaultlink.fix.loop import FixPlan
from vaultlink.fix.resolved import find_resolved
from vaultlink.fix.select import FindingWithFix, allowed_fixes
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import is_note
from vaultlink.report.concise import summarize_check
from vaultlink.report.fix_summary import (
    count_fixed_by_rule,
    describe_fixed,
    describe_skipped,
    fixed_row,
    render_examples,
    skipped_rows,
)
from vaultlink.report.known_counts import describe_known
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.apply import remaining_state
from vaultlink.write.strays import sweep_strays
from vaultlink.write.write import WriteResult

if TYPE_CHECKING:
    from vaultlink.cli.allowed_topics import AllowedTopics


class FixOptions(FixSelectionOptions, frozen=True, kw_only=True):
    """Options of `fix`."""

    interactive: Annotated[
        bool,
        option(
            "-i",
            "--interactive",
            help="Ask for each cause of findings how to fix it, as `git add -p` does.",
        ),
    ] = False
    mentions: Annotated[
        bool,
        option(
            "--mentions",
            help="Also link unlinked mentions that are certain; see `vaultlink mentions`.",
        ),
    ] = False


def fix(options: FixOptions) -> int:
    """Apply all safe fixes, including those of backlinks sections.

    A safe fix changes the destination of no link except those that the finding is about, and no
    text that a link displays. `vaultlink undo` reverts a run. A note is skipped, and named, if it
    changes during the run, is read-only or is in a sync conflict. Remaining findings are reported
    as by `vaultlink check`. The exit code is 1 if errors, warnings (see --fail-on) or skipped notes
    remain (with --diff: if anything would change), 2 after a usage or configuration error, else 0.

    With --changed-since, only findings that changes since that revision caused are fixed. A text on
    standard input is printed with fixes applied, and nothing is written.

    Output formats: {formats}. The default is full (what was fixed) on a terminal and concise
    (what remains) elsewhere.
    """
    return run_fix(options)


def run_fix(options: FixSelectionOptions) -> int:
    """Fix the vault, or print what fixing would change.

    Only one run at a time writes to a vault. The lock is not held while waiting for the user or
    while printing results.
    """
    terminal = Terminal(options)
    output_format = terminal.choose_finding_format()
    is_interactive, is_stdin = (
        isinstance(options, FixOptions) and options.interactive,
        reads_stdin(options),
    )
    if is_interactive and is_stdin:
        raise UsageError(
            "--interactive and --stdin-filename can't be used together: both read standard input."
        )
    if isinstance(options, FixOptions) and options.mentions:
        reject_mention_conflicts(options, is_interactive=is_interactive)
    if is_interactive:
        with hold_write_lock(terminal, find_vault_root(options, find_start_path(options))):
            pass  # interrupted runs are reverted before the vault is read
    if options.diff or is_interactive or is_stdin:
        try:
            fix_run = _plan_and_write(options, terminal, is_interactive)
        except InterviewStopped:
            print_stderr("Stopped: nothing was written.")
            return EXIT_INTERRUPTED
    else:
        root = find_vault_root(options, find_start_path(options))
        with hold_write_lock(terminal, root):
            fix_run = _plan_and_write(options, terminal, is_interactive)
    if fix_run.result:
        return _report_fixes(options, terminal, output_format, fix_run)
    return (
        print_fix_diff(terminal, fix_run.vault, fix_run.plan, fix_run.allowed, fix_run.mentions)
        if options.diff
        else _print_fixed_stdin(options, terminal, fix_run)
    )


class _FixRun(NamedTuple):
    """A vault, its known findings and its fix plan.

    `result` is None in a dry run. `allowed` are topics that the run allows in the configuration,
    `mentions` the mentions that it links; they are part of the plan.
    """

    vault: Vault
    known: Sequence[KnownFindings]
    plan: FixPlan
    result: WriteResult | None
    allowed: "AllowedTopics | None" = None
    mentions: MentionFixes = NO_MENTIONS


def _plan_and_write(
    options: FixSelectionOptions, terminal: Terminal, is_interactive: bool
) -> _FixRun:
    """Plan the fixes and, except in a dry run, write them.

    Raises InterviewStopped if the user stops an interactive run before it writes.
    """
    try:
        fix_run = _plan_fixes(options, terminal, is_interactive)
    except KeyboardInterrupt:
        if is_interactive:
            raise InterviewStopped from None
        raise
    if options.diff or reads_stdin(options):
        return fix_run
    vault, plan, allowed = fix_run.vault, fix_run.plan, fix_run.allowed
    with hold_write_lock(terminal, vault.root) if is_interactive else nullcontext():
        summary = describe_fixed(
            count_fixed_by_rule(find_resolved(plan).fixes),
            fix_run.mentions.count_fixed_notes(plan.texts),
        )
        summary = fix_run.mentions.extend_sentence(summary)
        if allowed:
            summary = f"{allowed.describe()} {summary}" if plan.texts else allowed.describe()
        result = write_fixes(terminal, vault, plan, summary, [allowed.write] if allowed else ())
        result = replace(result, skipped=(*fix_run.mentions.skipped, *result.skipped))
    return fix_run._replace(result=result)


def _plan_fixes(options: FixSelectionOptions, terminal: Terminal, is_interactive: bool) -> _FixRun:
    """Plan the fixes that the options or the user choose. Writes no note."""
    scan = scan_from_options(options, find_start_path(options))
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    if not (options.diff or is_interactive or reads_stdin(options)):
        sweep_strays(scan.root, scan.listing.strays)
    known_sources = find_known_sources(options, scan)
    vault = with_stdin_text(options, open_scanned_vault(scan, terminal))
    vault, known = known_sources.load_known(vault)
    wanted, answers = (
        make_path_filter(select_vault_paths(options, scan.root)),
        parse_fix_answers(options, scan.root, is_interactive=is_interactive),
    )
    allowed = None
    if is_interactive:
        from vaultlink.cli.interactive import choose_fixes  # noqa: PLC0415 - needed interactively only

        findings = split_known(
            vault.state.diagnostics, select_revision_known(known), vault.text, wanted
        ).new
        chosen = choose_fixes(findings, terminal, vault, answers or FixAnswers())
        plan, allowed = vault.fixer.plan_chosen(chosen.fixes), chosen.allowed
    else:
        plan = vault.fixer.plan(
            allowed_fixes(vault.rules, vault.config, unsafe=options.unsafe_fixes, wanted=wanted),
            answers,
            make_new_finding_selector(known, vault, wanted),
        )
    if isinstance(options, FixOptions) and options.mentions:
        mentions, plan = plan_mention_fixes(vault, plan, wanted)
        return _FixRun(vault, known, plan, None, allowed, mentions)
    return _FixRun(vault, known, plan, None, allowed)


def _report_fixes(
    options: FixSelectionOptions, terminal: Terminal, output_format: str, fix_run: _FixRun
) -> int:
    """Print what was fixed, skipped, and what remains; return the exit code."""
    plan, result = fix_run.plan, fix_run.result
    assert result
    written = [path for path in result.written if path in plan.texts]
    after = replace(
        replace_state(fix_run.vault, remaining_state(plan, result.written)),
        overlays={path: fix_run.vault.fixer.encode(path, plan.texts[path][1]) for path in written},
    )
    allowed = fix_run.allowed if len(written) < len(result.written) else None
    if allowed:  # the settings have changed, so everything is checked anew
        after = open_scanned_vault(scan_from_options(options, find_start_path(options)), terminal)
    checked = _split_remaining(options, output_format, fix_run, after)
    remaining = checked.split
    resolved = find_resolved(plan)
    early, late = (
        _select_written(fixes, result)
        for fixes in (
            resolved.fixes[: resolved.first_round_count],
            resolved.fixes[resolved.first_round_count :],
        )
    )
    fixes = early + late
    mentions = fix_run.mentions.select_written(written)
    row = fixed_row(
        fixes, written, result.run_id, skipped_rows(result.skipped), len(mentions.linked)
    )
    shows_examples = output_format == "full" and not options.statistics
    if shows_examples:
        terminal.print_results(
            render_examples(fixes, len(early), plan.texts, terminal.width, terminal.palette)
        )
    else:
        results = render_results(options, terminal, output_format, checked, {"fixed": row})
        terminal.print_results(terminal.encode_results(results, output_format))
    print_skipped_notes(result.skipped)
    notes = mentions.count_fixed_notes(written)
    fixed = describe_skipped(len(row.left), len(fixes)) or describe_fixed(
        row.by_rule, notes, brief=shows_examples
    )
    is_interactive = isinstance(options, FixOptions) and options.interactive
    fixed = mentions.extend_sentence(fixed)
    if allowed:
        fixed = f"{allowed.describe()} {fixed}" if plan.texts else allowed.describe()
    for sentence in (
        fixed + (" `vaultlink undo` reverts it." if row.run else ""),
        *_summarize(after, remaining),
        ""
        if terminal.quiet
        else propose_after_fix(
            options, checked, interactive=is_interactive, listed=not shows_examples
        ),
    ):
        if sentence:
            terminal.print_message(sentence)
    return max(
        choose_exit_code(options, {item.severity for item in remaining.new}),
        EXIT_FINDINGS if result.skipped else EXIT_CLEAN,
    )


def _split_remaining(
    options: FixSelectionOptions, output_format: str, fix_run: _FixRun, after: Vault
) -> CheckedVault:
    """Split the remaining findings at the paths that the command is about."""
    wanted = make_path_filter(select_vault_paths(options, after.root))
    return split_findings(options, output_format, after, fix_run.known, wanted)


def _summarize(after: Vault, remaining: KnownSplit) -> list[str]:
    return [
        summarize_check(
            remaining.new, sum(map(is_note, after.index.files)), remaining.known_counts
        ),
        *map(describe_known, remaining.known_counts),
    ]


def _print_fixed_stdin(options: FixSelectionOptions, terminal: Terminal, fix_run: _FixRun) -> int:
    """Print the text on standard input with fixes applied; report what remains."""
    [(path, data)] = fix_run.vault.overlays.items()
    fixed = (
        fix_run.vault.fixer.encode(path, fix_run.plan.texts[path][1])
        if path in fix_run.plan.texts
        else data
    )
    after = replace(replace_state(fix_run.vault, fix_run.plan.after), overlays={path: fixed})
    remaining = _split_remaining(options, "concise", fix_run, after).split
    terminal.print_results(fixed)
    print_skipped_notes((*fix_run.mentions.skipped, *fix_run.vault.fixer.skipped(fix_run.plan)))
    fixed_sentence = describe_fixed(
        count_fixed_by_rule(find_resolved(fix_run.plan).fixes),
        fix_run.mentions.count_fixed_notes(fix_run.plan.texts),
    )
    for sentence in (
        fix_run.mentions.extend_sentence(fixed_sentence),
        *_summarize(after, remaining),
    ):
        if sentence:
            terminal.print_message(sentence)
    return max(
        choose_exit_code(options, {item.severity for item in remaining.new}),
        EXIT_FINDINGS if fix_run.plan.broken_promises else EXIT_CLEAN,
    )


def _select_written(fixes: Sequence[FindingWithFix], result: WriteResult) -> list[FindingWithFix]:
    """Return the fixes in notes that were written."""
    paths = frozenset(result.written)
    return [(item, fix) for item, fix in fixes if any(edit.path in paths for edit in fix.edits)]


def print_fix_diff(
    terminal: Terminal,
    vault: Vault,
    plan: FixPlan,
    allowed: "AllowedTopics | None" = None,
    mentions: MentionFixes = NO_MENTIONS,
) -> int:
    """Print a unified diff of what would be written; return the exit code."""
    changes = [(path, *texts) for path, texts in plan.texts.items()]
    changes += [allowed.text_change()] if allowed else []
    terminal.print_diff(unified_diff(sorted(changes), terminal.palette))
    print_skipped_notes((*mentions.skipped, *vault.fixer.skipped(plan)))
    sentence = describe_fixed(
        count_fixed_by_rule(find_resolved(plan).fixes),
        mentions.count_fixed_notes(plan.texts),
        would=True,
    )
    terminal.print_message(mentions.extend_sentence(sentence, would=True))
    return EXIT_FINDINGS if changes or plan.broken_promises else EXIT_CLEAN
