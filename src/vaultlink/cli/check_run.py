"""Check a vault and render the result of `vaultlink check`."""

from collections.abc import Callable, Iterable, Sequence

from vaultlink.api import Vault
from vaultlink.cli.cached_check import CachedCheck
from vaultlink.cli.known import KnownSources
from vaultlink.cli.options import ReportOptions
from vaultlink.cli.path_rows import count_fixes, load_rows
from vaultlink.cli.results import (
    build_result,
    choose_exit_code,
    choose_renderer,
    has_few_findings,
    render_with,
    split_findings,
)
from vaultlink.cli.shared_results import render_shared
from vaultlink.cli.shown_paths import find_path_prefix
from vaultlink.cli.stdin import with_stdin_text
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_path_filter, open_scanned_vault
from vaultlink.disk.scan import VaultScan
from vaultlink.index.resolve import is_note
from vaultlink.report import OVERVIEW
from vaultlink.report.concise import (
    describe_fixable,
    describe_known,
    describe_unseen,
    summarize_check,
    summarize_counts,
)
from vaultlink.report.layout import PLAIN


def run_check(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    scan: VaultScan,
    selection: tuple[Sequence[str], KnownSources],
) -> CachedCheck:
    """Check a scanned vault. `selection` are the chosen paths and the known findings."""
    wanted, known_sources = make_path_filter(selection[0]), selection[1]
    load_known = known_sources.start_loading(scan.root)
    vault = with_stdin_text(options, open_scanned_vault(scan, terminal))
    vault, known = load_known(vault)
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    if (
        output_format == "concise"
        and terminal.palette is PLAIN
        and not (options.statistics or known or has_few_findings(vault))
        and (prefix := find_path_prefix(vault.root)) is not None
    ):
        return _check_by_path(options, terminal, vault, wanted, (notes, prefix.encode()))
    checked = split_findings(options, output_format, vault, known, wanted)
    split = checked.split
    row = choose_renderer(options, terminal, output_format, checked)
    shared = (
        None if known else render_shared(options, terminal, output_format, row, checked, wanted)
    )
    results = (
        shared.results
        if shared
        else render_with(row, build_result(options, terminal, output_format, checked, {}))
    )
    has_numbers = row is OVERVIEW  # those of findings and fixes
    counts_fixes = not (has_numbers or terminal.quiet) and checked.may_have_fixes()
    sentences = [
        "" if has_numbers else summarize_check(split.new, notes, split.known_counts),
        *map(describe_known, split.known_counts),
        describe_fixable(shared.totals if shared else checked.resolvable().totals())
        if counts_fixes
        else "",
        describe_unseen(vault.state.settings.history.unseen),
    ]
    return CachedCheck(
        terminal.encode_results(results, output_format),
        "\n".join(filter(None, sentences)),
        choose_exit_code(options, {item.severity for item in split.new}),
    )


def _check_by_path(
    options: ReportOptions,
    terminal: Terminal,
    vault: Vault,
    wanted: Callable[[str], bool],
    shown: tuple[int, bytes],
) -> CachedCheck:
    """Return the result, put together from rows.

    `shown` are the number of notes, and what precedes paths.
    """
    notes, prefix = shown
    rows = load_rows(vault, wanted)
    counts = rows.count_severities()
    fixable = "" if terminal.quiet else describe_fixable(count_fixes(vault, rows, wanted))
    summary = summarize_counts(counts, len(rows.paths), notes)
    unseen = describe_unseen(vault.state.settings.history.unseen)
    return CachedCheck(
        b"".join(rows.texts) if not prefix else _add_prefix(rows.texts, prefix),
        "\n".join(filter(None, (summary, fixable, unseen))),
        choose_exit_code(options, counts),
    )


def _add_prefix(texts: Iterable[bytes | memoryview], prefix: bytes) -> bytes:
    """Join the lines of paths, each with a prefix."""
    lines = b"".join(texts).removesuffix(b"\n")
    return prefix + lines.replace(b"\n", b"\n" + prefix) + b"\n" if lines else b""
