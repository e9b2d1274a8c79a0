"""`vaultlink baseline`: record findings, so that `check` reports only new ones."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.baseline.file import (
    Baseline,
    findings_in_baseline,
    format_baseline,
    read_baseline_file,
    record_baseline,
)
from vaultlink.baseline.match import (
    FindingKey,
    KnownSplit,
    finding_keys,
    split_known,
)
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import RuleSelectionOptions, argument, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import (
    find_vault_root,
    open_scanned_vault,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.write_run import hold_write_lock, write_vault_files
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.errors import UsageError, VaultError
from vaultlink.model import Diagnostic
from vaultlink.report.layout import format_count
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.strays import sweep_strays
from vaultlink.write.write import PendingWrite


class BaselineOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Options of `baseline`."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None
    prune: Annotated[
        bool, option("--prune", help="Remove findings that are no longer found; add none.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print a unified diff of the changes; write nothing.",
        ),
    ] = False


def baseline(options: BaselineOptions) -> int:
    """Record current findings, so that `check` reports only new ones.

    The baseline is the file .vaultlink-baseline.json in the vault's folder. Put it under version
    control. A finding stays known if lines move, if other text is edited, or if git detects that
    its note was renamed. After findings were fixed, --prune removes them from the baseline, so that
    they are reported if they come back. A baseline is valid for the settings that it was made with;
    with other settings `check` exits with 2 and names the difference.

    Output formats: none. Prints the path of the file, or with --diff the changes in it.
    """
    terminal = Terminal(options)
    if options.diff:
        return _update_baseline(options, terminal)
    with hold_write_lock(terminal, find_vault_root(options, options.folder)):
        return _update_baseline(options, terminal)


def _update_baseline(options: BaselineOptions, terminal: Terminal) -> int:
    scan = scan_from_options(options, options.folder)
    terminal.check_output_file(scan.root)
    warn_of_scan(scan, terminal)
    if not options.diff:
        sweep_strays(scan.root, scan.listing.strays)
    before = read_baseline_file(scan.root)
    if options.prune and before is None:
        raise UsageError(
            f"{scan.root / BASELINE_FILE}: there is no baseline to prune. "
            "`vaultlink baseline` creates one."
        )
    vault = open_scanned_vault(scan, terminal)
    updated, summary = (
        _prune_baseline(vault, before)
        if options.prune and before is not None
        else _build_baseline(vault)
    )
    text = format_baseline(updated)
    if b"\r\n" in (before or b""):  # a checkout with CRLF line endings, as on Windows
        text = text.replace("\n", "\r\n")
    if options.diff:
        old_text = None if before is None else before.decode("utf-8", "replace")
        terminal.print_diff(unified_diff([(BASELINE_FILE, old_text, text)], terminal.palette))
        terminal.print_message(summary)
        return EXIT_CLEAN if old_text == text else EXIT_FINDINGS
    if before != text.encode():
        _write_baseline(vault, before, text, summary)
    terminal.print_results(f"{scan.root / BASELINE_FILE}\n")
    terminal.print_message(summary)
    return EXIT_CLEAN


def _build_baseline(vault: Vault) -> tuple[Baseline, str]:
    """Return a baseline of all current findings, and a sentence on it."""
    keys = {
        path: finding_keys(items, vault.text) for path, items in vault.state.diagnostics.items()
    }
    rules = Counter(item.rule for item in vault.diagnostics())
    total = format_count(rules.total(), "finding")
    places = (
        f" of {format_count(len(rules), 'rule')} in {format_count(len(keys), 'file')}"
        if rules
        else ""
    )
    return record_baseline(vault.state.settings, keys), f"The baseline contains {total}{places}."


def _prune_baseline(vault: Vault, before: bytes) -> tuple[Baseline, str]:
    """Return the baseline without resolved findings, and a sentence on it."""
    split = split_known(
        vault.state.diagnostics,
        [findings_in_baseline(vault, before)],
        vault.text,
        lambda _path: True,
    )
    [count] = split.known_counts
    remaining = format_count(count.left, "finding")
    if count.gone:
        removed = format_count(count.gone, "finding that is", "findings that are")
        sentence = f"Removed {removed} no longer found; the baseline keeps {remaining}."
    else:
        sentence = f"Nothing to prune: the baseline keeps {remaining}."
    if split.new:
        new = format_count(len(split.new), "current finding is", "current findings are")
        sentence += f" {new} not in it."
    return record_baseline(vault.state.settings, _key_findings(vault, split)), sentence


def _key_findings(vault: Vault, split: KnownSplit) -> Mapping[str, Sequence[FindingKey]]:
    known: dict[str, list[Diagnostic]] = {}
    for item in split.known:
        known.setdefault(item.path, []).append(item)
    return {path: finding_keys(items, vault.text) for path, items in known.items()}


def _write_baseline(vault: Vault, before: bytes | None, text: str, summary: str) -> None:
    """Write the file, and record the run in the journal for `vaultlink undo`."""
    result = write_vault_files(
        vault.root, [PendingWrite(BASELINE_FILE, before, text.encode())], summary
    )
    for skipped_note in result.skipped:
        raise VaultError(f"{vault.root / BASELINE_FILE}: not written: {skipped_note.reason}.")
