"""The parts of a concise check result that are about one path, kept between runs.

A row is used again if the findings of its path are those of the same saved state.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache

import msgspec

from vaultlink.api import Vault, find_origin
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.cache import digest_parts
from vaultlink.disk.load import StateOrigin
from vaultlink.disk.processes import count_processes, run_parts
from vaultlink.fix.totals import MAX_TRIED, NO_FIXES, FixTotals, PathFixes
from vaultlink.index.packed_map import PackedMap
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.concise import format_hint, render_concise
from vaultlink.report.listings import make_target_formatter
from vaultlink.write.cache import save_result

_MIN_SHARED_ROWS = 1_000
"""Rows below which another process costs more than it saves."""


class PathRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The lines, the numbers of findings by severity, and the fixes of one path.

    `hinted` are the notes whose headings or blocks the lines suggest.
    """

    text: str
    severities: dict[Severity, int]
    fixes: PathFixes
    has_guesses: bool
    hinted: tuple[str, ...]


def load_rows(vault: Vault, wanted: Callable[[str], bool]) -> dict[str, PathRow]:
    """Return the rows of the wanted paths with findings, sorted by path."""
    paths = sorted(filter(wanted, vault.state.diagnostics))
    kept = _load_kept_rows(vault)
    rows = {path: row for path in paths if (row := kept.get(path))}
    missing = [path for path in paths if path not in rows]
    rows.update(zip(missing, _make_rows(vault, missing), strict=True))
    _save_rows(vault, rows, kept)
    return {path: rows[path] for path in paths}


def count_fixes(vault: Vault, rows: dict[str, PathRow], wanted: Callable[[str], bool]) -> FixTotals:
    """Return the numbers of findings that fixes resolve, without guesses."""
    guesses = any(row.has_guesses for row in rows.values())
    if sum(row.fixes.allowed for row in rows.values()) > MAX_TRIED:
        safe, unsafe = (
            sum(row.fixes.safe for row in rows.values()),
            sum(row.fixes.unsafe for row in rows.values()),
        )
        return FixTotals((safe, 0), (unsafe, 0), has_all_safe=False, has_all_unsafe=False)
    paths = [path for path, row in rows.items() if row.fixes.allowed]
    if not paths:
        return FixTotals((0, 0), (0, 0), has_all_safe=True, has_all_unsafe=not guesses)
    findings = [item for path in paths for item in vault.state.diagnostics[path]]
    totals = vault.fixer.find_resolvable(findings, wanted=wanted, guesses=False).totals()
    return totals._replace(has_all_unsafe=totals.has_all_unsafe and not guesses)


def count_severities(rows: Iterable[PathRow]) -> Counter[Severity]:
    """Return the numbers of findings by severity."""
    counts: Counter[Severity] = Counter()
    for row in rows:
        counts.update(row.severities)
    return counts


def _make_rows(vault: Vault, paths: Sequence[str]) -> list[PathRow]:
    if not paths:
        return []

    @cache
    def load_counter() -> Callable[[str], PathFixes]:
        return vault.fixer.path_counter(set(paths).__contains__)

    suggest, format_target = make_suggester(vault, ()), make_target_formatter(vault.index)
    rules = vault.state.settings.rules_by_name

    def hint(d: Diagnostic) -> str:
        return format_hint(d, suggest(d), format_target)

    def make_row(path: str) -> PathRow:
        findings = vault.state.diagnostics[path]
        may_have_fixes = any(
            d.fix or rules[d.rule].deferred_fix not in ("", "target") for d in findings
        )
        fixes = load_counter()(path) if may_have_fixes else NO_FIXES
        return PathRow(
            render_concise(findings, hint=hint),
            Counter([d.severity for d in findings]),
            fixes,
            any(rules[d.rule].deferred_fix == "target" for d in findings),
            tuple({d.resolved for d in findings if d.subpath is not None and d.resolved}),
        )

    processes = (
        1
        if len(paths) < _MIN_SHARED_ROWS
        else count_processes(vault.scan.settings.jobs, len(paths))
    )
    parts = run_parts(
        lambda part, _done: [make_row(path) for path in part], paths, processes, list[PathRow]
    )
    return [row for part in parts for row in part]


def _rows_key(vault: Vault) -> bytes | None:
    """Return what rows depend on apart from findings: the saved state they belong to."""
    origin = find_origin(vault)
    if origin is None:
        return None
    layers = [(layer.source, layer.values) for layer in vault.scan.layers]
    return digest_parts((origin.identity, repr(layers).encode()))


def _is_kept(vault: Vault, path: str) -> bool:
    """Return True if the findings of a path are those of the saved state."""
    found, origin = vault.state.diagnostics, find_origin(vault)
    return (origin is not None and origin.is_saved) or (
        isinstance(found, PackedMap) and found.is_packed(path)
    )


def _load_kept_rows(vault: Vault) -> dict[str, PathRow]:
    """Return the rows of the last run that are still valid."""
    cache, key, origin = vault.scan.open_cache(), _rows_key(vault), find_origin(vault)
    if cache is None or key is None or origin is None or origin.is_saved:
        return {}
    data, rows = cache.load_result(key, "rows"), dict[str, PathRow]()
    with suppress(msgspec.MsgspecError):
        rows = msgspec.msgpack.decode(data or b"", type=dict[str, PathRow])
    is_valid = _make_validator(vault, origin)
    return {path: row for path, row in rows.items() if is_valid(path, row)}


def _make_validator(vault: Vault, origin: StateOrigin) -> Callable[[str, PathRow], bool]:
    """Return a function that returns True for a row that is still valid."""
    notes, targets, names = vault.index.notes, vault.index.targets, vault.index.names
    if not isinstance(targets, PackedMap) or not isinstance(names, PackedMap):
        return lambda _path, _row: False
    changed = {*notes.keys_changed(), *targets.keys_changed()}
    linked = {
        target
        for path in changed
        for target in (*(targets.saved_value(path) or ()), *targets.get(path, ()))
    }
    is_named_anew = any(names.keys_changed())

    def is_valid(path: str, row: PathRow) -> bool:
        return (
            _is_kept(vault, path)
            and not (row.hinted and (is_named_anew or not changed.isdisjoint(row.hinted)))
            and not (row.fixes.touches_headings and (path in linked or path in changed))
            and not (
                path in origin.restamped
                and row.fixes.allowed
                and vault.fixer.is_locked(path) != row.fixes.is_locked
            )
        )

    return is_valid


def _save_rows(vault: Vault, rows: dict[str, PathRow], kept: dict[str, PathRow]) -> None:
    """Save the rows that depend on the saved state alone, if some are new."""
    cache, key, origin = vault.scan.open_cache(), _rows_key(vault), find_origin(vault)
    if cache is None or key is None or origin is None:
        return
    is_valid = (lambda _path, _row: True) if origin.is_saved else _make_validator(vault, origin)
    new = {
        path: row
        for path, row in rows.items()
        if path not in kept and not row.fixes.is_deferred and is_valid(path, row)
    }
    if new:
        save_result(cache, key, msgspec.msgpack.encode({**kept, **new}), "rows")
