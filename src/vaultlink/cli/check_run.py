"""Check a vault and render the result of `vaultlink check`."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.cached_check import CachedCheck
from vaultlink.cli.known import KnownSources
from vaultlink.cli.options import ReportOptions
from vaultlink.cli.path_rows import count_facts, count_severities, forecast_fixes, load_rows
from vaultlink.cli.results import (
    FORMATS_WITH_FIXES,
    CheckedVault,
    build_result,
    choose_exit_code,
    choose_renderer,
    has_few_findings,
    render_results,
    split_findings,
)
from vaultlink.cli.shown_paths import find_path_prefix
from vaultlink.cli.stdin import with_stdin_text
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_path_filter, make_suggester, open_scanned_vault
from vaultlink.disk.processes import count_processes, no_garbage_collection, run_parts
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.fix.forecast import FixForecast, count_fixes, join_forecasts
from vaultlink.index.resolve import is_note
from vaultlink.index.suggest import list_unresolved
from vaultlink.model import Diagnostic
from vaultlink.report import OVERVIEW, STATISTICS, OutputFormat
from vaultlink.report.concise import (
    describe_fixable,
    describe_known,
    describe_unseen,
    summarize_check,
    summarize_counts,
)
from vaultlink.report.layout import PLAIN

_MIN_SHARED_FINDINGS = 4_000
"""Findings below which another process costs more than it saves."""


class _RenderedFindings(NamedTuple):
    """Rendered findings, and the forecast of their fixes."""

    text: bytes
    forecast: FixForecast


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
        return _check_by_path(options, terminal, vault, wanted, notes, prefix.encode())
    checked = split_findings(options, output_format, vault, known, wanted)
    split = checked.split
    row = choose_renderer(options, terminal, output_format, checked)
    shared = (
        None if known else _render_shared(options, terminal, output_format, row, checked, wanted)
    )
    results = shared.text if shared else render_results(options, terminal, output_format, checked)
    has_numbers = row is OVERVIEW  # those of findings and fixes
    counts_fixes = not (has_numbers or terminal.quiet) and checked.may_have_fixes()
    sentences = [
        "" if has_numbers else summarize_check(split.new, notes, split.known_counts),
        *map(describe_known, split.known_counts),
        describe_fixable(shared.forecast if shared else checked.forecast()) if counts_fixes else "",
        describe_unseen(vault.state.settings.history.unseen),
    ]
    return CachedCheck(
        terminal.encode_results(results, output_format),
        "\n".join(filter(None, sentences)),
        choose_exit_code(options, {item.severity for item in split.new}),
    )


def _render_shared(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    row: OutputFormat,
    checked: CheckedVault,
    wanted: Callable[[str], bool],
) -> _RenderedFindings | None:
    """Render the findings of a checked vault, and count their fixes.

    None if there are too few findings to share the work, or if `row` has no parts. No finding may
    be known. `wanted` returns True for the paths of notes that may be fixed.
    """
    vault, findings = checked.vault, checked.split.new
    processes = count_processes(vault.scan.settings.jobs, len(findings))
    if len(findings) < _MIN_SHARED_FINDINGS or processes < 2 or row.parts is None:
        return None
    module = import_module(row.module)
    render, join = (getattr(module, name) for name in row.parts)
    files = vault.suggest_all(list_unresolved(findings, vault.index.names))
    suggester = make_suggester(vault, findings, files)
    result = replace(
        build_result(options, terminal, output_format, checked, {}), suggester=lambda: suggester
    )
    groups = {path: list(group) for path, group in groupby(findings, key=attrgetter("path"))}

    def render_all(
        forecast: Callable[[Sequence[Diagnostic]], FixForecast],
    ) -> list[_RenderedFindings]:
        def render_part(paths: Sequence[str], _done: object) -> _RenderedFindings:
            items = [d for path in paths for d in groups[path]]
            found = forecast(items)
            part = replace(
                result,
                findings=items,
                forecast=lambda: found,
                fingerprints=lambda: fingerprint_all(items, result.text),
            )
            text = terminal.encode_results(render(part), output_format)
            return _RenderedFindings(text, found._replace(fixes=()))

        with no_garbage_collection():
            return list(run_parts(render_part, list(groups), processes, _RenderedFindings))

    has_fixes = output_format in FORMATS_WITH_FIXES or row in (OVERVIEW, STATISTICS)
    if has_fixes or (not terminal.quiet and checked.may_have_fixes()):
        parts = render_all(partial(vault.fixer.forecaster(wanted), tries=False))
    else:
        parts = render_all(lambda _items: FixForecast())
    total = join_forecasts([(part.forecast, 1) for part in parts], checked.forecast)
    if has_fixes and total.fixes:
        fixes = dict(zip(map(id, findings), total.fixes, strict=True))
        parts = render_all(lambda items: count_fixes(fixes[id(d)] for d in items))
    joined = join(replace(result, forecast=lambda: total), [part.text for part in parts])
    return _RenderedFindings(joined, total)


def _check_by_path(
    options: ReportOptions,
    terminal: Terminal,
    vault: Vault,
    wanted: Callable[[str], bool],
    notes: int,
    prefix: bytes,
) -> CachedCheck:
    """Return the result, put together from rows. Each path is printed with `prefix`."""
    rows = load_rows(vault, wanted)
    counts = count_severities(count_facts(rows.values()))
    text = b"".join([row.text for row in rows.values()])
    if prefix and text:
        text = prefix + text.removesuffix(b"\n").replace(b"\n", b"\n" + prefix) + b"\n"
    sentences = [
        summarize_counts(counts, len(rows), notes),
        "" if terminal.quiet else describe_fixable(forecast_fixes(vault, rows, wanted)),
        describe_unseen(vault.state.settings.history.unseen),
    ]
    return CachedCheck(
        text,
        "\n".join(filter(None, sentences)),
        choose_exit_code(options, counts),
    )
