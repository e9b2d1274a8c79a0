"""Results of a check with very many findings, rendered in several processes."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.cli.options import ReportOptions
from vaultlink.cli.results import FORMATS_WITH_FIXES, CheckedVault, build_result
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.processes import count_processes, no_garbage_collection, run_parts
from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.fix.resolved import ApplicableFixes
from vaultlink.fix.totals import MAX_TRIED, FixTotals
from vaultlink.index.suggest import list_unresolved
from vaultlink.model import Diagnostic, Safety
from vaultlink.report import OVERVIEW, STATISTICS, OutputFormat
from vaultlink.report.check_result import CheckResult

_MIN_SHARED_FINDINGS = 4_000
"""Findings below which another process costs more than it saves."""

_FindFixes = Callable[[Sequence[Diagnostic]], ApplicableFixes]


class SharedResults(NamedTuple):
    """Rendered findings, and the numbers of those that fixes resolve."""

    results: bytes
    totals: FixTotals


class _Part(msgspec.Struct, array_like=True):
    """The rendered findings of some notes, and the numbers of their fixes."""

    text: bytes
    allowed: int
    safe: int
    unsafe: int


def render_shared(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    row: OutputFormat,
    checked: CheckedVault,
    wanted: Callable[[str], bool],
) -> SharedResults | None:
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

    def render_all(find: _FindFixes | None) -> list[_Part]:
        encode = partial(terminal.encode_results, output_format=output_format)
        return _render_parts(result, render, encode, find, processes)

    has_fixes = output_format in FORMATS_WITH_FIXES or row in (OVERVIEW, STATISTICS)
    find = None
    if has_fixes or (not terminal.quiet and checked.may_have_fixes()):
        find = vault.fixer.applicable_finder(files, wanted)
    parts = render_all(find)
    allowed = sum(part.allowed for part in parts)
    safe, unsafe = sum(part.safe for part in parts), sum(part.unsafe for part in parts)
    totals = FixTotals((safe, 0), (unsafe, 0), has_all_safe=not allowed, has_all_unsafe=not allowed)
    if 0 < allowed <= MAX_TRIED:
        resolvable = checked.resolvable()
        totals = resolvable.totals()
        fixes = dict(zip(map(id, findings), resolvable.fixes, strict=True))
        if has_fixes:
            parts = render_all(lambda part: ApplicableFixes([fixes[id(d)] for d in part], 0))
    fixable = totals.safe[0], totals.unsafe[0]
    is_exact = totals.has_all_safe and totals.has_all_unsafe
    result = replace(result, has_all_fixes=lambda: is_exact)
    return SharedResults(join(result, [part.text for part in parts], fixable), totals)


def _render_parts(
    result: CheckResult,
    render: Callable[[CheckResult], str | bytes],
    encode: Callable[[str | bytes], bytes],
    find: _FindFixes | None,
    processes: int,
) -> list[_Part]:
    """Render the findings of a result in parts of several notes."""
    groups = {path: list(group) for path, group in groupby(result.findings, key=attrgetter("path"))}

    def render_part(paths: Sequence[str], _done: object) -> _Part:
        findings = [d for path in paths for d in groups[path]]
        fixes, allowed = find(findings) if find else ([], 0)
        text = render(
            replace(
                result,
                findings=findings,
                fixes=lambda: fixes,
                fingerprints=lambda: fingerprint_all(findings, result.text),
            )
        )
        safeties = [fix.safety for fix in fixes if fix]
        return _Part(
            encode(text),
            allowed,
            safeties.count(Safety.SAFE),
            safeties.count(Safety.UNSAFE),
        )

    with no_garbage_collection():
        return list(run_parts(render_part, list(groups), processes, _Part))
