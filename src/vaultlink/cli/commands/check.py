"""`vaultlink check`: findings on stdout, what they come to on stderr and in the exit code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from vaultlink.baseline.match import split_known
from vaultlink.cli.known import KnownSources, find_known_sources
from vaultlink.cli.options import FixSelectionOptions, option
from vaultlink.cli.results import choose_exit_code, choose_finding_format, render_results
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
    """What `check` is told."""

    fix: Annotated[
        bool, option("--fix", help="Fix what can be fixed safely, as `vaultlink fix` does.")
    ] = False


class CachedCheck(msgspec.Struct, array_like=True):
    """What a check says: results, the sentence beside them, the exit code. It is kept for a run that asks the same."""

    results: bytes
    summary: str
    exit_code: int


def check(options: CheckOptions) -> int:
    """Check the vault's links and report what is wrong.

    The whole vault is always read, since links are a matter of the whole. Nothing is written without --fix. The exit
    code is 0 if all is well, 1 if there are findings, 2 if the command or a setting can't be followed. Findings that the
    vault's baseline knows (`vaultlink baseline`) are counted only.

    Output formats: {formats}. The default is full on a terminal and concise elsewhere.
    """
    if options.fix or options.diff:
        from vaultlink.cli.commands.fix import run_fix  # noqa: PLC0415 - only where something is fixed

        return run_fix(options)
    begun = time.perf_counter()
    terminal = Terminal(options)
    form = choose_finding_format(terminal)
    scan = scan_from_options(options, find_start_path(options))
    terminal.check_output_file(scan.root)
    warn_unreadable_folders(scan, terminal)
    chosen, gate = select_vault_paths(options, scan.root), find_known_sources(options, scan)
    cache = None if reads_stdin(options) else scan.open_cache()
    asked_for = repr(
        (
            form,
            terminal.palette,
            terminal.width,
            chosen,
            options.statistics,
            options.fail_on,
            options.exit_zero,
            gate.cache_key,
        )
    )
    question = scan.cache_key("check", asked_for) if cache else None
    answer = _decode_cached(cache.load_result(question)) if cache and question else None
    if answer is None:
        answer = _run_check(options, terminal, form, scan, (chosen, gate))
        if cache and question:
            save_result(cache, question, msgspec.msgpack.encode(answer))
    terminal.print_results(answer.results)
    terminal.print_message(answer.summary)
    terminal.print_detail(_describe_run(scan, time.perf_counter() - begun))
    return answer.exit_code


def _decode_cached(data: bytes | None) -> CachedCheck | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=CachedCheck)
    except (msgspec.MsgspecError, ValueError):
        return None


def _run_check(
    options: CheckOptions,
    terminal: Terminal,
    form: str,
    scan: VaultScan,
    asked: tuple[Sequence[str], KnownSources],
) -> CachedCheck:
    wanted, gate = make_path_filter(asked[0]), asked[1]
    vault = with_stdin_text(options, open_scanned_vault(scan, terminal))
    found = split_known(vault.state.diagnostics, gate.load_known(vault), vault.text, wanted)
    shown = render_results(options, terminal, form, vault, found)
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    sentences = [
        summarize_check(found.new, notes, found.known_counts),
        *map(describe_known, found.known_counts),
        describe_fixable(found.new),
    ]
    return CachedCheck(
        shown if isinstance(shown, bytes) else shown.encode("utf-8", "surrogateescape"),
        "\n".join(filter(None, sentences)),
        choose_exit_code(options, found.new),
    )


def _describe_run(scan: VaultScan, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in scan.layers) or "defaults"
    return f"{scan.root}: settings from {settings}; {len(scan.listing.files):,} files, {seconds:.2f} s."
