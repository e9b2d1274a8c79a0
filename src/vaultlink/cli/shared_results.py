"""Results of a check with very many findings, rendered in several processes."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.cli.options import ReportOptions
from vaultlink.cli.results import FORMATS_WITH_FIXES, CheckedVault, build_result
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.processes import count_processes, no_garbage_collection, run_parts
from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.fix.forecast import FixForecast, count_fixes, join_forecasts
from vaultlink.index.suggest import list_unresolved
from vaultlink.model import Diagnostic
from vaultlink.report import OVERVIEW, STATISTICS, OutputFormat

_MIN_SHARED_FINDINGS = 4_000
"""Findings below which another process costs more than it saves."""


class RenderedFindings(NamedTuple):
    """Rendered findings, and the forecast of their fixes."""

    text: bytes
    forecast: FixForecast


def render_shared(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    row: OutputFormat,
    checked: CheckedVault,
    wanted: Callable[[str], bool],
) -> RenderedFindings | None:
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
    ) -> list[RenderedFindings]:
        def render_part(paths: Sequence[str], _done: object) -> RenderedFindings:
            items = [d for path in paths for d in groups[path]]
            found = forecast(items)
            part = replace(
                result,
                findings=items,
                forecast=lambda: found,
                fingerprints=lambda: fingerprint_all(items, result.text),
            )
            text = terminal.encode_results(render(part), output_format)
            return RenderedFindings(text, found._replace(fixes=()))

        with no_garbage_collection():
            return list(run_parts(render_part, list(groups), processes, RenderedFindings))

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
    return RenderedFindings(joined, total)
