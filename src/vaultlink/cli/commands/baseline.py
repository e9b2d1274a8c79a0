"""`vaultlink baseline`: record findings, so that `check` reports only new ones."""

from collections import Counter
from pathlib import Path
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.baseline.file import (
    Baseline,
    findings_in_baseline,
    format_baseline,
    parse_baseline,
    read_baseline_file,
    record_baseline,
    update_baseline,
)
from vaultlink.baseline.match import finding_keys, split_known, update_known_keys
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listings import choose_document_format
from vaultlink.cli.opening import open_scanned_vault, start_at
from vaultlink.cli.options import DiffOption, RuleSelectionOptions, argument, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.write_run import WritingCommand, run_plan
from vaultlink.disk.scan import BASELINE_FILE, VaultScan
from vaultlink.engine.diagnostics import KnownSplit
from vaultlink.errors import UsageError, VaultError
from vaultlink.fix.plan import Plan
from vaultlink.index.resolve import is_any_path
from vaultlink.model import PendingWrite
from vaultlink.report.layout import format_count
from vaultlink.write.write_notes import WriteResult


class BaselineOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Options of `baseline`."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None
    prune: Annotated[bool, option("Remove findings that are no longer found; add none.")] = False
    diff: DiffOption = False


def baseline(options: BaselineOptions) -> int:
    """Record current findings, so that `check` reports only new ones.

    The baseline is the file .vaultlink-baseline.json in the vault's folder. Put it under version
    control. A finding stays known if lines move, if other text is edited, or if git detects that
    its note was renamed. After findings were fixed, --prune removes them from the baseline, so that
    they are reported if they come back. With --select, --ignore or --extend-select only findings of
    these rules are recorded or removed; those of other rules stay in the baseline. A baseline is
    valid for the settings that it was made with, apart from the rules; with other settings `check`
    exits with 2 and names the difference.

    Output formats: text, json (with --diff). Prints the path of the file, or the changes in it.
    """
    return run_plan(_BaselineCommand(options))


class _BaselineCommand(WritingCommand):
    def __init__(self, options: BaselineOptions):
        terminal = Terminal(options)
        choose_document_format(terminal)
        if not options.diff:
            terminal.refuse_format("only baseline --diff prints it", ("text",))
        super().__init__("baseline", options, terminal)
        self._prune, self.is_dry, self.start = options.prune, options.diff, start_at(options.folder)
        self._selects = bool(options.select or options.ignore or options.extend_select)

    def make_plan(self, scan: VaultScan) -> Plan:
        self._file, before = scan.root / BASELINE_FILE, read_baseline_file(scan.root)
        if self._prune and before is None:
            raise UsageError(
                f"{self._file}: there is no baseline to prune. `vaultlink baseline` creates one."
            )
        vault = open_scanned_vault(scan, self.terminal)
        if before is not None and (self._prune or self._selects):
            updated, self._summary = _update_baseline(vault, before, adds=not self._prune)
        else:
            updated, self._summary = _build_baseline(vault)
        text = format_baseline(updated)
        if b"\r\n" in (before or b""):  # a checkout with CRLF line endings, as on Windows
            text = text.replace("\n", "\r\n")
        plan = Plan(before=vault.state, after=vault.state, is_whole=True)
        return plan.with_write(PendingWrite(BASELINE_FILE, before, text.encode()))

    def describe(self, _plan: Plan, *, would: bool = False) -> str:  # noqa: ARG002
        """Return a sentence on the findings in the baseline."""
        return self._summary

    def report(self, plan: Plan, _result: WriteResult) -> int:
        for skipped_note in plan.skipped:
            raise VaultError(f"{self._file}: not written: {skipped_note.reason}.")
        self.terminal.print_results(f"{self._file}\n")
        self.terminal.print_message(self._summary)
        return EXIT_CLEAN


def _build_baseline(vault: Vault) -> tuple[Baseline, str]:
    """Return a baseline of all current findings, and a sentence on it."""
    found = vault.state.diagnostics
    keys = {path: finding_keys(items, vault.text) for path, items in found.items()}
    rules = Counter(item.rule for item in vault.diagnostics())
    sentence = f"The baseline contains {format_count(rules.total(), 'finding')}"
    if rules:
        sentence += f" of {format_count(len(rules), 'rule')} in {format_count(len(keys), 'file')}"
    return record_baseline(vault.state.settings, keys), f"{sentence}."


def _update_baseline(vault: Vault, before: bytes, *, adds: bool) -> tuple[Baseline, str]:
    """Return the baseline without resolved findings, and a sentence on it.

    With `adds`, the new findings are added. Findings of rules that do not run stay.
    """
    known, settings = findings_in_baseline(vault, before), vault.state.settings
    split = split_known(vault.state.diagnostics, [known], vault.text, is_any_path)
    keys, others = update_known_keys(vault.state.diagnostics, known, vault.text, adds=adds)
    baseline = update_baseline(parse_baseline(vault.root, before), settings, keys, adds=adds)
    sentences = [
        _describe_update(split, format_count(sum(map(len, keys.values())), "finding"), adds=adds)
    ]
    if others:
        kept = format_count(others, "of them is", "of them are")
        sentences.append(f"{kept} of rules that do not run.")
    if split.new and not adds:
        new = format_count(len(split.new), "current finding is", "current findings are")
        sentences.append(f"{new} not in it.")
    return baseline, " ".join(sentences)


def _describe_update(split: KnownSplit, remaining: str, *, adds: bool) -> str:
    [count] = split.known_counts
    removed = format_count(count.gone, "finding that is", "findings that are")
    if adds:
        changes = f"added {len(split.new):,}, removed {count.gone:,} no longer found"
        return f"The baseline contains {remaining}: {changes}."
    if count.gone:
        return f"Removed {removed} no longer found; the baseline keeps {remaining}."
    return f"Nothing to prune: the baseline keeps {remaining}."
