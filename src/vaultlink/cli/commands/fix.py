"""`vaultlink fix`: apply fixes, ask about them, and propose the next command."""

import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Annotated

from msgspec.structs import replace

from vaultlink.api import Vault, replace_state
from vaultlink.baseline.match import split_known
from vaultlink.cli.check_input import (
    find_known_inputs,
    find_start_paths,
    make_new_finding_selector,
    reads_stdin,
    select_revision_known,
    select_vault_paths,
    with_stdin_text,
)
from vaultlink.cli.check_output import CheckedVault
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.opening import open_scanned_vault, scan_from_options
from vaultlink.cli.options import FixSelectionOptions, option
from vaultlink.cli.proposed_commands import format_command_options, format_vault_option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.write_run import WritingCommand, print_skipped_notes, run_plan
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import edits_only_read, make_fix_filter
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import make_path_filter
from vaultlink.report import FORMATS
from vaultlink.report.changed_lines import (
    count_fixed_by_rule,
    describe_fixed,
    describe_skipped,
    fixed_row,
    render_examples,
    skipped_rows,
)
from vaultlink.report.groups import find_target_rules
from vaultlink.report.read_only_notes import describe_read_only
from vaultlink.write.settings_lists import SettingsChange
from vaultlink.write.write_notes import WriteResult

# -- choices on the command line for the unsafe fixes of unresolved topics -------------------------

_MAX_TEMPLATE_BYTES = 1_000_000
"""Bytes of the largest template that is read."""


def _parse_fix_answers(
    options: FixSelectionOptions, root: Path, *, is_interactive: bool = False
) -> FixAnswers | None:
    """Return the chosen fixes for unresolved topics; None without --unsafe-fixes.

    An interactive run asks about unsafe fixes, so it does not need that option.
    """
    if not (options.unsafe_fixes or is_interactive):
        return None
    template = FixAnswers().template
    if options.template:
        try:
            template = read_regular(options.template, _MAX_TEMPLATE_BYTES).decode()
        except OSError as error:
            raise UsageError(
                f"--template: {options.template} can't be read: {error.strerror or error}."
            ) from None
        except UnicodeDecodeError:
            raise UsageError(f"--template: {options.template} is not UTF-8.") from None
    folder = _resolve_create_folder(options.create, root) if options.create else None
    created = time.strftime("%Y-%m-%d") if options.created else None
    return FixAnswers(options.unlink, folder, template, created)


def _resolve_create_folder(folder: Path, root: Path) -> str:
    """Return a folder as a vault path with a final slash, "" for the root.

    The folder need not exist. Raises UsageError.
    """
    resolved = (folder if folder.is_absolute() else root / folder).resolve()
    if not resolved.is_relative_to(root):
        raise UsageError(f"--create: {folder} is outside the vault {root}.")
    path = resolved.relative_to(root).as_posix()
    if any(part.startswith(".") for part in resolved.relative_to(root).parts):
        raise UsageError(
            f"--create: {path} is hidden: Obsidian ignores names that begin with a dot."
        )
    return "" if path == "." else f"{path}/"


# -- the command that a fix run proposes for what it left ------------------------------------------


def _propose_after_fix(
    options: FixSelectionOptions, checked: "CheckedVault", *, interactive: bool, listed: bool
) -> str:
    """Return a sentence with the next command after a fix run; "" if nothing is left.

    `listed` says that the run has printed the remaining findings.
    """
    remaining, command_options = checked.split.new, format_command_options(options, checked.vault)
    if interactive and checked.forecast.safe:
        return f"`vaultlink fix{command_options}` fixes {checked.forecast.safe:,}."
    if not (interactive or options.unsafe_fixes):
        found = checked.forecast
        least = "at least " if found.has_guesses else ""
        if found.unsafe:
            return (
                f"`vaultlink fix --interactive{command_options}` asks about the rest; "
                f"--unsafe-fixes fixes {least}{found.unsafe:,}."
            )
    if not remaining or listed:
        return ""
    unresolved = find_target_rules(checked.vault.rules)
    if any(item.target and item.rule in unresolved for item in remaining):
        vault_option = format_vault_option(options, checked.vault.root)
        return f"`vaultlink unresolved{vault_option}` lists the unresolved links."
    return f"`vaultlink check{command_options}` shows them."


class FixOptions(FixSelectionOptions, frozen=True, kw_only=True):
    """Fixes: options of `fix`."""

    interactive: Annotated[
        bool,
        option(
            "Ask for each cause of findings how to fix it, as `git add -p` does; about safe "
            "fixes only with --select.",
            "-i",
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
    command = _FixCommand(options)
    if command.is_interactive and command.is_stdin:
        raise UsageError(
            "--interactive and --stdin-filename can't be used together: both read standard input."
        )
    return run_plan(command)


class _FixCommand(WritingCommand):
    """Fixes findings. With `is_stdin`, only the text on standard input is fixed, and printed."""

    def __init__(self, options: FixSelectionOptions):
        terminal = Terminal(options)
        terminal.choose_finding_format()
        super().__init__("fix", options, terminal)
        self._options = options
        self.is_stdin, self.start = reads_stdin(options), find_start_paths(options)
        self.is_interactive = isinstance(options, FixOptions) and options.interactive
        self.is_dry = options.diff or self.is_stdin
        self._allowed: SettingsChange | None = None
        self._has_asked = False

    def choose_written_format(self) -> str:
        """Return "" for a text on standard input: the text of a note is no output."""
        is_text = self.is_stdin and not self._options.diff
        return "" if is_text else super().choose_written_format()

    def identify_inputs(self, scan: VaultScan) -> str | None:
        """Return the options and the known findings, unless a text or a day is used."""
        options = self._options
        if self.is_stdin or options.template or options.created:
            return None
        return repr((options, find_known_inputs(options, scan).cache_key))

    def make_plan(self, scan: VaultScan) -> Plan:
        options = self._options
        known_inputs = find_known_inputs(options, scan)
        vault = with_stdin_text(options, open_scanned_vault(scan, self.terminal))
        self._vault, self._known, _ = known_inputs.load_known(vault)
        wanted = make_path_filter(select_vault_paths(options, scan.root))
        answers = _parse_fix_answers(options, scan.root, is_interactive=self.is_interactive)
        with self.terminal.progress_line("Planning fixes"):
            plan = (
                self._ask(wanted, answers or FixAnswers())
                if self.is_interactive
                else self._plan(wanted, answers)
            )
        self._fixed_paths = plan.texts.keys()
        self._only_read = self._describe_left_out(wanted)
        return plan.with_write(self._allowed.write) if self._allowed else plan

    def _plan(self, wanted: Callable[[str], bool], answers: FixAnswers | None) -> Plan:
        vault, unsafe = self._vault, self._options.unsafe_fixes
        return vault.fixer.plan(
            make_fix_filter(vault.rules, vault.config, unsafe=unsafe, wanted=wanted),
            answers,
            make_new_finding_selector(self._known, vault, wanted),
            is_preview=self._options.diff,
        )

    def _ask(self, wanted: Callable[[str], bool], answers: FixAnswers) -> Plan:
        from vaultlink.cli.interactive import choose_fixes  # noqa: PLC0415 - needed interactively only

        known = select_revision_known(self._known)
        split = split_known(self._vault.state.diagnostics, known, self._vault.text, wanted)
        chosen = choose_fixes(
            split.new, self.terminal, self._vault, answers, asks_all=bool(self._options.select)
        )
        self._allowed, self._has_asked = chosen.settings, chosen.has_asked
        return self._vault.fixer.plan_chosen(chosen.fixes)

    def _describe_left_out(self, wanted: Callable[[str], bool]) -> str:
        """Return a line about the notes that are only read, and so get no fixes."""
        vault, unsafe = self._vault, self._options.unsafe_fixes or self.is_interactive
        state, rules = vault.state, vault.state.settings.rules_by_name
        allowed = make_fix_filter(vault.rules, vault.config, unsafe=unsafe, wanted=wanted)
        paths = {
            item.path
            for item in chain.from_iterable(state.diagnostics.values())
            if (item.fix and allowed(item, item.fix) and edits_only_read(state, item.fix))
            or (unsafe and rules[item.rule].deferred_fix == "target")
        }
        return describe_read_only(state, filter(wanted, paths))

    def _print_only_read(self) -> None:
        if self._only_read:
            self.terminal.print_message(self._only_read)

    def describe(self, plan: Plan, *, would: bool = False, brief: bool = False) -> str:
        notes = len(self._fixed_paths & plan.texts.keys())
        fixed = describe_fixed(
            count_fixed_by_rule(plan.fixed_findings), notes, would=would, brief=brief
        )
        if not would:
            fixed = describe_skipped(len(plan.skipped), len(plan.fixed_findings)) or fixed
        if self._has_asked and not plan.fixed_findings and not plan.skipped:
            fixed = "Nothing was changed."
        allowed = self._describe_allowed(plan)
        if allowed and not self._fixed_paths & plan.texts.keys():
            fixed = ""
        return " ".join(filter(None, (allowed, fixed)))

    def _describe_allowed(self, plan: Plan) -> str:
        allowed = self._allowed
        return allowed.sentence if allowed and allowed.path in plan.texts else ""

    def preview(self, plan: Plan) -> int:
        """Print what would change, or the fixed text on standard input."""
        if not self._options.diff:
            return self._print_stdin(plan)
        self._print_only_read()
        code = super().preview(plan)
        return code if plan or plan.broken_promises else EXIT_CLEAN

    def report(self, plan: Plan, result: WriteResult) -> int:
        """Print what was fixed, skipped, and what remains; return the exit code."""
        options, terminal = self._options, self.terminal
        written = [
            path for path in plan.texts if self._allowed is None or path != self._allowed.path
        ]
        after = replace(
            replace_state(self._vault, plan.after),
            overlays={item.path: item.new or b"" for item in plan.writes() if item.path in written},
        )
        if self._describe_allowed(plan):  # the settings have changed, so everything is checked anew
            scan = scan_from_options(options, self.start)
            after = open_scanned_vault(scan, terminal, warns=False)
        checked = self._check(after)
        fixed = plan.fixed_findings
        row = fixed_row(fixed, written, result.run_id, skipped_rows(plan.skipped))
        shows_examples = FORMATS[terminal.output_format].is_detailed and not options.statistics
        if shows_examples:
            terminal.print_results(
                render_examples(
                    fixed, plan.early_count, plan.texts, terminal.width, terminal.palette
                )
            )
        else:
            terminal.print_results(checked.render({"fixed": row}))
        print_skipped_notes(plan.skipped)
        self._print_only_read()
        sentence = self.describe(plan, brief=shows_examples)
        terminal.print_message(sentence + (f" {self.describe_undo()}" if row.run else ""))
        self._print_remaining(checked)
        with terminal.progress_line("Counting what can be fixed"):
            advice = _propose_after_fix(
                options, checked, interactive=self.is_interactive, listed=not shows_examples
            )
        if advice and not terminal.quiet:
            terminal.print_message(advice)
            if shortened := checked.describe_shortened():
                terminal.print_message(shortened)
        return max(checked.exit_code, EXIT_FINDINGS if plan.skipped else EXIT_CLEAN)

    def _print_stdin(self, plan: Plan) -> int:
        """Print the text on standard input with fixes applied; report what remains."""
        [(path, data)] = self._vault.overlays.items()
        fixed = next((item.new for item in plan.writes() if item.path == path), data) or b""
        after = replace(replace_state(self._vault, plan.after), overlays={path: fixed})
        checked = self._check(after)
        self.terminal.print_results(fixed)
        print_skipped_notes(plan.skipped)
        self._print_only_read()
        self.terminal.print_message(self.describe(plan))
        self._print_remaining(checked)
        return max(checked.exit_code, EXIT_FINDINGS if plan.broken_promises else EXIT_CLEAN)

    def _check(self, after: Vault) -> CheckedVault:
        chosen = select_vault_paths(self._options, after.root)
        return CheckedVault(self._options, self.terminal, after, self._known, chosen)

    def _print_remaining(self, checked: CheckedVault) -> None:
        for sentence in checked.summarize():
            if sentence:
                self.terminal.print_message(sentence)
