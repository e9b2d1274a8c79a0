"""`vaultlink check`: print findings to stdout and a summary to stderr."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from vaultlink.cli.known import KnownSources, find_known_sources
from vaultlink.cli.options import FixSelectionOptions, option
from vaultlink.cli.results import (
    choose_exit_code,
    choose_finding_format,
    render_results,
    split_findings,
)
from vaultlink.cli.stdin import find_start_path, reads_stdin, select_vault_paths, with_stdin_text
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import (
    make_path_filter,
    open_scanned_vault,
    scan_from_options,
    warn_unreadable_folders,
)
from vaultlink.disk.scan import VaultScan
from vaultlink.index.resolve import is_note
from vaultlink.report.concise import describe_fixable, summarize_check
from vaultlink.report.known_counts import describe_known
from vaultlink.write.cache import save_result


@dataclass(frozen=True, kw_only=True)
class CheckOptions(FixSelectionOptions):
    """Options of `check`."""

    fix: Annotated[bool, option("--fix", help="Apply safe fixes, as `vaultlink fix` does.")] = False


class CachedCheck(msgspec.Struct, array_like=True):
    """Output of a check, cached for a run with the same input."""

    results: bytes
    summary: str
    exit_code: int


def check(options: CheckOptions) -> int:
    """Check the vault's links and report findings.

    vaultlink always reads the whole vault, because a link can refer to any file. Nothing is written
    without --fix. The exit code is 0 if there are no findings, 1 if there are findings, 2 after a
    usage or configuration error. Findings in the vault's baseline (`vaultlink baseline`) are only
    counted.

    Output formats: {formats}. The default is full on a terminal and concise elsewhere.
    """
    if options.fix or options.diff:
        from vaultlink.cli.commands.fix import run_fix  # noqa: PLC0415 - needed for fixing only

        return run_fix(options)
    start = time.perf_counter()
    terminal = Terminal(options)
    output_format = choose_finding_format(terminal)
    scan = scan_from_options(options, find_start_path(options))
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    chosen, known_sources = (
        select_vault_paths(options, scan.root),
        find_known_sources(options, scan),
    )
    cache = None if reads_stdin(options) else scan.open_cache()
    variant = repr(
        (
            output_format,
            terminal.palette,
            terminal.width,
            chosen,
            options.statistics,
            options.fail_on,
            options.exit_zero,
            options.quiet,
            known_sources.cache_key,
        )
    )
    cache_key = scan.cache_key("check", variant) if cache else None
    result = _decode_cached(cache.load_result(cache_key)) if cache and cache_key else None
    if result is None:
        result = _run_check(options, terminal, output_format, scan, (chosen, known_sources))
        if cache and cache_key:
            save_result(cache, cache_key, msgspec.msgpack.encode(result))
    terminal.print_results(result.results)
    terminal.print_message(result.summary)
    terminal.print_detail(_describe_run(scan, time.perf_counter() - start))
    return result.exit_code


def _decode_cached(data: bytes | None) -> CachedCheck | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=CachedCheck)
    except (msgspec.MsgspecError, ValueError):
        return None


def _run_check(
    options: CheckOptions,
    terminal: Terminal,
    output_format: str,
    scan: VaultScan,
    selection: tuple[Sequence[str], KnownSources],
) -> CachedCheck:
    wanted, known_sources = make_path_filter(selection[0]), selection[1]
    vault = with_stdin_text(options, open_scanned_vault(scan, terminal))
    checked = split_findings(options, output_format, vault, known_sources.load_known(vault), wanted)
    results, split = render_results(options, terminal, output_format, checked), checked.split
    counts_fixes = not terminal.quiet and checked.may_have_fixes()
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    sentences = [
        summarize_check(split.new, notes, split.known_counts),
        *map(describe_known, split.known_counts),
        describe_fixable(checked.resolvable()) if counts_fixes else "",
    ]
    return CachedCheck(
        results if isinstance(results, bytes) else results.encode("utf-8", "surrogateescape"),
        "\n".join(filter(None, sentences)),
        choose_exit_code(options, split.new),
    )


def _describe_run(scan: VaultScan, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in scan.layers) or "defaults"
    files = f"{len(scan.listing.files):,} files"
    return f"{scan.root}: settings from {settings}; {files}, {seconds:.2f} s."
