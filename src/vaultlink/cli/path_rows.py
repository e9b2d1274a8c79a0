"""The parts of a concise check result that are about one path, kept between runs.

A row is used again if the findings of its path are those of the same saved state.
"""

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import accumulate, chain, pairwise

import msgspec

from vaultlink.api import Vault, find_origin
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.cache import digest_parts
from vaultlink.disk.processes import count_processes, run_parts
from vaultlink.fix.forecast import FixForecast, join_forecasts
from vaultlink.fix.select import allowed_fixes
from vaultlink.index.packed_map import PackedMap
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.concise import format_hint, render_concise
from vaultlink.report.listings import make_target_formatter
from vaultlink.write.cache import save_result
from vaultlink.write.protection import make_lock_test

_MIN_SHARED_ROWS = 1_000
"""Rows below which another process costs more than it saves."""


class RowFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The numbers of findings by severity, and of fixes, of one path.

    They depend on the findings of the path; if it has fixes, on the links to its headings, and on
    `is_locked`, True if the file can't be written; and if `is_deferred` is True, on other notes.
    `hinted` are the notes whose headings or blocks the lines suggest.
    """

    severities: tuple[tuple[Severity, int], ...]
    fixes: FixForecast
    is_locked: bool
    is_deferred: bool
    hinted: tuple[str, ...]


class PathRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The lines of one path, encoded, and the facts about them."""

    text: bytes
    facts: RowFacts


class _StoredRows(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Rows as they are stored: many paths share the same facts.

    `ends` are the ends of the paths' texts in `texts`, `numbers` the numbers of their facts.
    """

    paths: list[str] = []
    ends: bytes = b""
    numbers: bytes = b""
    facts: list[RowFacts] = []
    texts: bytes = b""


def load_rows(vault: Vault, wanted: Callable[[str], bool]) -> dict[str, PathRow]:
    """Return the rows of the wanted paths with findings, sorted by path."""
    key, is_valid = _rows_key(vault), _make_validator(vault)
    kept = {path: row for path, row in _load_kept_rows(vault, key) if is_valid(path, row.facts)}
    paths = sorted(filter(wanted, vault.state.diagnostics))
    made = _make_rows(vault, [path for path in paths if path not in kept])
    new = {
        path: row
        for path, row in made.items()
        if not row.facts.is_deferred and is_valid(path, row.facts)
    }
    if new and key is not None:
        _save_rows(vault, key, {**kept, **new})
    return {path: kept.get(path) or made[path] for path in paths}


def count_facts(rows: Iterable[PathRow]) -> list[tuple[RowFacts, int]]:
    """Return the facts of rows, each with the number of its rows."""
    facts = [row.facts for row in rows]
    by_id = {id(item): item for item in facts}
    return [(by_id[key], times) for key, times in Counter(map(id, facts)).items()]


def count_severities(facts: Iterable[tuple[RowFacts, int]]) -> Counter[Severity]:
    """Return the numbers of findings by severity."""
    counts: Counter[Severity] = Counter()
    for item, times in facts:
        for severity, findings in item.severities:
            counts[severity] += findings * times
    return counts


def forecast_fixes(
    vault: Vault, rows: Mapping[str, PathRow], wanted: Callable[[str], bool]
) -> FixForecast:
    """Return the numbers of findings that would be fixed, without guesses."""

    def try_all() -> FixForecast:
        paths = [path for path, row in rows.items() if row.facts.fixes.candidates]
        findings = [item for path in paths for item in vault.state.diagnostics[path]]
        return vault.fixer.forecaster(wanted, guesses=False)(findings)

    parts = count_facts(rows.values())
    return join_forecasts(((item.fixes, times) for item, times in parts), try_all)


def _make_rows(vault: Vault, paths: Sequence[str]) -> dict[str, PathRow]:
    if not paths:
        return {}
    suggest, format_target = make_suggester(vault, ()), make_target_formatter(vault.index)
    rules = vault.state.settings.rules_by_name
    is_allowed = allowed_fixes(vault.state.settings.rules, vault.config)
    load_forecaster = cache(lambda: vault.fixer.forecaster(guesses=False))

    def hint(d: Diagnostic) -> str:
        return format_hint(d, suggest(d), format_target) if d.subpath is not None else ""

    def is_safe(d: Diagnostic) -> bool:
        return d.fix is not None and is_allowed(d, d.fix)

    def make_row(path: str) -> PathRow:
        findings = vault.state.diagnostics[path]
        kinds = {rules[d.rule].deferred_fix for d in findings}
        is_deferred, is_locked = not kinds <= {"", "target"}, False
        fixes = FixForecast(has_guesses="target" in kinds)
        if is_deferred or any(d.fix for d in findings):
            forecaster = load_forecaster()
            fixes = forecaster(findings, tries=False)._replace(fixes=())
            is_locked = forecaster.sources.is_protected(path)
        facts = RowFacts(
            tuple(Counter([d.severity for d in findings]).items()),
            fixes,
            is_locked,
            is_deferred
            or any(edit.path != path for d in findings if d.fix for edit in d.fix.edits),
            tuple({d.resolved for d in findings if d.subpath is not None and d.resolved}),
        )
        text = render_concise(findings, hint=hint, is_safe=is_safe)
        return PathRow(text.encode("utf-8", "surrogateescape"), facts)

    def make_part(part: Sequence[str], _done: object) -> list[PathRow]:
        return [make_row(path) for path in part]

    jobs = 1 if len(paths) < _MIN_SHARED_ROWS else vault.scan.settings.jobs
    parts = run_parts(make_part, paths, count_processes(jobs, len(paths)), list[PathRow])
    rows, known = chain.from_iterable(parts), dict[RowFacts, RowFacts]()
    return {
        path: PathRow(row.text, known.setdefault(row.facts, row.facts))
        for path, row in zip(paths, rows, strict=True)
    }


def _rows_key(vault: Vault) -> bytes | None:
    """Return what rows depend on apart from findings: the saved state they belong to."""
    origin = find_origin(vault)
    if origin is None:
        return None
    layers = [(layer.source, layer.values) for layer in vault.scan.layers]
    return digest_parts((origin.identity, repr(layers).encode()))


def _load_kept_rows(vault: Vault, key: bytes | None) -> Iterator[tuple[str, PathRow]]:
    """Yield the rows of the last run, valid or not, with their paths."""
    cache, origin = vault.scan.open_cache(), find_origin(vault)
    stored = _StoredRows()
    if cache is not None and key is not None and origin is not None and not origin.is_saved:
        with suppress(msgspec.MsgspecError, ValueError):
            stored = msgspec.msgpack.decode(cache.load_result(key, "rows") or b"", type=_StoredRows)
    ends, numbers, texts = array("Q"), array("I"), stored.texts
    ends.frombytes(stored.ends)
    numbers.frombytes(stored.numbers)
    bounds = pairwise(chain((0,), ends))
    for path, (start, end), number in zip(stored.paths, bounds, numbers, strict=True):
        yield path, PathRow(texts[start:end], stored.facts[number])


def _make_validator(vault: Vault) -> Callable[[str, RowFacts], bool]:
    """Return a function that tells if a row depends on the saved state alone."""
    origin, found = find_origin(vault), vault.state.diagnostics
    notes, targets, names = vault.index.notes, vault.index.targets, vault.index.names
    if origin is not None and origin.is_saved:
        return lambda _path, _facts: True
    if (
        origin is None
        or not isinstance(found, PackedMap)
        or not isinstance(targets, PackedMap)
        or not isinstance(names, PackedMap)
    ):
        return lambda _path, _facts: False
    changed = {*notes.keys_changed(), *targets.keys_changed()}
    linked = {
        target
        for path in changed
        for target in (*(targets.saved_value(path) or ()), *targets.get(path, ()))
    }
    is_named_anew = any(names.keys_changed())
    different, restamped = set(found.keys_changed()), origin.restamped
    is_locked = make_lock_test(os.fspath(vault.root))

    def is_valid(path: str, facts: RowFacts) -> bool:
        has_fixes, hinted = facts.fixes.candidates > 0, facts.hinted
        return (
            path not in different
            and not (hinted and (is_named_anew or not changed.isdisjoint(hinted)))
            and not (has_fixes and (path in linked or path in changed))
            and not (has_fixes and path in restamped and is_locked(path) != facts.is_locked)
        )

    return is_valid


def _save_rows(vault: Vault, key: bytes, rows: Mapping[str, PathRow]) -> None:
    cache = vault.scan.open_cache()
    if cache is not None:
        facts = [item for item, _ in count_facts(rows.values())]
        numbers = {item: number for number, item in enumerate(dict.fromkeys(facts))}
        numbers_by_id = {id(item): numbers[item] for item in facts}
        stored = _StoredRows(
            list(rows),
            array("Q", accumulate(len(row.text) for row in rows.values())).tobytes(),
            array("I", [numbers_by_id[id(row.facts)] for row in rows.values()]).tobytes(),
            list(numbers),
            b"".join([row.text for row in rows.values()]),
        )
        save_result(cache, key, msgspec.msgpack.encode(stored), "rows")
