"""`vaultlink baseline`: records what is found today, so that `check` reports only what is new."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    BASELINE_FILE,
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
    warn_unreadable_folders,
)
from vaultlink.cli.write_run import hold_write_lock, write_vault_files
from vaultlink.errors import UsageError, VaultError
from vaultlink.model import Diagnostic
from vaultlink.report.layout import format_count
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.write import PendingWrite


@dataclass(frozen=True, kw_only=True)
class BaselineOptions(RuleSelectionOptions):
    """What `baseline` is told."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None
    prune: Annotated[
        bool, option("--prune", help="Take out what is gone by now, and add nothing.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be format_baseline as a unified_diff diff, and write nothing.",
        ),
    ] = False


def baseline(options: BaselineOptions) -> int:
    """Record today's findings, so that `check` reports only new ones.

    They are kept in the vault's folder, in .vaultlink-baseline.json: put it under version control. A finding stays known when
    lines move, other things are edited, or git sees its note renamed. Once findings are gone, --prune takes them out, so that
    they can't come back unseen. A baseline holds under the settings it was made with; under others `check` ends with 2 and says
    what differs.

    Output formats: none; the file's path is printed, or with --diff what would change in it.
    """
    terminal = Terminal(options)
    if options.diff:
        return _update_baseline(options, terminal)
    with hold_write_lock(terminal, find_vault_root(options, options.folder)):
        return _update_baseline(options, terminal)


def _update_baseline(options: BaselineOptions, terminal: Terminal) -> int:
    scan = scan_from_options(options, options.folder)
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    before = read_baseline_file(scan.root)
    if options.prune and before is None:
        raise UsageError(
            f"{scan.root / BASELINE_FILE}: there is no baseline to prune. `vaultlink baseline` makes one."
        )
    vault = open_scanned_vault(scan, terminal)
    made, sentence = (
        _prune_baseline(vault, before)
        if options.prune and before is not None
        else _build_baseline(vault)
    )
    text = format_baseline(made)
    if b"\r\n" in (before or b""):  # as git checks it out on Windows
        text = text.replace("\n", "\r\n")
    if options.diff:
        old = None if before is None else before.decode("utf-8", "replace")
        terminal.print_results(unified_diff([(BASELINE_FILE, old, text)], terminal.palette))
        terminal.print_message(sentence)
        return EXIT_CLEAN if old == text else EXIT_FINDINGS
    if before != text.encode():
        _write_baseline(vault, before, text, sentence)
    terminal.print_results(f"{scan.root / BASELINE_FILE}\n")
    terminal.print_message(sentence)
    return EXIT_CLEAN


def _build_baseline(vault: Vault) -> tuple[Baseline, str]:
    """The baseline of all that is found."""
    found = {
        path: finding_keys(items, vault.text) for path, items in vault.state.diagnostics.items()
    }
    rules = Counter(item.rule for item in vault.diagnostics())
    total = format_count(rules.total(), "finding")
    where = (
        f" of {format_count(len(rules), 'rule')} in {format_count(len(found), 'file')}"
        if rules
        else ""
    )
    return record_baseline(vault.state.settings, found), f"The baseline holds {total}{where}."


def _prune_baseline(vault: Vault, before: bytes) -> tuple[Baseline, str]:
    """The baseline without what is gone, and with the others as they are now."""
    split = split_known(
        vault.state.diagnostics,
        [findings_in_baseline(vault, before)],
        vault.text,
        lambda _path: True,
    )
    [count] = split.known_counts
    fresh = (
        f" {format_count(len(split.new), 'new finding is', 'new findings are')} not in it."
        if split.new
        else ""
    )
    gone = (
        format_count(count.gone, "finding that is gone", "findings that are gone")
        if count.gone
        else "no findings"
    )
    sentence = f"Took out {gone}; {count.left:,} left.{fresh}"
    return record_baseline(vault.state.settings, _key_findings(vault, split)), sentence


def _key_findings(vault: Vault, split: KnownSplit) -> Mapping[str, Sequence[FindingKey]]:
    kept: dict[str, list[Diagnostic]] = {}
    for item in split.known:
        kept.setdefault(item.path, []).append(item)
    return {path: finding_keys(items, vault.text) for path, items in kept.items()}


def _write_baseline(vault: Vault, before: bytes | None, text: str, sentence: str) -> None:
    """Write the file, with a record that `vaultlink undo` goes by."""
    result = write_vault_files(
        vault.root, [PendingWrite(BASELINE_FILE, before, text.encode())], sentence
    )
    for skipped_note in result.skipped:
        raise VaultError(
            f"{vault.root / BASELINE_FILE}: it was not written: {skipped_note.reason}."
        )
